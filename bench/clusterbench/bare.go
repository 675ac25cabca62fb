package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/bench/counted"
	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

func init() {
	libraries["bare"] = library{open: func(bool) benchcluster.Cluster { return &bares{} }}
}

const (
	// barePeriod is the probe period of both libraries on a LAN.
	barePeriod = time.Second
	// bareSize is about what a sealed ping takes.
	bareSize = 57
)

// What a bare node says, in the first byte.
const (
	barePing = iota + 1
	bareAck
)

// bares is no library but the floor under all of them: sockets that exchange a
// ping and an ack a second, in plaintext, with neither protocol nor memory. What
// it costs is the price of waking up for two packets in Go on this machine, and
// nobody who probes once a second gets below it.
type bares struct {
	sent    counted.Counters
	sockets []*net.UDPConn
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Start implements [benchcluster.Cluster]. Node i pings node i+1, each at its own
// time of the second.
func (c *bares) Start(_ context.Context, nodes int) error {
	// NB: not the context of the join phase alone; Close ends it.
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	for i := range nodes {
		s, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(counted.Loopback+":0")))
		if err != nil {
			return fmt.Errorf("open socket of node %d: %w", i, err)
		}
		c.sockets = append(c.sockets, s)
	}
	for i, s := range c.sockets {
		next := c.sockets[(i+1)%nodes].LocalAddr().(*net.UDPAddr).AddrPort()
		c.running.Go(func() { c.answer(s) })
		c.running.Go(func() { c.ping(ctx, s, next, barePeriod*time.Duration(i)/time.Duration(nodes)) })
	}
	return nil
}

// ping sends one packet a period, the first after a delay.
func (c *bares) ping(ctx context.Context, s *net.UDPConn, to netip.AddrPort, delay time.Duration) {
	packet := make([]byte, bareSize)
	packet[0] = barePing
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(barePeriod)
			c.send(s, to, packet)
		}
	}
}

// answer acknowledges pings until the socket is closed.
func (c *bares) answer(s *net.UDPConn) {
	packet := make([]byte, bareSize)
	for {
		_, from, err := s.ReadFromUDPAddrPort(packet)
		if err != nil {
			return
		}
		if packet[0] == barePing {
			packet[0] = bareAck
			c.send(s, from, packet)
		}
	}
}

// send counts what the kernel took. What it refuses is lost: there is no
// protocol to mind.
func (c *bares) send(s *net.UDPConn, to netip.AddrPort, packet []byte) {
	if n, err := s.WriteToUDPAddrPort(packet, to); err == nil {
		c.sent.Packet(n)
	}
}

// Full implements [benchcluster.Cluster]: nobody has a view.
func (c *bares) Full() bool { return true }

// FalseDeaths implements [benchcluster.Cluster].
func (c *bares) FalseDeaths() uint64 { return 0 }

// Traffic implements [benchcluster.Cluster].
func (c *bares) Traffic() benchcluster.Traffic { return c.sent.Read() }

// Close implements [benchcluster.Cluster].
func (c *bares) Close() error {
	if c.stop != nil {
		c.stop()
	}
	errs := make([]error, len(c.sockets))
	for i, s := range c.sockets {
		errs[i] = s.Close()
	}
	c.running.Wait()
	return errors.Join(errs...)
}

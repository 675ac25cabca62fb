package main

import (
	"errors"
	"log"
	"net"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// loopback is where every node of a benchmark lives.
const loopback = "127.0.0.1"

// bindAttempts is how often a node tries to find a port that is free for UDP
// and TCP alike; the kernel picks it for TCP only. It is the number memberlist
// uses when it opens its own transport.
const bindAttempts = 10

// counters add up what all nodes of a cluster send.
type counters struct {
	packets, bytes, streamBytes atomic.Uint64
}

func (c *counters) read() benchcluster.Traffic {
	return benchcluster.Traffic{
		Packets:     c.packets.Load(),
		Bytes:       c.bytes.Load(),
		StreamBytes: c.streamBytes.Load(),
	}
}

// countedTransport is memberlist's own transport with a meter on what leaves
// it. It adds no goroutine and no allocation to a packet.
type countedTransport struct {
	*memberlist.NetTransport
	sent *counters
}

var _ memberlist.NodeAwareTransport = (*countedTransport)(nil)

// listen opens a transport on a loopback port of the kernel's choice.
func listen(logger *log.Logger, sent *counters) (*countedTransport, error) {
	var errs []error
	for range bindAttempts {
		t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{loopback},
			Logger:    logger,
		})
		if err == nil {
			return &countedTransport{NetTransport: t, sent: sent}, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// WriteTo implements [memberlist.Transport].
func (t *countedTransport) WriteTo(b []byte, addr string) (time.Time, error) {
	return t.WriteToAddress(b, memberlist.Address{Addr: addr})
}

// WriteToAddress implements [memberlist.NodeAwareTransport]. A packet that the
// kernel refuses is not counted.
func (t *countedTransport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	at, err := t.NetTransport.WriteToAddress(b, a)
	if err == nil {
		t.sent.packets.Add(1)
		t.sent.bytes.Add(uint64(len(b)))
	}
	return at, err
}

// DialTimeout implements [memberlist.Transport].
func (t *countedTransport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout implements [memberlist.NodeAwareTransport].
func (t *countedTransport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	conn, err := t.NetTransport.DialAddressTimeout(a, timeout)
	if err != nil {
		return nil, err
	}
	return &countedConn{Conn: conn, bytes: &t.sent.streamBytes}, nil
}

// countedConn counts both directions of a connection at the end that dialed:
// both ends are nodes of the cluster, so what one reads the other has written.
// A meter on accepted connections would need a goroutine more for each node.
type countedConn struct {
	net.Conn
	bytes *atomic.Uint64
}

// Read implements [net.Conn].
func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(uint64(n))
	return n, err
}

// Write implements [net.Conn].
func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(uint64(n))
	return n, err
}

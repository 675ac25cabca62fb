package main

import (
	"net"
	"net/netip"
	"testing"

	"github.com/hearsay-gossip/hearsay/bench/counted"
)

func bareSocket(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	s, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(counted.Loopback+":0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, s.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestBareNodesAnswerPings(t *testing.T) {
	c := &bares{}
	if err := c.Start(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	s, _ := bareSocket(t)
	ping := make([]byte, bareSize)
	ping[0] = barePing
	if _, err := s.WriteToUDPAddrPort(ping, c.sockets[1].LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
		t.Fatal(err)
	}
	ack := make([]byte, 2*bareSize)
	if n, err := s.Read(ack); err != nil || n != bareSize || ack[0] != bareAck {
		t.Errorf("answer of %d bytes, first %d, error %v; want an ack of %d", n, ack[0], err, bareSize)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestBareNodesPing(t *testing.T) {
	var c bares
	from, _ := bareSocket(t)
	s, addr := bareSocket(t)
	c.running.Go(func() { c.ping(t.Context(), from, addr, 0) })
	ping := make([]byte, 2*bareSize)
	if n, err := s.Read(ping); err != nil || n != bareSize || ping[0] != barePing {
		t.Errorf("%d bytes, first %d, error %v; want a ping of %d", n, ping[0], err, bareSize)
	}
}

func TestBareNodesCloseBeforeStart(t *testing.T) {
	if err := (&bares{}).Close(); err != nil {
		t.Error(err)
	}
}

package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/hashicorp/memberlist"
)

const (
	// packetQueue is what a node may have waiting while it is held: more than
	// the longest hold brings. What does not fit makes a measurement void.
	packetQueue = 8192
	streamQueue = 1024
)

// endpoint is the transport of one life of a node: [memberlist.NodeAwareTransport].
// Its channels are never closed, since packets may still be on their way.
type endpoint struct {
	owner   *memberlists
	node    int
	packets chan *memberlist.Packet
	streams chan net.Conn
}

func newEndpoint(owner *memberlists, node int) *endpoint {
	return &endpoint{
		owner: owner, node: node,
		packets: make(chan *memberlist.Packet, packetQueue),
		streams: make(chan net.Conn, streamQueue),
	}
}

// over reports whether this life has ended: what its goroutines and timers still
// do must not meet the network, nor the journal.
func (e *endpoint) over() bool { return e.owner.endpoint(e.node) != e }

// FinalAdvertiseAddr implements [memberlist.Transport].
func (e *endpoint) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	a := e.owner.places[e.node].udp
	return a.IP, a.Port, nil
}

// PacketCh implements [memberlist.Transport].
func (e *endpoint) PacketCh() <-chan *memberlist.Packet { return e.packets }

// StreamCh implements [memberlist.Transport].
func (e *endpoint) StreamCh() <-chan net.Conn { return e.streams }

// Shutdown implements [memberlist.Transport].
func (e *endpoint) Shutdown() error { return nil }

// WriteTo implements [memberlist.Transport].
func (e *endpoint) WriteTo(b []byte, addr string) (time.Time, error) {
	return e.WriteToAddress(b, memberlist.Address{Addr: addr})
}

// WriteToAddress implements [memberlist.NodeAwareTransport].
func (e *endpoint) WriteToAddress(b []byte, addr memberlist.Address) (time.Time, error) {
	c := e.owner
	to, ok := c.index[addr.Addr]
	if !ok {
		return time.Time{}, fmt.Errorf("write to %s: %w", addr.Addr, errNobody)
	}
	c.awaitRelease(e.node)
	now := time.Now()
	if e.over() {
		return now, nil
	}
	c.sent.packet(len(b))
	at, lost := c.net.packet(e.node, to, c.Now())
	if lost {
		return now, nil
	}
	buf := append([]byte(nil), b...)
	from := c.places[e.node].udp
	time.AfterFunc(at-c.Now(), func() {
		p := &memberlist.Packet{Buf: buf, From: from, Timestamp: time.Now()}
		if there := c.endpoint(to); there != nil {
			select {
			case there.packets <- p:
			default:
				c.overflowed.Add(1)
			}
		}
	})
	return now, nil
}

// DialTimeout implements [memberlist.Transport].
func (e *endpoint) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return e.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout implements [memberlist.NodeAwareTransport]. A host that
// does not answer costs the whole timeout; memberlist looks at the type of the
// error.
func (e *endpoint) DialAddressTimeout(addr memberlist.Address, timeout time.Duration) (net.Conn, error) {
	c := e.owner
	to, ok := c.index[addr.Addr]
	if !ok {
		return nil, fmt.Errorf("dial %s: %w", addr.Addr, errNobody)
	}
	c.awaitRelease(e.node)
	latency, ok := c.net.dial(e.node, to)
	if !ok || e.over() || 2*latency >= timeout {
		time.Sleep(timeout)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: c.places[to].tcp, Err: os.ErrDeadlineExceeded}
	}
	time.Sleep(2 * latency)
	near, far := newStreams(c, e.node, to, latency)
	// The kernel of a held host accepts; its process does when it is released.
	time.AfterFunc(c.net.heldUntil(to)-c.Now(), func() {
		if there := c.endpoint(to); there != nil {
			select {
			case there.streams <- far:
			default:
				c.overflowed.Add(1)
			}
		}
	})
	return near, nil
}

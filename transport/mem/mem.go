// Package mem is a network within one process, for tests.
//
// It has no socket and starts no goroutine, and it waits on channels only:
// inside a testing/synctest bubble its users are durably blocked when they
// wait, and time leaps to the next event. With [Options] it delays and loses
// datagrams as the test says.
//
// It is not the simulator: goroutines run in whatever order Go chooses. Two
// datagrams from one sender with equal latency keep their order; nothing else
// is promised.
package mem

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/internal/backoff"
)

// Defaults of [Options].
const (
	// DefaultQueue is what 1,000 peers need to answer at once, as with
	// udp.DefaultReceiveBuffer.
	DefaultQueue = 1024
	// DefaultBacklog is SOMAXCONN of Linux before 5.4 and of most others.
	DefaultBacklog = 128
)

// firstPort is where ports chosen by the network begin: the dynamic ports of
// RFC 6335.
const firstPort = 49152

// Options say how a network behaves. The zero value is one without delay,
// loss or refusal. The hooks are called from whichever goroutine sends or
// dials, without a lock held, and must be safe for concurrent use.
type Options struct {
	// Latency is how long a datagram travels; nil means no time. Dial takes a
	// round trip, the sum of both directions. The bytes on an open stream
	// take no time.
	Latency func(from, to netip.AddrPort) time.Duration
	// Lose reports whether a datagram disappears on its way; nil: none. The
	// packet is only lent. Like on a real network, nobody is told.
	Lose func(from, to netip.AddrPort, packet []byte) bool
	// Refuse reports whether a dial is refused; nil: none. Streams that are
	// open stay open.
	Refuse func(from, to netip.AddrPort) bool
	// Queue is how many datagrams may be under way to or waiting at one
	// transport; 0 means [DefaultQueue]. More are dropped and counted there.
	Queue int
	// Backlog is how many streams may wait for Accept at one transport; 0
	// means [DefaultBacklog]. More are refused.
	Backlog int
}

// Network joins the transports that listen on it. Its methods are safe from
// any goroutine.
type Network struct {
	options Options

	mu       sync.Mutex // never held while waiting or calling a hook
	places   map[netip.AddrPort]*Transport
	nextPort uint16
}

// NewNetwork returns a network without transports.
func NewNetwork(options Options) *Network {
	if options.Queue <= 0 {
		options.Queue = DefaultQueue
	}
	if options.Backlog <= 0 {
		options.Backlog = DefaultBacklog
	}
	return &Network{options: options, places: make(map[netip.AddrPort]*Transport), nextPort: firstPort}
}

// Listen opens a transport at addr. Port 0 takes a free one. The error is
// syscall.EADDRINUSE to [errors.Is] if addr is taken, and
// [transport.ErrAddress] if it has no IP.
func (n *Network) Listen(addr netip.AddrPort) (*Transport, error) {
	addr = transport.Unmap(addr)
	if !addr.IsValid() {
		return nil, fmt.Errorf("mem transport: listen: %w", transport.ErrAddress)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr.Port() == 0 {
		addr = n.freePort(addr.Addr())
	}
	if addr.Port() == 0 || n.places[addr] != nil {
		return nil, fmt.Errorf("mem transport: listen %s: %w", addr, os.NewSyscallError("bind", syscall.EADDRINUSE))
	}
	t := &Transport{network: n, addr: addr}
	t.datagrams.limit, t.streams.limit = n.options.Queue, n.options.Backlog
	t.closed, t.shut = context.WithCancel(context.Background())
	n.places[addr] = t
	return t, nil
}

// freePort returns ip with a dynamic port that nobody has, or with port 0.
func (n *Network) freePort(ip netip.Addr) netip.AddrPort {
	for range 1<<16 - firstPort {
		addr := netip.AddrPortFrom(ip, n.takePort())
		if n.places[addr] == nil {
			return addr
		}
	}
	return netip.AddrPortFrom(ip, 0)
}

func (n *Network) takePort() uint16 {
	port := n.nextPort
	if n.nextPort++; n.nextPort < firstPort {
		n.nextPort = firstPort
	}
	return port
}

func (n *Network) at(addr netip.AddrPort) *Transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.places[addr]
}

func (n *Network) latency(from, to netip.AddrPort) time.Duration {
	if n.options.Latency == nil {
		return 0
	}
	return max(0, n.options.Latency(from, to))
}

// Transport is one place on a [Network]; see [transport.Transport].
type Transport struct {
	network *Network
	addr    netip.AddrPort

	datagrams arrivals[datagram]
	streams   arrivals[net.Conn]
	counters  transport.Counters

	closed context.Context // ends at Close
	shut   context.CancelFunc
}

type datagram struct {
	from   netip.AddrPort
	packet []byte
}

// Addr returns where the transport listens; see [transport.Transport].
func (t *Transport) Addr() netip.AddrPort { return t.addr }

// Stats returns what was counted; see [transport.Counting].
func (t *Transport) Stats() transport.Stats { return t.counters.Stats() }

// Send sends one datagram; see [transport.Transport]. It never waits.
func (t *Transport) Send(to netip.AddrPort, packet []byte) error {
	err := transport.CheckSend(to, packet)
	if err == nil && t.closed.Err() != nil {
		err = net.ErrClosed
	}
	if err = t.counters.Send(len(packet), err); err != nil {
		return err
	}
	to = transport.Unmap(to)
	if lose := t.network.options.Lose; lose != nil && lose(t.addr, to, packet) {
		return nil
	}
	if peer := t.network.at(to); peer != nil {
		peer.arrive(datagram{t.addr, append([]byte(nil), packet...)}, t.network.latency(t.addr, to))
	}
	return nil
}

func (t *Transport) arrive(d datagram, after time.Duration) {
	if !t.datagrams.push(d, time.Now().Add(after)) {
		t.counters.Overflow.Add(1)
	}
}

// Receive waits for a datagram; see [transport.Transport].
func (t *Transport) Receive(buf []byte) (int, netip.AddrPort, error) {
	d, err := t.datagrams.pop(t.closed)
	if err != nil {
		return 0, netip.AddrPort{}, err
	}
	copied := copy(buf, d.packet)
	n, err := t.counters.Receive(copied, copied < len(d.packet))
	return n, d.from, err
}

// Dial opens a stream; see [transport.Transport]. Both ends are synchronous:
// a Write returns when the peer has read all of it. If nobody listens, the
// backlog is full or the network refuses, the error is syscall.ECONNREFUSED.
func (t *Transport) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if err := transport.CheckAddress(to); err != nil {
		return nil, err
	}
	to = transport.Unmap(to)
	there, back := t.network.latency(t.addr, to), t.network.latency(to, t.addr)
	if err := t.travel(ctx, there); err != nil {
		return nil, err
	}
	conn := t.knock(to)
	if err := t.travel(ctx, back); err != nil {
		if conn != nil {
			_ = conn.Close() // the dialer has left: there is no one to tell
		}
		return nil, err
	}
	if conn == nil {
		return nil, &net.OpError{
			Op: "dial", Net: "mem", Addr: net.TCPAddrFromAddrPort(to),
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
		}
	}
	return conn, nil
}

// travel lets d pass unless the dialer or the transport ends it.
func (t *Transport) travel(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(t.closed, func() { cancel(net.ErrClosed) })()
	if d > 0 {
		_ = backoff.Wait(ctx, d) // how it ended is asked below
	}
	if t.closed.Err() != nil {
		return net.ErrClosed
	}
	return ctx.Err()
}

// knock puts the far end of a new stream into the peer's backlog and returns
// the near end, or nil if it was refused.
func (t *Transport) knock(to netip.AddrPort) net.Conn {
	if refuse := t.network.options.Refuse; refuse != nil && refuse(t.addr, to) {
		return nil
	}
	peer := t.network.at(to)
	if peer == nil {
		return nil
	}
	near, far := pipe(t.network.dialerAddr(t.addr.Addr()), to)
	if !peer.streams.push(far, time.Now()) {
		peer.counters.Refused.Add(1)
		return nil
	}
	return near
}

// dialerAddr returns an address as a dialing socket has: not the one that its
// node listens on, lest tests come to rely on that.
func (n *Network) dialerAddr(ip netip.Addr) netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	return netip.AddrPortFrom(ip, n.takePort())
}

// Accept waits for a stream; see [transport.Transport].
func (t *Transport) Accept() (net.Conn, error) { return t.streams.pop(t.closed) }

// Close leaves the network; see [transport.Transport]. The address is free
// again, and streams that waited for Accept are closed.
func (t *Transport) Close() error {
	t.shut()
	t.network.mu.Lock()
	if t.network.places[t.addr] == t {
		delete(t.network.places, t.addr)
	}
	t.network.mu.Unlock()
	t.datagrams.drain()
	for _, conn := range t.streams.drain() {
		_ = conn.Close() // a pipe has no error to give
	}
	return nil
}

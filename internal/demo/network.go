package demo

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hearsay-gossip/hearsay/transport"
)

// network stands between the transports of one process, and keeps apart whom it
// is told to. A datagram across a cut disappears without a word, as in a real
// one; a stream is refused, or ends if it is open. All methods are safe for
// concurrent use.
type network struct {
	faults  atomic.Pointer[faults] // never nil, never altered
	dropped atomic.Uint64          // datagrams that met a fault

	mu      sync.Mutex // serialises changes of faults with the list of streams
	streams map[*stream]struct{}
}

// faults says who reaches whom. Addresses on the same side do, unless one of
// them is unplugged; who is not listed is on side 0.
type faults struct {
	side      map[netip.AddrPort]int
	unplugged map[netip.AddrPort]bool
}

func (f *faults) apart(a, b netip.AddrPort) bool {
	return f.unplugged[a] || f.unplugged[b] || f.side[a] != f.side[b]
}

func newNetwork() *network {
	n := &network{streams: make(map[*stream]struct{})}
	n.faults.Store(new(faults))
	return n
}

// cut puts each address on a side, in the place of any cut there was. When it
// returns, nothing crosses any more, whatever was under way included.
func (n *network) cut(side map[netip.AddrPort]int) {
	n.change(func(f *faults) { f.side = maps.Clone(side) })
}

// heal ends the cut. Who is unplugged stays so.
func (n *network) heal() {
	n.change(func(f *faults) { f.side = nil })
}

// unplug takes an address off the network.
func (n *network) unplug(addr netip.AddrPort) {
	n.change(func(f *faults) { f.unplugged[addr] = true })
}

// plug undoes unplug.
func (n *network) plug(addr netip.AddrPort) {
	n.change(func(f *faults) { delete(f.unplugged, addr) })
}

// change replaces the faults and breaks the streams that are no longer allowed.
func (n *network) change(edit func(*faults)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.faults.Load()
	next := &faults{side: old.side, unplugged: make(map[netip.AddrPort]bool)}
	maps.Copy(next.unplugged, old.unplugged)
	edit(next)
	n.faults.Store(next)
	for s := range n.streams {
		if next.apart(s.from, s.to) {
			delete(n.streams, s)
			_ = s.Conn.Close() // broken on purpose; its users get the error of their next call
		}
	}
}

// attach returns t as seen through the network.
func (n *network) attach(t transport.Transport) transport.Transport {
	return &port{Transport: t, network: n, addr: t.Addr()}
}

// port is a transport whose traffic goes through a network.
type port struct {
	transport.Transport
	network *network
	addr    netip.AddrPort
}

// apart reports whether a fault is between the port and a peer.
func (p *port) apart(peer netip.AddrPort) bool {
	return p.network.faults.Load().apart(p.addr, transport.Unmap(peer))
}

// Send drops what would cross a fault and, as with a real one, reports success.
func (p *port) Send(to netip.AddrPort, packet []byte) error {
	if !p.apart(to) {
		return p.Transport.Send(to, packet)
	}
	if err := transport.CheckSend(to, packet); err != nil {
		return err
	}
	p.network.dropped.Add(1)
	return nil
}

// Receive passes over what was sent before a fault and arrives after it.
func (p *port) Receive(buf []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := p.Transport.Receive(buf)
		if err != nil || !p.apart(from) {
			return n, from, err
		}
		p.network.dropped.Add(1)
	}
}

// Dial fails at once across a fault, as if a router had said so.
func (p *port) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if p.apart(to) {
		return nil, fmt.Errorf("dial %s: %w", to, syscall.EHOSTUNREACH)
	}
	conn, err := p.Transport.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return p.network.adopt(&stream{Conn: conn, network: p.network, from: p.addr, to: transport.Unmap(to)})
}

// Stats are those of the transport below: what a fault drops on sending was
// never handed to it.
func (p *port) Stats() transport.Stats {
	if counting, ok := p.Transport.(transport.Counting); ok {
		return counting.Stats()
	}
	return transport.Stats{}
}

// adopt keeps a stream for the next fault, unless one came while it was dialled.
func (n *network) adopt(s *stream) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.faults.Load().apart(s.from, s.to) {
		_ = s.Conn.Close() // nobody has it yet
		return nil, fmt.Errorf("dial %s: %w", s.to, syscall.EHOSTUNREACH)
	}
	n.streams[s] = struct{}{}
	return s, nil
}

// stream is the dialling end of a stream. Both ends are in this process, so to
// close one breaks both.
type stream struct {
	net.Conn
	network  *network
	from, to netip.AddrPort
}

func (s *stream) Close() error {
	s.network.mu.Lock()
	delete(s.network.streams, s)
	s.network.mu.Unlock()
	return s.Conn.Close()
}

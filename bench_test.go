package hearsay

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/seal"
)

// wires is a transport whose datagrams are delivered by the test.
type wires struct {
	addr  netip.AddrPort
	queue [][]byte // sent, not delivered
	spare [][]byte
}

func (w *wires) Addr() netip.AddrPort { return w.addr }

func (w *wires) Send(_ netip.AddrPort, packet []byte) error {
	var b []byte
	if n := len(w.spare); n > 0 {
		b, w.spare = w.spare[n-1], w.spare[:n-1]
	}
	w.queue = append(w.queue, append(b[:0], packet...))
	return nil
}

func (w *wires) Receive([]byte) (int, netip.AddrPort, error) { panic("delivered by hand") }
func (w *wires) Accept() (net.Conn, error)                   { panic("no streams here") }
func (w *wires) Close() error                                { return nil }

func (w *wires) Dial(context.Context, netip.AddrPort) (net.Conn, error) {
	return nil, net.ErrClosed
}

// pair is two nodes whose goroutines do not run: the test plays driver, reader
// and clock, and meets nothing but their code.
type pair struct {
	nodes   [2]*Node
	wires   [2]*wires
	packets int
}

func newPair(t testing.TB) *pair {
	p := new(pair)
	for i := range p.nodes {
		p.wires[i] = &wires{addr: addrOf(i + 1)}
		n, err := newNode(t.Context(), Config{
			Name: "n", Ring: seal.DevRing("test"), Identity: identity(i + 1), Epoch: 1, RandomSeed: 1,
			Transport: p.wires[i], Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			n.cancel()
			n.driver.timer.Stop()
		})
		p.nodes[i] = n
	}
	a, b := p.nodes[0], p.nodes[1]
	a.driver.step(&core.Seeds{Addrs: []netip.AddrPort{b.Self().Addr}})
	for range 60 { // the seeds are called within two heal periods
		p.second()
	}
	if len(a.Members()) != 2 || len(b.Members()) != 2 {
		t.Fatalf("%d and %d members", len(a.Members()), len(b.Members()))
	}
	return p
}

// second lets one second pass: each node probes the other.
func (p *pair) second() {
	for range 4 {
		for _, n := range p.nodes {
			n.base = n.base.Add(-time.Second / 4)
			n.driver.tick()
			n.driver.flush()
		}
		for p.deliver() {
		}
	}
}

// deliver carries what was sent and reports whether there was any.
func (p *pair) deliver() bool {
	some := false
	for i, w := range p.wires {
		to := p.nodes[1-i]
		for _, packet := range w.queue {
			p.packets++
			some = true
			to.open(w.addr, packet)
			to.driver.drain(to.now().Add(drainTime))
			to.driver.flush()
			w.spare = append(w.spare, packet)
		}
		w.queue = w.queue[:0]
	}
	return some
}

func TestAnIdleNodeAllocatesNextToNothing(t *testing.T) {
	p := newPair(t)
	for range 100 {
		p.second()
	}
	before := p.packets
	const runs = 200
	perSecond := testing.AllocsPerRun(runs, p.second)
	perPacket := perSecond * (runs + 1) / float64(p.packets-before)
	if perPacket > 1 {
		t.Errorf("%.2f allocations per packet, want at most 1", perPacket)
	}
}

// BenchmarkNodePingPong is a second of two idle nodes: two pings and two acks,
// each sealed, opened and handled, with all that the drivers do around them.
func BenchmarkNodePingPong(b *testing.B) {
	p := newPair(b)
	for range 100 {
		p.second()
	}
	before := p.packets
	b.ReportAllocs()
	for b.Loop() {
		p.second()
	}
	b.ReportMetric(float64(p.packets-before)/float64(b.N), "packets/op")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(p.packets-before), "ns/packet")
}

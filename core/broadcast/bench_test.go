package broadcast

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// mesh is machines joined by nothing at all: what one sends the other has.
type mesh struct {
	nodes   []*node
	byID    map[member.NodeID]*node
	now     member.Time
	payload []byte
	packets int
}

func newMesh(tb testing.TB, n int) *mesh {
	// A window that is full is the steady state.
	w := newWorld(tb, n, 1, func(c *Config) { c.Limits.WindowBytes = 1 << 20 })
	w.acquainted(time.Millisecond)
	return &mesh{nodes: w.nodes, byID: w.byID, now: 1}
}

// settle ticks all machines until none has anything to send. Each step of it
// takes 100 µs.
func (m *mesh) settle() {
	for busy := true; busy; {
		busy = false
		m.now = m.now.Add(100 * time.Microsecond)
		for _, n := range m.nodes {
			if n.Deadline() > m.now {
				continue
			}
			busy = true
			n.Tick(m.now)
			for i := range n.out.Sends {
				m.carry(n, &n.out.Sends[i])
			}
			n.out.Reset()
		}
	}
}

func (m *mesh) carry(from *node, s *effect.Send) {
	to := m.byID[s.To]
	m.packets++
	m.payload = append(m.payload[:0], from.out.Payload(s)...)
	peer := effect.Peer{ID: from.id, Addr: peerOf(from.n).Addr, Lane: s.Lane}
	for rest := m.payload; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err == nil {
			err = to.Receive(m.now, peer, t, body)
		}
		if err != nil {
			panic(err)
		}
		rest = after
	}
}

// burst publishes some messages at once and lets them arrive.
func (m *mesh) burst(tb testing.TB, count int, payload []byte) {
	for range count {
		if _, _, err := m.nodes[0].Publish(m.now, Message{Topic: "topic", Payload: payload}); err != nil {
			if errors.Is(err, ErrBackpressure) {
				tb.Fatal("receipts are not done: ", err)
			}
			tb.Fatal(err)
		}
	}
	m.settle()
	for _, n := range m.nodes {
		n.out.Reset()
	}
}

// BenchmarkBurst is 64 messages of 64 bytes to 15 others, all acknowledged: the
// machines of all 16 nodes are in the figure, which is for one delivery.
func BenchmarkBurst(b *testing.B) {
	for _, n := range []int{16, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := newMesh(b, n)
			payload := make([]byte, 64)
			for range 100 { // fill what is kept for reuse
				m.burst(b, 64, payload)
			}
			before := m.packets
			b.ReportAllocs()
			b.ResetTimer()
			deliveries := 0
			for b.Loop() {
				m.burst(b, 64, payload)
				deliveries += 64 * (n - 1)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(deliveries), "ns/delivery")
			b.ReportMetric(float64(m.packets-before)/float64(deliveries), "packets/delivery")
		})
	}
}

func TestARelayedEventAllocatesItsContentAlone(t *testing.T) {
	m := newMesh(t, 16)
	payload := make([]byte, 64)
	for range 100 {
		m.burst(t, 64, payload)
	}
	perBurst := testing.AllocsPerRun(100, func() { m.burst(t, 64, payload) })
	if perDelivery := perBurst / (64 * 15); perDelivery > 3 {
		t.Errorf("%.2f allocations for one delivery", perDelivery)
	} else {
		t.Logf("%.2f allocations for one delivery", perDelivery)
	}
}

func TestAnIdleMachineIsSmall(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	v := viewOf(100)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 1000 {
		New(1, Config{Members: v})
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 1000; each > 4096 {
		t.Errorf("%d bytes", each)
	} else {
		t.Logf("%d bytes", each)
	}
}

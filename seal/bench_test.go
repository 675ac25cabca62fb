package seal

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// benchSizes are a typical probe with rumors on it, and a full datagram.
var benchSizes = []int{200, 1200}

func BenchmarkSeal(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			from, to := testBox(b, 1, 1), testBox(b, 2, 1)
			acquaint(b, 0, from, to)
			id, payload, buf := to.identity.ID(), make([]byte, size), make([]byte, 0, MaxPacket)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := from.Seal(buf, 0, id, payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Each packet is opened once: they are sealed in batches beside the clock.
func BenchmarkOpen(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			from, to := testBox(b, 1, 1), testBox(b, 2, 1)
			acquaint(b, 0, from, to)
			id, payload, buf := to.identity.ID(), make([]byte, size), make([]byte, 0, MaxPacket)
			batch := make([][]byte, 1024)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if i%len(batch) == 0 {
					b.StopTimer()
					from.out.session.counter = min(from.out.session.counter, sessionPackets/2)
					clear(to.peers.sessions[from.out.session.id].window.bits[:])
					to.peers.sessions[from.out.session.id].window.top = 0
					for j := range batch {
						batch[j], _ = from.Seal(batch[j][:0], 0, id, payload)
					}
					b.StartTimer()
				}
				if _, _, err := to.Open(buf, 0, origin, batch[i%len(batch)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a flood of forged packets costs each: with a session ID overheard from
// a live peer, and with a new one each time.
func BenchmarkOpenForged(b *testing.B) {
	for _, size := range benchSizes {
		for _, known := range []bool{true, false} {
			b.Run(fmt.Sprintf("%d/live=%t", size, known), func(b *testing.B) {
				from, to := testBox(b, 1, 1), testBox(b, 2, 1)
				acquaint(b, 0, from, to)
				packet, err := from.Seal(nil, 0, to.identity.ID(), make([]byte, size))
				if err != nil {
					b.Fatal(err)
				}
				packet[len(packet)-1] ^= 1
				if !known {
					packet[5] ^= 1
				}
				buf, now := make([]byte, 0, MaxPacket), member.Time(0)
				b.ReportAllocs()
				for b.Loop() {
					now = now.Add(time.Second / sourceRate) // Within the budget.
					if _, _, err := to.Open(buf, now, origin, packet); !errors.Is(err, AuthFail) {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// A flood beyond the budget for new sessions.
func BenchmarkOpenLimited(b *testing.B) {
	from, to := testBox(b, 1, 1), testBox(b, 2, 1)
	packet := sealTo(b, from, 0, to, "words")
	packet[5] ^= 1
	for range sourceRate {
		_, _, _ = to.Open(nil, 0, origin, packet)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := to.Open(nil, 0, origin, packet); !errors.Is(err, SessionLimited) {
			b.Fatal(err)
		}
	}
}

// The first packet of a session: derivation, and verification of its claim.
func BenchmarkOpenFirst(b *testing.B) {
	from, to := testBox(b, 1, 1), testBox(b, 2, 1)
	id, now := to.identity.ID(), member.Time(0)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		from.Renew()
		now = now.Add(time.Second)
		packet, _ := from.Seal(nil, now, id, []byte("words"))
		b.StartTimer()
		if _, _, err := to.Open(nil, now, origin, packet); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenew(b *testing.B) {
	from := testBox(b, 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		from.Renew()
		_, _ = from.Seal(nil, 0, member.NodeID{}, nil)
	}
}

// liveHeap returns the bytes in use after a collection, and a second one for
// what only finalizers held.
func liveHeap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkPeerMemory reports the heap that a box takes, and that each of 1,000
// peers adds: with a live session, and once it has been silent.
func BenchmarkPeerMemory(b *testing.B) {
	const crowd = 1000
	for b.Loop() {
		packets := make([][]byte, crowd)
		id := testIdentity(0).ID()
		for i := range packets {
			who := IdentityFromSeed([32]byte{byte(i), byte(i >> 8), 1})
			box, err := NewBox(Config{Identity: who, Ring: DevRing("test"), Epoch: 1})
			if err != nil {
				b.Fatal(err)
			}
			packets[i], _ = box.Seal(nil, 0, id, []byte("words"))
		}
		empty := liveHeap()
		to := testBox(b, 0, 1)
		fresh := liveHeap()
		for i, packet := range packets {
			now := member.Time(i) * member.Time(time.Second/100)
			if _, _, err := to.Open(nil, now, origin, packet); err != nil {
				b.Fatal(err)
			}
		}
		full := liveHeap()
		to.peers.settle(member.Time(time.Hour))
		asleep := liveHeap()
		b.ReportMetric(fresh-empty, "B/box")
		b.ReportMetric((full-fresh)/crowd, "B/peer")
		b.ReportMetric((asleep-fresh)/crowd, "B/silent-peer")
		runtime.KeepAlive(to)
		runtime.KeepAlive(packets)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, insecure := range []bool{false, true} {
		set := func(c *Config) { c.Insecure = insecure }
		a, b := testBox(t, 1, 1, set), testBox(t, 2, 1, set)
		if !insecure {
			acquaint(t, 0, a, b)
		}
		id, payload := b.identity.ID(), make([]byte, 1000)
		packet, plain := make([]byte, 0, MaxPacket), make([]byte, 0, MaxPacket)
		from := netip.MustParseAddrPort("[2001:db8::1]:7946")
		var failed error
		got := testing.AllocsPerRun(1000, func() {
			sealed, err := a.Seal(packet, 0, id, payload)
			if err == nil {
				_, _, err = b.Open(plain, 0, from, sealed)
			}
			if err != nil {
				failed = err
			}
		})
		if got != 0 || failed != nil {
			t.Errorf("insecure=%t: %v allocations a packet, error %v", insecure, got, failed)
		}
	}
}

func TestRefusalsWithinBudgetAllocateNothing(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	forged := sealTo(t, a, 0, b, "words")
	forged[len(forged)-1] ^= 1
	unknown := sealTo(t, testBox(t, 1, 1, onRing(DevRing("other"))), 0, b, "words")
	for _, packet := range [][]byte{forged, unknown, {0xff}, nil} {
		plain := make([]byte, 0, MaxPacket)
		if got := testing.AllocsPerRun(100, func() { _, _, _ = b.Open(plain, 0, origin, packet) }); got != 0 {
			t.Errorf("refusing %.10x: %v allocations", packet, got)
		}
	}
}

package core

import (
	"testing"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/wire"
)

// idlePair is two machines that agree and have nothing to say but pings.
func idlePair(t testing.TB) *pair {
	p := newPair(t)
	for range 500 {
		p.tick()
	}
	if p.machines[0].Root() != p.machines[1].Root() || p.machines[0].Hot()+p.machines[1].Hot() != 0 {
		t.Fatal("the pair is not idle")
	}
	return p
}

func TestAnIdleExchangeAllocatesNothing(t *testing.T) {
	p := idlePair(t)
	start, steps := p.now, p.steps
	if n := testing.AllocsPerRun(1000, p.tick); n != 0 {
		t.Errorf("%v allocations a tick", n)
	}
	if p.now.Sub(start) < 100*LAN().ProbePeriod || p.steps-steps < 2000 {
		t.Errorf("%d steps in %v: not what a pair of probers does", p.steps-steps, p.now.Sub(start))
	}
}

// hot is a datagram of rumors that the receiver knows, as most are.
func hot(m *Machine) []byte {
	b := payload(&wire.Ping{Root: wire.Root(m.Root())})
	for i := range 6 {
		b = append(b, payload(newPerson(i+1).record(alive))...)
	}
	return b
}

func settled(t testing.TB) (*Machine, *Receive) {
	m := newMachine(t, 0)
	in := &Receive{From: newPerson(1).peer(Datagram), Payload: hot(m)}
	for now := Time(1); m.Len() < 7 || m.Hot() > 0; now++ {
		m.Step(m.Deadline(), Tick{})
		in.Payload = hot(m)
		m.Step(m.Deadline()-1, in)
	}
	return m, in
}

func TestKnownRumorsCostNoMemoryButNames(t *testing.T) {
	m, in := settled(t)
	now := m.Deadline() - 1
	// A record's name is a string; six records, six names.
	if n := testing.AllocsPerRun(1000, func() { m.Step(now, in) }); n > 6 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkProbe is a whole probe: the tick that pings, the ping at the other
// side, the ack. Both machines are in the figure.
func BenchmarkProbe(b *testing.B) {
	p := idlePair(b)
	b.ReportAllocs()
	for b.Loop() {
		p.tick()
	}
}

// BenchmarkGossipReceive is a ping with six records that are known.
func BenchmarkGossipReceive(b *testing.B) {
	m, in := settled(b)
	now := m.Deadline() - 1
	b.SetBytes(int64(len(in.Payload)))
	b.ReportAllocs()
	for b.Loop() {
		m.Step(now, in)
	}
}

// BenchmarkFactReceive is a write that is new here, its check by a stand-in for
// the signature, and its passing on.
func BenchmarkFactReceive(b *testing.B) {
	m, in := settled(b)
	now := m.Deadline() - 1
	owner := newPerson(1)
	version := wire.Version(0)
	var fact wire.Fact
	g := wire.Generation(1) << 24
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		version++
		fact = wire.Fact{Owner: owner.id, Generation: g, Entry: owner.entry(g, version, "key", "value")}
		in.Payload = wire.Append(in.Payload[:0], &fact)
		b.StartTimer()
		out := m.Step(now, in)
		if len(out.Events) != 1 || out.Events[0].Kind != effect.FactSet {
			b.Fatal("the write was not new")
		}
	}
}

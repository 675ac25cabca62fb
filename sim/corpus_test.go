package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/draw"
)

// corpus is how much of the corpus runs: a little under go test, all of it under
//
//	go test ./sim -run TestCorpus -args -corpus=full
var corpus = flag.String("corpus", "short", "short or full: how many random seeds the corpus runs")

// seeds returns the random seeds of a corpus test.
func seeds(t *testing.T, short, full int) []uint64 {
	t.Helper()
	n := short
	switch *corpus {
	case "short":
	case "full":
		n = full
	default:
		t.Fatalf("-corpus=%s: want short or full", *corpus)
	}
	var s []uint64
	for i := range n {
		s = append(s, uint64(i+1))
	}
	return s
}

// Everybody joins one seed at the same moment, or within a few seconds. All
// views are full within 5 s, and nobody is declared dead.
func TestCorpusJoins(t *testing.T) {
	for _, seed := range seeds(t, 5, 100) {
		for _, spread := range []time.Duration{0, 3 * time.Second} {
			c := newCluster(t, Options{Nodes: 100, Seed: seed})
			c.StartAll(spread)
			until(t, c, spread+5*time.Second, "full views", c.Full)
			if s := c.Stats(); s.Deaths != 0 {
				t.Errorf("seed %d: %d deaths while joining", seed, s.Deaths)
			}
		}
	}
}

// A half/half cut lasts ten minutes: far longer than every timeout. It heals
// within 30 s, and its healing kills nobody.
func TestCorpusHeals(t *testing.T) {
	for _, seed := range seeds(t, 1, 100) {
		c := formed(t, 100, seed)
		a, b := span(0, 50), span(50, 100)
		c.CutBoth(a, b)
		c.Run(10 * time.Minute)
		for i := range c.Len() {
			if live := c.Machine(i).Live(); live != 50 {
				t.Fatalf("seed %d: node %d holds %d alive after ten minutes apart", seed, i, live)
			}
		}
		apart := c.Stats().FalseDeaths
		c.Heal()
		until(t, c, 30*time.Second, "full views after the cut", c.Full)
		c.Run(time.Minute)
		if deaths := c.Stats().FalseDeaths - apart; deaths != 0 || !c.Full() {
			t.Errorf("seed %d: %d false deaths after the cut, full views %v", seed, deaths, c.Full())
		}
	}
}

// Small clusters heal as well, where one node may be a whole side.
func TestCorpusSmallHeals(t *testing.T) {
	for _, seed := range seeds(t, 10, 100) {
		n := 2 + int(seed)%6
		c := formed(t, n, seed)
		alone := 1 + int(seed)%(n-1)
		c.CutBoth(span(0, alone), span(alone, n))
		c.Run(10 * time.Minute)
		c.Heal()
		until(t, c, 30*time.Second, fmt.Sprintf("full views of %d after %d were cut off", n, alone), c.Full)
	}
}

// Random faults for some minutes, then a network that works: everybody is alive
// to everybody, all replicas agree, and the cluster falls silent but for its
// probes.
func TestCorpusFaults(t *testing.T) {
	for _, seed := range seeds(t, 25, 1000) {
		faults(t, seed)
	}
}

func faults(t *testing.T, seed uint64) {
	t.Helper()
	r := stream(seed, "faults")
	below := func(n int) int { return draw.Below(r, n) }
	n := 2 + below(30)
	c := newCluster(t, Options{Nodes: n, Seed: seed, Network: Network{
		Latency:   100*time.Microsecond + draw.Within(r, 20*time.Millisecond),
		Jitter:    draw.Within(r, 20*time.Millisecond),
		Loss:      float64(below(4)) * 0.08,
		Duplicate: float64(below(2)) * 0.1,
	}})
	c.StartAll(3 * time.Second)
	until(t, c, 2*time.Minute, "full views through a bad network", c.Full)
	some := func() []int {
		var s []int
		for i := range n {
			if below(2) == 0 {
				s = append(s, i)
			}
		}
		return s
	}
	for k := range 12 {
		switch i := below(n); below(7) {
		case 0:
			c.CutBoth(some(), some())
		case 1:
			c.Cut(some(), some())
		case 2:
			c.Heal()
		case 3:
			c.Kill(i)
			c.After(draw.Within(r, time.Minute), func() { c.Start(i, 0) })
		case 4:
			c.Pause(i)
			c.After(draw.Within(r, 40*time.Second), func() { c.Resume(i) })
		case 5:
			c.Step(i, &core.Put{Key: fmt.Sprint("k", below(3)), Value: fmt.Append(nil, k)})
		case 6:
			c.Step(i, &core.Delete{Key: fmt.Sprint("k", below(3))})
		}
		c.Run(draw.Within(r, time.Minute))
	}
	c.Heal()
	c.SetNetwork(DefaultNetwork())
	c.Run(time.Minute) // the last restart and resumption are due by then
	until(t, c, 90*time.Second, "full views and equal roots", func() bool { return c.Full() && c.Agreed() })
	c.Run(30 * time.Second)
	before := c.Stats()
	c.Run(time.Minute)
	after := c.Stats()
	if frames := after.Frames - before.Frames; frames != 0 {
		t.Errorf("seed %d: %d frames sent by a cluster at rest", seed, frames)
	}
	if packets, most := after.Packets-before.Packets, uint64(2*60*n+2*n); packets > most {
		t.Errorf("seed %d: %d packets in a minute of rest, want at most %d", seed, packets, most)
	}
	if !c.Full() || !c.Agreed() {
		t.Errorf("seed %d: did not stay converged", seed)
	}
}

package sim

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

func newCluster(t testing.TB, opts Options) *Cluster {
	c, err := NewCluster(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// formed returns a cluster of n nodes that have all met and come to rest.
func formed(t testing.TB, n int, seed uint64) *Cluster {
	t.Helper()
	c := newCluster(t, Options{Nodes: n, Seed: seed})
	c.StartAll(0)
	until(t, c, 5*time.Second, "full views", c.Full)
	c.Run(10 * time.Second)
	return c
}

func until(t testing.TB, c *Cluster, limit time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	d, ok := c.RunUntil(limit, 10*time.Millisecond, condition)
	if !ok {
		t.Fatalf("seed %d: not within %v virtual: %s", c.seed, limit, what)
	}
	return d
}

func span(from, to int) []int {
	var s []int
	for i := from; i < to; i++ {
		s = append(s, i)
	}
	return s
}

func TestIdleClusterSendsTwoPacketsANodeAndSecond(t *testing.T) {
	for _, n := range []int{8, 32, 100} {
		c := formed(t, n, 1)
		c.Run(20 * time.Second)
		before := c.Stats()
		c.Run(100 * time.Second)
		after := c.Stats()
		if frames := after.Frames - before.Frames; frames != 0 {
			t.Errorf("n = %d: %d frames sent while idle", n, frames)
		}
		perNode := float64(after.Packets-before.Packets) / float64(100*n)
		if perNode < 1.99 || perNode > 2.01 {
			t.Errorf("n = %d: %.3f packets per node and second, want 2", n, perNode)
		}
		bytes := float64(after.Bytes-before.Bytes) / float64(100*n)
		if bytes > 30 { // a ping is 14 bytes, an ack 15
			t.Errorf("n = %d: %.1f payload bytes per node and second", n, bytes)
		}
	}
}

func TestCrashIsNoticedAndRestartIsWelcome(t *testing.T) {
	c := formed(t, 32, 1)
	c.Kill(7)
	until(t, c, 15*time.Second, "dead everywhere", func() bool { return c.All(member.Dead, 7) })
	c.Start(7, 0)
	until(t, c, 2*time.Second, "alive everywhere again", c.Full)
	if f := c.Stats().FalseDeaths; f != 0 {
		t.Errorf("%d false deaths", f)
	}
}

func TestLeaveIsSeenByAllWithoutADeath(t *testing.T) {
	c := formed(t, 32, 1)
	in := &core.Leave{}
	c.Step(7, in)
	if in.Asked == 0 {
		t.Fatal("nobody was asked to confirm")
	}
	until(t, c, 2*time.Second, "left everywhere", func() bool {
		for i := range c.Len() {
			if i != 7 && c.StateOf(i, 7) != member.Left {
				return false
			}
		}
		return true
	})
	c.Kill(7)
	c.Run(time.Minute)
	if s := c.Stats(); s.Deaths != 0 || !c.All(member.Left, 7) {
		t.Errorf("%d deaths after a goodbye", s.Deaths)
	}
}

func TestFactReachesAllWithinAFewRounds(t *testing.T) {
	c := formed(t, 100, 1)
	put := &core.Put{Key: "colour", Value: []byte("red")}
	c.Step(3, put)
	if put.Err != nil {
		t.Fatal(put.Err)
	}
	until(t, c, time.Second, "red everywhere", func() bool {
		for i := range c.Len() {
			if v, ok := c.Machine(i).Fact(c.ID(3), "colour"); !ok || string(v) != "red" {
				return false
			}
		}
		return true
	})
}

// A frozen node finds all others where it left them, and is not missed for
// longer than it takes to say so.
func TestPausedNodeAccusesNobody(t *testing.T) {
	c := formed(t, 32, 1)
	c.Pause(5)
	c.Run(2 * time.Minute)
	if !c.All(member.Dead, 5) {
		t.Fatal("the frozen node is not dead to the others")
	}
	before := c.Stats().FalseDeaths
	c.Resume(5)
	until(t, c, 15*time.Second, "full views", c.Full)
	c.Run(time.Minute)
	if after := c.Stats().FalseDeaths; after != before {
		t.Errorf("%d false deaths after the pause", after-before)
	}
}

func TestOneWayCutsKillNobody(t *testing.T) {
	c := formed(t, 16, 1)
	c.Cut([]int{3}, []int{4})
	c.Cut([]int{5}, []int{6, 7})
	c.Run(5 * time.Minute)
	if s := c.Stats(); s.FalseDeaths != 0 {
		t.Errorf("%d false deaths: helpers reach who one of them cannot", s.FalseDeaths)
	}
}

func TestStreamLaneCarriesWhatIsLarge(t *testing.T) {
	c := formed(t, 8, 1)
	put := &core.Put{Key: "blob", Value: make([]byte, 60_000)}
	c.Step(0, put)
	if put.Err != nil {
		t.Fatal(put.Err)
	}
	until(t, c, 5*time.Second, "the blob everywhere", func() bool {
		for i := range c.Len() {
			if v, ok := c.Machine(i).Fact(c.ID(0), "blob"); !ok || len(v) != 60_000 {
				return false
			}
		}
		return true
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for _, opts := range []Options{{Nodes: -1}, {Nodes: 70_000}, {Timing: core.Timing{Fanout: 3}}} {
		if _, err := NewCluster(opts); err == nil {
			t.Errorf("NewCluster(%+v) succeeded", opts)
		}
	}
}

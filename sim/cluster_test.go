package sim

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

func newCluster(t testing.TB, opts Options) *Cluster {
	t.Helper()
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func until(t testing.TB, c *Cluster, limit time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	d, ok := c.RunUntil(limit, 10*time.Millisecond, condition)
	if !ok {
		t.Fatalf("seed %d: not within %v: %s", c.seed, limit, what)
	}
	return d
}

func TestTwoNodesMeet(t *testing.T) {
	c := newCluster(t, Options{Nodes: 2, Seed: 1})
	c.StartAll(0)
	d := until(t, c, time.Second, "two nodes know each other", c.Full)
	t.Logf("after %v", d)
}

func TestHundredNodesJoin(t *testing.T) {
	c := newCluster(t, Options{Nodes: 100, Seed: 1})
	c.StartAll(0)
	d := until(t, c, 5*time.Second, "full views", c.Full)
	t.Logf("full after %v, %+v", d, c.Stats())
	c.Run(20 * time.Second)
	before := c.Stats()
	c.Run(60 * time.Second)
	after := c.Stats()
	t.Logf("idle: %.2f packets, %.1f bytes, frames %d; per node and second", float64(after.Packets-before.Packets)/6000, float64(after.Bytes-before.Bytes)/6000, after.Frames-before.Frames)
}

func TestCrashIsNoticed(t *testing.T) {
	c := newCluster(t, Options{Nodes: 32, Seed: 1})
	c.StartAll(0)
	until(t, c, 5*time.Second, "full views", c.Full)
	c.Run(5 * time.Second)
	c.Kill(7)
	d := until(t, c, 30*time.Second, "dead everywhere", func() bool { return c.All(member.Dead, 7) })
	t.Logf("after %v, false %d", d, c.Stats().FalseDeaths)
	c.Start(7, 0)
	d = until(t, c, 30*time.Second, "alive everywhere", c.Full)
	t.Logf("restart after %v, false %d", d, c.Stats().FalseDeaths)
}

func TestHalfCutHeals(t *testing.T) {
	c := newCluster(t, Options{Nodes: 100, Seed: 1})
	c.StartAll(0)
	until(t, c, 5*time.Second, "full views", c.Full)
	var a, b []int
	for i := range 100 {
		if i < 50 {
			a = append(a, i)
		} else {
			b = append(b, i)
		}
	}
	c.CutBoth(a, b)
	c.Run(10 * time.Minute)
	for i := range 100 {
		if got := c.Machine(i).Live(); got != 50 {
			t.Fatalf("node %d sees %d live", i, got)
		}
	}
	c.Heal()
	d := until(t, c, 30*time.Second, "full views", c.Full)
	t.Logf("healed after %v, %+v", d, c.Stats())
}

func TestFactReachesAll(t *testing.T) {
	c := newCluster(t, Options{Nodes: 100, Seed: 1})
	c.StartAll(0)
	until(t, c, 5*time.Second, "full views", c.Full)
	c.Run(5 * time.Second)
	put := &core.Put{Key: "k", Value: []byte("v")}
	c.Step(3, put)
	if put.Err != nil {
		t.Fatal(put.Err)
	}
	d, _ := c.RunUntil(5*time.Second, time.Millisecond, func() bool {
		for i := range 100 {
			if v, ok := c.Machine(i).Fact(c.ID(3), "k"); !ok || string(v) != "v" {
				return false
			}
		}
		return true
	})
	t.Logf("fact after %v", d)
}

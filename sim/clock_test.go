package sim

import (
	"net/netip"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// The cluster wakes a node at the first time at which its clock shows what it
// waits for, whatever the drift: a nanosecond earlier would wake it for nothing,
// for ever.
func TestClockIsReadAtTheFirstTime(t *testing.T) {
	for _, drift := range []int64{0, 1, -1, 500, -500, 333_333, -499_999, million} {
		k := clock{since: 1_000, reads: 77, drift: drift}
		for _, reading := range []member.Time{78, 79, 1_000, 999_999_999, 1 << 50} {
			at := k.when(reading)
			if k.read(at) < reading || k.read(at-1) >= reading {
				t.Errorf("drift %d: reads %d at %d and %d just before, want %d", drift, k.read(at), at, k.read(at-1), reading)
			}
		}
		before := k.read(5_000)
		k.bend(5_000)
		k.drift = 0
		if got := k.read(5_010); got != before+10 {
			t.Errorf("drift %d: the clock reads %d after a bend, want %d", drift, got, before+10)
		}
	}
}

// A stream that breaks while its sender is frozen must not wake it: its clock
// stands still, and the search for the time of its next wake-up never ended.
func TestFrozenNodeHearsOfABrokenStreamWhenItResumes(t *testing.T) {
	failed := 0
	c := newCluster(t, Options{Nodes: 2, Seed: 1, Observe: func(_ int, _ time.Duration, e *core.Event) {
		if e.Kind == effect.JoinFailed {
			failed++
		}
	}})
	c.Drift(1, 500)
	c.Start(1, 0) // which is down
	c.Suspend(1)
	if c.Run(brokenAfter + time.Second); failed != 0 {
		t.Error("a suspended node heard that its join failed")
	}
	c.Resume(1)
	if c.Run(time.Millisecond); failed != 1 {
		t.Errorf("%d joins failed after it resumed, want 1", failed)
	}
}

// paused counts how often nodes noticed that they had not run.
func paused(n *int) func(int, time.Duration, *core.Event) {
	return func(_ int, _ time.Duration, e *core.Event) {
		if e.Kind == effect.Paused {
			*n++
		}
	}
}

func TestSuspendedNodeSeesNoTimePass(t *testing.T) {
	for _, tt := range []struct {
		name   string
		freeze func(*Cluster)
		want   int
	}{
		{"pause", func(c *Cluster) { c.Pause(2) }, 1},
		{"suspend", func(c *Cluster) { c.Suspend(2) }, 0},
	} {
		noticed := 0
		c := newCluster(t, Options{Nodes: 5, Seed: 1, Observe: paused(&noticed)})
		c.StartAll(0)
		c.Run(20 * time.Second)
		tt.freeze(c)
		c.Run(10 * time.Second)
		c.Resume(2)
		c.Run(time.Second)
		if noticed != tt.want {
			t.Errorf("%s: noticed %d times, want %d", tt.name, noticed, tt.want)
		}
		until(t, c, time.Minute, "full views", c.Full)
	}
}

func TestJumpOfAClockIsNoticedAndDriftIsNot(t *testing.T) {
	noticed := 0
	c := newCluster(t, Options{Nodes: 5, Seed: 1, Observe: paused(&noticed)})
	c.StartAll(0)
	c.Drift(1, 500)
	c.Drift(3, -500)
	c.Run(10 * time.Minute)
	if noticed != 0 || !c.Full() || c.Stats().Suspicions != 0 {
		t.Errorf("drift: %d pauses, %d suspicions", noticed, c.Stats().Suspicions)
	}
	c.Jump(2, time.Hour)
	c.Run(time.Minute)
	if noticed != 1 || !c.Full() || c.Stats().Deaths != 0 {
		t.Errorf("jump: %d pauses, want 1; %d deaths", noticed, c.Stats().Deaths)
	}
}

// A node that moved is found again, and what was sealed for it does not reach
// whoever took its address.
func TestMoveAndRollback(t *testing.T) {
	c := formed(t, 6, 1)
	old := c.Addr(4)
	c.Kill(4)
	c.Kill(5)
	c.Move(5, old)
	c.Move(4, netip.MustParseAddrPort("10.9.9.9:7946"))
	c.Start(4, 0)
	c.Start(5, 0)
	until(t, c, time.Minute, "full views", c.Full)
	if i, ok := c.At(old); !ok || i != 5 {
		t.Errorf("node %d is at the address, want 5", i)
	}
	c.Kill(4)
	c.Start(4, 0)
	c.Kill(4)
	c.Rollback(4, 2)
	c.Start(4, 0)
	if e := c.Epoch(4); e != 2 {
		t.Errorf("epoch %d after a rollback by two from three, want 2", e)
	}
	until(t, c, time.Minute, "full views", c.Full)
	if e := c.Machine(4).Member(0).Claim.Epoch; e <= 3 {
		t.Errorf("epoch %d after it met its past, want more than 3", e)
	}
}

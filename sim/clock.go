package sim

import (
	"math/bits"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// clock is the monotonic clock that a node reads: a line through one point. The
// zero value is that of the cluster.
type clock struct {
	since  member.Time // when the line began
	reads  member.Time // what the clock read then
	drift  int64       // millionths by which it runs fast
	halted bool        // it stands still, with its node
}

// read returns what the clock shows at a time of the cluster.
func (k *clock) read(now member.Time) member.Time {
	passed := max(now-k.since, 0)
	if k.halted {
		passed = 0
	}
	return k.reads + passed + member.Time(scaled(int64(passed), k.drift, million))
}

// when returns the first time of the cluster at which the clock shows a reading;
// one that is past gives some time in the past.
func (k *clock) when(reading member.Time) member.Time {
	left := reading - k.reads
	if left <= 0 {
		return k.since
	}
	if k.drift == 0 {
		return k.since + left
	}
	const rounding = 2 // by two divisions, either way
	at := k.since + left - member.Time(scaled(int64(left), k.drift, million+k.drift)) - rounding
	for k.read(at) < reading {
		at++
	}
	return at
}

const million = 1_000_000

// scaled returns v·by/of for v >= 0 and of > 0, through 128 bits.
func scaled(v, by, of int64) int64 {
	negative := by < 0
	if negative {
		by = -by
	}
	hi, lo := bits.Mul64(uint64(v), uint64(by))
	q, _ := bits.Div64(hi, lo, uint64(of))
	if negative {
		return -int64(q)
	}
	return int64(q)
}

// bend begins a new line at now.
func (k *clock) bend(now member.Time) {
	k.reads, k.since = k.read(now), now
}

// run lets a halted clock go on from where it stood.
func (k *clock) run(now member.Time) {
	if k.halted {
		k.since, k.halted = now, false
	}
}

// Drift makes the clock of a node run fast by so many millionths, or slow.
func (c *Cluster) Drift(i int, millionths int) {
	n := c.nodes[i]
	n.clock.bend(c.now)
	n.clock.drift = int64(min(max(millionths, -million/2), million))
	c.rearm(n)
}

// Jump moves the clock of a node ahead. The monotonic clocks that Go reads never
// go back.
func (c *Cluster) Jump(i int, d time.Duration) {
	n := c.nodes[i]
	n.clock.bend(c.now)
	n.clock.reads = n.clock.reads.Add(max(d, 0))
	c.rearm(n)
}

// Suspend freezes a node and its clock, as Linux does to CLOCK_MONOTONIC while a
// machine sleeps. Resume ends it: the node does not see that time has passed.
func (c *Cluster) Suspend(i int) {
	n := c.nodes[i]
	n.clock.bend(c.now)
	n.clock.halted = true
	n.paused = true
}

// rearm schedules the wake-up of a running node anew, by its changed clock.
func (c *Cluster) rearm(n *node) {
	if n.machine != nil {
		c.arm(n)
	}
}

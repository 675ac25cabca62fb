package swim

import (
	"errors"
	"fmt"
	"time"
)

// Timing holds every duration and count of the failure detector. Shorter and
// more means earlier verdicts, more packets, and more wrong verdicts on a
// network or a machine that is slow for a moment.
type Timing struct {
	// ProbePeriod is how often a member is probed; each member is also probed
	// about once a period. Load is two packets a period and member.
	ProbePeriod time.Duration
	// ProbeTimeout is how long a direct probe waits before it is repeated, and
	// again before helpers are asked. At most a quarter of ProbePeriod, so that
	// helpers have half of it left.
	ProbeTimeout time.Duration
	// Helpers is how many members are asked for an indirect probe (SWIM's k).
	Helpers int
	// SuspicionMultiplier is the shortest suspicion in probe periods, times
	// max(1, log10 n) (Lifeguard's α).
	SuspicionMultiplier int
	// SuspicionStretch is the longest suspicion, without any confirmation, as a
	// multiple of the shortest (Lifeguard's β).
	SuspicionStretch int
	// Confirmations is how many independent accusers shorten a suspicion to its
	// minimum (Lifeguard's K).
	Confirmations int
	// HealthMax bounds the local health score; periods and timeouts stretch by
	// up to HealthMax+1 (Lifeguard's S).
	HealthMax int
	// HealPeriod is how often the cluster's live members try, a few of them at a
	// time, to reach somebody they hold dead, or a seed.
	HealPeriod time.Duration
	// DeadRetention and LeftRetention are how long the gone stay listed. The
	// dead are retried for as long.
	DeadRetention, LeftRetention time.Duration
}

// LAN suits members a few milliseconds apart.
func LAN() Timing {
	return Timing{
		ProbePeriod:         time.Second,
		ProbeTimeout:        200 * time.Millisecond,
		Helpers:             3,
		SuspicionMultiplier: 4,
		SuspicionStretch:    6,
		Confirmations:       3,
		HealthMax:           7,
		HealPeriod:          10 * time.Second,
		DeadRetention:       72 * time.Hour,
		LeftRetention:       24 * time.Hour,
	}
}

// WAN suits members up to some 300 ms apart.
func WAN() Timing {
	t := LAN()
	t.ProbePeriod = 3 * time.Second
	t.ProbeTimeout = 700 * time.Millisecond
	t.SuspicionMultiplier = 5
	t.HealPeriod = 20 * time.Second
	return t
}

// Local suits members on one machine or in one rack.
func Local() Timing {
	t := LAN()
	t.ProbePeriod = 500 * time.Millisecond
	t.ProbeTimeout = 100 * time.Millisecond
	t.SuspicionMultiplier = 3
	t.HealPeriod = 5 * time.Second
	return t
}

// countMax bounds the counts: more helpers or witnesses than this is a mistake.
const countMax = 16

// Validate returns all that is wrong with the timing, joined.
func (t Timing) Validate() error {
	var errs []error
	positive := func(name string, v int64) {
		if v <= 0 {
			errs = append(errs, fmt.Errorf("timing: %s must be positive", name))
		}
	}
	positive("probe period", int64(t.ProbePeriod))
	positive("probe timeout", int64(t.ProbeTimeout))
	positive("suspicion multiplier", int64(t.SuspicionMultiplier))
	positive("suspicion stretch", int64(t.SuspicionStretch))
	positive("heal period", int64(t.HealPeriod))
	positive("dead retention", int64(t.DeadRetention))
	positive("left retention", int64(t.LeftRetention))
	if t.ProbeTimeout*4 > t.ProbePeriod {
		errs = append(errs, fmt.Errorf("timing: probe timeout %s exceeds a quarter of the probe period %s",
			t.ProbeTimeout, t.ProbePeriod))
	}
	for _, count := range []struct {
		name  string
		value int
	}{{"helpers", t.Helpers}, {"confirmations", t.Confirmations}, {"health max", t.HealthMax}} {
		if count.value < 0 || count.value > countMax {
			errs = append(errs, fmt.Errorf("timing: %s must be within 0 and %d", count.name, countMax))
		}
	}
	return errors.Join(errs...)
}

// suspicionBounds returns the shortest and longest suspicion in a cluster of n
// (Lifeguard section IV-B).
func (t Timing) suspicionBounds(n int) (shortest, longest time.Duration) {
	shortest = t.ProbePeriod * time.Duration(t.SuspicionMultiplier) * time.Duration(max(1000, milliLog10(n))) / 1000
	return shortest, shortest * time.Duration(t.SuspicionStretch)
}

// suspicionTimeout returns how long a suspicion lasts in a cluster of n after c
// confirmations of the k that would shorten it fully:
//
//	max(shortest, longest − (longest−shortest)·log(c+1)/log(k+1))
//
// in integers (Lifeguard section IV-B).
func (t Timing) suspicionTimeout(n, c, k int) time.Duration {
	shortest, longest := t.suspicionBounds(n)
	if c >= k {
		return shortest
	}
	return longest - (longest-shortest)*time.Duration(milliLog10(c+1))/time.Duration(milliLog10(k+1))
}

// milliLog10 returns about 1000·log10 n for n ≥ 1: exact at powers of ten and
// whole multiples of them, linear in between. No float may decide a timeout.
func milliLog10(n int) int {
	table := [...]int{1: 0, 2: 301, 3: 477, 4: 602, 5: 699, 6: 778, 7: 845, 8: 903, 9: 954, 10: 1000}
	digits, power := 0, 1
	for n/power >= 10 {
		power *= 10
		digits++
	}
	lead := n / power
	return 1000*digits + table[lead] + (table[lead+1]-table[lead])*(n-lead*power)/power
}

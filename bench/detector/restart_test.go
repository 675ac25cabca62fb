package main

import (
	"testing"
	"time"
)

// A verdict while its subject is down is right; before and after it is not.
func TestStaleVerdictsAreThoseAboutTheLiving(t *testing.T) {
	w := newWorld(&still{}, newNetwork(1, 4), newJournal(4), nil)
	for _, at := range []time.Duration{9, 10, 19, 20, 30} {
		w.journal.left(at*time.Second, 0, 1)
	}
	w.addStale([]time.Duration{0, 10 * time.Second, 0, 0}, []time.Duration{0, 20 * time.Second, 0, 0})
	if got := *w.figures[0].Value; got != 3 {
		t.Errorf("%v stale verdicts, want 3", got)
	}
}

// What is not well after a minute counts, also if it becomes so later, and the
// time is that since the last node was back.
func TestARecoveryMayTakeLongerThanAMinute(t *testing.T) {
	const second = time.Second
	never := time.Duration(-1)
	for _, c := range []struct{ full, after time.Duration }{
		{5 * second, 5 * second}, {100 * second, 100 * second}, {time.Hour, never},
	} {
		w := newWorld(&still{full: func(now time.Duration) bool { return now >= c.full }}, newNetwork(1, 4), newJournal(4), nil)
		w.addRecovery()
		missing, full := *w.figures[0].Value, w.figures[1].Value
		if want := float64(4 * 3); c.full > time.Minute != (missing == want) {
			t.Errorf("full after %v: %v missing", c.full, missing)
		}
		if (full == nil) != (c.after == never) || full != nil && *full != c.after.Seconds() {
			t.Errorf("full after %v is told as %v", c.full, full)
		}
	}
}

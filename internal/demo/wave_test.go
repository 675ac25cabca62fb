package demo

import (
	"strings"
	"testing"
	"time"
)

func TestAWaveIsShownInSlowMotion(t *testing.T) {
	w := &wave{writer: "ada", value: "hello", began: t0}
	arrivals := map[int]arrival{0: {at: t0, hops: 0}, 1: {at: t0.Add(5 * time.Millisecond), hops: 1}}
	w.observe(t0.Add(6*time.Millisecond), arrivals, 3)
	if _, lit := w.lit(t0.Add(time.Minute), 0); lit {
		t.Error("shown before all have it")
	}
	arrivals[2] = arrival{at: t0.Add(10 * time.Millisecond), hops: 2}
	shown := t0.Add(20 * time.Millisecond)
	w.observe(shown, arrivals, 3)
	for _, step := range []struct {
		after time.Duration
		lit   int
	}{{0, 1}, {waveLength/2 - 1, 1}, {waveLength / 2, 2}, {waveLength - 1, 2}, {waveLength, 3}} {
		count := 0
		for node := range 4 {
			hops, lit := w.lit(shown.Add(step.after), node)
			if lit {
				count++
			}
			if lit && hops != node {
				t.Errorf("node %d was reached over %d hops, want %d", node, hops, node)
			}
		}
		if count != step.lit {
			t.Errorf("after %v %d nodes are lit, want %d", step.after, count, step.lit)
		}
	}
	if got := w.slowdown(); got != 200 {
		t.Errorf("10 ms shown in 2 s is %d times slower, want 200", got)
	}
	if got := w.describe(3); !strings.Contains(got, `ada's "hello" is at 3 of 3 after 10 ms`) {
		t.Errorf("described as %q", got)
	}
	if w.over(shown.Add(waveLength)) || !w.over(shown.Add(waveLength+waveStay+1)) {
		t.Error("it does not stay for its time")
	}
}

func TestAWaveDoesNotWaitForEverWhereACutIs(t *testing.T) {
	w := &wave{began: t0}
	arrivals := map[int]arrival{0: {at: t0}}
	w.observe(t0.Add(waveWait), arrivals, 2)
	late := t0.Add(waveWait + waveLength)
	arrivals[1] = arrival{at: late, hops: compared}
	w.observe(late, arrivals, 2)
	if hops, lit := w.lit(late, 1); !lit || hops != compared {
		t.Errorf("the straggler is lit %v, over %d hops", lit, hops)
	}
}

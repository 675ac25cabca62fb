package epidemic

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// Golden vectors: the hash, PCG and Lemire's function must not change, or every
// random seed means something else.
func TestStreamGoldenVectors(t *testing.T) {
	want := map[string]string{
		"0/0":                         "0840519576e38c76 [0 0 1 5 322 67446 1521060185 6157297650574985401]",
		"1/0":                         "681c5ffde7489c27 [0 1 3 4 766 4320161 2114966776 8290455077982750009]",
		"1/1":                         "3fea5fa5dcd279bf [0 0 1 2 760 5105043 1316656244 1787564719115880703]",
		"18446744073709551615/999999": "15af68de30bcf2c6 [0 0 1 3 24 7411694 3150130481 7723249262801681685]",
	}
	for _, c := range []struct {
		seed  uint64
		trial int
	}{{0, 0}, {1, 0}, {1, 1}, {math.MaxUint64, 999_999}} {
		var s stream
		s.reseed(c.seed, c.trial)
		first := s.pcg.Uint64()
		var below []uint64
		for _, n := range []uint64{1, 2, 6, 7, 999, 10_000_000, 1 << 32, 1<<63 + 1} {
			below = append(below, s.below(n))
		}
		key := fmt.Sprintf("%d/%d", c.seed, c.trial)
		if got := fmt.Sprintf("%016x %v", first, below); got != want[key] {
			t.Errorf("%s: %q, want %q", key, got, want[key])
		}
	}
}

// chiSquared fails unless counts fit equal chances: mean df, deviation
// sqrt(2 df), and five deviations are allowed.
func chiSquared(t *testing.T, what string, counts []int) {
	t.Helper()
	total := 0
	for _, c := range counts {
		total += c
	}
	expected := float64(total) / float64(len(counts))
	sum := 0.0
	for _, c := range counts {
		sum += (float64(c) - expected) * (float64(c) - expected) / expected
	}
	df := float64(len(counts) - 1)
	if sum > df+5*math.Sqrt(2*df) {
		t.Errorf("%s: chi squared %.1f with %.0f degrees of freedom", what, sum, df)
	}
}

func TestBelowIsUniform(t *testing.T) {
	var s stream
	s.reseed(7, 0)
	counts := make([]int, 13)
	for range 130_000 {
		counts[s.below(13)]++
	}
	chiSquared(t, "below(13)", counts)
	// A bound just above 2^63 rejects nearly half of the draws.
	halves := make([]int, 2)
	for range 10_000 {
		v := s.below(1<<63 + 2)
		if v >= 1<<63+2 {
			t.Fatalf("%d is out of range", v)
		}
		halves[v/(1<<62+1)]++
	}
	chiSquared(t, "below(2^63+2)", halves)
}

func TestTargetsAreDistinctUniformAndNeverSelf(t *testing.T) {
	for _, c := range []struct{ nodes, fanout int }{{7, 1}, {7, 3}, {7, 6}, {40, 39}, {50, 5}, {60, 40}} {
		var s stream
		s.reseed(3, c.nodes)
		pick := newSampler(&s, c.nodes, c.fanout)
		pick.reset()
		const self = 4
		counts := make([]int, c.nodes)
		for range 4_000 {
			targets := pick.targets(self)
			sorted := slices.Sorted(slices.Values(targets))
			if len(slices.Compact(sorted)) != c.fanout {
				t.Fatalf("%+v: %v are not distinct", c, targets)
			}
			for _, to := range targets {
				counts[to]++
			}
		}
		if counts[self] != 0 {
			t.Errorf("%+v: chose itself", c)
		}
		// Draws without replacement vary less than independent ones.
		chiSquared(t, fmt.Sprint(c), slices.Delete(counts, self, self+1))
	}
}

// All pairs of targets must come up equally often, not just all targets.
func TestPairsOfTargetsAreUniform(t *testing.T) {
	for _, sampler := range []struct {
		name string
		draw func(*sampler, int)
	}{{"floyd", (*sampler).floyd}, {"shuffle", (*sampler).shuffle}} {
		var s stream
		s.reseed(11, 0)
		pick := newSampler(&s, 7, 2)
		pick.deck = []uint32{0, 1, 2, 3, 4, 5}
		counts := make([]int, 36)
		for range 15_000 {
			pick.chosen = pick.chosen[:2]
			sampler.draw(pick, 6)
			a, b := min(pick.chosen[0], pick.chosen[1]), max(pick.chosen[0], pick.chosen[1])
			counts[6*a+b]++
		}
		chiSquared(t, sampler.name, slices.DeleteFunc(counts, func(n int) bool { return n == 0 }))
	}
}

func TestChance(t *testing.T) {
	var s stream
	s.reseed(5, 0)
	hits := 0
	for range 100_000 {
		if s.hits(chanceOf(.05)) {
			hits++
		}
	}
	if hits < 4_800 || hits > 5_200 { // three standard deviations
		t.Errorf("%d of 100,000 at 5 %%", hits)
	}
	before := s
	if s.hits(0) || s != before {
		t.Error("no loss must draw nothing")
	}
}

func TestTally(t *testing.T) {
	var tally Tally
	if tally.Quantile(.5) != -1 || !math.IsNaN(tally.Mean()) {
		t.Error("nothing has no quantile and no mean")
	}
	for _, v := range []int{3, 1, 4, 1, 5, 9, 2, 6, 5, 3} {
		tally.add(v)
	}
	for q, want := range map[float64]int{0: 1, .5: 3, .8: 5, .9: 6, .91: 9, 1: 9} {
		if got := tally.Quantile(q); got != want {
			t.Errorf("Quantile(%g) = %d, want %d", q, got, want)
		}
	}
	near(t, "mean", tally.Mean(), 3.9, 1e-12)
	near(t, "error", tally.Error(), 0.7810250, 1e-6)
	if got := tally.Upto(3); got != 5 {
		t.Errorf("Upto(3) = %d, want 5", got)
	}
}

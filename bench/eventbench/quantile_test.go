package main

import (
	"math"
	"testing"
	"time"
)

func TestQuantileIsTheNearestRank(t *testing.T) {
	ten := make([]time.Duration, 10)
	for i := range ten {
		ten[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		all  int
		p    float64
		want time.Duration
	}{
		{10, 0, 1}, {10, 0.5, 5}, {10, 0.51, 6}, {10, 0.99, 10}, {10, 1, 10},
		{100, 0.1, 10}, {100, 0.11, -1}, {11, 1, -1},
	} {
		if got := quantile(ten, c.all, c.p, -1); got != c.want {
			t.Errorf("quantile %v of 10 of %d is %d, want %d", c.p, c.all, got, c.want)
		}
	}
	// 0.99*100 is above 99 in floating point.
	hundred := make([]time.Duration, 100)
	hundred[99] = 1
	if got := quantile(hundred, 100, 0.99, -1); got != 0 {
		t.Errorf("99 %% of 100 is %d, want the value of rank 99", got)
	}
	if got := quantile(nil, 0, 0.5, -1); got != -1 {
		t.Errorf("quantile of nothing is %d, want it absent", got)
	}
}

func TestSpread(t *testing.T) {
	if got, want := spreadOf([]float64{3, 1, 2}), (spread{2, 1, 3}); got != want {
		t.Errorf("spread %v, want %v", got, want)
	}
	if got, want := spreadOf([]float64{4, 1, 2, 3}), (spread{2.5, 1, 4}); got != want {
		t.Errorf("spread %v, want %v", got, want)
	}
	if got := spreadOf(nil); !math.IsNaN(float64(got.Median)) {
		t.Errorf("spread of nothing %v, want not a number", got)
	}
}

package picture

import (
	"strings"
	"testing"
)

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		labels string
	}{
		{-.5, 26.5, "0 5 10 15 20 25"}, {0, 1, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"}, {-2, 104, "0 10 20 30 40 50 60 70 80 90 100"},
	} {
		var labels []string
		for _, tick := range (Steps{}).Ticks(c.lo, c.hi) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.labels {
			t.Errorf("%g to %g: %q, want %q", c.lo, c.hi, got, c.labels)
		}
	}
	var labels []string
	for _, tick := range (Decades{}).Ticks(-2, 5.08) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	if got, want := strings.Join(labels, " "), "0.01 0.1 1 10 100 1,000 10,000 100,000"; got != want {
		t.Errorf("decades %q, want %q", got, want)
	}
}

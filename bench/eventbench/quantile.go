package main

import (
	"math"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// quantile returns the smallest of the sorted values that at least the share p
// of all lie at or below (nearest rank), where values that do not exist count as
// absent: more of them than values there are make the result absent as well.
func quantile(sorted []time.Duration, all int, p float64, absent time.Duration) time.Duration {
	// Rounded to a billionth: 0.99*100 is a little more than 99.
	rank := int(math.Ceil(math.Round(p*float64(all)*1e9) / 1e9))
	rank = max(1, rank)
	if rank > len(sorted) {
		return absent
	}
	return sorted[rank-1]
}

// spread is where the values of one figure lie over several runs.
type spread struct {
	Median tabular.Number `json:"median"` // of an even number of values the mean of the middle two
	Min    tabular.Number `json:"min"`
	Max    tabular.Number `json:"max"`
}

// spreadOf returns the spread of values, which it sorts: not a number for none.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		nan := tabular.Number(math.NaN())
		return spread{nan, nan, nan}
	}
	slices.Sort(values)
	low, high := values[(len(values)-1)/2], values[len(values)/2]
	return spread{
		Median: tabular.Number((low + high) / 2),
		Min:    tabular.Number(values[0]),
		Max:    tabular.Number(values[len(values)-1]),
	}
}

// medianOf returns the lower middle of durations, which it sorts, or 0 of none.
func medianOf(values []time.Duration) time.Duration {
	slices.Sort(values)
	return quantile(values, len(values), 0.5, 0)
}

// micros is a duration in microseconds.
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// millis is a duration in milliseconds.
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// per divides, and calls nothing over nothing 0.
func per(amount, share float64) float64 {
	if share == 0 {
		return 0
	}
	return amount / share
}

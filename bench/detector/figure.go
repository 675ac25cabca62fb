package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// kind says what a figure is, and so how those of many trials are told.
type kind string

const (
	seconds kind = "s"     // quantiles; some may never have come about
	count   kind = "count" // the sum, and the worst trial
	rate    kind = "rate"  // the mean, and the extremes
)

// figure is one thing that a trial has shown. Value is nil for what never came
// about while it was watched.
type figure struct {
	Kind  kind     `json:"kind"`
	Name  string   `json:"name"`
	Value *float64 `json:"value"`
}

// summary is one figure over all trials of one system.
type summary struct {
	Kind   kind            `json:"kind"`
	Name   string          `json:"name"`
	Values int             `json:"values"`
	Never  int             `json:"never,omitempty"` // of Values, those that never came about
	Total  *tabular.Number `json:"total,omitempty"` // of a count
	Mean   *tabular.Number `json:"mean,omitempty"`  // of a rate
	Min    *tabular.Number `json:"min,omitempty"`   // nil if none came about
	P50    *tabular.Number `json:"p50,omitempty"`
	P99    *tabular.Number `json:"p99,omitempty"` // nearest rank: the largest of fewer than 100
	Max    *tabular.Number `json:"max,omitempty"`
}

// summarize puts the figures of one name together.
func summarize(k kind, name string, figures []figure) summary {
	s := summary{Kind: k, Name: name}
	var values []float64
	sum := 0.0
	for _, f := range figures {
		if f.Kind != k || f.Name != name {
			continue
		}
		s.Values++
		if f.Value == nil {
			s.Never++
			continue
		}
		values = append(values, *f.Value)
		sum += *f.Value
	}
	slices.Sort(values)
	if len(values) > 0 {
		s.Min, s.Max = number(values[0]), number(values[len(values)-1])
	}
	switch k {
	case count:
		s.Total = number(sum)
	case rate:
		if len(values) > 0 {
			s.Mean = number(sum / float64(len(values)))
		}
	case seconds:
		s.P50, s.P99 = quantile(values, s.Values, 0.50), quantile(values, s.Values, 0.99)
	}
	return s
}

func number(v float64) *tabular.Number {
	n := tabular.Number(v)
	return &n
}

// quantile returns the smallest of the sorted values that at least the share p
// of all lie at or below (nearest rank), nil if that is one that never came
// about: those count as infinitely late.
func quantile(sorted []float64, all int, p float64) *tabular.Number {
	// Rounded to a billionth: 0.99*100 is a little more than 99.
	rank := max(1, int(math.Ceil(math.Round(p*float64(all)*1e9)/1e9)))
	if rank > len(sorted) {
		return nil
	}
	return number(sorted[rank-1])
}

// String is the cell of a table.
func (s summary) String() string {
	switch {
	case s.Values == 0:
		return tabular.Absent
	case s.Kind == count:
		text := whole(*s.Total)
		if s.Values > 1 && *s.Total > 0 {
			text += fmt.Sprintf(" (%s–%s)", whole(*s.Min), whole(*s.Max))
		}
		return text
	case s.Kind == rate:
		text := decimal(s.Mean, 2)
		if low, high := decimal(s.Min, 2), decimal(s.Max, 2); low != high {
			text += fmt.Sprintf(" (%s–%s)", low, high)
		}
		return text
	}
	if s.Never == s.Values {
		return fmt.Sprintf("never (%d of %d)", s.Never, s.Values)
	}
	cells := []string{decimal(s.P50, 1), decimal(s.P99, 1), decimal(s.Max, 1)}
	if s.Never > 0 {
		return fmt.Sprintf("%s; never in %d of %d", cells[0]+" / "+cells[1], s.Never, s.Values)
	}
	return strings.Join(cells, " / ")
}

func whole(n tabular.Number) string { return tabular.Grouped(int(math.Round(float64(n)))) }

// decimal prints a number, or that it lies beyond what was watched.
func decimal(n *tabular.Number, digits int) string {
	if n == nil {
		return "never"
	}
	return tabular.Fixed(float64(*n), digits)
}

// names lists the figures that occur, each once, in the order in which trials
// add them.
func names(figures []figure) []figure {
	var list []figure
	for _, f := range figures {
		if !slices.ContainsFunc(list, func(g figure) bool { return g.Name == f.Name }) {
			list = append(list, figure{Kind: f.Kind, Name: f.Name})
		}
	}
	return list
}

package main

import (
	"math"
	"slices"
)

// metric is one figure of a result that can be compared between systems.
type metric struct {
	name   string // the JSON name of the field
	head   string // of a column, with the unit
	digits int    // after the point, in a table
	value  func(result) float64
}

// summary is what several runs of one workload of one system with one cluster
// and size have in common.
type summary struct {
	System    string            `json:"system"`
	Version   string            `json:"version"`
	Workload  string            `json:"workload"`
	Nodes     int               `json:"nodes"`
	Size      int               `json:"size"`
	Runs      int               `json:"runs"`
	Converged int               `json:"converged"` // runs; only these have figures
	Outcome   outcome           `json:"outcome"`   // summed up over the runs; of the rate workload those steps that the system kept up with
	Metrics   map[string]spread `json:"metrics"`
	Rates     []rateSummary     `json:"rates,omitempty"`
}

// rateSummary is what the runs that came to a rate have in common.
type rateSummary struct {
	Offered  int     `json:"offered_per_s"`
	Runs     int     `json:"runs"`
	Outcome  outcome `json:"outcome"`
	Achieved spread  `json:"achieved_per_s"`
	P99      spread  `json:"p99_ms"`
}

var latencyMetrics = []metric{
	{"t50_ms", "to 50 %, ms", 1, func(r result) float64 { return r.Latency.T50 }},
	{"t99_ms", "to 99 %, ms", 1, func(r result) float64 { return r.Latency.T99 }},
	{"t100_ms", "to all, ms", 1, func(r result) float64 { return r.Latency.T100 }},
	{"t100_p99_ms", "to all, p99, ms", 1, func(r result) float64 { return r.Latency.T100P99 }},
	{"copies_per_node", "copies a node", 2, func(r result) float64 { return r.Latency.CopiesPerNode }},
	{"packets_per_node", "datagrams a node", 2, func(r result) float64 { return r.Latency.PacketsPerNode }},
	{"bytes_per_node", "bytes a node", 0, func(r result) float64 { return r.Latency.BytesPerNode }},
	{"cpu_us_per_delivery", "CPU a delivery, µs", 0, func(r result) float64 { return r.Latency.CPUMicrosPerDelivery }},
}

// rateMetrics name what belongs to the step with the largest rate at which
// everything arrived; a run without such a step has 0/s and no other value.
var rateMetrics = []metric{
	{"whole_per_s", "all arrives, /s", 0, func(r result) float64 { return rateOffered(r.Rate.wholeRate()) }},
	{"whole_p99_ms", "p99 there, ms", 1, func(r result) float64 { return wholeStep(r, func(s *step) float64 { return s.P99 }) }},
	{"whole_cpu_us_per_delivery", "CPU a delivery there, µs", 1, func(r result) float64 {
		return wholeStep(r, func(s *step) float64 { return s.CPUMicrosPerDelivery })
	}},
	{"whole_processors", "processors there", 2, func(r result) float64 {
		return wholeStep(r, func(s *step) float64 { return s.Processors })
	}},
	{"whole_copies_per_node", "copies a node there", 2, func(r result) float64 {
		return wholeStep(r, func(s *step) float64 { return s.CopiesPerNode })
	}},
	{"kept_per_s", "keeps up, /s", 0, func(r result) float64 { return rateOffered(r.Rate.keptRate()) }},
}

func rateOffered(s *step) float64 {
	if s == nil {
		return 0
	}
	return float64(s.Offered)
}

// wholeStep is a figure of the step with the largest rate at which everything
// arrived, or not a number without one.
func wholeStep(r result, value func(*step) float64) float64 {
	s := r.Rate.wholeRate()
	if s == nil {
		return math.NaN()
	}
	return value(s)
}

var lossMetrics = []metric{
	{"rate_per_s", "rate, /s", 0, func(r result) float64 { return float64(r.Loss.Rate) }},
	{"p99_ms", "p99, ms", 1, func(r result) float64 { return r.Loss.P99 }},
	{"max_ms", "longest, ms", 1, func(r result) float64 { return r.Loss.Max }},
}

// metricsOf lists the comparable figures of a workload, in the order of a
// table.
func metricsOf(workload string) []metric {
	switch workload {
	case workLatency:
		return latencyMetrics
	case workRate:
		return rateMetrics
	case workLoss:
		return lossMetrics
	}
	return nil
}

// summarize groups results by workload, nodes, size and system, in the order in
// which they first appear.
func summarize(results []result) []summary {
	type group struct {
		system, version, workload string
		nodes, size               int
	}
	var order []group
	runs := make(map[group][]result)
	for _, r := range results {
		g := group{r.System, r.Version, r.Workload, r.Nodes, r.Size}
		if runs[g] == nil {
			order = append(order, g)
		}
		runs[g] = append(runs[g], r)
	}
	summaries := make([]summary, 0, len(order))
	for _, g := range order {
		s := summary{
			System: g.system, Version: g.version, Workload: g.workload, Nodes: g.nodes, Size: g.size,
			Runs: len(runs[g]), Metrics: make(map[string]spread),
		}
		s.fill(slices.DeleteFunc(runs[g], func(r result) bool { return !r.Converged }))
		summaries = append(summaries, s)
	}
	return summaries
}

// fill adds the figures of the runs that converged.
func (s *summary) fill(results []result) {
	s.Converged = len(results)
	for _, m := range metricsOf(s.Workload) {
		s.Metrics[m.name] = spreadOver(results, m.value)
	}
	steps := make(map[int][]step)
	for _, r := range results {
		switch {
		case r.Latency != nil:
			s.Outcome.add(r.Latency.outcome)
		case r.Loss != nil:
			s.Outcome.add(r.Loss.outcome)
		case r.Rate != nil:
			for _, st := range r.Rate.Steps {
				if st.KeepsUp {
					s.Outcome.add(st.outcome)
				}
				steps[st.Offered] = append(steps[st.Offered], st)
			}
		}
	}
	for rate, list := range steps {
		sum := rateSummary{
			Offered: rate, Runs: len(list),
			Achieved: spreadOver(list, func(st step) float64 { return st.Achieved }),
			P99:      spreadOver(list, func(st step) float64 { return st.P99 }),
		}
		for _, st := range list {
			sum.Outcome.add(st.outcome)
		}
		s.Rates = append(s.Rates, sum)
	}
	slices.SortFunc(s.Rates, func(a, b rateSummary) int { return a.Offered - b.Offered })
}

// spreadOver is the spread of a figure over the results that have it.
func spreadOver[R any](results []R, value func(R) float64) spread {
	var values []float64
	for _, r := range results {
		if v := value(r); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return spreadOf(values)
}

// add adds up counts.
func (o *outcome) add(other outcome) {
	o.Broadcasts += other.Broadcasts
	o.Refused += other.Refused
	o.Missed += other.Missed
	o.MissedDeliveries += other.MissedDeliveries
	o.Repeated += other.Repeated
	o.Corrupt += other.Corrupt
}

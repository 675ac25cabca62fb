package benchcluster

import (
	"cmp"
	"slices"
)

// Metric is one figure of a [Result] that can be compared between libraries.
type Metric struct {
	Name   string // the JSON name of the field
	Unit   string
	Digits int // after the point, in a table
	Value  func(Result) float64
}

// Metrics lists every comparable figure, in the order of a table: lower is
// better for each of them. The caller owns the slice.
func Metrics() []Metric {
	return []Metric{
		{"full_s", "s", 3, func(r Result) float64 { return r.FullSeconds }},
		{"false_deaths", "", 0, func(r Result) float64 { return float64(r.FalseDeaths) }},
		{"join_cpu_s", "s", 3, func(r Result) float64 { return r.JoinCPUSeconds }},
		{"join_packets_per_node", "", 1, func(r Result) float64 { return r.JoinPacketsPerNode }},
		{"join_bytes_per_node", "B", 0, func(r Result) float64 { return r.JoinBytesPerNode }},
		{"join_stream_bytes_per_node", "B", 0, func(r Result) float64 { return r.JoinStreamBytesPerNode }},
		{"packets_per_node_s", "/s", 2, func(r Result) float64 { return r.PacketsPerNodeSecond }},
		{"bytes_per_node_s", "B/s", 1, func(r Result) float64 { return r.BytesPerNodeSecond }},
		{"stream_bytes_per_node_s", "B/s", 1, func(r Result) float64 { return r.StreamBytesPerNodeSecond }},
		{"allocs_per_packet", "", 1, func(r Result) float64 { return r.AllocsPerPacket }},
		{"alloc_bytes_per_packet", "B", 0, func(r Result) float64 { return r.AllocBytesPerPacket }},
		{"cpu_us_per_node_s", "µs/s", 0, func(r Result) float64 { return r.CPUMicrosPerNodeSecond }},
		{"heap_bytes_per_node", "B", 0, func(r Result) float64 { return r.HeapBytesPerNode }},
		{"goroutines_per_node", "", 1, func(r Result) float64 { return r.GoroutinesPerNode }},
		{"rss_bytes", "B", 0, func(r Result) float64 { return float64(r.RSSBytes) }},
	}
}

// Spread is where the values of one metric lie over several runs.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Summary is what several runs of one library with one number of nodes have
// in common. Runs that never got full views are part of every figure: leaving
// them out would flatter the library that fails most.
type Summary struct {
	Library string            `json:"library"`
	Version string            `json:"version"`
	Sealed  bool              `json:"sealed"`
	Nodes   int               `json:"nodes"`
	Runs    int               `json:"runs"`
	Full    int               `json:"full"` // runs whose views became full
	Metrics map[string]Spread `json:"metrics"`
}

// Summarize groups results by number of nodes, library and sealing, in that
// order of weight: numbers of nodes rise, libraries stay in the order in which
// results first name them.
func Summarize(results []Result) []Summary {
	type group struct {
		library, version string
		sealed           bool
		nodes            int
	}
	var order []group
	runs := make(map[group][]Result)
	for _, r := range results {
		g := group{r.Library, r.Version, r.Sealed, r.Nodes}
		if runs[g] == nil {
			order = append(order, g)
		}
		runs[g] = append(runs[g], r)
	}
	slices.SortStableFunc(order, func(a, b group) int { return cmp.Compare(a.nodes, b.nodes) })

	summaries := make([]Summary, 0, len(order))
	for _, g := range order {
		s := Summary{
			Library: g.library, Version: g.version, Sealed: g.sealed, Nodes: g.nodes,
			Runs: len(runs[g]), Metrics: make(map[string]Spread),
		}
		for _, r := range runs[g] {
			if r.FullOK {
				s.Full++
			}
		}
		for _, m := range Metrics() {
			s.Metrics[m.Name] = spread(runs[g], m)
		}
		summaries = append(summaries, s)
	}
	return summaries
}

// spread needs at least one result.
func spread(results []Result, m Metric) Spread {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = m.Value(r)
	}
	slices.Sort(values)
	return Spread{Median: median(values), Min: values[0], Max: values[len(values)-1]}
}

// median returns the middle of sorted values, or the mean of the middle two.
func median(sorted []float64) float64 {
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

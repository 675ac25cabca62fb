package simcmd

import (
	"math"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// quantity is one figure of a run, as it is named for programs and for people.
// A figure that does not exist is NaN.
type quantity struct {
	field    string // in JSON and CSV
	label    string
	decimals int
	of       func(*scenario.Result) float64
	// spread: it is about the writes of the scenario, and left out without any.
	spread bool
}

// quantities are all figures, in the order in which they are printed.
var quantities = []quantity{
	{field: "join_s", label: "joined, until all views were right (s)", decimals: 3, of: func(r *scenario.Result) float64 { return positive(r.JoinTime) }},
	{field: "converge_s", label: "views right after the last change (s)", decimals: 3, of: (*scenario.Result).Converge},
	{field: "detect_first_s", label: "detection, by the first (s)", decimals: 3, of: (*scenario.Result).DetectFirst},
	{field: "detect_all_s", label: "detection, by all (s)", decimals: 3, of: (*scenario.Result).DetectAll},
	{field: "false_positives", label: "false positives", of: func(r *scenario.Result) float64 { return float64(r.FalsePositives) }},
	{field: "cut_verdicts", label: "verdicts across a cut", of: func(r *scenario.Result) float64 { return float64(r.CutVerdicts) }},
	{field: "verdicts", label: "verdicts, all", of: func(r *scenario.Result) float64 { return float64(r.Verdicts) }},
	{field: "suspicions", label: "suspicions", of: func(r *scenario.Result) float64 { return float64(r.Suspicions) }},
	{field: "refutations", label: "refutations", of: func(r *scenario.Result) float64 { return float64(r.Refutations) }},
	{field: "packets_per_node_s", label: "packets per node and second", decimals: 3, of: func(r *scenario.Result) float64 { return r.Traffic.PacketsPerNode() }},
	{field: "bytes_per_node_s", label: "payload bytes per node and second", decimals: 1, of: func(r *scenario.Result) float64 { return r.Traffic.BytesPerNode() }},
	{field: "packets_lost", label: "packets lost", of: func(r *scenario.Result) float64 { return float64(r.Traffic.Lost) }},
	{field: "live", label: "live nodes at the write", spread: true, of: func(r *scenario.Result) float64 { return float64(r.Spread.Live) }},
	{field: "writes", label: "writes", spread: true, of: func(r *scenario.Result) float64 { return float64(r.Spread.Writes) }},
	{field: "reached", label: "live nodes that know the write", spread: true, of: func(r *scenario.Result) float64 { return float64(r.Spread.Reached) }},
	{field: "t50_ms", label: "half knew it after (ms)", decimals: 1, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.T50 }},
	{field: "t99_ms", label: "99 % knew it after (ms)", decimals: 1, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.T99 }},
	{field: "t100_ms", label: "all knew it after (ms)", decimals: 1, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.T100 }},
	{field: "staleness_mean_ms", label: "staleness, mean (ms)", decimals: 1, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.Mean }},
	{field: "copies_per_node", label: "copies sent per live node", decimals: 2, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.Copies }},
	{field: "payload_bytes_per_node", label: "bytes of these copies per live node", decimals: 1, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.PayloadBytes }},
	{field: "control_bytes_per_node", label: "other bytes until all knew, per live node", decimals: 1, spread: true, of: func(r *scenario.Result) float64 { return r.Spread.ControlBytes }},
	{field: "max_egress_bytes", label: "most bytes that one node sent until then", spread: true, of: func(r *scenario.Result) float64 { return float64(r.Spread.MaxEgress) }},
	{field: "duration_s", label: "virtual time (s)", decimals: 3, of: func(r *scenario.Result) float64 { return r.Length.Seconds() }},
}

func positive(d time.Duration) float64 {
	if d <= 0 {
		return math.NaN()
	}
	return d.Seconds()
}

// applicable returns the quantities that results have.
func applicable(results []*scenario.Result) []quantity {
	written := slices.ContainsFunc(results, func(r *scenario.Result) bool { return r.Spread != nil })
	return slices.DeleteFunc(slices.Clone(quantities), func(q quantity) bool { return q.spread && !written })
}

// value reads a quantity off a run.
func (q *quantity) value(r *scenario.Result) float64 {
	if q.spread && r.Spread == nil {
		return math.NaN()
	}
	return q.of(r)
}

// over reads a quantity off many runs, ascending; what does not exist is
// infinite, so that a run which never got there counts as the slowest.
func (q *quantity) over(results []*scenario.Result) []float64 {
	var values []float64
	for _, r := range results {
		v := q.value(r)
		if math.IsNaN(v) {
			v = math.Inf(1)
		}
		values = append(values, v)
	}
	slices.Sort(values)
	return values
}

// quantile returns the nearest rank of sorted values (the least for 0).
func quantile(sorted []float64, share float64) float64 {
	k := int(math.Ceil(share * float64(len(sorted))))
	return sorted[min(max(k, 1), len(sorted))-1]
}

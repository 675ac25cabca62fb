package simcmd

import (
	"math"
	"slices"
	"strings"
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
}

// quantities are the figures that every run has, in the order in which they are
// printed; those of events and writes follow, and then the last.
var quantities = []quantity{
	{"join_s", "joined, until all views were right (s)", 3, func(r *scenario.Result) float64 { return positive(r.JoinTime) }},
	{"converge_s", "views right after the last change (s)", 3, (*scenario.Result).Converge},
	{"detect_first_s", "detection, by the first (s)", 3, (*scenario.Result).DetectFirst},
	{"detect_all_s", "detection, by all (s)", 3, (*scenario.Result).DetectAll},
	{"false_positives", "false positives", 0, func(r *scenario.Result) float64 { return float64(r.FalsePositives) }},
	{"cut_verdicts", "verdicts across a cut", 0, func(r *scenario.Result) float64 { return float64(r.CutVerdicts) }},
	{"verdicts", "verdicts, all", 0, func(r *scenario.Result) float64 { return float64(r.Verdicts) }},
	{"suspicions", "suspicions", 0, func(r *scenario.Result) float64 { return float64(r.Suspicions) }},
	{"refutations", "refutations", 0, func(r *scenario.Result) float64 { return float64(r.Refutations) }},
	{"packets_per_node_s", "packets per node and second", 3, func(r *scenario.Result) float64 { return r.Traffic.PacketsPerNode() }},
	{"bytes_per_node_s", "payload bytes per node and second", 1, func(r *scenario.Result) float64 { return r.Traffic.BytesPerNode() }},
	{"packets_lost", "packets lost", 0, func(r *scenario.Result) float64 { return float64(r.Traffic.Lost) }},
}

var lastQuantity = quantity{"duration_s", "virtual time (s)", 3, func(r *scenario.Result) float64 { return r.Length.Seconds() }}

// measure is a figure of a spread; the label's %s is what spread: event or write.
type measure struct {
	field, label string
	decimals     int
	of           func(*scenario.Spread) float64
}

// measures are the figures of events and of writes alike.
var measures = []measure{
	{"live", "live nodes at the first %s", 0, func(s *scenario.Spread) float64 { return float64(s.Live) }},
	{"reached", "live nodes that know the %s", 0, func(s *scenario.Spread) float64 { return float64(s.Reached) }},
	{"t50_ms", "half knew the %s after (ms)", 1, func(s *scenario.Spread) float64 { return s.T50 }},
	{"t99_ms", "99 %% knew the %s after (ms)", 1, func(s *scenario.Spread) float64 { return s.T99 }},
	{"t100_ms", "all knew the %s after (ms)", 1, func(s *scenario.Spread) float64 { return s.T100 }},
	{"staleness_mean_ms", "from the %s to knowledge of it, mean (ms)", 1, func(s *scenario.Spread) float64 { return s.Mean }},
	{"coverage_700ms", "share that knew the %s within 0.7 s", 5, coverage(700 * time.Millisecond)},
	{"coverage_5s", "share that knew the %s within 5 s", 5, coverage(5 * time.Second)},
	{"copies_per_node", "copies of the %s sent per live node", 3, func(s *scenario.Spread) float64 { return s.Copies }},
	{"payload_bytes_per_node", "bytes of these copies per live node", 1, func(s *scenario.Spread) float64 { return s.PayloadBytes }},
	{"control_bytes_per_node", "other bytes until all knew, per live node", 1, func(s *scenario.Spread) float64 { return s.ControlBytes }},
	{"control_messages_per_node", "other messages until then, per live node", 2, func(s *scenario.Spread) float64 { return s.ControlMessages }},
	{"max_egress_bytes", "most bytes that one node sent until then", 0, func(s *scenario.Spread) float64 { return float64(s.MaxEgress) }},
}

func coverage(d time.Duration) func(*scenario.Spread) float64 {
	return func(s *scenario.Spread) float64 { return s.Coverage(d) }
}

// eventQuantities are what events have beside.
var eventQuantities = []quantity{
	event("events", "events", 0, func(e *scenario.Broadcast) float64 { return float64(e.Count) }),
	event("refused", "events that their origin refused", 0, func(e *scenario.Broadcast) float64 { return float64(e.Refused) }),
	event("missed", "events that a node gave up", 0, func(e *scenario.Broadcast) float64 { return float64(e.Missed) }),
	event("last_hop", "hops to the last node", 0, func(e *scenario.Broadcast) float64 { return float64(e.LastHop) }),
	event("redelegations", "spans given to another delegate", 0, func(e *scenario.Broadcast) float64 { return float64(e.Redelegations) }),
	event("repaired", "deliveries that had to be asked for", 0, func(e *scenario.Broadcast) float64 { return float64(e.Repaired) }),
	event("receipt_reached", "receipt: nodes reached", 0, func(e *scenario.Broadcast) float64 { return float64(e.ReceiptReached) }),
	event("receipt_live", "receipt: of nodes held alive by the origin", 0, func(e *scenario.Broadcast) float64 { return float64(e.ReceiptLive) }),
	event("receipt_ms", "receipt: done after (ms)", 1, func(e *scenario.Broadcast) float64 { return e.ReceiptTime }),
}

func event(field, label string, decimals int, of func(*scenario.Broadcast) float64) quantity {
	return quantity{field, label, decimals, func(r *scenario.Result) float64 {
		if r.Events == nil {
			return math.NaN()
		}
		return of(r.Events)
	}}
}

var writeCount = quantity{"writes", "writes", 0, func(r *scenario.Result) float64 {
	if r.Writes == nil {
		return math.NaN()
	}
	return float64(r.Writes.Count)
}}

// writePrefix sets figures of writes apart from those of events, if there are both.
const writePrefix = "write_"

// spreadQuantities are the measures of what a run has of one kind.
func spreadQuantities(prefix, what string, find func(*scenario.Result) *scenario.Spread) []quantity {
	var all []quantity
	for _, m := range measures {
		label := strings.ReplaceAll(strings.ReplaceAll(m.label, "%s", what), "%%", "%")
		all = append(all, quantity{prefix + m.field, label, m.decimals, func(r *scenario.Result) float64 {
			if s := find(r); s != nil {
				return m.of(s)
			}
			return math.NaN()
		}})
	}
	return all
}

func eventsOf(r *scenario.Result) *scenario.Spread {
	if r.Events == nil {
		return nil
	}
	return &r.Events.Spread
}

func writesOf(r *scenario.Result) *scenario.Spread { return r.Writes }

func positive(d time.Duration) float64 {
	if d <= 0 {
		return math.NaN()
	}
	return d.Seconds()
}

// applicable returns the quantities that results have.
func applicable(results []*scenario.Result) []quantity {
	all := slices.Clone(quantities)
	prefix := ""
	if slices.ContainsFunc(results, func(r *scenario.Result) bool { return r.Events != nil }) {
		all = append(append(all, spreadQuantities("", "event", eventsOf)...), eventQuantities...)
		prefix = writePrefix
	}
	if slices.ContainsFunc(results, func(r *scenario.Result) bool { return r.Writes != nil }) {
		all = append(append(all, writeCount), spreadQuantities(prefix, "write", writesOf)...)
	}
	return append(all, lastQuantity)
}

// over reads a quantity off many runs, ascending; what does not exist is
// infinite, so that a run which never got there counts as the slowest.
func (q *quantity) over(results []*scenario.Result) []float64 {
	var values []float64
	for _, r := range results {
		v := q.of(r)
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

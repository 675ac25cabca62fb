package maelstrom

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Result is what a run showed.
type Result struct {
	Workload string
	Nodes    int
	Seed     uint64
	// Requests of clients, by outcome; they are what messages are counted per.
	Requests, OK, Failed, Indefinite int
	// Messages and Bytes (of bodies) between nodes, the lost ones included.
	Messages, Bytes int
	// Cuts is how many partitions there were.
	Cuts int
	// Problems are what makes the run invalid.
	Problems []string
	// Unknown: nothing was shown to be wrong, but too little happened to be right.
	Unknown bool
	// Set is nil for workloads without elements.
	Set *Set
	// Spread is from the moment at which the first node had an element until the
	// last had it; of nodes that are a [Witness] alone.
	Spread Quantiles
}

// problems beyond this many add nothing but length.
const problemsMax = 20

func (r *Result) problem(format string, args ...any) {
	if len(r.Problems) < problemsMax {
		r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
	}
}

// Valid reports whether all that clients were told held.
func (r *Result) Valid() bool { return len(r.Problems) == 0 && !r.Unknown }

// MessagesPerOp is the original's msgs-per-op of class servers.
func (r *Result) MessagesPerOp() float64 {
	return float64(r.Messages) / float64(max(r.Requests, 1))
}

// Quantiles of durations: at .5, .95, .99 and 1.
type Quantiles struct {
	Count              int
	P50, P95, P99, Max time.Duration
}

// quantiles takes the element at ⌊count·q⌋, as the original does.
func quantiles(of []time.Duration) Quantiles {
	n := len(of)
	if n == 0 {
		return Quantiles{}
	}
	slices.Sort(of)
	at := func(percent int) time.Duration { return of[min(n-1, n*percent/100)] }
	return Quantiles{n, at(50), at(95), at(99), at(100)}
}

// String returns "p50 / p95 / p99 / max".
func (q Quantiles) String() string {
	ms := func(d time.Duration) string { return fmt.Sprintf("%d", d.Milliseconds()) }
	return fmt.Sprintf("%s / %s / %s / %s ms", ms(q.P50), ms(q.P95), ms(q.P99), ms(q.Max))
}

// Print writes the result for people.
func (r *Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	verdict := map[bool]string{true: "valid", false: "NOT VALID"}[r.Valid()]
	if len(r.Problems) == 0 && r.Unknown {
		verdict = "unknown"
	}
	fmt.Fprintf(t, "%s\t%s\n", r.Workload, verdict)
	fmt.Fprintf(t, "nodes\t%d\trandom seed %d\n", r.Nodes, r.Seed)
	fmt.Fprintf(t, "requests\t%d\t%d ok, %d failed, %d indefinite\n", r.Requests, r.OK, r.Failed, r.Indefinite)
	fmt.Fprintf(t, "messages per request\t%.2f\t%d between nodes, %d bytes\n", r.MessagesPerOp(), r.Messages, r.Bytes)
	fmt.Fprintf(t, "partitions\t%d\n", r.Cuts)
	if s := r.Set; s != nil {
		fmt.Fprintf(t, "elements\t%d\t%d acknowledged, %d stable, %d lost, %d missing at the end, %d never read, %d twice, %d unexpected\n",
			s.Attempted, s.Acknowledged, s.Stable, len(s.Lost), len(s.Missing), len(s.NeverRead), len(s.Duplicated), len(s.Unexpected))
		fmt.Fprintf(t, "stable latency\t\tp50 / p95 / p99 / max: %v\n", s.Latency)
	}
	if r.Spread.Count > 0 {
		fmt.Fprintf(t, "until the last node has it\t\tp50 / p95 / p99 / max: %v\n", r.Spread)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(t, "problem\t%s\n", p)
	}
	return t.Flush()
}

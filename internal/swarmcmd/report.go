package swarmcmd

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/check"
	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

// report is what a swarm did, as it is printed.
type report struct {
	Commit    string            `json:"commit"`
	Seed      swarm.Seed        `json:"seed"`
	Runs      int               `json:"runs"`
	Slow      int               `json:"slow"`
	SlowSeeds []swarm.Seed      `json:"slow_seeds"`
	Cut       int               `json:"cut_short"`
	Twice     int               `json:"twice"`
	NodeHours float64           `json:"node_hours"`
	Seconds   float64           `json:"seconds"`
	Steps     uint64            `json:"steps"`
	Missed    uint64            `json:"missed"` // messages that were given up though their origin went on
	Faults    map[swarm.Op]int  `json:"faults"` // runs with each kind
	Checks    map[string]uint64 `json:"checks"`
	Marks     map[string]uint64 `json:"sometimes"`
	Missing   []string          `json:"never"`
	Failures  []failure         `json:"failures"`

	checks []string // invariants in their order
}

// failure is one schedule that violated something.
type failure struct {
	Seed   swarm.Seed  `json:"seed"`
	Found  swarm.Found `json:"found"`
	Nodes  int         `json:"nodes"`
	Before int         `json:"events_before"`
	After  int         `json:"events_after"`
	Runs   int         `json:"shrink_runs"`
	File   string      `json:"file"`
}

func newReport(seed swarm.Seed, t *swarm.Total, took time.Duration) *report {
	r := &report{
		Commit: commit(), Seed: seed, Runs: t.Runs, Slow: t.Slow, Cut: t.Cut, Twice: t.Twice, NodeHours: t.NodeTime.Hours(),
		Seconds: took.Seconds(), Steps: t.Steps, Missed: t.Missed, Faults: t.Faults,
		Checks: make(map[string]uint64), Marks: make(map[string]uint64), Missing: []string{}, Failures: []failure{},
	}
	for i, count := range t.Checks {
		if count > 0 {
			name := check.Invariant(i).String()
			r.Checks[name] = count
			r.checks = append(r.checks, name)
		}
	}
	for i, count := range t.Marks {
		r.Marks[swarm.Mark(i).String()] = count
	}
	for _, m := range t.Marks.Missing() {
		r.Missing = append(r.Missing, m.String())
	}
	return r
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "swarm  commit %.12s  seed %v  runs %d  node-hours %.0f  in %.1f s  steps %d  run twice %d  slow %d  cut short %d  missed %d\n",
		r.Commit, r.Seed, r.Runs, r.NodeHours, r.Seconds, r.Steps, r.Twice, r.Slow, r.Cut, r.Missed)
	b.WriteString("faults ")
	for _, op := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(&b, " %s %d", op, r.Faults[op])
	}
	b.WriteString("\nchecks ")
	for _, name := range r.checks {
		fmt.Fprintf(&b, " %s %d", name, r.Checks[name])
	}
	fmt.Fprintf(&b, "\nsometimes  %d of %d", len(r.Marks)-len(r.Missing), len(r.Marks))
	if len(r.Missing) > 0 {
		fmt.Fprintf(&b, ", never: %s", strings.Join(r.Missing, ", "))
	}
	b.WriteString("\n")
	for _, seed := range r.SlowSeeds {
		fmt.Fprintf(&b, "SLOW   seed %v took more than %v\n", seed, patience)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "FAIL   %s  seed %v  n=%d  t=%v  node %d  %s\n       %d -> %d events in %d runs  hearsay sim replay %s\n",
			f.Found.Invariant, f.Seed, f.Nodes, f.Found.At, f.Found.Node, f.Found.What, f.Before, f.After, f.Runs, f.File)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

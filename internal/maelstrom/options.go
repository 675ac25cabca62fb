package maelstrom

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options say what is run. Zero values are the original's defaults where it has
// some.
type Options struct {
	// Workload is "echo", "unique-ids", "broadcast" or "g-set"; "" is broadcast.
	Workload string
	// Nodes is how many; 0 is 5. They are called n0, n1 and so on.
	Nodes int
	// Rate is the mean number of requests a second of all clients together; 0 is
	// 5. Gaps are uniform between nothing and twice the mean.
	Rate float64
	// TimeLimit is how long clients make requests; 0 is a minute. Then cuts are
	// healed, all rest for ten seconds, and each client reads once more.
	TimeLimit time.Duration
	// Latency is the mean delay between two nodes. Clients have none.
	Latency time.Duration
	// Dist is how delays are spread: "constant", "uniform" (nothing to twice the
	// mean) or "exponential"; "" is constant.
	Dist string
	// Loss is the chance that a message between nodes is lost, 0 to below 1.
	Loss float64
	// Partitions has the nodes cut apart and healed in turn, each after up to
	// twenty seconds.
	Partitions bool
	// Topology is "line", "grid", "tree2", "tree3", "tree4" or "total"; "" is
	// grid. Nodes are told and may ignore it.
	Topology string
	// Seed determines load, delays, losses and cuts.
	Seed uint64
}

// ErrOptions is wrapped by the error of options that make no sense.
var ErrOptions = errors.New("bad options")

// Values of the original that have no flag there or need none here.
const (
	initTimeout = 10 * time.Second
	callTimeout = 5 * time.Second
	// restTime is between the last heal and the final reads: what is still to be
	// repaired must be by then.
	restTime = 10 * time.Second
	// nemesisInterval is the mean gap between a cut and its heal.
	nemesisInterval = 10 * time.Second
)

func (o Options) withDefaults() Options {
	o.Workload = orDefault(o.Workload, "broadcast")
	o.Dist = orDefault(o.Dist, "constant")
	o.Topology = orDefault(o.Topology, "grid")
	o.Nodes = orDefault(o.Nodes, 5)
	o.Rate = orDefault(o.Rate, 5)
	o.TimeLimit = orDefault(o.TimeLimit, time.Minute)
	return o
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// check returns all that is wrong at once.
func (o Options) check() error {
	var errs []error
	ensure := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrOptions}, args...)...))
		}
	}
	ensure(workloads[o.Workload] != nil, "no workload %q", o.Workload)
	ensure(slices.Contains([]string{"constant", "uniform", "exponential"}, o.Dist), "no distribution %q", o.Dist)
	ensure(neighbours[o.Topology] != nil, "no topology %q", o.Topology)
	ensure(o.Nodes > 0 && o.Nodes <= 1000, "%d nodes, want 1 to 1000", o.Nodes)
	ensure(o.Rate > 0 && o.Rate <= 1e6, "rate %v, want above 0, at most a million", o.Rate)
	ensure(o.TimeLimit > 0, "time limit %v, want more than 0", o.TimeLimit)
	ensure(o.Latency >= 0, "latency %v, want at least 0", o.Latency)
	ensure(o.Loss >= 0 && o.Loss < 1, "loss %v, want 0 up to, not including, 1", o.Loss)
	return errors.Join(errs...)
}

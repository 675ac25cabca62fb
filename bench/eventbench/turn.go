package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The workloads.
const (
	workLatency = "latency" // single broadcasts from random nodes, one at a time
	workRate    = "rate"    // one sender, faster by steps
	workLoss    = "loss"    // many broadcasts from random nodes, counting who misses what
)

// workloads are all of them.
var workloads = []string{workLatency, workRate, workLoss}

// turn is one measurement of one system: all that the process which makes it
// has to know. It travels there as JSON, durations in nanoseconds.
type turn struct {
	Workload string `json:"workload"`
	System   string `json:"system"`
	Nodes    int    `json:"nodes"`
	Size     int    `json:"size"` // of a payload, in bytes
	Run      int    `json:"run"`  // from 1; also draws origins and pauses

	Ready   time.Duration `json:"ready"`   // longest wait until broadcasts may be expected to arrive
	Settle  time.Duration `json:"settle"`  // pause after that, while the rumors of the join die out
	Timeout time.Duration `json:"timeout"` // a node that has not got a message by then never will

	// latency and loss
	Broadcasts int `json:"broadcasts,omitempty"`
	// latency
	Idle  time.Duration `json:"idle,omitempty"`  // how long to measure what an idle cluster costs
	Pause time.Duration `json:"pause,omitempty"` // mean of the pauses before broadcasts
	Drain time.Duration `json:"drain,omitempty"` // counted after the last one, while copies are still sent
	// rate: Rates one after the other. loss: the first of them.
	Rates []int         `json:"rates,omitempty"` // messages a second, rising
	Hold  time.Duration `json:"hold,omitempty"`  // how long each rate is kept
	P99   time.Duration `json:"p99,omitempty"`   // limit of the 99th percentile of deliveries
}

// errTurn is wrapped by every error about a measurement that cannot be made as
// asked.
var errTurn = errors.New("invalid measurement")

// validate returns all that is wrong with t, joined.
func (t turn) validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{errTurn}, args...)...))
		}
	}
	need(t.Nodes >= 2, "%d nodes, need 2 or more", t.Nodes)
	need(t.Size >= sizeMin && t.Size <= sizeMax, "payloads of %d bytes, need %d to %d", t.Size, sizeMin, sizeMax)
	need(t.Ready > 0, "ready within %s", t.Ready)
	need(t.Settle >= 0, "settle for %s", t.Settle)
	need(t.Timeout > 0, "timeout of %s", t.Timeout)
	switch t.Workload {
	case workLatency:
		need(t.Broadcasts > 0, "%d broadcasts", t.Broadcasts)
		need(t.Idle > 0, "idle for %s", t.Idle)
		need(t.Pause >= 0, "pause of %s", t.Pause)
		need(t.Drain >= 0, "drain for %s", t.Drain)
	case workRate:
		need(len(t.Rates) > 0, "no rates")
		need(t.Hold > 0, "hold for %s", t.Hold)
		need(t.P99 > 0, "limit of p99 %s", t.P99)
	case workLoss:
		need(t.Broadcasts > 0, "%d broadcasts", t.Broadcasts)
		need(len(t.Rates) == 1, "%d rates, need one", len(t.Rates))
	default:
		need(false, "workload %q, these exist: %s", t.Workload, strings.Join(workloads, ", "))
	}
	for i, rate := range t.Rates {
		need(rate > 0, "rate of %d/s", rate)
		need(i == 0 || rate > t.Rates[i-1], "rate of %d/s follows %d/s, rates must rise", rate, t.Rates[max(0, i-1)])
	}
	return errors.Join(errs...)
}

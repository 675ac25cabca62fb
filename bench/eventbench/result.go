package main

// result is one measurement. Only the part of its workload is set, and none
// unless the cluster converged.
type result struct {
	System    string  `json:"system"`
	Version   string  `json:"version"` // as the build recorded it
	Workload  string  `json:"workload"`
	Nodes     int     `json:"nodes"`
	Size      int     `json:"size"`
	Run       int     `json:"run"`
	Converged bool    `json:"converged"`
	Seconds   float64 `json:"converged_s"` // from the start; time waited in vain if it did not

	Latency *latencyResult `json:"latency,omitempty"`
	Rate    *rateResult    `json:"rate,omitempty"`
	Loss    *lossResult    `json:"loss,omitempty"`
}

// outcome counts what became of the broadcasts of a phase.
type outcome struct {
	Broadcasts       int `json:"broadcasts"`        // that the system accepted
	Refused          int `json:"refused"`           // that it did not
	Missed           int `json:"missed"`            // accepted, but some node never got it
	MissedDeliveries int `json:"missed_deliveries"` // nodes that never got one, summed up
	Repeated         int `json:"repeated"`          // deliveries beyond the first at a node
	Corrupt          int `json:"corrupt"`           // deliveries of what nobody sent
}

// latencyResult is what single broadcasts take. Nodes are those other than the
// origin; one that never got a broadcast counts with the timeout. Costs are
// those beyond what the idle cluster costs in the same time.
type latencyResult struct {
	outcome
	T50     float64 `json:"t50_ms"`      // until half of the nodes have it: median over the broadcasts
	T99     float64 `json:"t99_ms"`      // the same for 99 % of the nodes, which below 101 nodes are all
	T100    float64 `json:"t100_ms"`     // the same for all
	T100P99 float64 `json:"t100_p99_ms"` // 99th percentile over the broadcasts instead of the median

	CopiesPerNode        float64 `json:"copies_per_node"`  // payloads received, duplicates included, per node and broadcast
	PacketsPerNode       float64 `json:"packets_per_node"` // datagrams sent, per node (the origin included) and broadcast
	BytesPerNode         float64 `json:"bytes_per_node"`   // written to sockets of either kind
	CPUMicrosPerDelivery float64 `json:"cpu_us_per_delivery"`

	IdleBytesPerNodeSecond     float64 `json:"idle_bytes_per_node_s"`
	IdleCPUMicrosPerNodeSecond float64 `json:"idle_cpu_us_per_node_s"`
}

// rateResult lists the steps made, the last of which failed unless all rates
// were kept.
type rateResult struct {
	Steps []step `json:"steps"`
}

// step is one rate, kept for a while.
type step struct {
	Offered  int     `json:"offered_per_s"`
	Achieved float64 `json:"achieved_per_s"` // accepted, over the time it took
	outcome
	Refusal string `json:"refusal,omitempty"` // the error of the first message refused; none was offered after it

	// Of all deliveries, from the time at which the message was due. One that
	// never happened counts with the timeout.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`

	CPUMicrosPerDelivery float64 `json:"cpu_us_per_delivery"` // of the whole process, until the last message was accepted
	Processors           float64 `json:"processors"`          // busy on average in that time
	CopiesPerNode        float64 `json:"copies_per_node"`     // per message
	BytesPerNode         float64 `json:"bytes_per_node"`      // per message, what an idle cluster sends included

	KeepsUp bool `json:"keeps_up"` // p99 is within its limit, nothing was refused, and the publisher was not held up
	Whole   bool `json:"whole"`    // it keeps up, and every node got everything
}

// lossResult is what became of many broadcasts.
type lossResult struct {
	Rate int `json:"rate_per_s"`
	outcome
	P99 float64 `json:"p99_ms"` // of all deliveries, as in a step
	Max float64 `json:"max_ms"`
}

// wholeRate is the step with the largest rate before the first at which
// something was lost, refused or late; nil if that was the first.
func (r *rateResult) wholeRate() *step { return r.last(func(s *step) bool { return s.Whole }) }

// keptRate is the same for the rates that the system kept up with.
func (r *rateResult) keptRate() *step { return r.last(func(s *step) bool { return s.KeepsUp }) }

func (r *rateResult) last(good func(*step) bool) *step {
	var last *step
	for i := range r.Steps {
		if !good(&r.Steps[i]) {
			break
		}
		last = &r.Steps[i]
	}
	return last
}

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// plan is what the command line asks for.
type plan struct {
	systems, workloads  []string // in the order of their turns
	latency, rate, loss workload
	peerLoss            turn  // its Broadcasts and Rates are those of the loss count of peers
	common              turn  // its Ready, Settle and Timeout are those of all turns
	child               *turn // the one measurement to make in this process; nil: all
	json, quick         bool
}

// workload is one of them over several clusters.
type workload struct {
	turn        // what its measurements have in common
	nodes, size []int
	runs        int
}

// turns lists all measurements in order. Systems alternate (A B A B) rather
// than follow each other (A A B B): a machine that slows down for a minute then
// slows down all of them.
func (p plan) turns() []turn {
	var list []turn
	for _, name := range p.workloads {
		w := p.workload(name)
		for _, nodes := range w.nodes {
			for _, size := range w.size {
				for run := range w.runs {
					for _, system := range p.systems {
						list = append(list, p.turn(w, system, nodes, size, run+1))
					}
				}
			}
		}
	}
	return list
}

func (p plan) workload(name string) workload {
	switch name {
	case workLatency:
		return p.latency
	case workRate:
		return p.rate
	case workLoss:
		return p.loss
	}
	return workload{} // parse has refused it
}

func (p plan) turn(w workload, system string, nodes, size, run int) turn {
	t := w.turn
	t.System, t.Nodes, t.Size, t.Run = system, nodes, size, run
	t.Ready, t.Settle, t.Timeout = p.common.Ready, p.common.Settle, p.common.Timeout
	if t.Workload == workLoss && !systems[system].ours {
		t.Broadcasts, t.Rates = p.peerLoss.Broadcasts, p.peerLoss.Rates
	}
	return t
}

// preset is the default of every flag that -quick changes.
type preset struct {
	nodes, sizes, rates, lossNodes string
	runs, broadcasts, lossRuns     int
	loss, peerLoss                 int
	settle, idle, drain, hold      time.Duration
	timeout                        time.Duration
}

var (
	// full takes about two hours with four systems.
	full = preset{
		nodes: "16,64,100,200", sizes: "64,1024", lossNodes: "8,32,100",
		rates: "10,20,35,50,100,200,300,500,1000,2000,3000,5000,7000,10000,20000",
		runs:  5, broadcasts: 40, lossRuns: 1, loss: 10_000, peerLoss: 500,
		// Rumors of a join die out after a few seconds; measured at once, they
		// would be billed to the idle cluster.
		settle: 5 * time.Second, idle: 5 * time.Second,
		// memberlist sends the last copies of a message about a second after the
		// first.
		drain: 2 * time.Second,
		hold:  5 * time.Second,
		// Far above the latency of any system here: memberlist's longest is about
		// a second.
		timeout: 10 * time.Second,
	}
	// quick shows within two minutes that everything works, and the orders of
	// magnitude.
	quick = preset{
		nodes: "16", sizes: "64", lossNodes: "8", rates: "35,300,2000,10000",
		runs: 1, broadcasts: 8, lossRuns: 1, loss: 500, peerLoss: 50,
		settle: time.Second, idle: time.Second, drain: time.Second, hold: time.Second, timeout: 4 * time.Second,
	}
)

// parse reads the command line and returns all its errors at once. What the
// flag package has to say goes to stderr.
func parse(args []string, stderr io.Writer) (plan, error) {
	p, err := parseWith(full, args, stderr)
	if err == nil && p.quick {
		return parseWith(quick, args, stderr)
	}
	return p, err
}

func parseWith(d preset, args []string, stderr io.Writer) (plan, error) {
	p := plan{
		latency: workload{turn: turn{Workload: workLatency}},
		rate:    workload{turn: turn{Workload: workRate}},
		loss:    workload{turn: turn{Workload: workLoss}},
	}
	var errs []error
	flags := flag.NewFlagSet("eventbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("systems", "hearsay,memberlist,serf,gossipsub", "what to measure, with commas: "+known())
	works := flags.String("workloads", "latency,rate,loss", "what to do with it")
	flags.BoolVar(&p.json, "json", false, "print every result and the medians as JSON instead of tables")
	flags.BoolVar(&p.quick, "quick", false, "change the defaults below to take less than two minutes")
	child := flags.String("child", "", "make this one measurement, as JSON, in this process and print its result")

	nodes := flags.String("nodes", d.nodes, "latency: nodes of a cluster")
	runs := flags.Int("runs", d.runs, "latency and rate: measurements of each system and cluster")
	flags.IntVar(&p.latency.Broadcasts, "broadcasts", d.broadcasts, "latency: broadcasts of each measurement")
	latencySize := flags.String("latency-size", "64", "latency: bytes of a payload")
	flags.DurationVar(&p.latency.Idle, "idle", d.idle, "latency: how long to measure the idle cluster before")
	flags.DurationVar(&p.latency.Pause, "pause", 100*time.Millisecond, "latency: mean pause before a broadcast")
	flags.DurationVar(&p.latency.Drain, "drain", d.drain, "latency: how long to count copies after the last broadcast")

	rateNodes := flags.String("rate-nodes", "16", "rate: nodes of a cluster")
	sizes := flags.String("sizes", d.sizes, "rate: bytes of a payload")
	rates := flags.String("rates", d.rates, "rate: messages a second, step by step")
	flags.DurationVar(&p.rate.Hold, "hold", d.hold, "rate: length of a step")
	flags.DurationVar(&p.rate.P99, "p99", time.Second, "rate: the 99th percentile of deliveries from which a system no longer keeps up")

	lossNodes := flags.String("loss-nodes", d.lossNodes, "loss: nodes of a cluster")
	lossSize := flags.String("loss-size", "64", "loss: bytes of a payload")
	flags.IntVar(&p.loss.runs, "loss-runs", d.lossRuns, "loss: measurements of each system and cluster")
	flags.IntVar(&p.loss.Broadcasts, "loss-broadcasts", d.loss, "loss: broadcasts of hearsay")
	lossRate := flags.Int("loss-rate", 100, "loss: broadcasts a second of hearsay")
	flags.IntVar(&p.peerLoss.Broadcasts, "peer-loss-broadcasts", d.peerLoss, "loss: broadcasts of the others")
	peerLossRate := flags.Int("peer-loss-rate", 10, "loss: broadcasts a second of the others")

	flags.DurationVar(&p.common.Ready, "ready", 2*time.Minute, "longest wait until a cluster has formed")
	flags.DurationVar(&p.common.Settle, "settle", d.settle, "pause after that")
	flags.DurationVar(&p.common.Timeout, "timeout", d.timeout, "when a node without a message is taken to have missed it")
	if err := flags.Parse(args); err != nil {
		return plan{}, err
	}

	numbers := func(name, text string) []int {
		list, err := parseNumbers(name, text)
		errs = append(errs, err)
		return list
	}
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	p.systems = strings.Split(*names, ",")
	p.workloads = strings.Split(*works, ",")
	p.latency.nodes, p.latency.size, p.latency.runs = numbers("nodes", *nodes), numbers("latency-size", *latencySize), *runs
	p.rate.nodes, p.rate.size, p.rate.runs = numbers("rate-nodes", *rateNodes), numbers("sizes", *sizes), *runs
	p.loss.nodes, p.loss.size = numbers("loss-nodes", *lossNodes), numbers("loss-size", *lossSize)
	p.rate.Rates = numbers("rates", *rates)
	p.loss.Rates, p.peerLoss.Rates = []int{*lossRate}, []int{*peerLossRate}
	if *child != "" {
		var t turn
		if err := json.Unmarshal([]byte(*child), &t); err != nil {
			errs = append(errs, fmt.Errorf("parse -child: %w", err))
		} else {
			p.child = &t
		}
	}
	if err := errors.Join(append(errs, p.validate())...); err != nil {
		return plan{}, err
	}
	return p, nil
}

// known lists the names of all systems.
func known() string { return strings.Join(slices.Sorted(maps.Keys(systems)), ", ") }

// validate returns all that is wrong with p, joined, each once.
func (p plan) validate() error {
	var errs []error
	seen := make(map[string]bool)
	add := func(err error) {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			errs = append(errs, err)
		}
	}
	names := p.systems
	if p.child != nil {
		names = []string{p.child.System}
		add(p.child.validate())
	}
	for _, name := range names {
		if _, ok := systems[name]; !ok {
			add(fmt.Errorf("system %q is not built in, these are: %s", name, known()))
		}
	}
	for _, name := range p.workloads {
		switch w := p.workload(name); {
		case w.Workload == "":
			add(fmt.Errorf("%w: workload %q, these exist: %s", errTurn, name, strings.Join(workloads, ", ")))
		case w.runs < 1:
			add(fmt.Errorf("%w: %d runs of %s, need 1 or more", errTurn, w.runs, name))
		}
	}
	for _, t := range p.turns() {
		add(t.validate())
	}
	return errors.Join(errs...)
}

func parseNumbers(name, list string) ([]int, error) {
	var numbers []int
	var errs []error
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("number %q of -%s: %w", text, name, err))
			continue
		}
		numbers = append(numbers, n)
	}
	return numbers, errors.Join(errs...)
}

package simcmd

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// Plan is the command "sim plan".
type Plan struct {
	Nodes int `default:"100" help:"Nodes of the cluster that is planned (default: ${default})." placeholder:"N"`
	Conditions
	Seeds *int `help:"Random seeds to simulate; more narrow the confidence intervals (default: 10, of large clusters fewer)." placeholder:"N"`
	JSON  bool `help:"Print JSON."`

	setting
}

// Help explains the command, for --help.
func (*Plan) Help() string {
	return "What to expect of a cluster before it is built: how fast it comes together, how fast a write reaches all, how\n" +
		"fast a crash is noticed, what a node sends and holds at rest. Simulated with the shipping protocol, with 95 %\n" +
		"confidence intervals, beside the formulas of memberlist."
}

//go:embed plan.txt
var planScript string

// Validate is called by kong after parsing.
func (p *Plan) Validate() error {
	script, err := scenario.Parse("plan", planScript)
	if err != nil {
		return err
	}
	p.setting = p.Conditions.apply(script)
	if p.Seeds == nil {
		seeds := planSeeds(p.Nodes)
		p.Seeds = &seeds
	}
	return errors.Join(
		p.Conditions.check(),
		argument.Range(p.Nodes >= 2 && p.Nodes <= scenario.NodesMax, "nodes", p.Nodes, fmt.Sprintf("2 to %d", scenario.NodesMax)),
		argument.Range(*p.Seeds >= 2 && *p.Seeds <= seedsMax, "seeds", *p.Seeds, fmt.Sprintf("2 to %d: one has no spread", seedsMax)),
	)
}

// planSeeds is how many seeds take a minute or two: joining costs the square of
// the nodes.
func planSeeds(nodes int) int {
	switch {
	case nodes <= 300:
		return 10
	case nodes <= 1000:
		return 5
	}
	return 3
}

// Run simulates and prints.
func (p *Plan) Run(ctx context.Context, app *kong.Kong) error {
	results, memory, err := p.simulate(ctx, app)
	err = meter.Interrupted(err, len(results), *p.Seeds, "random seeds")
	if len(results) == 0 {
		return err
	}
	rows := p.rows(results, memory)
	if p.JSON {
		return errors.Join(p.writeJSON(app.Stdout, rows, len(results)), err)
	}
	return errors.Join(p.write(app.Stdout, rows, len(results)), err)
}

// memorySeeds is how many seeds tell what a node holds in memory: each runs alone,
// and they differ by a few percent.
const memorySeeds = 3

// simulate runs the first seeds one by one, to see what their nodes hold in
// memory, and then the others, as many at a time as memory allows. With an error
// the results are of the seeds that were done.
func (p *Plan) simulate(ctx context.Context, app *kong.Kong) (results []*scenario.Result, memory []float64, err error) {
	length := p.script.Length()
	bar := meter.New(app.Stderr, "plan", int64(*p.Seeds)*length.Milliseconds())
	defer bar.Stop()
	opts := p.options(p.Nodes, p.Seed)
	opts.Inspect = func(c *sim.Cluster) { memory = append(memory, perMachine(c)) }
	for ; len(results) < min(memorySeeds, *p.Seeds); opts.Seed++ {
		one, err := scenario.RunSeeds(ctx, opts, 1, 1, progress(bar, length))
		if ctx.Err() != nil { // a single run is returned unfinished
			return results, memory, err
		}
		results = append(results, one...)
		if err != nil {
			return results, memory, err
		}
	}
	left := *p.Seeds - len(results)
	if left == 0 {
		return results, memory, nil
	}
	opts.Inspect = nil
	mean, _ := confidence(memory)
	jobs := max(min(runtime.GOMAXPROCS(0), int(memoryMax/(mean*float64(p.Nodes)))), 1)
	more, err := scenario.RunSeeds(ctx, opts, left, jobs, progress(bar, length))
	if left == 1 && ctx.Err() != nil {
		more = nil
	}
	return append(results, more...), memory, err
}

// memoryMax is how much the machines of all clusters at a time may hold: garbage
// doubles it, and a laptop has 8 GB.
const memoryMax = 3 << 30

// perMachine returns what a machine of a cluster holds in memory, in bytes, by
// giving them up. What else runs in this process at the time is the caller's to
// prevent.
func perMachine(c *sim.Cluster) float64 {
	before := heap()
	running := c.Running()
	for i := range c.Len() {
		c.Kill(i)
	}
	return max(float64(before)-float64(heap()), 1) / float64(max(running, 1))
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// row is one promise: what was simulated, and what memberlist's formulas say.
type row struct {
	field, label string
	decimals     int
	scale        float64 // of what is shown to people
	mean, margin float64 // of the 95 % confidence interval
	met          int     // seeds in which it came true at all
	of           int     // seeds in which it was measured
	formula      [2]float64
}

// rows are the promises.
func (p *Plan) rows(results []*scenario.Result, memory []float64) []row {
	of := func(field, label string, decimals int, value func(*scenario.Result) float64) row {
		var values []float64
		for _, r := range results {
			values = append(values, value(r))
		}
		return estimate(field, label, decimals, values)
	}
	spread := func(find func(*scenario.Result) *scenario.Spread, value func(*scenario.Spread) float64) func(*scenario.Result) float64 {
		return func(r *scenario.Result) float64 {
			if s := find(r); s != nil {
				return value(s)
			}
			return math.NaN()
		}
	}
	t50, t99, t100 := func(s *scenario.Spread) float64 { return s.T50 }, func(s *scenario.Spread) float64 { return s.T99 }, func(s *scenario.Spread) float64 { return s.T100 }
	copies := func(s *scenario.Spread) float64 { return s.Copies }
	m := memberlistOf(p.profile)
	si, found := m.spread(p.Nodes, p.network.Loss), m.detection(p.Nodes, p.network.Loss)
	held := estimate("memory_per_node_bytes", "memory of the protocol in a node (KiB)", 1, memory)
	held.scale = 1. / 1024
	return []row{
		of("join_s", "all have joined and know all (s)", 2, func(r *scenario.Result) float64 { return positive(r.JoinTime) }),
		of("event_t50_ms", "an event reaches half the nodes (ms)", 1, spread(eventsOf, t50)).beside(si.t50),
		of("event_t99_ms", "99 % of the nodes (ms)", 1, spread(eventsOf, t99)).beside(si.t99),
		of("event_t100_ms", "all nodes (ms)", 1, spread(eventsOf, t100)).beside(si.all),
		of("event_copies_per_node", "copies of it that a node sends", 2, spread(eventsOf, copies)).beside(float64(m.copies(p.Nodes))),
		of("write_t50_ms", "a write reaches half the nodes (ms)", 1, spread(writesOf, t50)),
		of("write_t99_ms", "99 % of the nodes (ms)", 1, spread(writesOf, t99)),
		of("write_t100_ms", "all nodes (ms)", 1, spread(writesOf, t100)),
		of("write_copies_per_node", "copies of it that a node sends", 2, spread(writesOf, copies)),
		of("detect_first_s", "from a crash until the first notices (s)", 2, (*scenario.Result).DetectFirst).between(found.first),
		of("detect_all_s", "until all have noticed (s)", 2, (*scenario.Result).DetectAll).between(found.all),
		of("false_positives", "false positives in the run", 2, func(r *scenario.Result) float64 { return float64(r.FalsePositives) }),
		of("idle_packets_per_node_s", "packets that an idle node sends (1/s)", 3, idle(scenario.Traffic.PacketsPerNode)).beside(m.idlePackets()),
		of("idle_bytes_per_node_s", "payload bytes that it sends (1/s)", 1, idle(scenario.Traffic.BytesPerNode)).beside(m.idleBytes(p.Nodes)),
		held,
	}
}

// idle reads the traffic of the minute in which nothing happens.
func idle(of func(scenario.Traffic) float64) func(*scenario.Result) float64 {
	return func(r *scenario.Result) float64 {
		for _, w := range r.Windows {
			if w.Name == "idle" {
				return of(w)
			}
		}
		return math.NaN()
	}
}

// estimate is the mean of a figure over those seeds in which it exists.
func estimate(name, label string, decimals int, all []float64) row {
	var values []float64
	for _, v := range all {
		if !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	r := row{field: name, label: label, decimals: decimals, scale: 1, met: len(values), of: len(all)}
	r.mean, r.margin = confidence(values)
	r.formula = [2]float64{math.NaN(), math.NaN()}
	return r
}

func (r row) beside(v float64) row { return r.between([2]float64{v, math.NaN()}) }

func (r row) between(v [2]float64) row {
	r.formula = v
	return r
}

// write prints the table.
func (p *Plan) write(w io.Writer, rows []row, seeds int) error {
	out := &tabular.Printer{W: w}
	out.Printf("plan · %s · %s from %d\n", strings.Join(p.conditions(p.Nodes), " · "), tabular.Plural(seeds, "random seed"), p.Seed)
	if seeds < *p.Seeds {
		out.Printf("stopped early: what follows is of %d of %d seeds\n", seeds, *p.Seeds)
	}
	t := &tabular.Table{}
	t.Row("", "hearsay, simulated", "memberlist, by formula")
	for _, r := range rows {
		t.Row(r.label, r.simulated(), r.expected())
	}
	out.Printf("\n%s\n%s", t, p.notes())
	return out.Err
}

func (r row) simulated() string {
	if r.met == 0 {
		return tabular.Absent
	}
	text := tabular.Fixed(r.mean*r.scale, r.decimals)
	if !math.IsNaN(r.margin) {
		text += " ± " + tabular.Fixed(r.margin*r.scale, r.decimals)
	}
	if r.met < r.of {
		text += fmt.Sprintf(" (in %d of %d)", r.met, r.of)
	}
	return text
}

// expected is what memberlist's formula says, empty without one.
func (r row) expected() string {
	switch {
	case math.IsNaN(r.formula[0]):
		return ""
	case math.IsNaN(r.formula[1]):
		return tabular.Fixed(r.formula[0], r.decimals)
	}
	return tabular.Fixed(r.formula[0], r.decimals) + " to " + tabular.Fixed(r.formula[1], r.decimals)
}

// notes says what the columns mean, and what the formulas are made of.
func (p *Plan) notes() string {
	m := memberlistOf(p.profile)
	return strings.Join([]string{
		fmt.Sprintf("± is the 95 %% confidence interval of the mean over the seeds, of memory over %d of them; bytes are payloads", min(memorySeeds, *p.Seeds)),
		"before sealing, without headers of UDP and IP; memory is without sockets, buffers and snapshots of the node",
		"memberlist: preset " + strings.ToUpper(p.profile.String()) + " of v0.7.0; spread by the SI equation, without delay of the links; a crash is noticed",
		"after 1.58 probe intervals until a probe of it has failed, plus the suspicion, confirmed or not; all know when the",
		fmt.Sprintf("verdict has spread; at rest %.0f bytes/s are probes and answers, %.0f bytes/s the whole table of %d bytes a node, both", m.probeBytes(), m.pushPullBytes(p.Nodes), stateBytes),
		fmt.Sprintf("ways each %v: IPv4, names of 8 characters, no metadata, not compressed", m.pushPullPeriod(p.Nodes)),
	}, "\n") + "\n"
}

// promise is a row in JSON.
type promise struct {
	Mean       tabular.Number `json:"mean"`
	Margin     tabular.Number `json:"margin_95"`
	Seeds      int            `json:"seeds_met"`
	Memberlist tabular.Number `json:"memberlist_formula"`
	// Most is of a suspicion that nobody confirms.
	Most *tabular.Number `json:"memberlist_formula_max,omitempty"`
}

func (p *Plan) writeJSON(w io.Writer, rows []row, seeds int) error {
	d := append(document{{"nodes", p.Nodes}}, p.setting.fields()...)
	d = append(d, field{"seed", p.Seed}, field{"seeds", *p.Seeds}, field{"seeds_done", seeds})
	for _, r := range rows {
		it := promise{Mean: tabular.Number(r.mean), Margin: tabular.Number(r.margin), Seeds: r.met, Memberlist: tabular.Number(r.formula[0])}
		if most := tabular.Number(r.formula[1]); !math.IsNaN(r.formula[1]) {
			it.Most = &most
		}
		d = append(d, field{r.field, it})
	}
	m := memberlistOf(p.profile)
	least, most := m.suspicionBounds(p.Nodes)
	d = append(d, field{"memberlist", document{
		{"suspicion_min_s", tabular.Seconds(least)},
		{"suspicion_max_s", tabular.Seconds(most)},
		{"push_pull_s", tabular.Seconds(m.pushPullPeriod(p.Nodes))},
		{"probe_wait_s", tabular.Number(probeWait * m.probeInterval.Seconds())},
		{"probe_bytes_per_node_s", tabular.Number(m.probeBytes())},
		{"push_pull_bytes_per_node_s", tabular.Number(m.pushPullBytes(p.Nodes))},
		{"state_bytes", stateBytes},
	}})
	return tabular.WriteJSON(w, d)
}

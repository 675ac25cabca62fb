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

	script  *scenario.Script
	profile scenario.Profile
	network sim.Network
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
	var err error
	if p.script, err = scenario.Parse("plan", planScript); err != nil {
		return err
	}
	p.profile, p.network = p.Conditions.apply(p.script)
	errs := []error{p.Conditions.check(), p.script.Check(p.Nodes)}
	if p.Nodes == 1 {
		errs = append(errs, fmt.Errorf("%w: one node has nobody to talk to", scenario.ErrNodes))
	}
	if p.Seeds == nil {
		seeds := planSeeds(p.Nodes)
		p.Seeds = &seeds
	}
	if *p.Seeds < 2 || *p.Seeds > seedsMax {
		errs = append(errs, fmt.Errorf("%w: %d, want 2 to %d: one has no spread", ErrSeeds, *p.Seeds, seedsMax))
	}
	return errors.Join(errs...)
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
	err = interrupted(err, len(results), *p.Seeds)
	if len(results) < 2 {
		return err
	}
	rows := p.rows(results, memory)
	if p.JSON {
		return errors.Join(p.writeJSON(app.Stdout, rows, len(results)), err)
	}
	return errors.Join(p.write(app.Stdout, rows, len(results)), err)
}

// simulate runs the first seed alone, to see what its nodes hold in memory, and
// then the others, as many at a time as memory allows.
func (p *Plan) simulate(ctx context.Context, app *kong.Kong) (results []*scenario.Result, memory float64, err error) {
	length := p.script.Length()
	bar := meter.New(app.Stderr, "plan", int64(*p.Seeds)*length.Milliseconds())
	defer bar.Stop()
	opts := scenario.Options{
		Script: p.script, Nodes: p.Nodes, Seed: p.Seed, Timing: p.profile.Timing(), Network: p.network,
		Inspect: func(c *sim.Cluster) { memory = perMachine(c) },
	}
	results, err = scenario.RunSeeds(ctx, opts, 1, 1, progress(bar, length))
	if err != nil {
		return nil, 0, err
	}
	opts.Seed, opts.Inspect = p.Seed+1, nil
	jobs := max(min(runtime.GOMAXPROCS(0), int(memoryMax/(memory*float64(p.Nodes)))), 1)
	more, err := scenario.RunSeeds(ctx, opts, *p.Seeds-1, jobs, progress(bar, length))
	if *p.Seeds == 2 && err != nil { // a single run is returned unfinished
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
	mean, margin float64 // of the 95 % confidence interval
	met          int     // seeds in which it came true at all
	formula      string  // for people
	formulaValue float64 // NaN if there is no single one
}

// rows are the promises.
func (p *Plan) rows(results []*scenario.Result, memory float64) []row {
	window := func(name string, of func(scenario.Traffic) float64) func(*scenario.Result) float64 {
		return func(r *scenario.Result) float64 {
			for _, w := range r.Windows {
				if w.Name == name {
					return of(w)
				}
			}
			return math.NaN()
		}
	}
	m := memberlistOf(p.profile)
	si := m.spread(p.Nodes, p.network.Loss)
	rows := []row{
		estimate("join_s", "all have joined and know all (s)", 2, results, func(r *scenario.Result) float64 { return positive(r.JoinTime) }),
		estimate("write_t50_ms", "a write reaches half the nodes (ms)", 1, results, func(r *scenario.Result) float64 { return r.Spread.T50 }).
			beside(si.t50, "%.0f"),
		estimate("write_t99_ms", "99 % of the nodes (ms)", 1, results, func(r *scenario.Result) float64 { return r.Spread.T99 }).
			beside(si.t99, "%.0f"),
		estimate("write_t100_ms", "all nodes (ms)", 1, results, func(r *scenario.Result) float64 { return r.Spread.T100 }).
			beside(si.all, "%.0f"),
		estimate("write_copies_per_node", "copies of it that a node sends", 2, results, func(r *scenario.Result) float64 { return r.Spread.Copies }).
			beside(float64(m.copies(p.Nodes)), "%.0f"),
		estimate("detect_first_s", "a crash is noticed by the first (s)", 2, results, (*scenario.Result).DetectFirst).
			saying(m.suspicion(p.Nodes)),
		estimate("detect_all_s", "by all (s)", 2, results, (*scenario.Result).DetectAll),
		estimate("false_positives", "false positives in the run", 2, results, func(r *scenario.Result) float64 { return float64(r.FalsePositives) }),
		estimate("idle_packets_per_node_s", "packets that an idle node sends (1/s)", 3, results, window("idle", scenario.Traffic.PacketsPerNode)).
			beside(m.idlePackets(), "%.2f"),
		estimate("idle_bytes_per_node_s", "payload bytes that it sends (1/s)", 1, results, window("idle", scenario.Traffic.BytesPerNode)).
			saying(m.pushPull(p.Nodes)),
	}
	return append(rows, row{
		field: "memory_per_node_bytes", label: "memory of the protocol in a node (KiB)", decimals: 0,
		mean: memory, margin: math.NaN(), met: 1, formulaValue: math.NaN(),
	})
}

// estimate is the mean of a figure over those seeds in which it exists.
func estimate(name, label string, decimals int, results []*scenario.Result, of func(*scenario.Result) float64) row {
	var values []float64
	for _, r := range results {
		if v := of(r); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	mean, margin := confidence(values)
	return row{field: name, label: label, decimals: decimals, mean: mean, margin: margin, met: len(values), formulaValue: math.NaN()}
}

func (r row) beside(v float64, format string) row {
	r.formulaValue, r.formula = v, fmt.Sprintf(format, v)
	return r
}

func (r row) saying(text string) row {
	r.formula = text
	return r
}

// write prints the table.
func (p *Plan) write(w io.Writer, rows []row, seeds int) error {
	out := &tabular.Printer{W: w}
	out.Printf("plan · %s nodes · %v · latency %v + up to %v · loss %s · %d random seeds from %d\n\n",
		tabular.Grouped(p.Nodes), p.profile, p.network.Latency, p.network.Jitter, tabular.Percent(p.network.Loss), seeds, p.Seed)
	t := &tabular.Table{}
	t.Row("", "hearsay, simulated", "memberlist, by formula")
	for _, r := range rows {
		t.Row(r.label, r.simulated(seeds), r.formula)
	}
	out.Printf("%s\n%s", t, planNotes(p.profile))
	return out.Err
}

func (r row) simulated(seeds int) string {
	switch {
	case r.field == "memory_per_node_bytes":
		return "about " + twoDigits(r.mean/1024)
	case r.met == 0:
		return tabular.Absent
	}
	text := tabular.Fixed(r.mean, r.decimals)
	if !math.IsNaN(r.margin) {
		text += " ± " + tabular.Fixed(r.margin, r.decimals)
	}
	if r.met < seeds {
		text += fmt.Sprintf(" (in %d of %d)", r.met, seeds)
	}
	return text
}

// twoDigits rounds to two significant digits: memory is not known better.
func twoDigits(x float64) string {
	if x < 10 {
		return tabular.Fixed(x, 1)
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return tabular.Grouped(int(math.Round(x/unit) * unit))
}

func planNotes(profile scenario.Profile) string {
	return strings.Join([]string{
		"± is the 95 % confidence interval of the mean over the seeds; bytes are payloads before sealing, without",
		"headers of UDP and IP; memory is without sockets, buffers and snapshots of the node around the protocol",
		"memberlist: preset " + strings.ToUpper(profile.String()) + " of v0.7.0; spread by the SI equation, without delay of the links; a suspicion",
		"begins when a probe has failed, 1.6 probe intervals after the crash on average",
	}, "\n") + "\n"
}

// promise is a row in JSON.
type promise struct {
	Mean       tabular.Number `json:"mean"`
	Margin     tabular.Number `json:"margin_95"`
	Seeds      int            `json:"seeds_met"`
	Memberlist tabular.Number `json:"memberlist_formula"`
}

func (p *Plan) writeJSON(w io.Writer, rows []row, seeds int) error {
	d := document{
		{"nodes", p.Nodes},
		{"profile", p.profile},
		{"latency_ms", tabular.Number(millis(p.network.Latency))},
		{"jitter_ms", tabular.Number(millis(p.network.Jitter))},
		{"loss", tabular.Number(p.network.Loss)},
		{"seed", p.Seed},
		{"seeds", *p.Seeds},
		{"seeds_done", seeds},
	}
	for _, r := range rows {
		d = append(d, field{r.field, promise{tabular.Number(r.mean), tabular.Number(r.margin), r.met, tabular.Number(r.formulaValue)}})
	}
	m := memberlistOf(p.profile)
	least, most := m.suspicionBounds(p.Nodes)
	d = append(d, field{"memberlist", document{
		{"suspicion_min_s", seconds(least)},
		{"suspicion_max_s", seconds(most)},
		{"push_pull_s", seconds(m.pushPullPeriod(p.Nodes))},
	}})
	return tabular.WriteJSON(w, d)
}

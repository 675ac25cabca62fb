package spreadcmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gonum.org/v1/plot/plotter"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// coverage draws the share informed per round.
func coverage(runs []*outcome) *figure {
	f := &figure{
		title: "Share of nodes informed per round",
		x:     axis{label: "round", spacing: 1},
		y:     axis{label: "live nodes informed (%)", min: -2, max: 104},
	}
	_, subtitle, _ := strings.Cut(title(withoutStop(runs[0].cfg)), " · ")
	f.subtitle = subtitle
	last := 1.0
	for _, run := range runs {
		s := series{name: protocolLabel(run.cfg)}
		for round, share := range informed(run.result) {
			s.simulated = append(s.simulated, plotter.XY{X: float64(round), Y: 100 * share})
			s.theory = append(s.theory, plotter.XY{X: float64(round), Y: 100 * run.theory.InformedAt(round)})
			last = max(last, float64(round))
		}
		f.series = append(f.series, s)
	}
	f.x.min, f.x.max = -.02*last-.2, 1.02*last+.2
	return f
}

func protocolLabel(cfg epidemic.Config) string {
	if stop := cfg.StopValue(); stop > 0 {
		return fmt.Sprintf("%v (%d)", cfg.Protocol, stop)
	}
	return cfg.Protocol.String()
}

// chart is a figure with one simulation per point.
type chart struct {
	kind   string
	figure *figure
	// at returns the Config of the i-th point of a protocol and its place on
	// the x axis; ok is false past the last.
	at func(cfg epidemic.Config, i int) (point epidemic.Config, x float64, ok bool)
	// measure reads a simulation: what it showed and what theory expects.
	measure func(*outcome) (simulated, theory float64)
}

// charts are the figures over n and over the fanout.
func newChart(kind string, cfg epidemic.Config, trials *int) chart {
	c := chart{kind: kind, at: overNodes(trials)}
	nodesAxis := axis{label: "nodes", log: true, spacing: math.Log10(2), min: 8, max: 1.2 * float64(cfg.Nodes)}
	switch kind {
	case "rounds":
		c.figure = &figure{title: "Rounds until all nodes know", x: nodesAxis, y: axis{label: "rounds, mean of the runs that reached all"}}
		c.measure = func(o *outcome) (float64, float64) { return o.result.Rounds.Mean(), o.theory.Rounds }
	case "copies":
		c.figure = &figure{title: "Payload copies sent per node", x: nodesAxis, y: axis{label: "copies per node and update"}}
		c.measure = func(o *outcome) (float64, float64) { return o.result.CopiesPerNode(), o.theory.Copies }
	default:
		c.figure = &figure{
			title: "Nodes never reached (residue)",
			x:     axis{label: "fanout of infect-and-die; stop counter k of rumor mongering at fanout " + fmt.Sprint(cfg.Fanout), min: .6, max: residuePoints + .4, spacing: 1},
			y:     axis{label: "live nodes never reached (%)", log: true},
		}
		c.at = overStop
		c.measure = func(o *outcome) (float64, float64) { return 100 * o.result.Residue(), 100 * o.residue() }
	}
	var parts []string
	if kind != "residue" {
		parts = append(parts, fmt.Sprintf("fanout %d", cfg.Fanout))
	} else {
		parts = append(parts, tabular.Grouped(cfg.Nodes)+" nodes")
	}
	parts = append(parts, faults(cfg)...)
	parts = append(parts, "order "+cfg.Order.String(), fmt.Sprintf("random seed %d", cfg.Seed))
	c.figure.subtitle = strings.Join(parts, " · ")
	return c
}

// residuePoints is the number of fanouts on the residue chart; beyond, hardly
// a simulation leaves anybody out.
const residuePoints = 8

// overNodes places points at 10, 20, 50, 100, 200 and so on up to the nodes
// asked for. Without --trials each gets half the usual number, 200 at most, since
// there are many.
func overNodes(trials *int) func(epidemic.Config, int) (epidemic.Config, float64, bool) {
	return func(cfg epidemic.Config, i int) (epidemic.Config, float64, bool) {
		n := []int{smallest, 2 * smallest, 5 * smallest}[i%3] * int(math.Pow10(i/3))
		if n > cfg.Nodes {
			return cfg, 0, false
		}
		cfg.Nodes = n
		cfg.Fanout = min(cfg.Fanout, n-1)
		cfg.Start = min(cfg.Start, n-1)
		if trials == nil {
			cfg.Trials = min(max(trialBudget/2/n, 1), 200)
		}
		return cfg, float64(n), true
	}
}

// overStop places points at 1, 2, 3 and so on of what ends the protocol.
func overStop(cfg epidemic.Config, i int) (epidemic.Config, float64, bool) {
	k := i + 1
	if cfg.Protocol == epidemic.InfectAndDie {
		cfg.Fanout = k
	} else {
		cfg.Stop = k
	}
	return cfg, float64(k), k <= residuePoints && k < cfg.Nodes
}

// ErrChart is returned for a chart that the protocols have no part in.
var ErrChart = errors.New("nothing to draw")

// smallest is the size at which the charts over nodes begin.
const smallest = 10

// chartable holds that a chart will have something on it.
func chartable(m Model, kind string, protocols []epidemic.Protocol) error {
	switch {
	case kind == "residue" && !slices.ContainsFunc(protocols, leavesResidue):
		return fmt.Errorf("--chart residue: %w: %v reaches all in the end, want infect-and-die or rumor mongering", ErrChart, protocols[0])
	case (kind == "rounds" || kind == "copies") && (m.Nodes == nil || *m.Nodes < smallest):
		return fmt.Errorf("--chart %s: %w: it goes from %d nodes to --nodes, want at least so many", kind, ErrChart, smallest)
	}
	return nil
}

// sweep simulates every point of a chart, prints them and draws it.
func (o Output) sweep(ctx context.Context, app *kong.Kong, model Model, protocols []epidemic.Protocol, kind string) error {
	base, err := model.config(protocols[0])
	if err != nil {
		return err
	}
	c := newChart(kind, base, model.Trials)
	var runs []*outcome
	for _, p := range protocols {
		if kind == "residue" && !leavesResidue(p) {
			continue
		}
		cfg := base
		cfg.Protocol = p
		points, sweepErr := c.series(ctx, app, cfg)
		runs = append(runs, points...)
		if err = sweepErr; err != nil {
			break
		}
	}
	if len(c.figure.series) == 0 {
		return err
	}
	if plotErr := o.plot(func() *figure { return c.figure }); plotErr != nil {
		return plotErr
	}
	return errors.Join(o.writeSweep(app, c, runs), err)
}

// series simulates the points of one protocol. Interrupted, it keeps those that
// were done.
func (c chart) series(ctx context.Context, app *kong.Kong, cfg epidemic.Config) ([]*outcome, error) {
	s := series{name: cfg.Protocol.String()}
	if c.kind != "residue" {
		s.name = protocolLabel(cfg)
	}
	var runs []*outcome
	var err error
	for i := 0; ; i++ {
		point, x, ok := c.at(cfg, i)
		if !ok {
			break
		}
		var run *outcome
		if run, err = simulate(ctx, app, point, fmt.Sprintf("%v %g", cfg.Protocol, x)); err != nil {
			break
		}
		simulated, theory := c.measure(run)
		s.simulated = append(s.simulated, plotter.XY{X: x, Y: simulated})
		s.theory = append(s.theory, plotter.XY{X: x, Y: theory})
		runs = append(runs, run)
	}
	if len(runs) > 0 {
		c.figure.series = append(c.figure.series, s)
	}
	return runs, err
}

// writeSweep prints the points of a chart.
func (o Output) writeSweep(app *kong.Kong, c chart, runs []*outcome) error {
	switch {
	case o.JSON:
		reports := []report{}
		for _, run := range runs {
			reports = append(reports, run.report())
		}
		return tabular.WriteJSON(app.Stdout, reports)
	case o.CSV:
		return writeComparisonCSV(app.Stdout, runs)
	}
	p := &tabular.Printer{W: app.Stdout}
	p.Printf("%s: %s\n\n", c.figure.title, c.figure.subtitle)
	t := &tabular.Table{}
	t.Row("protocol", "nodes", "fanout", "stop", "trials", "simulated", "theory", "error")
	for _, run := range runs {
		simulated, theory := c.measure(run)
		digits := 2
		if c.kind == "residue" {
			digits = 4
		}
		stop := tabular.Absent
		if k := run.cfg.StopValue(); k > 0 {
			stop = fmt.Sprint(k)
		}
		t.Row(run.cfg.Protocol.String(), tabular.Grouped(run.cfg.Nodes), fmt.Sprint(run.cfg.Fanout), stop, tabular.Grouped(run.result.Done),
			tabular.Fixed(simulated, digits), tabular.Fixed(theory, digits), tabular.Signed(simulated-theory, digits))
	}
	p.Printf("%s\n%s\n", t, c.figure.y.label)
	return p.Err
}

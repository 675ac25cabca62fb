package spreadcmd

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// Compare simulates several protocols with the same flags.
type Compare struct {
	Model
	Output
	Protocols []epidemic.Protocol `help:"Protocols to compare (default: all)." placeholder:"NAME,..."`
	Chart     string              `default:"coverage" enum:"coverage,rounds,copies,residue" help:"What to tabulate and to --plot: ${enum}; over nodes but for coverage and residue."`
}

// chosen is the protocols asked for, all if none.
func (c *Compare) chosen() []epidemic.Protocol {
	if len(c.Protocols) == 0 {
		return epidemic.Protocols()
	}
	return c.Protocols
}

// sized is the flags with the toy's size where none is given. A comparison is
// never the toy: it is of averages, in step.
func (c *Compare) sized() Model {
	model := c.Model
	if model.Nodes == nil {
		nodes := toyNodes
		model.Nodes = &nodes
	}
	return model
}

// Validate is called by kong after parsing. The protocols have the same flags, and
// so the same mistakes.
func (c *Compare) Validate() error {
	return errors.Join(c.sized().check(c.chosen()[0]), c.Output.check(), chartable(c.sized(), c.Chart, c.chosen()), c.once())
}

// ErrTwice is returned for a protocol that is to be compared with itself.
var ErrTwice = errors.New("named twice")

// once holds that no protocol is named twice.
func (c *Compare) once() error {
	for i, p := range c.Protocols {
		if slices.Contains(c.Protocols[:i], p) {
			return fmt.Errorf("--protocols: %v is %w", p, ErrTwice)
		}
	}
	return nil
}

// Run simulates and prints. An interrupted comparison prints the protocols that
// were done.
func (c *Compare) Run(ctx context.Context, app *kong.Kong) error {
	model := c.sized()
	if c.Chart != "coverage" {
		return c.sweep(ctx, app, model, c.chosen(), c.Chart)
	}
	var runs []*outcome
	var err error
	for _, p := range c.chosen() {
		var cfg epidemic.Config
		if cfg, err = model.config(p); err != nil {
			return err
		}
		var run *outcome
		if run, err = simulate(ctx, app, cfg, cfg.Protocol.String()); run != nil {
			runs = append(runs, run)
		}
		if err != nil {
			break
		}
	}
	if len(runs) == 0 {
		return err
	}
	if plotErr := c.plot(func() *figure { return coverage(runs) }); plotErr != nil {
		return plotErr
	}
	switch {
	case c.JSON:
		reports := []report{}
		for _, run := range runs {
			reports = append(reports, run.report())
		}
		return errors.Join(tabular.WriteJSON(app.Stdout, reports), err)
	case c.CSV:
		return errors.Join(writeComparisonCSV(app.Stdout, runs), err)
	default:
		return errors.Join(writeComparison(app.Stdout, runs), err)
	}
}

// writeComparison prints a row per protocol.
func writeComparison(w io.Writer, runs []*outcome) error {
	p := &tabular.Printer{W: w}
	_, rest, _ := strings.Cut(title(withoutStop(runs[0].cfg)), " · ")
	p.Printf("%s\n", rest)
	if last := runs[len(runs)-1]; last.result.Done < last.cfg.Trials {
		p.Printf("interrupted: %v is of %s\n", last.cfg.Protocol, tabular.Plural(last.result.Done, "trial"))
	}
	p.Printf("\n")
	t := &tabular.Table{}
	t.Row("protocol", "rounds", "theory", "error", "p99", "max", "reached all", "theory",
		"never reached", "theory", "copies", "theory", "requests")
	for _, run := range runs {
		r, th := run.result, &run.theory
		name := run.cfg.Protocol.String()
		if stop := run.cfg.StopValue(); stop > 0 {
			name += fmt.Sprintf(" (%d)", stop)
		}
		t.Row(name, tabular.Fixed(r.Rounds.Mean(), 2), tabular.Fixed(th.Rounds, 2), tabular.Signed(r.Rounds.Mean()-th.Rounds, 2),
			tabular.Count(r.Rounds.Quantile(.99)), tabular.Count(r.Rounds.Quantile(1)), tabular.Percent(r.ReachedAll()), tabular.Percent(th.All()),
			tabular.Rare(r.Residue()), tabular.Rare(run.residue()), tabular.Fixed(r.CopiesPerNode(), 2), tabular.Fixed(th.Copies, 2), tabular.Fixed(r.RequestsPerNode(), 2))
	}
	p.Printf("%s\n", t)
	p.Printf("rounds: mean of the trials that reached all; copies, requests: per node\n")
	p.Printf("lower bound: %s, in order sync and for protocols in which nobody asks\n", tabular.Plural(runs[0].theory.LowerBound, "round"))
	p.Printf("in parentheses: the stop counter; theory: the Markov chain where it is small enough, else mean field\n")
	if runs[0].cfg.Order == epidemic.Turn {
		p.Printf("theory describes order sync, but for up to seven nodes push, pull, push-pull and infect-and-die\n")
	}
	return p.Err
}

// withoutStop leaves the counter, which only some protocols have, to the rows.
func withoutStop(cfg epidemic.Config) epidemic.Config {
	cfg.Protocol = epidemic.Push
	return cfg
}

func writeComparisonCSV(w io.Writer, runs []*outcome) error {
	records := [][]string{{
		"protocol", "stop", "rounds_mean", "rounds_theory", "rounds_p50", "rounds_p99", "rounds_max",
		"all_fraction", "theory_all_fraction", "residue", "theory_residue", "copies_per_node", "theory_copies_per_node",
		"requests_per_node",
	}}
	for _, run := range runs {
		r := run.report()
		records = append(records, []string{
			r.Protocol.String(), fmt.Sprint(r.Stop), r.Rounds.Mean.String(), r.Theory.Rounds.String(),
			r.Rounds.P50.text(), r.Rounds.P99.text(), r.Rounds.Max.text(),
			r.Reached.All.String(), r.Theory.AllFraction.String(), r.Residue.String(), r.Theory.Residue.String(),
			r.Copies.String(), r.Theory.Copies.String(), r.Requests.String(),
		})
	}
	return csv.NewWriter(w).WriteAll(records)
}

// text is the round in CSV, empty if there is none.
func (w whole) text() string {
	if w < 0 {
		return ""
	}
	return fmt.Sprint(int(w))
}

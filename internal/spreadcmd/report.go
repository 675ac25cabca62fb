package spreadcmd

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// title says what was simulated, in one line.
func title(cfg epidemic.Config) string {
	parts := []string{
		cfg.Protocol.String(),
		tabular.Plural(cfg.Nodes, "node"),
		fmt.Sprintf("fanout %d", cfg.Fanout),
	}
	if stop := cfg.StopValue(); stop > 0 {
		parts = append(parts, fmt.Sprintf("stop %d", stop))
	}
	parts = append(parts, faults(cfg)...)
	if cfg.Updates > 1 {
		parts = append(parts, fmt.Sprintf("%d updates", cfg.Updates))
	}
	parts = append(parts, "order "+cfg.Order.String())
	if cfg.Rounds > 0 {
		parts = append(parts, tabular.Plural(cfg.Rounds, "round"))
	}
	parts = append(parts, tabular.Plural(cfg.Trials, "trial"), fmt.Sprintf("random seed %d", cfg.Seed))
	return strings.Join(parts, " · ")
}

func faults(cfg epidemic.Config) []string {
	parts := []string{"loss " + tabular.Percent(cfg.Loss), "dead " + tabular.Percent(cfg.Dead)}
	if cfg.Outage == epidemic.PerRound {
		parts[1] += " in each round"
	}
	return parts
}

// write prints the whole report.
func (o *outcome) write(w io.Writer) error {
	p := &tabular.Printer{W: w}
	p.Printf("%s\n", title(o.cfg))
	if o.result.Done < o.cfg.Trials {
		p.Printf("interrupted: what follows is of %s\n", tabular.Plural(o.result.Done, "trial"))
	}
	p.Printf("\n%s\n%s\n%s", o.summary(), o.curve(), o.notes())
	return p.Err
}

// summary is the figures of the whole run, each beside its theory.
func (o *outcome) summary() *tabular.Table {
	r, th := o.result, &o.theory
	t := &tabular.Table{}
	t.Row("", "simulated", "theory", "error")
	compare := func(name string, got, want float64, decimals int) {
		t.Row(name, tabular.Fixed(got, decimals), tabular.Fixed(want, decimals), tabular.Signed(got-want, decimals))
	}
	compare("rounds until all know, mean", r.Rounds.Mean(), th.Rounds, 2)
	for _, q := range []struct {
		name  string
		share float64
	}{{"  p50", .5}, {"  p99", .99}} {
		got, want := r.Rounds.Quantile(q.share), th.Quantile(q.share)
		off := tabular.Absent
		if got >= 0 && want >= 0 {
			off = tabular.Signed(float64(got-want), 0)
		}
		t.Row(q.name, tabular.Count(got), tabular.Count(want), off)
	}
	t.Row("  max", tabular.Count(r.Rounds.Quantile(1)), tabular.Absent, tabular.Absent)
	t.Row("  leading order for large n", "", tabular.Fixed(th.Leading, 2), tabular.Signed(r.Rounds.Mean()-th.Leading, 2))
	if !math.IsNaN(th.Least) {
		t.Row("  bounds of Doerr and Künnemann", "", tabular.Fixed(th.Least, 2)+" to "+tabular.Fixed(th.Most, 2), "")
	}
	bound := "lower bound"
	if !boundApplies(o.cfg) {
		bound = "lower bound of push in order sync"
	}
	t.Row(fmt.Sprintf("  %s, ⌈log%s n⌉", bound, subscript(o.cfg.Fanout+1)), "", tabular.Count(th.LowerBound), "")
	reached := func(name string, got, want float64) {
		t.Row(name, tabular.Percent(got), tabular.Percent(want), tabular.Signed(100*(got-want), 2))
	}
	reached("trials that reached all", r.ReachedAll(), th.All())
	reached("share of nodes reached", r.ReachedMean(), th.Informed[len(th.Informed)-1])
	t.Row("share never reached (residue)", tabular.Rare(r.Residue()), tabular.Rare(o.residue()), tabular.Signed(100*(r.Residue()-o.residue()), 2))
	if leavesResidue(o.cfg.Protocol) {
		t.Row("  in the limit", "", tabular.Rare(th.Residue), tabular.Signed(100*(r.Residue()-th.Residue), 2))
	}
	compare("copies per node and update", r.CopiesPerNode(), th.Copies, 2)
	t.Row("requests per node", tabular.Fixed(r.RequestsPerNode(), 2), "", "")
	t.Row("mean round of receipt", tabular.Fixed(r.MeanReceipt(), 2), "", "")
	t.Row("last receipt, mean", tabular.Fixed(r.Last.Mean(), 2), "", "")
	return t
}

// boundApplies reports whether the lower bound of rounds binds a run: where nodes
// act at once and nobody asks, each informed node informs at most fanout others in
// a round. Many may ask one node, and by turn an update travels on within a round.
func boundApplies(cfg epidemic.Config) bool { return cfg.Order == epidemic.Sync && !asks(cfg.Protocol) }

// asks reports whether nodes that lack an update may ask for it.
func asks(p epidemic.Protocol) bool {
	return slices.Contains([]epidemic.Protocol{epidemic.Pull, epidemic.PushPull, epidemic.MedianCounter, epidemic.Digest}, p)
}

// whyNoTurn says for what a run in order turn has no theory of its own.
func whyNoTurn(cfg epidemic.Config) string {
	switch {
	case cfg.Nodes > toyNodes:
		return fmt.Sprintf("beyond %d nodes", toyNodes)
	case cfg.Updates > 1:
		return fmt.Sprintf("for --updates %d", cfg.Updates)
	case cfg.Outage == epidemic.PerRound && cfg.Dead > 0:
		return fmt.Sprintf("for --dead-for %v", cfg.Outage)
	}
	return fmt.Sprintf("for %v", cfg.Protocol)
}

// leavesResidue reports whether nodes may stay out for ever.
func leavesResidue(p epidemic.Protocol) bool { return p.Stops() && p != epidemic.MedianCounter }

// residue is the share never reached by theory: the mean field, round by round,
// or, by turn, the limit of many small steps, which it is nearer to.
func (o *outcome) residue() float64 {
	if o.cfg.Rounds == 0 && !leavesResidue(o.cfg.Protocol) {
		return 0
	}
	if o.cfg.Rounds == 0 && o.theory.Order != o.cfg.Order && o.theory.Residue < 1 {
		return o.theory.Residue
	}
	return 1 - o.theory.Informed[len(o.theory.Informed)-1]
}

// subscript writes a number in small digits.
func subscript(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + '₀' }, fmt.Sprint(n))
}

// curveRows bounds the table of rounds: a screen.
const curveRows = 40

// curve is the share informed and the chance that all are, per round.
func (o *outcome) curve() *tabular.Table {
	t := &tabular.Table{}
	t.Row("round", "informed", "theory", "error", "all know", "theory", "error")
	shares := o.result.Informed()
	if o.cfg.Rounds <= curveRows {
		shares = informed(o.result)
	}
	step := (len(shares) + curveRows - 1) / curveRows
	for round, got := range shares {
		if round%step != 0 && round != len(shares)-1 {
			continue
		}
		want, all, allWant := o.theory.InformedAt(round), o.result.AllBy(round), o.theory.AllByAt(round)
		t.Row(fmt.Sprint(round), tabular.Percent(got), tabular.Percent(want), tabular.Signed(100*(got-want), 2),
			tabular.Percent(all), tabular.Percent(allWant), tabular.Signed(100*(all-allWant), 2))
	}
	return t
}

// notes says what the columns mean and what the theory leaves out.
func (o *outcome) notes() string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	add("theory: %s, of order %v; errors of shares in percentage points", theName(&o.theory), o.theory.Order)
	if ci := 2.5758 * o.result.Rounds.Error(); ci > 0 {
		add("the mean number of rounds is ± %.2f at 99 %% confidence", ci)
	}
	if o.result.ReachedAll() < 1 && o.result.Rounds.Count() > 0 {
		add("rounds are of the trials that reached all; alone they flatter")
	}
	switch {
	case o.theory.Order != o.cfg.Order:
		add("order turn has no theory %s; by turn updates travel further in a round, and the lower bound does not hold", whyNoTurn(o.cfg))
	case o.cfg.Order == epidemic.Turn:
		add("the lower bound and the leading order are of order sync; by turn updates travel further in a round")
	case asks(o.cfg.Protocol):
		add("the lower bound does not bind %v: many may ask one node in a round", o.cfg.Protocol)
	}
	if !o.theory.Exact && o.cfg.Protocol == epidemic.Pull {
		add("the mean field of pull is low by up to 0.7 rounds: it has not the luck of the first ones")
	}
	if o.cfg.Protocol == epidemic.MedianCounter {
		add("the curve in theory is that of push-pull, which median-counter follows until it stops")
	}
	if o.cfg.Updates > 1 {
		add("theory takes the updates as independent, although one message carries all")
	}
	if leavesResidue(o.cfg.Protocol) {
		add("the residue in the limit is the root of s = e^(-m(1-s)), for many nodes that act one by one")
	}
	return strings.Join(notes, "\n") + "\n"
}

package spreadcmd

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// Size answers which fanout and interval reach all nodes in time.
type Size struct {
	Nodes       *int              `required:"" help:"Nodes, dead ones included." placeholder:"N"`
	Within      *time.Duration    `required:"" help:"All live nodes know after this long." placeholder:"TIME"`
	Interval    time.Duration     `help:"Time between rounds (default: the longest that does)." placeholder:"TIME"`
	Probability argument.Share    `default:"0.999" help:"Chance that all know in time (default: ${default})." placeholder:"P"`
	Protocol    epidemic.Protocol `default:"push-pull" help:"push, pull or push-pull (default: ${default})." placeholder:"NAME"`
	Loss        argument.Share    `default:"0" help:"Chance that a payload is lost: 5% or 0.05." placeholder:"P"`
	Dead        argument.Share    `default:"0" help:"Share of nodes that are down, unnoticed." placeholder:"F"`
	DeadFor     epidemic.Outage   `default:"forever" help:"Dead nodes stay dead forever, or others are down each round." placeholder:"TIME"`
	Trials      int               `default:"0" help:"Runs that check the answer; 0 by size, up to 5,000." placeholder:"N"`
	Seed        uint64            `default:"1" help:"Random seed (default: ${default})."`
	JSON        bool              `help:"Print JSON." xor:"format"`
	CSV         bool              `help:"Print CSV." xor:"format"`
}

// Errors of [Size].
var (
	ErrUnfit    = errors.New("protocol cannot be sized")
	ErrNoFanout = errors.New("no fanout reaches all in time")
)

// sizeFanouts is the largest fanout considered: doubling it from here saves at
// most a round or two at any size, and doubles the load.
const sizeFanouts = 16

func (s *Size) config(fanout int) epidemic.Config {
	return epidemic.Config{
		Nodes: *s.Nodes, Fanout: fanout, Protocol: s.Protocol, Loss: float64(s.Loss), Dead: float64(s.Dead),
		Outage: s.DeadFor, Trials: 1, Seed: s.Seed, Updates: 1,
	}
}

// Validate is called by kong after parsing, and before it looks for flags that are
// missing, which it names better.
func (s *Size) Validate() error {
	if s.Nodes == nil || s.Within == nil {
		return nil
	}
	errs := []error{
		argument.Range(*s.Within > 0, "within", *s.Within, "more than 0s"),
		argument.Range(s.Interval >= 0 && (s.Interval <= *s.Within || *s.Within <= 0), "interval", s.Interval, fmt.Sprintf("0s to the %v of --within", *s.Within)),
		argument.Range(s.Probability > 0 && s.Probability < 1, "probability", s.Probability, "more than 0% and less than 100%"),
		argument.Range(s.Trials >= 0 && s.Trials <= epidemic.MaxTrials, "trials", s.Trials, fmt.Sprintf("0 (by size) to %d", epidemic.MaxTrials)),
		argument.Fraction("loss", s.Loss), argument.Fraction("dead", s.Dead),
	}
	if s.Protocol > epidemic.PushPull {
		errs = append(errs, fmt.Errorf("--protocol: %w: %v may leave nodes out for ever, or has no fanout to choose; want push, pull or push-pull", ErrUnfit, s.Protocol))
	}
	return errors.Join(append(errs, argument.Flagged(valid(s.config(1))))...)
}

// choice is a fanout and what it takes.
type choice struct {
	Fanout int `json:"fanout"`
	// Rounds after which all know with the probability asked for.
	Rounds int `json:"rounds"`
	// LongestMillis is the longest interval that is still in time.
	LongestMillis tabular.Number `json:"longest_interval_ms"`
	// IntervalMillis is the interval asked for, or the longest; the rest holds
	// for it.
	IntervalMillis tabular.Number `json:"interval_ms"`
	TakesMillis    tabular.Number `json:"takes_ms"`
	InTime         bool           `json:"in_time"`
	All            tabular.Number `json:"all_in_time"`
	Copies         tabular.Number `json:"copies_per_node"`
	CallsPerSecond tabular.Number `json:"calls_per_node_second"`

	budget int // rounds in time
}

// choices computes every fanout by theory.
func (s *Size) choices() []choice {
	var all []choice
	for fanout := 1; fanout <= min(sizeFanouts, *s.Nodes-1); fanout++ {
		theory := epidemic.Predict(s.config(fanout))
		rounds := roundsFor(theory.AllBy, float64(s.Probability))
		if rounds < 0 {
			continue
		}
		all = append(all, s.choice(fanout, rounds, theory))
	}
	return all
}

func (s *Size) choice(fanout, rounds int, theory epidemic.Prediction) choice {
	longest := *s.Within / time.Duration(rounds)
	interval := s.Interval
	if interval == 0 {
		interval = longest
	}
	budget := int(*s.Within / interval)
	return choice{
		Fanout: fanout, Rounds: rounds, budget: budget, InTime: rounds <= budget,
		LongestMillis: tabular.Millis(longest), IntervalMillis: tabular.Millis(interval), TakesMillis: tabular.Millis(interval * time.Duration(rounds)),
		All: tabular.Number(theory.AllByAt(budget)), Copies: tabular.Number(theory.Copies),
		CallsPerSecond: tabular.Number(float64(fanout) / interval.Seconds()),
	}
}

// roundsFor is the first round by which all know with that probability, at
// least one, or -1.
func roundsFor(allBy []float64, probability float64) int {
	for round, by := range allBy {
		if by >= probability {
			return max(round, 1)
		}
	}
	return -1
}

// check is a choice and what simulation says of it.
type check struct {
	choice
	Trials int            `json:"trials"`
	Met    int            `json:"trials_in_time"`
	Share  tabular.Number `json:"simulated_all_in_time"`
	Least  tabular.Number `json:"simulated_least"`
	Most   tabular.Number `json:"simulated_most"`
	Copies tabular.Number `json:"simulated_copies_per_node"`
}

// sizeReport is what --json prints.
type sizeReport struct {
	Nodes       int               `json:"nodes"`
	Protocol    epidemic.Protocol `json:"protocol"`
	WithinMilli tabular.Number    `json:"within_ms"`
	Probability tabular.Number    `json:"probability"`
	Loss        tabular.Number    `json:"loss"`
	Dead        tabular.Number    `json:"dead"`
	DeadFor     epidemic.Outage   `json:"dead_for"`
	Seed        uint64            `json:"seed"`
	Choices     []choice          `json:"choices"`
	Answer      *check            `json:"answer"`
	Rejected    []check           `json:"rejected,omitempty"`
}

// Run computes the choices, takes the cheapest that is in time and checks it by
// simulation. Where the simulation contradicts the theory, which knows little
// of the luck of the first rounds, it takes the next.
func (s *Size) Run(ctx context.Context, app *kong.Kong) error {
	report := sizeReport{
		Nodes: *s.Nodes, Protocol: s.Protocol, WithinMilli: tabular.Millis(*s.Within), Probability: tabular.Number(s.Probability),
		Loss: tabular.Number(s.Loss), Dead: tabular.Number(s.Dead), DeadFor: s.DeadFor, Seed: s.Seed, Choices: s.choices(),
	}
	var failed error
	for candidate := s.next(report.Choices, 0); candidate != nil; candidate = s.next(report.Choices, candidate.Fanout) {
		var checked check
		if checked, failed = s.simulate(ctx, app, *candidate); failed != nil {
			break
		}
		if float64(checked.Most) >= float64(s.Probability) {
			report.Answer = &checked
			break
		}
		report.Rejected = append(report.Rejected, checked)
	}
	var err error
	switch {
	case s.JSON:
		err = tabular.WriteJSON(app.Stdout, report)
	case s.CSV:
		err = writeSizeCSV(app.Stdout, report.Choices)
	default:
		err = s.write(app.Stdout, report)
	}
	switch {
	case failed != nil:
		err = errors.Join(err, failed)
	case report.Answer == nil:
		err = errors.Join(err, fmt.Errorf("%w: %v of %d nodes within %v", ErrNoFanout, s.Protocol, *s.Nodes, *s.Within))
	}
	return err
}

// next is the smallest fanout above the given one that is in time.
func (s *Size) next(choices []choice, above int) *choice {
	for i := range choices {
		if choices[i].InTime && choices[i].Fanout > above {
			return &choices[i]
		}
	}
	return nil
}

// simulate counts the runs in which all know in time.
func (s *Size) simulate(ctx context.Context, app *kong.Kong, c choice) (check, error) {
	cfg := s.config(c.Fanout)
	cfg.Rounds = c.budget
	if cfg.Trials = s.Trials; cfg.Trials == 0 {
		cfg.Trials = min(max(5*trialBudget / *s.Nodes, 10), 5_000)
	}
	cfg.Rounds = min(cfg.Rounds, epidemic.MaxRounds)
	run, err := simulate(ctx, app, cfg, fmt.Sprintf("checking fanout %d", c.Fanout))
	if err != nil {
		return check{}, err
	}
	met, done := run.result.Rounds.Count(), run.result.Done
	least, most := wilson(met, done)
	return check{c, done, met, tabular.Number(run.result.ReachedAll()), tabular.Number(least), tabular.Number(most), tabular.Number(run.result.CopiesPerNode())}, nil
}

// wilson is the 99 % score interval of a share (Wilson, J. Am. Stat. Assoc. 22,
// 1927): unlike the normal one it is sound next to 0 and 1.
func wilson(hits, trials int) (least, most float64) {
	const z = 2.5758
	n := float64(trials)
	p := float64(hits) / n
	center := p + z*z/(2*n)
	half := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	return max(0, (center-half)/scale), min(1, (center+half)/scale)
}

func (s *Size) write(w io.Writer, report sizeReport) error {
	p := &tabular.Printer{W: w}
	p.Printf("%v · %s nodes · loss %s · dead %s · all within %v with probability %v\n\n", s.Protocol, tabular.Grouped(*s.Nodes),
		tabular.Percent(float64(s.Loss)), tabular.Percent(float64(s.Dead)), *s.Within, float64(s.Probability))
	t := &tabular.Table{}
	t.Row("fanout", "rounds", "longest interval", "interval", "takes", "in time", "all in time", "copies", "calls/s")
	for _, c := range report.Choices {
		t.Row(fmt.Sprint(c.Fanout), fmt.Sprint(c.Rounds), duration(c.LongestMillis), duration(c.IntervalMillis),
			duration(c.TakesMillis), tabular.YesNo(c.InTime), tabular.Percent(float64(c.All)), tabular.Fixed(float64(c.Copies), 2), tabular.Fixed(float64(c.CallsPerSecond), 1))
	}
	p.Printf("%s\n", t)
	p.Printf("rounds: after which all know with that probability, by theory; copies: per node and update;\n")
	p.Printf("calls/s: per node at that interval, update or not\n\n")
	for _, c := range report.Rejected {
		p.Printf("fanout %d is in time by theory only: %s\n", c.Fanout, c.simulated())
	}
	if a := report.Answer; a != nil {
		p.Printf("answer: fanout %d every %s; %s;\n", a.Fanout, duration(a.IntervalMillis), a.simulated())
		p.Printf("it costs %s copies per node and update and %s calls per node and second\n",
			tabular.Fixed(float64(a.Copies), 2), tabular.Fixed(float64(a.CallsPerSecond), 1))
	}
	return p.Err
}

func (c *check) simulated() string {
	return fmt.Sprintf("all knew in time in %s of %s simulated runs (%s to %s at 99 %% confidence)",
		tabular.Grouped(c.Met), tabular.Grouped(c.Trials), tabular.Percent(float64(c.Least)), tabular.Percent(float64(c.Most)))
}

func duration(ms tabular.Number) string {
	return time.Duration(float64(ms) * float64(time.Millisecond)).Round(100 * time.Microsecond).String()
}

func writeSizeCSV(w io.Writer, choices []choice) error {
	records := [][]string{{
		"fanout", "rounds", "longest_interval_ms", "interval_ms", "takes_ms", "in_time", "all_in_time",
		"copies_per_node", "calls_per_node_second",
	}}
	for _, c := range choices {
		records = append(records, []string{
			fmt.Sprint(c.Fanout), fmt.Sprint(c.Rounds), c.LongestMillis.String(), c.IntervalMillis.String(),
			c.TakesMillis.String(), fmt.Sprint(c.InTime), c.All.String(), c.Copies.String(), c.CallsPerSecond.String(),
		})
	}
	return csv.NewWriter(w).WriteAll(records)
}

package simcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/internal/picture"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// Cluster is the command "sim cluster".
type Cluster struct {
	Name     string `arg:"" optional:"" name:"scenario" help:"A built-in scenario or a file; the same as --scenario."`
	Scenario string `help:"A built-in scenario, see --list, or a file (default: idle)." placeholder:"NAME"`
	Nodes    *int   `help:"Nodes (default: the scenario's, or 64)." placeholder:"N"`
	Conditions
	Dead  argument.Share `default:"0" help:"Share of nodes that die unnoticed as the scenario begins: 5% or 0.05." placeholder:"F"`
	Seeds int            `default:"1" help:"Run on so many random seeds, and print the spread of each figure (default: ${default})." placeholder:"N"`
	For   time.Duration  `help:"Run for so long at least, past the scenario's end." placeholder:"TIME"`
	JSON  bool           `help:"Print JSON." xor:"format"`
	CSV   bool           `help:"Print CSV, a row for each seed." xor:"format"`
	Plot  string         `help:"Draw who was right about whom, and when, to this file, .svg or .png." placeholder:"FILE"`
	Trace string         `help:"Write all that happens to this file, one line of JSON for each thing." placeholder:"FILE"`
	List  bool           `help:"List the built-in scenarios."`
	Show  string         `help:"Print a built-in scenario, to read or to change." placeholder:"NAME"`

	setting
}

// Help explains the command, for --help.
func (*Cluster) Help() string {
	return "Run many nodes of the shipping protocol in virtual time, let them suffer what a scenario says, and report\n" +
		"convergence, detection, false positives, traffic and staleness. Invariants are checked all the time; a\n" +
		"violation ends the run. Built-in scenarios: " + names() + ".\n" +
		"A scenario of your own is a text file; docs/simulator.md describes the language, --show prints examples."
}

// Validate is called by kong after parsing. It reads the scenario, so that its
// mistakes are found before anything runs.
func (c *Cluster) Validate() error {
	if c.List {
		return nil
	}
	if c.Show != "" {
		if _, err := scenario.Text(c.Show); err != nil {
			return fmt.Errorf("--show: %w", err)
		}
		return nil
	}
	errs := []error{
		c.Conditions.check(),
		argument.Fraction("dead", c.Dead),
		argument.Range(c.Seeds >= 1 && c.Seeds <= seedsMax, "seeds", c.Seeds, fmt.Sprintf("1 to %d", seedsMax)),
		argument.Range(c.For >= 0 && c.For <= forMax, "for", c.For, fmt.Sprintf("0s to %v", forMax)),
		picture.Check("plot", c.Plot), argument.File("trace", c.Trace),
	}
	if c.Trace != "" && c.Seeds > 1 {
		errs = append(errs, fmt.Errorf("--trace: %w: leave it out, or --seeds %d", ErrTrace, c.Seeds))
	}
	return errors.Join(append(errs, c.load())...)
}

// forMax is a year: idle, a cluster of a hundred takes minutes for it.
const forMax = 366 * 24 * time.Hour

// ErrTwoNames is returned if a scenario is named twice.
var ErrTwoNames = errors.New("two scenarios are named")

func (c *Cluster) load() error {
	name := c.Scenario
	switch {
	case name != "" && c.Name != "" && c.Name != name:
		return fmt.Errorf("%w: %s and %s", ErrTwoNames, c.Name, name)
	case name == "" && c.Name == "":
		name = "idle"
	case name == "":
		name = c.Name
	}
	script, err := load(name)
	if err != nil {
		return err
	}
	c.setting = c.Conditions.apply(script)
	if c.Nodes == nil {
		n := script.Nodes()
		c.Nodes = &n
	}
	if down := int(math.Round(float64(c.Dead) * float64(*c.Nodes))); c.Dead < 1 && *c.Nodes > 0 && down >= *c.Nodes {
		return fmt.Errorf("--dead %w: %v of %s is all of them, and somebody must live", argument.ErrRange, c.Dead, tabular.Plural(*c.Nodes, "node"))
	}
	return checkNodes(script, *c.Nodes)
}

// checkNodes holds that a script can run on so many nodes: first that the flag is
// in range, then that the nodes which the script names are.
func checkNodes(script *scenario.Script, n int) error {
	err := script.Check(n)
	if errors.Is(err, scenario.ErrNodes) {
		return argument.Range(false, "nodes", n, fmt.Sprintf("1 to %d", scenario.NodesMax))
	}
	return err
}

// Run plays the scenario and prints.
func (c *Cluster) Run(ctx context.Context, app *kong.Kong) error {
	switch {
	case c.List:
		return list(app.Stdout)
	case c.Show != "":
		text, err := scenario.Text(c.Show)
		if err != nil {
			return err
		}
		_, err = io.WriteString(app.Stdout, text)
		return err
	}
	trace, closeTrace, err := c.openTrace()
	if err != nil {
		return err
	}
	results, err := c.simulate(ctx, app, trace)
	err = errors.Join(c.interrupted(err, results), closeTrace())
	if len(results) == 0 {
		return err
	}
	if c.Plot != "" {
		if plotErr := c.draw(results[0]); plotErr != nil {
			err = errors.Join(err, plotErr)
		}
	}
	return errors.Join(c.print(app.Stdout, results, err), err)
}

// interrupted says how far a run came before it was cut short. Of many seeds the
// report is of those that were done, of one it is of the time that had passed.
func (c *Cluster) interrupted(err error, results []*scenario.Result) error {
	err = meter.Interrupted(err, len(results), c.Seeds, "random seeds")
	if c.Seeds > 1 || len(results) == 0 || !errors.Is(err, meter.ErrInterrupted) {
		return err
	}
	if results[0].JoinTime <= 0 && c.script.Formed() {
		return fmt.Errorf("%w while the cluster formed, before time 0 of the scenario", meter.ErrInterrupted)
	}
	return fmt.Errorf("%w at %v of the scenario", meter.ErrInterrupted, results[0].Length.Round(time.Millisecond))
}

func (c *Cluster) simulate(ctx context.Context, app *kong.Kong, trace io.Writer) ([]*scenario.Result, error) {
	length := max(c.script.Length(), c.For, time.Second)
	bar := meter.New(app.Stderr, c.script.Name, int64(c.Seeds)*length.Milliseconds())
	defer bar.Stop()
	opts := c.options(*c.Nodes, c.Seed)
	opts.Dead, opts.Length, opts.Trace, opts.Timeline = float64(c.Dead), c.For, trace, c.Plot != ""
	return scenario.RunSeeds(ctx, opts, c.Seeds, runtime.GOMAXPROCS(0), progress(bar, length))
}

// progress returns what counts the time of one run on a bar, up to length.
func progress(bar *meter.Meter, length time.Duration) func() func(time.Duration) {
	return func() func(time.Duration) {
		counted := int64(0)
		return func(now time.Duration) {
			if ms := min(now, length).Milliseconds(); ms > counted {
				bar.Add(int(ms - counted))
				counted = ms
			}
		}
	}
}

// openTrace opens the file of --trace, if any.
func (c *Cluster) openTrace() (io.Writer, func() error, error) {
	switch c.Trace {
	case "":
		return nil, func() error { return nil }, nil
	}
	file, err := os.Create(c.Trace)
	if err != nil {
		return nil, nil, err
	}
	return file, file.Close, nil
}

func list(w io.Writer) error {
	p := &tabular.Printer{W: w}
	for _, name := range scenario.Names() {
		text, err := scenario.Text(name)
		if err != nil {
			return err
		}
		p.Printf("%-13s %s\n", name, summary(text))
	}
	return p.Err
}

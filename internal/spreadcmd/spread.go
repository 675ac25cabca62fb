package spreadcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// Spread is the command and its subcommands. Without any it runs one
// simulation; without flags either, the toy.
type Spread struct {
	Once    Once    `cmd:"" name:"run" default:"withargs" help:"Simulate one protocol (this is what no command means)."`
	Compare Compare `cmd:"" help:"Simulate protocols side by side."`
	Size    Size    `cmd:"" help:"Find the fanout and interval that reach all nodes in time."`
}

// Help explains the toy, for "hearsay sim spread --help".
func (Spread) Help() string {
	return `Spread updates through a cluster in rounds and compare with theory.

With no flags: the toy. Seven nodes A-G, fanout 3, three rounds, one update at A; each round
prints what every node knows. The toy's nodes act one after another and pass on what reached
them earlier in the same round (--order turn); both orders are shown, each beside its theory.
With --nodes or --trials nodes act all at once on what they knew when the round began
(--order sync), and theory describes that alone beyond seven nodes.

"run" may be left out; its flags are listed by "run --help".`
}

// Once is the simulation of one protocol.
type Once struct {
	Model
	Output
	Protocol epidemic.Protocol `default:"push" help:"push, pull, push-pull, infect-and-die, feedback-counter, feedback-coin, blind-counter, blind-coin, median-counter or digest (default: ${default})." placeholder:"NAME"`
	Chart    string            `default:"coverage" enum:"coverage,rounds,copies,residue" help:"What to tabulate and to --plot: ${enum}; over nodes but for coverage and residue."`
}

// Validate is called by kong after parsing.
func (o *Once) Validate() error {
	return errors.Join(o.Model.check(o.Protocol), o.Output.check(), chartable(o.Model, o.Chart, []epidemic.Protocol{o.Protocol}))
}

// Run simulates and prints.
func (o *Once) Run(ctx context.Context, app *kong.Kong) error {
	cfg, err := o.config(o.Protocol)
	if err != nil {
		return err
	}
	if o.Chart != "coverage" {
		return o.sweep(ctx, app, o.Model, []epidemic.Protocol{o.Protocol}, o.Chart)
	}
	run, err := simulate(ctx, app, cfg, cfg.Protocol.String())
	if run == nil {
		return err
	}
	if cfg.Nodes <= epidemic.StoryMaxNodes && cfg.Trials == 1 {
		if run.tale, err = tell(ctx, cfg); err != nil {
			return err
		}
	}
	if plotErr := o.plot(func() *figure { return coverage([]*outcome{run}) }); plotErr != nil {
		return plotErr
	}
	switch {
	case o.JSON:
		return errors.Join(tabular.WriteJSON(app.Stdout, run.report()), err)
	case o.CSV:
		return errors.Join(run.writeCSV(app.Stdout), err)
	case run.tale != nil:
		return errors.Join(run.tale.write(app.Stdout), err)
	default:
		return errors.Join(run.write(app.Stdout), err)
	}
}

// outcome is a simulation and its theory.
type outcome struct {
	cfg    epidemic.Config
	result *epidemic.Result
	theory epidemic.Prediction
	tale   *tale // node by node, if the cluster is small and the run is one
}

// simulate runs cfg with a progress bar. An interrupted run returns what was
// done together with an error, nil if nothing was.
func simulate(ctx context.Context, app *kong.Kong, cfg epidemic.Config, label string) (*outcome, error) {
	bar := meter.New(app.Stderr, label, int64(cfg.Trials)*int64(cfg.Live())*int64(cfg.Updates))
	defer bar.Stop()
	result, err := epidemic.Run(ctx, cfg, bar.Add)
	if result == nil {
		return nil, err
	}
	err = meter.Interrupted(err, result.Done, cfg.Trials, fmt.Sprintf("trials of %v", cfg.Protocol))
	if result.Done == 0 {
		return nil, err
	}
	return &outcome{cfg: cfg, result: result, theory: epidemic.Predict(cfg)}, err
}

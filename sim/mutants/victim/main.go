// Command victim is built with a mutant over its source. It runs schedules one
// after another until one violates something, and prints how that went as JSON.
// With the arguments of hearsay sim swarm or hearsay sim replay it does what these
// do.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/swarmcmd"
	"github.com/hearsay-gossip/hearsay/sim/mutants"
	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

func main() {
	if len(os.Args) > 1 && (os.Args[1] == "swarm" || os.Args[1] == "replay") {
		byHand()
		return
	}
	seed := flag.Uint64("seed", 1, "random seed of the first run")
	runs := flag.Int("runs", 200, "runs at most")
	nodes := flag.Int("nodes", 20, "nodes of a run at most")
	twice := flag.Bool("twice", false, "run each schedule twice and compare")
	flag.Parse()
	ctx, cancel := context.WithCancel(context.Background())
	var end mutants.End
	s := swarm.Swarm{
		Seed: swarm.Seed(*seed), Runs: *runs, Limits: swarm.Limits{Nodes: *nodes},
		Done: func(o swarm.Outcome) {
			end.Runs++
			if f := o.Result.Found(); f != nil {
				end.Seed, end.Invariant, end.What = o.Schedule.Seed.String(), f.Invariant, f.What
				cancel()
			}
		},
	}
	if *twice {
		s.Twice = 1
	}
	s.Run(ctx)
	if err := json.NewEncoder(os.Stdout).Encode(end); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// byHand runs a command line as hearsay sim would.
func byHand() {
	var cli struct {
		Swarm  swarmcmd.Swarm  `cmd:"" help:"Look for schedules that break this build."`
		Replay swarmcmd.Replay `cmd:"" help:"Play one."`
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	parsed := kong.Parse(&cli, kong.BindTo(ctx, (*context.Context)(nil)))
	parsed.FatalIfErrorf(parsed.Run())
}

// Command run puts a program under Maelstrom's workloads, in real time: a process
// per node, lines of JSON on its standard input and output.
//
//	go build -o node ./examples/maelstrom
//	go run ./internal/maelstrom/run -bin ./node -nodes 25 -rate 100 -latency 100ms -time-limit 20s
//
// What follows -- is handed to the program. It exits with 1 if the run was not
// valid and with 2 if it could not be run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/maelstrom"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The codes with which it exits besides 0.
const (
	exitNotValid = 1
	exitNotRun   = 2
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var opts maelstrom.Options
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&opts.Workload, "workload", "broadcast", "echo, unique-ids, broadcast or g-set")
	flags.IntVar(&opts.Nodes, "nodes", 5, "how many nodes")
	flags.Float64Var(&opts.Rate, "rate", 5, "requests a second of all clients together")
	flags.DurationVar(&opts.TimeLimit, "time-limit", 20*time.Second, "how long clients make requests")
	flags.DurationVar(&opts.Latency, "latency", 0, "mean delay between nodes")
	flags.StringVar(&opts.Dist, "latency-dist", "constant", "constant, uniform or exponential")
	flags.Float64Var(&opts.Loss, "loss", 0, "chance that a message between nodes is lost")
	flags.BoolVar(&opts.Partitions, "partitions", false, "cut nodes apart and heal them")
	flags.StringVar(&opts.Topology, "topology", "grid", "line, grid, tree2, tree3, tree4 or total")
	flags.Uint64Var(&opts.Seed, "seed", 1, "random seed of load and faults")
	bin := flags.String("bin", "", "program to run, one process per node")
	if err := flags.Parse(args); err != nil {
		return exitNotRun // it was printed
	}
	if *bin == "" {
		fmt.Fprintln(stderr, "run: no program; see -bin")
		return exitNotRun
	}
	result, err := maelstrom.Execute(ctx, opts, append([]string{*bin}, flags.Args()...), stderr)
	if err == nil {
		err = result.Print(stdout)
	}
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "run:", err)
		return exitNotRun
	case !result.Valid():
		return exitNotValid
	default:
		return 0
	}
}

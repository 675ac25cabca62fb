// Command run puts a program under Maelstrom's workloads, in real time: a process
// per node, lines of JSON on its standard input and output.
//
//	go build -o node ./examples/maelstrom
//	go run ./internal/maelstrom/run -workload broadcast -nodes 25 -rate 100 -latency 100ms -time-limit 20s -bin ./node
//
// What follows -- is handed to the program. It exits with 1 if the run was not
// valid and with 2 if it could not be run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/maelstrom"
)

func main() { os.Exit(run()) }

func run() int {
	var opts maelstrom.Options
	flag.StringVar(&opts.Workload, "workload", "broadcast", "echo, unique-ids, broadcast or g-set")
	flag.IntVar(&opts.Nodes, "nodes", 5, "how many nodes")
	flag.Float64Var(&opts.Rate, "rate", 5, "requests a second of all clients together")
	flag.DurationVar(&opts.TimeLimit, "time-limit", 20*time.Second, "how long clients make requests")
	flag.DurationVar(&opts.Latency, "latency", 0, "mean delay between nodes")
	flag.StringVar(&opts.Dist, "latency-dist", "constant", "constant, uniform or exponential")
	flag.Float64Var(&opts.Loss, "loss", 0, "chance that a message between nodes is lost")
	flag.BoolVar(&opts.Partitions, "partitions", false, "cut nodes apart and heal them")
	flag.StringVar(&opts.Topology, "topology", "grid", "line, grid, tree2, tree3, tree4 or total")
	flag.Uint64Var(&opts.Seed, "seed", 1, "random seed of load and faults")
	bin := flag.String("bin", "", "program to run, one process per node")
	flag.Parse()
	if *bin == "" {
		fmt.Fprintln(os.Stderr, "run: no program; see -bin")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	result, err := maelstrom.Execute(ctx, opts, append([]string{*bin}, flag.Args()...), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		return 2
	}
	if err := result.Print(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		return 2
	}
	if !result.Valid() {
		return 1
	}
	return 0
}

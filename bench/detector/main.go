// Command detector measures failure detectors: memberlist's, the library itself,
// and hearsay's, the core itself, both in virtual time, on one model of a
// network, under one schedule of faults.
//
// memberlist runs in bubbles of testing/synctest, over a transport in memory;
// hearsay's core in the simulator. A trial is a script that is played to both:
// the same nodes fail at the same times, and the k-th packet from one node to
// another has the same luck. Standard output gets a table in markdown or, with
// -json, every trial; standard error gets progress.
//
//	go run ./detector -quick
//	go run ./detector -rows crash,cut -nodes 64 -trials 20
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "detector:", err)
		return exitUsage
	}
	if p.child != nil {
		err = runChild(*p.child, stdout)
	} else {
		err = runAll(ctx, p, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "detector:", err)
		return exitFailed
	}
	return exitDone
}

func runAll(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	results, err := runJobs(ctx, p, stderr)
	if err != nil {
		return err
	}
	if p.json {
		return tabular.WriteJSON(stdout, newReport(p, results))
	}
	_, err = io.WriteString(stdout, markdown(p, results))
	return err
}

// Command eventbench measures broadcasts in clusters of real nodes on loopback
// sockets, system against system: how long one takes to reach everybody and
// what it costs, how many a second one sender can send, and how many never
// arrive somewhere.
//
// Each measurement runs in a process of its own, and systems take turns, so
// that whatever else the machine does is shared fairly. Standard output gets
// tables in markdown or, with -json, every result; standard error gets progress.
//
//	go run ./eventbench -quick
//	go run ./eventbench -systems hearsay,memberlist -workloads latency -nodes 100
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
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
		fmt.Fprintln(stderr, "eventbench:", err)
		return exitUsage
	}
	if p.child != nil {
		err = runChild(ctx, *p.child, stdout)
	} else {
		err = runTurns(ctx, p, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "eventbench:", err)
		return exitFailed
	}
	return exitDone
}

// filesFactor is how many times the files of a usual node one may need here: in
// gossipsub it has some twenty connections.
const filesFactor = 4

// runChild makes the one measurement this process is for.
func runChild(ctx context.Context, t turn, stdout io.Writer) error {
	s := systems[t.System]
	if err := benchcluster.RaiseFiles(filesFactor * t.Nodes); err != nil {
		return err
	}
	r, err := measure(ctx, s.open(t.Size), t)
	if err != nil {
		return err
	}
	r.System, r.Version = t.System, benchcluster.Version(s.module)
	return json.NewEncoder(stdout).Encode(r)
}

// Command ring is a small replicated cache in the manner of Dynamo: keys have
// three homes in different zones, found by a consistent-hash ring that each node
// keeps from its members. Without flags it runs six nodes on the loopback
// interface, kills one, starts it again, and prints what becomes of the keys.
// With -name it is one node.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/seal"
)

// keys are those of every node of the example; in production seal.NewRing makes
// them, once for all nodes.
var keys = seal.DevRing("ring-example")

// leaveTimeout bounds the goodbye of a node that is interrupted; the others
// confirm it within milliseconds.
const leaveTimeout = 5 * time.Second

func main() {
	var s setup
	flag.StringVar(&s.name, "name", "", "run one node of this name, until interrupted")
	flag.StringVar(&s.zone, "zone", "", "the zone in which it is")
	flag.StringVar(&s.listen, "http", "127.0.0.1:0", "where it serves the cache")
	flag.StringVar(&s.bind, "bind", "", "where it gossips; default a free port of 127.0.0.1")
	join := flag.String("join", "", "addresses of other nodes, with commas between")
	flag.Parse()
	s.keys = keys
	if *join != "" {
		s.seeds = strings.Split(*join, ",")
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := run(ctx, s); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "ring:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s setup) error {
	if s.name == "" {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
		defer cancel()
		return story(ctx, os.Stdout)
	}
	a, err := start(ctx, s)
	if err != nil {
		return err
	}
	fmt.Printf("%s serves %s/keys/NAME; others join with -join %s\n", s.name, a.url, a.node.Self().Addr)
	<-ctx.Done()
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	_, err = a.node.Leave(leaving)
	return errors.Join(err, a.close())
}

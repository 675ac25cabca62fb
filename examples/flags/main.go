// Command flags is feature flags without a server: every node publishes the
// flags that it owns as facts, and each works out by itself which value counts.
// It runs three nodes on the loopback interface and prints what happens.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := demo(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "flags:", err)
		os.Exit(1)
	}
}

// liveNode makes a hearsay.Node a Node: MetaOf is its own, Set that of its
// metadata.
type liveNode struct {
	*hearsay.Node
	*hearsay.Meta
}

// Owners implements Node.
func (n liveNode) Owners() []member.NodeID {
	var ids []member.NodeID
	for _, m := range n.Members() {
		if m.Live() {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// report is one change that one node saw.
type report struct {
	node, flag string
	now        Flag
}

// app is a node with its board.
type app struct {
	*Board
	node *hearsay.Node
	name string
}

// start runs a node and keeps its board up to date until ctx ends or the node is
// closed. Changes go to reports.
func start(ctx context.Context, name string, ring *seal.Ring, reports chan<- report, seeds ...string) (*app, error) {
	cfg := hearsay.Local()
	cfg.Name, cfg.Ring, cfg.Seeds, cfg.Logger = name, ring, seeds, slog.New(slog.DiscardHandler)
	n, err := hearsay.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	board := NewBoard(liveNode{n, n.Meta()}, func(flag string, now Flag) {
		select {
		case reports <- report{name, flag, now}:
		case <-ctx.Done():
		}
	})
	events := n.Events(ctx) // before the first look, so that nothing is missed
	go func() {
		board.Update()
		for range events {
			board.Update()
		}
	}()
	return &app{board, n, name}, nil
}

// demo runs three nodes, and prints until they have seen it all.
func demo(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ring := seal.DevRing("flags") // in production: seal.NewRing, once for all nodes
	reports := make(chan report)
	var apps []*app
	var seeds []string
	for _, name := range []string{"alice", "bob", "carol"} {
		a, err := start(ctx, name, ring, reports, seeds...)
		if err != nil {
			return err
		}
		defer a.node.Close()
		apps = append(apps, a)
		seeds = []string{apps[0].node.Self().Addr.String()}
	}
	alice, bob, carol := apps[0], apps[1], apps[2]

	fmt.Fprintln(out, "alice turns dark-mode on")
	if err := alice.Set(ctx, "dark-mode", "on"); err != nil {
		return err
	}
	if err := follow(ctx, out, reports, "on", alice, bob, carol); err != nil {
		return err
	}
	fmt.Fprintln(out, "bob turns dark-mode off")
	if err := bob.Set(ctx, "dark-mode", "off"); err != nil {
		return err
	}
	if err := follow(ctx, out, reports, "off", alice, bob, carol); err != nil {
		return err
	}
	fmt.Fprintln(out, "bob leaves, and takes along what it published")
	if _, err := bob.node.Leave(ctx); err != nil {
		return err
	}
	return follow(ctx, out, reports, "on", alice, carol)
}

// follow prints reports until those apps have seen dark-mode get a value.
func follow(ctx context.Context, out io.Writer, reports <-chan report, value string, apps ...*app) error {
	left := make(map[string]bool)
	for _, a := range apps {
		left[a.name] = true
	}
	for len(left) > 0 {
		select {
		case r := <-reports:
			fmt.Fprintf(out, "  %s sees %s %s, version %d\n", r.node, r.flag, r.now.Value, r.now.Version)
			if r.now.Value == value {
				delete(left, r.node)
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for dark-mode %s: %w", value, ctx.Err())
		}
	}
	return nil
}

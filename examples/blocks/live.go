package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/seal"
)

// liveNode makes a hearsay.Node a Network.
type liveNode struct{ *hearsay.Node }

// Tell implements Network.
func (n liveNode) Tell(ctx context.Context, block []byte) error {
	_, err := n.Broadcast(ctx, hearsay.Message{Topic: blockTopic, Payload: block})
	return err
}

// Others implements Network.
func (n liveNode) Others() []string {
	var names []string
	for _, m := range n.Members() {
		if m.Live() && !m.Self {
			names = append(names, m.Name)
		}
	}
	return names
}

// Ask implements Network.
func (n liveNode) Ask(ctx context.Context, name, topic string, question []byte, done func([]byte, bool)) {
	go func() {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answers, err := n.Query(ctx, hearsay.Query{
			Topic: topic, Payload: question, Filter: hearsay.Filter{Names: []string{name}}, Timeout: askTimeout,
		})
		if err != nil {
			done(nil, false)
			return
		}
		for a := range answers.All() {
			done(a.Payload, a.Lagged == 0)
			return
		}
		done(nil, false)
	}()
}

// live is a peer on a real node.
type live struct {
	*Peer
	node *hearsay.Node
	name string
}

// ring holds the keys of the example; in production seal.NewRing makes them, once
// for all nodes.
var ring = seal.DevRing("blocks-example")

// catchUp is how often a peer asks another for its last block.
const catchUp = time.Second

// start runs a node, which knows the cluster by the addresses of seeds alone.
func start(ctx context.Context, name string, news func(name string, b Block), seeds ...string) (*live, error) {
	cfg := hearsay.Local()
	cfg.Name, cfg.Ring, cfg.Seeds, cfg.Logger = name, ring, seeds, slog.New(slog.DiscardHandler)
	n, err := hearsay.Start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := NewPeer(ctx, liveNode{n}, rand.IntN, func(b Block) { news(name, b) })
	go func() {
		tick := time.NewTicker(catchUp)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.CatchUp()
			case <-n.Done():
				return
			}
		}
	}()
	return &live{p, n, name}, nil
}

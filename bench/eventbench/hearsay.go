package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/bench/counted"
	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
	"github.com/hearsay-gossip/hearsay/seal"
)

func init() {
	systems["hearsay"] = system{
		module: benchcluster.Module, ours: true,
		about: "LAN, sealed with a ring's key",
		open:  func(int) cluster { return &hearsays{sealed: true} },
	}
	systems["hearsay-plain"] = system{
		module: benchcluster.Module, ours: true,
		about: "the same with Insecure, so in plaintext",
		open:  func(int) cluster { return &hearsays{} },
	}
}

// hearsayTopic is the topic of all messages.
const hearsayTopic = "bench"

// hearsays is a cluster of hearsay nodes. Nothing is changed but names,
// addresses, the log (discarded) and a meter on what leaves.
type hearsays struct {
	sealed bool
	meter  counted.Counters
	nodes  []*hearsay.Node // [0] is the seed; fixed once Start returns
	ready  scan

	readers sync.WaitGroup
	stop    context.CancelFunc // ends the subscriptions; nil before Start
}

// Start implements [cluster].
func (c *hearsays) Start(ctx context.Context, nodes int, d deliver) error {
	base := hearsay.LAN()
	base.Logger = slog.New(slog.DiscardHandler)
	if base.Insecure = !c.sealed; c.sealed {
		ring, err := seal.NewRing(rand.Reader)
		if err != nil {
			return fmt.Errorf("make ring: %w", err)
		}
		base.Ring = ring
	}
	var reading context.Context
	reading, c.stop = context.WithCancel(ctx)
	c.nodes = make([]*hearsay.Node, nodes)
	create := func(i int) error {
		cfg := base
		if i > 0 {
			cfg.Seeds = []string{c.nodes[0].Self().Addr.String()}
		}
		return c.create(ctx, reading, cfg, i, d)
	}
	var joins sync.WaitGroup // a node joins its seeds by itself
	defer joins.Wait()
	return startAll(ctx, nodes, &joins, create, func(int) error { return nil })
}

// create starts a node and hands on its messages while reading lasts.
func (c *hearsays) create(ctx, reading context.Context, cfg hearsay.Config, index int, d deliver) error {
	transport, err := counted.ListenHearsay(ctx, &c.meter)
	if err != nil {
		return err
	}
	cfg.Name = benchcluster.NodeName(index)
	cfg.Transport = transport // the node closes it
	node, err := hearsay.Start(ctx, cfg)
	if err != nil {
		return err
	}
	c.nodes[index] = node
	messages := node.Messages(reading, hearsayTopic)
	c.readers.Go(func() {
		for m := range messages {
			if m.Lagged == 0 && m.Missed == 0 { // markers: what they count is missed here as well
				d(index, m.Payload)
			}
		}
	})
	return nil
}

// Ready implements [cluster]: every node lists every node as live.
func (c *hearsays) Ready() bool {
	return c.ready.all(len(c.nodes), func(i int) bool {
		live := 0
		for _, m := range c.nodes[i].Members() {
			if m.Live() {
				live++
			}
		}
		return live == len(c.nodes)
	})
}

// Publish implements [cluster].
func (c *hearsays) Publish(ctx context.Context, node int, payload []byte) error {
	_, err := c.nodes[node].Broadcast(ctx, hearsay.Message{Topic: hearsayTopic, Payload: payload})
	return err
}

// Sent implements [cluster].
func (c *hearsays) Sent() sent {
	var copies uint64
	for _, n := range c.nodes {
		copies += n.Stats().Messages.Copies
	}
	return sentBy(&c.meter, copies)
}

// Close implements [cluster]. Nodes stop without a goodbye, which takes time
// and is not what is measured.
func (c *hearsays) Close() error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	err := closeAll(len(c.nodes), func(i int) error {
		if c.nodes[i] == nil {
			return nil
		}
		return c.nodes[i].Close()
	})
	c.readers.Wait()
	return err
}

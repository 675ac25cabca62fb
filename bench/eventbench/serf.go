package main

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-metrics"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"

	"github.com/hearsay-gossip/hearsay/bench/counted"
	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

func init() {
	const module = "github.com/hashicorp/serf"
	systems["serf"] = system{
		module: module,
		about:  "DefaultConfig (which is LAN), user events without coalescing, in plaintext as is its default; its limit of 512 bytes an event is raised for larger payloads",
		open:   func(size int) cluster { return &serfs{size: size} },
	}
	systems["serf-sealed"] = system{
		module: module,
		about:  "the same with a key for AES-256-GCM",
		open:   func(size int) cluster { return &serfs{size: size, key: newKey()} },
	}
}

const (
	// serfEvent is the name of all events. It travels with each.
	serfEvent = "bench"
	// serfEnvelope is room for what the encoding of an event adds to its
	// payload, the name included.
	serfEnvelope = 64
	// serfBuffer is how many events wait for the application, so that it never
	// holds up the node.
	serfBuffer = 8192
)

// serfs is a cluster of Serf nodes.
type serfs struct {
	size  int
	key   []byte // empty: plaintext
	meter counted.Counters
	seen  serfReceived
	nodes []*serf.Serf // [0] is the seed
	feeds []chan serf.Event
	ready scan

	joins, readers sync.WaitGroup
	stop           context.CancelFunc // ends joins and readers; nil before Start
}

// Start implements [cluster].
func (c *serfs) Start(ctx context.Context, nodes int, d deliver) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.seen.least = float32(c.size)
	if err := c.seen.install(); err != nil {
		return err
	}
	c.nodes = make([]*serf.Serf, nodes)
	c.feeds = make([]chan serf.Event, nodes)
	for i := range c.feeds {
		c.feeds[i] = make(chan serf.Event, serfBuffer)
		c.readers.Go(func() { c.read(ctx, i, d) })
	}
	return startAll(ctx, nodes, &c.joins, c.create, func(i int) error {
		_, err := c.nodes[i].Join([]string{c.nodes[0].Memberlist().LocalNode().Address()}, true)
		return err
	})
}

func (c *serfs) create(index int) error {
	transport, err := counted.ListenMemberlist(discard, &c.meter)
	if err != nil {
		return err
	}
	list := memberlist.DefaultLANConfig()
	list.BindAddr = counted.Loopback
	list.Transport = transport
	list.Logger = discard
	list.SecretKey = c.key
	cfg := serf.DefaultConfig()
	cfg.NodeName = benchcluster.NodeName(index)
	cfg.MemberlistConfig = list
	cfg.Logger = discard
	cfg.EventCh = c.feeds[index]
	cfg.UserEventSizeLimit = max(cfg.UserEventSizeLimit, c.size+serfEnvelope)
	node, err := serf.Create(cfg)
	if err != nil {
		_ = transport.Shutdown() // the error at hand is the one that matters
		return err
	}
	c.nodes[index] = node
	return nil
}

// read hands the user events of a node on until ctx ends.
func (c *serfs) read(ctx context.Context, index int, d deliver) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-c.feeds[index]:
			if event, ok := e.(serf.UserEvent); ok {
				d(index, event.Payload)
			}
		}
	}
}

// Ready implements [cluster]: every node lists every node.
func (c *serfs) Ready() bool {
	return c.ready.all(len(c.nodes), func(i int) bool { return c.nodes[i].Memberlist().NumMembers() == len(c.nodes) })
}

// Publish implements [cluster].
func (c *serfs) Publish(_ context.Context, node int, payload []byte) error {
	const coalesce = false // or Serf would keep only the last event of a name
	return c.nodes[node].UserEvent(serfEvent, payload, coalesce)
}

// Sent implements [cluster].
func (c *serfs) Sent() sent { return sentBy(&c.meter, c.seen.copies.Load()) }

// Close implements [cluster].
func (c *serfs) Close() error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	c.joins.Wait()
	err := closeAll(len(c.nodes), func(i int) error {
		if c.nodes[i] == nil {
			return nil
		}
		return c.nodes[i].Shutdown()
	})
	c.readers.Wait()
	return err
}

// serfReceived counts payloads as they arrive, which Serf tells nobody but its
// metrics: there it is a sample for each message received, with its length.
// Membership's own messages are shorter than any payload.
type serfReceived struct {
	metrics.BlackholeSink
	least  float32
	copies atomic.Uint64
}

// serfMetric is the sample, as Serf calls it.
var serfMetric = []string{"serf", "msgs", "received"}

// install makes r the one sink of this process for that one metric. All others
// stay off, as they are without a sink.
func (r *serfReceived) install() error {
	_, err := metrics.NewGlobal(&metrics.Config{
		AllowedPrefixes: []string{strings.Join(serfMetric, ".")},
	}, r)
	return err
}

// AddSampleWithLabels implements [metrics.MetricSink].
func (r *serfReceived) AddSampleWithLabels(_ []string, length float32, _ []metrics.Label) {
	if length >= r.least {
		r.copies.Add(1)
	}
}

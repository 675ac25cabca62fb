package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/tcpreuse"

	"github.com/hearsay-gossip/hearsay/bench/counted"
)

func init() {
	systems["gossipsub"] = system{
		module: "github.com/libp2p/go-libp2p-pubsub",
		about: fmt.Sprintf("NewGossipSub with its defaults, signatures included, on libp2p's TCP, Noise and yamux; every node dials %d others at random; its queues of 32 messages, which drop the rest unseen, hold %d",
			gossipDials, gossipQueue),
		open: func(int) cluster { return &gossipsubs{} },
	}
}

const (
	gossipTopic = "bench"
	// gossipDials is how many connections each node opens, so that it has about
	// twice as many: enough to fill a mesh of 6 to 12 and leave some to gossip
	// with, while a full mesh of connections is what libp2p is not made for.
	gossipDials = 10
	// gossipQueue replaces the 32 messages for a peer, for the validation and
	// for the subscriber. It is a burst of 0.4 s at the highest rate offered.
	gossipQueue = 8192
	// gossipDialing is how many nodes dial at the same time, so that the
	// handshakes of a large cluster do not time out on two processors.
	gossipDialing = 8
)

// gossipsubs is a cluster of libp2p hosts that talk gossipsub about one topic.
type gossipsubs struct {
	meter  counted.Counters
	copies atomic.Uint64
	nodes  []*gossipNode
	ready  scan

	readers sync.WaitGroup
	stop    context.CancelFunc // ends what Start began; nil before
}

// gossipNode is one of them.
type gossipNode struct {
	host   host.Host
	topic  *pubsub.Topic
	tracer gossipTracer
	dialed atomic.Bool
}

// Start implements [cluster].
func (c *gossipsubs) Start(ctx context.Context, nodes int, d deliver) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.nodes = make([]*gossipNode, nodes)
	for i := range c.nodes {
		c.nodes[i] = &gossipNode{tracer: gossipTracer{copies: &c.copies}}
		if err := c.create(ctx, i, d); err != nil {
			return fmt.Errorf("create node %d: %w", i, err)
		}
	}
	limit := make(chan struct{}, gossipDialing)
	for i := range c.nodes {
		c.readers.Go(func() {
			select {
			case limit <- struct{}{}:
				c.dial(ctx, i)
				<-limit
			case <-ctx.Done():
			}
		})
	}
	return nil
}

// create makes a node that has joined the topic but knows nobody.
func (c *gossipsubs) create(ctx context.Context, index int, d deliver) error {
	n := c.nodes[index]
	var err error
	n.host, err = libp2p.New(
		libp2p.ListenAddrStrings("/ip4/"+counted.Loopback+"/tcp/0"),
		libp2p.Transport(c.newTCP),
		libp2p.DisableMetrics(), // of libp2p, into a registry that the hosts would share
	)
	if err != nil {
		return err
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	gossip, err := pubsub.NewGossipSub(
		ctx, n.host,
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithRawTracer(&n.tracer),
		pubsub.WithLogger(quiet), pubsub.WithRPCLogger(quiet),
	)
	if err != nil {
		return err
	}
	if n.topic, err = gossip.Join(gossipTopic); err != nil {
		return err
	}
	messages, err := n.topic.Subscribe(pubsub.WithBufferSize(gossipQueue))
	if err != nil {
		return err
	}
	c.readers.Go(func() {
		for {
			m, err := messages.Next(ctx)
			if err != nil {
				return // ctx has ended
			}
			d(index, m.Data)
		}
	})
	return nil
}

// newTCP makes libp2p's TCP transport with a meter on what it dials.
func (c *gossipsubs) newTCP(u transport.Upgrader, limits network.ResourceManager, shared *tcpreuse.ConnMgr) (*tcp.TcpTransport, error) {
	return tcp.NewTCPTransport(&countedUpgrader{Upgrader: u, meter: &c.meter}, limits, shared)
}

// dial connects a node to others until ctx ends or it has as many as it wants.
func (c *gossipsubs) dial(ctx context.Context, index int) {
	n := c.nodes[index]
	others := rand.New(rand.NewPCG(uint64(len(c.nodes)), uint64(index))).Perm(len(c.nodes))
	want := min(gossipDials, len(c.nodes)-1)
	for _, other := range others {
		if other == index || want == 0 || ctx.Err() != nil {
			continue
		}
		h := c.nodes[other].host
		if n.host.Connect(ctx, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}) == nil {
			want--
		}
	}
	n.dialed.Store(want == 0)
}

// Ready implements [cluster]: all connections are there and every node has the
// least number of neighbours that gossipsub puts up with (D_low), or all others
// in a smaller cluster.
func (c *gossipsubs) Ready() bool {
	least := int64(min(pubsub.GossipSubDlo, len(c.nodes)-1))
	return c.ready.all(len(c.nodes), func(i int) bool {
		return c.nodes[i].dialed.Load() && c.nodes[i].tracer.mesh.Load() >= least
	})
}

// Publish implements [cluster].
func (c *gossipsubs) Publish(ctx context.Context, node int, payload []byte) error {
	return c.nodes[node].topic.Publish(ctx, payload)
}

// Sent implements [cluster].
func (c *gossipsubs) Sent() sent { return sentBy(&c.meter, c.copies.Load()) }

// Close implements [cluster].
func (c *gossipsubs) Close() error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	c.readers.Wait()
	return closeAll(len(c.nodes), func(i int) error {
		if n := c.nodes[i]; n != nil && n.host != nil {
			return n.host.Close()
		}
		return nil
	})
}

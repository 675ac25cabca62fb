package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/bench/counted"
	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

func init() {
	libraries["memberlist"] = library{
		module: "github.com/hashicorp/memberlist",
		open:   newMemberlists,
	}
}

const (
	// keySize selects AES-256, the cipher that hearsay uses, out of the three
	// that memberlist offers.
	keySize = 32

	// joinRetry is how long a node waits after a join that failed. Anything
	// shorter adds to the load that made it fail.
	joinRetry = time.Second
)

// memberlists is a cluster of memberlist nodes with LAN defaults. Nothing is
// changed but names, addresses, the log (discarded) and the key.
type memberlists struct {
	key   []byte // empty: unsealed
	sent  counted.Counters
	nodes []*memberlist.Memberlist // [0] is the seed; fixed once Start returns
	views []*view                  // views[i] belongs to nodes[i]

	deaths  atomic.Uint64 // frozen by closing
	closing atomic.Bool

	joins sync.WaitGroup
	stop  context.CancelFunc // ends the joins; nil before Start
}

func newMemberlists(sealed bool) benchcluster.Cluster {
	c := &memberlists{}
	if sealed {
		c.key = make([]byte, keySize)
		rand.Read(c.key) // never fails: see crypto/rand
	}
	return c
}

// Start implements [benchcluster.Cluster]. The seed is created first because its
// address is not known earlier; all others are created and join at once.
func (c *memberlists) Start(ctx context.Context, nodes int) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.nodes = make([]*memberlist.Memberlist, nodes)
	c.views = make([]*view, nodes)
	for i := range c.views {
		c.views[i] = &view{owner: c}
	}
	if err := c.create(0); err != nil {
		return err
	}
	seed := c.nodes[0].LocalNode().Address()

	errs := make([]error, nodes)
	var created sync.WaitGroup
	created.Add(nodes - 1)
	for i := 1; i < nodes; i++ {
		c.joins.Go(func() {
			errs[i] = c.create(i)
			created.Done()
			if errs[i] == nil {
				join(ctx, c.nodes[i], seed)
			}
		})
	}
	created.Wait()
	return errors.Join(errs...)
}

// create makes the node with the given index, without joining it to any other.
func (c *memberlists) create(index int) error {
	discard := log.New(io.Discard, "", 0)
	transport, err := counted.ListenMemberlist(discard, &c.sent)
	if err != nil {
		return fmt.Errorf("open transport of node %d: %w", index, err)
	}
	cfg := memberlist.DefaultLANConfig()
	cfg.Name = benchcluster.NodeName(index)
	cfg.BindAddr = counted.Loopback
	cfg.Transport = transport
	cfg.Events = c.views[index]
	cfg.Logger = discard
	cfg.SecretKey = c.key
	node, err := memberlist.Create(cfg)
	if err != nil {
		return errors.Join(fmt.Errorf("create node %d: %w", index, err), transport.Shutdown())
	}
	c.nodes[index] = node
	return nil
}

// join retries until the node has exchanged its view with the seed or ctx ends.
func join(ctx context.Context, node *memberlist.Memberlist, seed string) {
	for {
		if _, err := node.Join([]string{seed}); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(joinRetry):
		}
	}
}

// Full implements [benchcluster.Cluster]. Events count the live members of a view
// without its lock; only when all counts are right are the views asked.
func (c *memberlists) Full() bool {
	for _, v := range c.views {
		if v.live.Load() != int64(len(c.nodes)) {
			return false
		}
	}
	for _, node := range c.nodes {
		if node.NumMembers() != len(c.nodes) {
			return false
		}
	}
	return true
}

// FalseDeaths implements [benchcluster.Cluster].
func (c *memberlists) FalseDeaths() uint64 { return c.deaths.Load() }

// Traffic implements [benchcluster.Cluster].
func (c *memberlists) Traffic() benchcluster.Traffic { return c.sent.Read() }

// Close implements [benchcluster.Cluster]. Nodes stop without leaving, as leaving
// takes time and is not what is measured.
func (c *memberlists) Close() error {
	c.closing.Store(true)
	if c.stop != nil {
		c.stop()
	}
	// A join in progress ends within memberlist's TCP timeout of 10 s.
	c.joins.Wait()
	errs := make([]error, len(c.nodes))
	var stopped sync.WaitGroup
	for i, node := range c.nodes {
		if node != nil {
			stopped.Go(func() { errs[i] = node.Shutdown() })
		}
	}
	stopped.Wait()
	return errors.Join(errs...)
}

// view counts what one node announces. memberlist calls it under the lock of
// the node, so it only counts.
type view struct {
	owner *memberlists
	live  atomic.Int64 // members joined less members gone, the node included
}

// NotifyJoin implements [memberlist.EventDelegate].
func (v *view) NotifyJoin(*memberlist.Node) { v.live.Add(1) }

// NotifyLeave implements [memberlist.EventDelegate].
func (v *view) NotifyLeave(*memberlist.Node) {
	v.live.Add(-1)
	if !v.owner.closing.Load() {
		v.owner.deaths.Add(1)
	}
}

// NotifyUpdate implements [memberlist.EventDelegate].
func (v *view) NotifyUpdate(*memberlist.Node) {}

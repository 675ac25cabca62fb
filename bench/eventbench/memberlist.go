package main

import (
	"context"
	"crypto/rand"
	"io"
	"log"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/bench/counted"
	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

func init() {
	const module = "github.com/hashicorp/memberlist"
	systems["memberlist"] = system{
		module: module,
		about:  "DefaultLANConfig, one TransmitLimitedQueue a node with RetransmitMult of that, in plaintext as is its default",
		open:   func(int) cluster { return &memberlists{} },
	}
	systems["memberlist-sealed"] = system{
		module: module,
		about:  "the same with a key for AES-256-GCM",
		open:   func(int) cluster { return &memberlists{key: newKey()} },
	}
}

// keySize selects AES-256, the cipher that hearsay uses, out of the three that
// memberlist offers.
const keySize = 32

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key) // never fails: see crypto/rand
	return key
}

// memberlists is a cluster of memberlist nodes. memberlist has no broadcast of
// its own for applications, only the queue for one: who gets a message for the
// first time queues it again, as Serf and Alertmanager do.
type memberlists struct {
	key    []byte // empty: plaintext
	meter  counted.Counters
	copies atomic.Uint64
	nodes  []*memberlistNode // [0] is the seed
	ready  scan

	joins sync.WaitGroup
	stop  context.CancelFunc // ends the joins; nil before Start
}

// Start implements [cluster].
func (c *memberlists) Start(ctx context.Context, nodes int, d deliver) error {
	ctx, c.stop = context.WithCancel(ctx)
	c.nodes = make([]*memberlistNode, nodes)
	for i := range c.nodes {
		c.nodes[i] = &memberlistNode{index: i, deliver: d, copies: &c.copies, seen: make(map[string]struct{})}
	}
	return startAll(ctx, nodes, &c.joins, c.create, func(i int) error {
		_, err := c.nodes[i].list.Join([]string{c.nodes[0].list.LocalNode().Address()})
		return err
	})
}

func (c *memberlists) create(index int) error {
	transport, err := counted.ListenMemberlist(discard, &c.meter)
	if err != nil {
		return err
	}
	n := c.nodes[index]
	cfg := memberlist.DefaultLANConfig()
	cfg.Name = benchcluster.NodeName(index)
	cfg.BindAddr = counted.Loopback
	cfg.Transport = transport
	cfg.Delegate = n
	cfg.Logger = discard
	cfg.SecretKey = c.key
	n.queue = &memberlist.TransmitLimitedQueue{NumNodes: n.members, RetransmitMult: cfg.RetransmitMult}
	list, err := memberlist.Create(cfg)
	if err != nil {
		_ = transport.Shutdown() // the error at hand is the one that matters
		return err
	}
	n.list = list
	n.size.Store(list)
	return nil
}

// discard takes what the peers log.
var discard = log.New(io.Discard, "", 0)

// Ready implements [cluster]: every node lists every node.
func (c *memberlists) Ready() bool {
	return c.ready.all(len(c.nodes), func(i int) bool { return c.nodes[i].members() == len(c.nodes) })
}

// Publish implements [cluster].
func (c *memberlists) Publish(_ context.Context, node int, payload []byte) error {
	n := c.nodes[node]
	n.first(payload)
	n.queue.QueueBroadcast(queued(payload))
	return nil
}

// Sent implements [cluster].
func (c *memberlists) Sent() sent { return sentBy(&c.meter, c.copies.Load()) }

// sentBy puts together what was counted at the transports and what above them.
func sentBy(meter *counted.Counters, copies uint64) sent {
	t := meter.Read()
	return sent{Packets: t.Packets, Bytes: t.Bytes, StreamBytes: t.StreamBytes, Copies: copies}
}

// Close implements [cluster]. Nodes stop without leaving, as leaving takes time
// and is not what is measured.
func (c *memberlists) Close() error {
	if c.stop != nil {
		c.stop()
	}
	// A join in progress ends within memberlist's TCP timeout of 10 s.
	c.joins.Wait()
	return closeAll(len(c.nodes), func(i int) error {
		if c.nodes[i].list == nil {
			return nil
		}
		return c.nodes[i].list.Shutdown()
	})
}

// memberlistNode is the application on one memberlist node.
type memberlistNode struct {
	index   int
	deliver deliver
	copies  *atomic.Uint64
	queue   *memberlist.TransmitLimitedQueue
	list    *memberlist.Memberlist // nil before it is created
	// size is list as well: memberlist asks for the number of members from its
	// own goroutines, the first time before Create has returned.
	size atomic.Pointer[memberlist.Memberlist]

	mu   sync.Mutex
	seen map[string]struct{}
}

var _ memberlist.Delegate = (*memberlistNode)(nil)

func (n *memberlistNode) members() int {
	if list := n.size.Load(); list != nil {
		return list.NumMembers()
	}
	return 1
}

// first reports whether this is the first time that the node sees a payload.
func (n *memberlistNode) first(payload []byte) bool {
	id := string(payload[:sizeMin])
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.seen[id]; ok {
		return false
	}
	n.seen[id] = struct{}{}
	return true
}

// NotifyMsg implements [memberlist.Delegate].
func (n *memberlistNode) NotifyMsg(payload []byte) {
	n.copies.Add(1)
	if len(payload) < sizeMin {
		n.deliver(n.index, payload) // which complains
		return
	}
	if !n.first(payload) {
		return
	}
	n.deliver(n.index, payload)
	n.queue.QueueBroadcast(queued(append([]byte(nil), payload...))) // memberlist reuses its buffer
}

// GetBroadcasts implements [memberlist.Delegate].
func (n *memberlistNode) GetBroadcasts(overhead, limit int) [][]byte {
	return n.queue.GetBroadcasts(overhead, limit)
}

// NodeMeta implements [memberlist.Delegate].
func (n *memberlistNode) NodeMeta(int) []byte { return nil }

// LocalState implements [memberlist.Delegate].
func (n *memberlistNode) LocalState(bool) []byte { return nil }

// MergeRemoteState implements [memberlist.Delegate].
func (n *memberlistNode) MergeRemoteState([]byte, bool) {}

// queued is a message in the queue of a node. It replaces no other.
type queued []byte

var _ memberlist.UniqueBroadcast = queued(nil)

// Invalidates implements [memberlist.Broadcast].
func (q queued) Invalidates(memberlist.Broadcast) bool { return false }

// Message implements [memberlist.Broadcast].
func (q queued) Message() []byte { return q }

// Finished implements [memberlist.Broadcast].
func (q queued) Finished() {}

// UniqueBroadcast implements [memberlist.UniqueBroadcast]: the queue need not
// look for messages that this one replaces.
func (q queued) UniqueBroadcast() {}

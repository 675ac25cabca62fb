package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// errNobody is wrapped by errors about an address that no node has.
var errNobody = errors.New("no such node")

const (
	// joinRetry is how long a node waits after a join that failed.
	joinRetry = time.Second
	// drain is how long the goroutines and timers of stopped nodes need to end:
	// the longest is a suspicion of a cluster of 1,000, 72 s.
	drain = 2 * time.Minute
	port  = 7946
)

// place is where a node lives, in all its lives.
type place struct {
	name string
	addr string
	udp  *net.UDPAddr
	tcp  *net.TCPAddr
}

// memberlists is a cluster of memberlist nodes with LAN defaults in the virtual
// time of a bubble of testing/synctest, in which it must be made and closed. No
// lock here is held over a channel operation or a wait: waiting for a mutex
// would stop virtual time.
type memberlists struct {
	net        *network
	journal    *journal
	sent       meter
	compress   bool
	start      time.Time
	places     []place
	index      map[string]int // by address and by name
	closing    atomic.Bool
	overflowed atomic.Int64

	mu    sync.Mutex
	nodes []*memberlist.Memberlist // nil: down
	ends  []*endpoint
}

func newMemberlists(net *network, journal *journal, compress bool) *memberlists {
	c := &memberlists{
		net: net, journal: journal, compress: compress, start: time.Now(), index: make(map[string]int),
		nodes: make([]*memberlist.Memberlist, net.nodes), ends: make([]*endpoint, net.nodes),
	}
	for i := range net.nodes {
		p := newPlace(i)
		c.places = append(c.places, p)
		c.index[p.addr], c.index[p.name] = i, i
	}
	return c
}

func newPlace(i int) place {
	ip := net.IPv4(10, 0, byte(i>>8), byte(i)).To4()
	udp := &net.UDPAddr{IP: ip, Port: port}
	return place{
		name: benchcluster.NodeName(i), addr: udp.String(), udp: udp, tcp: &net.TCPAddr{IP: ip, Port: port},
	}
}

// Start implements [system]. The join goes on in the background, again and
// again until one contact has answered.
func (c *memberlists) Start(i int, contacts ...int) error {
	end := newEndpoint(c, i)
	cfg := memberlist.DefaultLANConfig()
	cfg.Name = c.places[i].name
	cfg.Transport = end
	cfg.Events = watcher{end}
	cfg.Logger = log.New(io.Discard, "", 0)
	cfg.EnableCompression = c.compress
	cfg.DNSConfigPath = ""

	c.mu.Lock()
	c.ends[i] = end
	c.mu.Unlock()
	c.journal.restart(i)
	node, err := memberlist.Create(cfg)
	if err != nil {
		return fmt.Errorf("create node %d: %w", i, err)
	}
	c.mu.Lock()
	c.nodes[i] = node
	c.mu.Unlock()
	if len(contacts) > 0 {
		var addrs []string
		for _, to := range contacts {
			addrs = append(addrs, c.places[to].addr)
		}
		go c.join(i, node, addrs)
	}
	return nil
}

func (c *memberlists) join(i int, node *memberlist.Memberlist, addrs []string) {
	for !c.closing.Load() && c.node(i) == node {
		if _, err := node.Join(addrs); err == nil {
			return
		}
		time.Sleep(joinRetry)
	}
}

// Stop implements [system].
func (c *memberlists) Stop(i int) error {
	c.mu.Lock()
	node := c.nodes[i]
	c.nodes[i], c.ends[i] = nil, nil
	c.mu.Unlock()
	if node == nil {
		return nil
	}
	return node.Shutdown()
}

// Run implements [system].
func (c *memberlists) Run(d time.Duration) { time.Sleep(d) }

// Now implements [system].
func (c *memberlists) Now() time.Duration { return time.Since(c.start) }

// Holds implements [system].
func (c *memberlists) Holds(observer, subject int) bool { return c.journal.holds(observer, subject) }

// Hold implements [system]: senders look at the network themselves.
func (c *memberlists) Hold(nodes []int, d time.Duration) { c.net.hold(nodes, c.Now()+d) }

// Sent implements [system].
func (c *memberlists) Sent() traffic { return c.sent.read() }

// Close implements [system]: nothing of the cluster runs on when it returns, so
// that the bubble can end.
func (c *memberlists) Close() error {
	c.closing.Store(true)
	var errs []error
	for i := range c.places {
		errs = append(errs, c.Stop(i))
	}
	time.Sleep(drain)
	if n := c.overflowed.Load(); n > 0 {
		errs = append(errs, fmt.Errorf("%w: %d packets", errOverflow, n))
	}
	return errors.Join(errs...)
}

// errOverflow says that a queue of the harness was too short, which makes a
// measurement void.
var errOverflow = errors.New("queue of a node overflowed")

// awaitRelease blocks the caller as long as its node is held.
func (c *memberlists) awaitRelease(node int) {
	for {
		left := c.net.heldUntil(node) - c.Now()
		if left <= 0 {
			return
		}
		time.Sleep(left)
	}
}

func (c *memberlists) node(i int) *memberlist.Memberlist {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[i]
}

// endpoint returns that of the present life of a node, nil while it is down.
func (c *memberlists) endpoint(i int) *endpoint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ends[i]
}

// watcher writes the events of one life into the journal: not those that its
// timers still cause after it was stopped.
type watcher struct{ *endpoint }

// NotifyJoin implements [memberlist.EventDelegate].
func (w watcher) NotifyJoin(n *memberlist.Node) {
	if !w.over() {
		w.owner.journal.joined(w.owner.Now(), w.node, w.owner.index[n.Name])
	}
}

// NotifyLeave implements [memberlist.EventDelegate].
func (w watcher) NotifyLeave(n *memberlist.Node) {
	if !w.over() {
		w.owner.journal.left(w.owner.Now(), w.node, w.owner.index[n.Name])
	}
}

// NotifyUpdate implements [memberlist.EventDelegate].
func (w watcher) NotifyUpdate(*memberlist.Node) {}

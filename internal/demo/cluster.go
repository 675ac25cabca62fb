package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport/udp"
)

// How many nodes a demonstration has. The story needs one to crash and at least
// one on each side of a cut, with a witness; above a hundred, two cores are
// busy with the seals of so many nodes and the times are theirs.
const (
	NodesMin     = 4
	NodesMax     = 100
	NodesDefault = 25
)

// ErrNodes: the number of nodes is out of range.
var ErrNodes = fmt.Errorf("number of nodes must be within %d and %d", NodesMin, NodesMax)

// config is [hearsay.Local] at twice its pace, since people wait for it, and
// without a log. Still shorter periods would be shorter than what a busy machine
// at times takes to run a node at all, and crashes be seen where there are none.
func config() hearsay.Config {
	cfg := hearsay.Local()
	cfg.Timing.ProbePeriod = 250 * time.Millisecond
	cfg.Timing.ProbeTimeout = 60 * time.Millisecond
	cfg.Timing.HealPeriod = time.Second
	cfg.Logger = slog.New(slog.DiscardHandler)
	return cfg
}

// cluster is a number of nodes on the loopback interface and the network
// between them. Nodes are known by their index. Its methods are safe for
// concurrent use, but no two may start or stop the same node at once.
type cluster struct {
	network *network
	ring    *seal.Ring
	journal *journal
	places  []*place
	index   map[member.NodeID]int

	mu     sync.Mutex // guards addr, node and watched of each place, and the following
	side   []int      // by node while the cluster is cut, else nil
	closed bool
}

// place is where a node runs, has run, or may run again.
type place struct {
	name     string
	identity *seal.Identity
	addr     netip.AddrPort
	epoch    uint64
	node     *hearsay.Node // nil while it does not run
	watched  chan struct{} // closed when the last event of node is in the journal
}

// newCluster prepares nodes without starting any.
func newCluster(nodes int) (*cluster, error) {
	if nodes < NodesMin || nodes > NodesMax {
		return nil, fmt.Errorf("%d nodes: %w", nodes, ErrNodes)
	}
	ring, err := seal.NewRing(rand.Reader)
	if err != nil {
		return nil, err
	}
	c := &cluster{
		network: newNetwork(), ring: ring, journal: newJournal(nodes),
		places: make([]*place, nodes), index: make(map[member.NodeID]int, nodes),
	}
	for i := range c.places {
		identity, err := seal.NewIdentity(rand.Reader)
		if err != nil {
			return nil, err
		}
		c.places[i] = &place{name: nameOf(i), identity: identity}
		c.index[identity.ID()] = i
	}
	return c, nil
}

// start runs a node that does not run: for the first time, or again at the same
// address with the same identity.
func (c *cluster) start(ctx context.Context, i int) error {
	p := c.places[i]
	bind := "127.0.0.1:0"
	if addr := c.addr(i); addr.IsValid() {
		bind = addr.String()
	}
	socket, err := udp.Listen(ctx, bind)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	c.mu.Lock()
	p.addr = socket.Addr()
	p.epoch = max(uint64(time.Now().Unix()), p.epoch+1)
	if c.side != nil {
		c.part() // it may be at an address of which no side is known
	}
	seeds := c.seeds(i)
	c.mu.Unlock()

	cfg := config()
	cfg.Name, cfg.Identity, cfg.Epoch, cfg.Ring = p.name, p.identity, p.epoch, c.ring
	cfg.Seeds, cfg.Transport = seeds, c.network.attach(socket)
	node, err := hearsay.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	return c.watch(i, node)
}

// seedsMax is how many addresses a node is told. One would do; a node that is
// started again may find the first of them down.
const seedsMax = 3

// seeds returns the addresses of a few other nodes that run.
func (c *cluster) seeds(except int) []string {
	var seeds []string
	for i, p := range c.places {
		if i != except && p.node != nil && len(seeds) < seedsMax {
			seeds = append(seeds, p.addr.String())
		}
	}
	return seeds
}

// watch begins to write down what a node notices. If the cluster was closed
// while the node started, so is the node.
func (c *cluster) watch(i int, node *hearsay.Node) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.Join(fmt.Errorf("start %s: %w", c.places[i].name, hearsay.ErrClosed), node.Close())
	}
	watched := make(chan struct{})
	events := node.Events(context.Background()) // ends when the node is closed
	c.journal.begin(i, node)
	go func() {
		defer close(watched)
		for e := range events {
			c.journal.note(i, node, e)
		}
	}()
	c.places[i].node, c.places[i].watched = node, watched
	return nil
}

// kill ends a node as a crash does: from the first moment on, not a byte leaves
// it.
func (c *cluster) kill(i int) error {
	addr := c.addr(i)
	c.network.unplug(addr)
	defer c.network.plug(addr) // nobody listens there any more
	return c.stop(i)
}

// stop closes a node, if it runs.
func (c *cluster) stop(i int) error {
	p := c.places[i]
	c.mu.Lock()
	node, watched := p.node, p.watched
	p.node, p.watched = nil, nil
	c.mu.Unlock()
	if node == nil {
		return nil
	}
	err := node.Close()
	<-watched
	if err != nil {
		return fmt.Errorf("close %s: %w", p.name, err)
	}
	return nil
}

// leave lets a node say goodbye before it is closed.
func (c *cluster) leave(ctx context.Context, i int) (hearsay.LeaveReport, error) {
	node := c.node(i)
	if node == nil {
		return hearsay.LeaveReport{}, nil
	}
	report, err := node.Leave(ctx)
	if err != nil {
		err = fmt.Errorf("leave of %s: %w", c.places[i].name, err)
	}
	return report, errors.Join(err, c.stop(i))
}

// cut parts the cluster in two halves, those that do not run included.
func (c *cluster) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.side = make([]int, len(c.places))
	for i := range c.side {
		c.side[i] = c.sideOf(i)
	}
	c.part()
}

// part makes the network keep the sides apart.
func (c *cluster) part() {
	side := make(map[netip.AddrPort]int, len(c.places))
	for i, p := range c.places {
		side[p.addr] = c.side[i]
	}
	c.network.cut(side)
}

// heal ends the cut.
func (c *cluster) heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.side = nil
	c.network.heal()
}

// set writes a fact of a node that runs.
func (c *cluster) set(ctx context.Context, i int, key, value string) (fact, error) {
	node := c.node(i)
	if node == nil {
		return fact{}, fmt.Errorf("set %s of %s: %w", key, c.places[i].name, hearsay.ErrClosed)
	}
	if err := node.Meta().Set(ctx, key, []byte(value)); err != nil {
		return fact{}, fmt.Errorf("set %s of %s: %w", key, c.places[i].name, err)
	}
	return fact{c.places[i].identity.ID(), key}, nil
}

// node returns a node, or nil while it does not run.
func (c *cluster) node(i int) *hearsay.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.places[i].node
}

// addr returns where a node was started last; invalid if it never was.
func (c *cluster) addr(i int) netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.places[i].addr
}

// running returns the nodes that run, in order.
func (c *cluster) running() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	var running []int
	for i, p := range c.places {
		if p.node != nil {
			running = append(running, i)
		}
	}
	return running
}

// close ends all nodes at once, as if the machine had lost its power.
func (c *cluster) close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	errs := make([]error, len(c.places))
	var all sync.WaitGroup
	for i := range c.places {
		c.network.unplug(c.addr(i))
		all.Go(func() { errs[i] = c.stop(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// name returns what people call the node of an identity.
func (c *cluster) name(id member.NodeID) string {
	if i, ok := c.index[id]; ok {
		return c.places[i].name
	}
	return id.Short()
}

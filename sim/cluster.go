package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/internal/agenda"
	"github.com/hearsay-gossip/hearsay/member"
)

// Options describes a cluster. The zero value of a field means its default.
type Options struct {
	Nodes   int         // default 3
	Seed    uint64      // the random seed
	Timing  core.Timing // default core.LAN()
	Network Network     // default DefaultNetwork()
	// Observe, if set, is called with every event of every node, in order.
	Observe func(node int, now time.Duration, e *core.Event)
	// Watch, if set, is told of all that nodes do; see [Watcher].
	Watch Watcher
	// Meddle, if set, decides what becomes of each packet; see [Meddler].
	Meddle Meddler
	// PayloadMax and MembersMax are those of [core.Config]; 0 means the core's
	// default, and room for twice the nodes.
	PayloadMax, MembersMax int
	// MaxEventSize is that of the root package's Config; 0 means 4 MiB.
	MaxEventSize int
	// Events is the timing of messages and queries, EventLimits what else bounds
	// them; zero fields are defaults.
	Events      broadcast.Timing
	EventLimits broadcast.Limits
}

// Stats counts what happened.
type Stats struct {
	Packets, Bytes             uint64 // datagrams sent, and their payload bytes
	Frames, FrameBytes         uint64 // frames sent on streams
	Lost                       uint64 // datagrams, and frames that nobody took
	Suspicions, Deaths, Leaves uint64
	// FalseDeaths counts verdicts on nodes that were running.
	FalseDeaths uint64
	// Published counts messages and queries, Delivered each of them at each other
	// node, Missed those that a node gave up.
	Published, Delivered, Missed uint64
	Steps                        uint64
}

// Cluster is a set of nodes in virtual time. Not for concurrent use.
type Cluster struct {
	seed  uint64
	opts  Options
	now   member.Time
	queue agenda.Agenda[event]
	net   *network
	nodes []*node
	calls []func()
	// starting counts the starts that StartAll scheduled and that have not
	// happened.
	starting int
	rand     *rand.Rand // of the schedule: joins, restarts
	trace    trace
	stats    Stats
	spare    []*delivery
	receive  core.Receive
	addrs    map[netip.AddrPort]int
	ids      map[member.NodeID]int
	stepping int // the node whose step is under way, or was the last
	listener Listener
}

// node is one place in the cluster; its machine is nil while it is down.
type node struct {
	index   int
	name    member.Name
	addr    netip.AddrPort
	keys    *keys
	id      member.NodeID
	epoch   member.Epoch
	machine *core.Machine
	life    uint64      // counts starts and stops: events of another life are void
	wakeAt  member.Time // of the wake event that counts; others are stale
	clock   clock
	paused  bool
	waiting []event // deliveries that arrived during the pause

	slow   time.Duration // processing time of one input
	busy   member.Time   // until when the inputs so far keep it busy
	queued int           // deliveries among them
	sent   Sent
	waking bool // a wake-up is among them: no other is scheduled
}

// NewCluster returns a cluster in which no node runs yet.
func NewCluster(opts Options) (*Cluster, error) {
	if opts.Nodes == 0 {
		opts.Nodes = 3
	}
	if opts.Timing == (core.Timing{}) {
		opts.Timing = core.LAN()
	}
	if opts.Network == (Network{}) {
		opts.Network = DefaultNetwork()
	}
	if opts.Nodes < 1 || opts.Nodes > 65_000 {
		return nil, fmt.Errorf("sim: %d nodes, want 1 to 65000", opts.Nodes)
	}
	if opts.MembersMax == 0 {
		opts.MembersMax = max(2*opts.Nodes, 1024)
	}
	if err := opts.Timing.Validate(); err != nil {
		return nil, err
	}
	c := &Cluster{
		seed: opts.Seed, opts: opts, net: newNetwork(opts.Nodes, opts.Network),
		rand: stream(opts.Seed, "schedule"), addrs: make(map[netip.AddrPort]int),
		ids: make(map[member.NodeID]int, opts.Nodes), now: 1, trace: trace{fnvOffset},
	}
	for i := range opts.Nodes {
		k := newKeys(opts.Seed, i)
		n := &node{
			index: i, name: member.Name(fmt.Sprintf("n%d", i)), keys: k, id: idOf(&k.public),
			addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 7946),
		}
		c.nodes = append(c.nodes, n)
		c.addrs[n.addr], c.ids[n.id] = i, i
	}
	c.listener, _ = opts.Watch.(Listener)
	return c, nil
}

// Now returns the virtual time since the cluster was made.
func (c *Cluster) Now() time.Duration { return time.Duration(c.now - 1) }

// Len returns the number of nodes, running or not.
func (c *Cluster) Len() int { return len(c.nodes) }

// ID returns a node's identity.
func (c *Cluster) ID(i int) member.NodeID { return c.nodes[i].id }

// Machine returns the protocol of a node, nil while it is down. It may be read;
// only the cluster may step it.
func (c *Cluster) Machine(i int) *core.Machine { return c.nodes[i].machine }

// Stats returns the counts so far.
func (c *Cluster) Stats() Stats { return c.stats }

// Hash returns the hash of all that happened so far.
func (c *Cluster) Hash() uint64 { return c.trace.hash }

// Start runs a node in a new epoch. With a contact, it joins through it.
func (c *Cluster) Start(i int, contacts ...int) {
	n := c.nodes[i]
	if n.machine != nil {
		return
	}
	n.epoch++
	n.life++
	n.paused, n.waiting = false, nil
	n.clock.run(c.now)
	n.busy, n.queued, n.waking = 0, 0, false
	limits := c.opts.EventLimits
	limits.EventSize = cmp.Or(c.opts.MaxEventSize, limits.EventSize)
	m, err := core.New(n.clock.read(c.now), core.Config{
		ID: n.id, PublicKey: n.keys.public, Name: n.name, Epoch: n.epoch, Addrs: []netip.AddrPort{n.addr},
		Timing: c.opts.Timing, MembersMax: c.opts.MembersMax, PayloadMax: c.opts.PayloadMax, Keys: n.keys,
		EventLimits: limits, Events: c.opts.Events,
		Rand: stream(c.seed, fmt.Sprintf("node/%d/%d", i, n.epoch)),
	})
	if err != nil {
		panic(fmt.Sprintf("sim: node %d: %v", i, err)) // the options were validated
	}
	n.machine, n.wakeAt = m, 0
	c.trace.note(c.now, i, 'S', nil)
	if c.opts.Watch != nil {
		c.opts.Watch.Started(i, c.Now(), n.epoch)
	}
	if len(contacts) > 0 {
		var addrs []netip.AddrPort
		for _, contact := range contacts {
			addrs = append(addrs, c.nodes[contact].addr)
		}
		c.Step(i, &core.Seeds{Addrs: addrs})
		c.Step(i, &core.Join{Addrs: addrs})
		return
	}
	c.arm(n)
}

// StartAll runs every node: the first at once, and each other one joins through
// it after a random part of spread.
func (c *Cluster) StartAll(spread time.Duration) {
	c.Start(0)
	for i := 1; i < len(c.nodes); i++ {
		c.starting++
		c.After(draw.Within(c.rand, spread), func() {
			c.starting--
			c.Start(i, 0)
		})
	}
}

// Kill stops a node at once; it remembers nothing but its identity and epoch.
func (c *Cluster) Kill(i int) {
	n := c.nodes[i]
	if n.machine != nil {
		if c.opts.Watch != nil {
			c.opts.Watch.Stopping(i, c.Now())
		}
		// What had to outrank its past remembers so.
		n.epoch = max(n.epoch, n.machine.Member(0).Claim.Epoch)
	}
	n.machine = nil
	n.life++
	c.trace.note(c.now, i, 'K', nil)
}

// Pause freezes a node: what arrives waits, timers do not run.
func (c *Cluster) Pause(i int) { c.nodes[i].paused = true }

// Resume lets a frozen node run on: it meets all that arrived at once.
func (c *Cluster) Resume(i int) {
	n := c.nodes[i]
	if !n.paused {
		return
	}
	n.paused = false
	n.clock.run(c.now)
	for _, e := range n.waiting {
		c.queue.Add(c.now, e)
	}
	n.waiting, n.waking = nil, false
	if n.machine != nil {
		n.wakeAt = 0
		c.arm(n)
	}
}

// Step gives a node an input now, as a command from its application.
func (c *Cluster) Step(i int, in core.Input) {
	n := c.nodes[i]
	if n.machine == nil {
		return
	}
	c.stats.Steps++
	c.stepping = i
	out := n.machine.Step(n.clock.read(c.now), in)
	switch in := in.(type) {
	case *core.Publish:
		c.countPublished(in.Err)
	case *core.Ask:
		c.countPublished(in.Err)
	}
	c.apply(n, out)
}

// After calls f when d has passed.
func (c *Cluster) After(d time.Duration, f func()) {
	c.calls = append(c.calls, f)
	c.queue.Add(c.now.Add(d), event{kind: eventCall, arg: uint64(len(c.calls) - 1)})
}

// Run lets d pass.
func (c *Cluster) Run(d time.Duration) {
	end := c.now.Add(d)
	for c.queue.Until(end) {
		c.happen(c.queue.Take())
	}
	c.now = end
}

// RunUntil lets time pass until the condition holds, looking every step, and
// reports whether it did within limit and how long it took.
func (c *Cluster) RunUntil(limit, step time.Duration, condition func() bool) (time.Duration, bool) {
	start := c.now
	for {
		if condition() {
			return c.now.Sub(start), true
		}
		if c.now.Sub(start) >= limit {
			return limit, false
		}
		c.Run(step)
	}
}

func (c *Cluster) happen(at member.Time, e event) {
	c.now = at
	n := c.nodes[e.node]
	switch e.kind {
	case eventCall:
		f := c.calls[e.arg]
		c.calls[e.arg] = nil
		f()
	case eventWake:
		c.wake(n, e)
	case eventBroken:
		switch {
		case e.arg != n.life:
		case n.paused:
			n.waiting = append(n.waiting, e)
		default:
			c.Step(n.index, &core.Unreachable{Addr: c.nodes[e.from].addr})
		}
	case eventDeliver:
		c.deliver(n, e)
	}
}

// wake lets a node do what has come due, unless the event is stale.
func (c *Cluster) wake(n *node, e event) {
	if n.machine == nil || e.arg != n.life || c.now != n.wakeAt || n.paused {
		return
	}
	if n.slow > 0 && !n.waking {
		n.waking = true
		n.wakeAt = c.occupy(n, n.slow)
		c.queue.Add(n.wakeAt, e)
		return
	}
	n.wakeAt, n.waking = 0, false
	c.Step(n.index, core.Tick{})
}

func (c *Cluster) deliver(n *node, e event) {
	if e.queued {
		n.queued = max(n.queued-1, 0) // a restart forgot the queue
	} else if c.takesTime(n) && n.machine != nil && !n.paused && c.net.open(int(e.from), n.index) {
		c.enqueue(n, e)
		return
	}
	switch {
	case n.machine == nil || !c.net.open(int(e.from), n.index) || !n.meant(&e):
		c.stats.Lost++
	case n.paused:
		e.queued = false
		n.waiting = append(n.waiting, e)
		return
	default:
		from := c.nodes[e.from]
		c.trace.note(c.now, n.index, byte('d'+e.data.lane), e.data.payload)
		if c.listener != nil {
			c.listener.Receiving(n.index, c.Now(), int(e.from), e.data.payload)
		}
		c.receive = core.Receive{
			From:    core.Peer{ID: from.id, Addr: from.addr, Lane: e.data.lane},
			Payload: e.data.payload,
		}
		c.Step(n.index, &c.receive)
	}
	c.spare = append(c.spare, e.data)
}

// meant reports whether a payload can be opened by the node it reached: one for
// somebody who was at its address before cannot.
func (n *node) meant(e *event) bool { return e.data.to.IsZero() || e.data.to == n.id }

// apply sends what a step asks for and notes what happened.
func (c *Cluster) apply(n *node, out *core.Output) {
	for i := range out.Packets {
		p := &out.Packets[i]
		n.sent.add(p)
		if p.Lane == core.Stream {
			c.stats.Frames++
			c.stats.FrameBytes += uint64(len(p.Payload))
		} else {
			c.stats.Packets++
			c.stats.Bytes += uint64(len(p.Payload))
		}
		if to, ok := c.addrs[p.Addr]; ok && to != n.index {
			c.send(n.index, to, p)
		}
	}
	for i := range out.Events {
		c.note(n, &out.Events[i])
	}
	if c.opts.Watch != nil {
		c.opts.Watch.Stepped(n.index, c.Now(), out)
	}
	c.arm(n)
}

// arm schedules the node's next wake-up. An earlier one that is still scheduled
// finds wakeAt changed and does nothing. A frozen node is armed when it resumes:
// its clock may stand still, and never read what it waits for.
func (c *Cluster) arm(n *node) {
	if n.waking || n.paused {
		return
	}
	if at := max(n.clock.when(n.machine.Deadline()), c.now); at != n.wakeAt {
		n.wakeAt = at
		c.queue.Add(at, event{kind: eventWake, node: int32(n.index), arg: n.life})
	}
}

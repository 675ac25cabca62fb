package sim

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// TB is what a [Lab] needs of the test that it serves; *testing.T, *testing.B
// and *testing.F have it.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
}

// Lab is a cluster in virtual time for the test of an application: its nodes
// have the methods of those of the root package, time passes only by
// [Lab.Advance] and [Lab.AdvanceUntil], and one random seed gives one run, down
// to the order of callbacks. What the test must not do, and what does not come
// about in time, fails the test with a [Lab.Dump].
//
// A lab has one goroutine, that of the test. Handlers of events and timers run
// in it while time passes, one after another: none interrupts the test, another
// handler or a call of a node's method, so that no lock is needed. A handler may
// call all methods of nodes and of the lab but those that advance time; what it
// causes comes after what is waiting.
type Lab struct {
	t       TB
	cluster *Cluster
	nodes   []*Node // the last life of each; nil before the first
	onStart []func(*Node)

	advancing bool
	changed   bool     // something has, that a condition may look at
	calls     int      // handlers and timers run in this instant
	roots     []uint64 // of each node, as of its last step
}

const (
	// formLimit is how long the nodes of New may take to find each other. The
	// slowest of 20 random seeds with 200 nodes took 0.12 s on a good network, and
	// 12 s where 30 % are lost; ten times that covers what is worse.
	formLimit = 2 * time.Minute
	// seedsMax is how many nodes are addresses at which the others look for the
	// cluster: one that survives suffices, and three are what people configure.
	seedsMax = 3
	// callsMax bounds the handlers and timers of one instant, to end a test in
	// which one causes itself for ever. The largest cluster needs 65,000.
	callsMax = 100_000
)

// SeedVariable is the environment variable that, if set, takes the place of the
// random seed in the options of every [New] and [Prepare].
const SeedVariable = "HEARSAY_SEED"

// New returns a lab in which all nodes run and have found each other: every view
// is full. t may be nil outside of tests; failures then panic. When the test
// fails, its log says how to replay it.
func New(t TB, opts Options) *Lab {
	l := Prepare(t, opts)
	l.t.Helper()
	for i := range l.nodes {
		l.Start(i)
	}
	l.AdvanceUntil(formLimit, "a formed cluster", l.Converged)
	return l
}

// Prepare returns a lab in which no node runs yet; see [Lab.Start].
func Prepare(t TB, opts Options) *Lab {
	if t == nil {
		t = panicking{}
	}
	t.Helper()
	if text, ok := os.LookupEnv(SeedVariable); ok {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("sim: %s=%q is no random seed", SeedVariable, text)
		}
		opts.Seed = seed
	}
	l := &Lab{t: t}
	opts.Observe = l.observer(opts.Observe)
	c, err := NewCluster(opts)
	if err != nil {
		t.Fatalf("%v", err)
	}
	l.cluster, l.nodes, l.roots = c, make([]*Node, c.Len()), make([]uint64, c.Len())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("sim: random seed %d, %d nodes, failed at %v with trace hash %016x; to replay:\n\t%s=%d go test -run '%s'",
				c.seed, c.Len(), c.Now(), c.Hash(), SeedVariable, c.seed, pattern(t.Name()))
		}
	})
	return l
}

// pattern returns the -run pattern that means one test.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// panicking stands in for a test where there is none.
type panicking struct{}

func (panicking) Helper()             {}
func (panicking) Name() string        { return "" }
func (panicking) Logf(string, ...any) {}
func (panicking) Failed() bool        { return false }
func (panicking) Cleanup(func())      {}
func (panicking) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// Len returns the number of nodes, running or not.
func (l *Lab) Len() int { return len(l.nodes) }

// Now returns the virtual time since the lab was made.
func (l *Lab) Now() time.Duration { return l.cluster.Now() }

// Stats returns the counts so far.
func (l *Lab) Stats() Stats { return l.cluster.Stats() }

// Hash returns the hash of all that happened so far. Two runs with one hash are
// the same.
func (l *Lab) Hash() uint64 { return l.cluster.Hash() }

// Node returns node i in its present life, or its last; nil before the first.
func (l *Lab) Node(i int) *Node {
	l.t.Helper()
	l.check(i)
	return l.nodes[i]
}

// Running returns the nodes that run, in order, those that are frozen or have
// said goodbye included.
func (l *Lab) Running() []*Node {
	var running []*Node
	for _, n := range l.nodes {
		if n != nil && !n.closed {
			running = append(running, n)
		}
	}
	return running
}

// OnStart calls f for each node that runs, and from now on for each that starts,
// before anything happens to it: the place to make the application of a node.
func (l *Lab) OnStart(f func(n *Node)) {
	l.onStart = append(l.onStart, f)
	for _, n := range l.Running() {
		f(n)
	}
}

// Start runs a node that is down, in a new epoch; it remembers nothing but its
// identity. It joins through the contacts, by default the first three of the
// other nodes, and looks for them again while it knows nobody who lives.
func (l *Lab) Start(i int, contacts ...int) *Node {
	l.t.Helper()
	l.check(i)
	l.check(contacts...)
	if l.cluster.Machine(i) != nil {
		l.t.Fatalf("sim: start of node %d: it runs", i)
	}
	if len(contacts) == 0 {
		for c := 0; c < len(l.nodes) && len(contacts) < seedsMax; c++ {
			if c != i {
				contacts = append(contacts, c)
			}
		}
	}
	n := &Node{lab: l, index: i}
	l.nodes[i] = n
	l.cluster.Start(i, contacts...)
	n.machine = l.cluster.Machine(i)
	l.changed = true
	for _, f := range l.onStart {
		f(n)
	}
	return n
}

// Kill stops a node at once, without a goodbye. Its application handles no more
// events, and its timers are void.
func (l *Lab) Kill(i int) {
	l.t.Helper()
	l.check(i)
	if n := l.nodes[i]; n != nil && !n.closed {
		n.closed, n.waiting, n.overdue = true, nil, nil
		l.cluster.Kill(i)
		l.changed = true
	}
}

// Restart kills a node, if it runs, and starts it: a new [Node] with the same
// identity.
func (l *Lab) Restart(i int, contacts ...int) *Node {
	l.t.Helper()
	l.Kill(i)
	return l.Start(i, contacts...)
}

// Rename gives a node that is down another name; they are n0, n1, n2 … at first.
func (l *Lab) Rename(i int, name string) {
	l.t.Helper()
	l.check(i)
	if err := member.Name(name).Validate(); err != nil {
		l.t.Fatalf("sim: rename of node %d: %v", i, err)
	}
	if l.cluster.Machine(i) != nil {
		l.t.Fatalf("sim: rename of node %d: it runs", i)
	}
	l.cluster.Rename(i, member.Name(name))
}

// Pause freezes a node and its application, as a debugger or an overcommitted
// host does: what arrives waits, timers and handlers do not run.
func (l *Lab) Pause(i int) {
	l.t.Helper()
	l.check(i)
	l.cluster.Pause(i)
}

// Resume lets a frozen node run on: it meets all that arrived at once.
func (l *Lab) Resume(i int) {
	l.t.Helper()
	l.check(i)
	if !l.cluster.Paused(i) {
		return
	}
	l.cluster.Resume(i)
	if n := l.nodes[i]; n != nil && !n.closed {
		n.rouse()
	}
}

// Cut stops all packets between two groups of nodes, both ways.
func (l *Lab) Cut(a, b []int) {
	l.t.Helper()
	l.check(a...)
	l.check(b...)
	l.cluster.CutBoth(a, b)
}

// CutOneWay stops all packets from some nodes to others.
func (l *Lab) CutOneWay(from, to []int) {
	l.t.Helper()
	l.check(from...)
	l.check(to...)
	l.cluster.Cut(from, to)
}

// Heal ends all cuts.
func (l *Lab) Heal() { l.cluster.Heal() }

// SetNetwork changes how all packets fare from now on.
func (l *Lab) SetNetwork(model Network) { l.cluster.SetNetwork(model) }

// Span returns the nodes from, from+1 … to-1, to name a group by; none if both are
// the same. It panics if to is less than from.
func Span(from, to int) []int {
	if to < from {
		panic(fmt.Sprintf("sim: Span(%d, %d) goes down", from, to))
	}
	var nodes []int
	for i := from; i < to; i++ {
		nodes = append(nodes, i)
	}
	return nodes
}

// check fails the test over a node that does not exist.
func (l *Lab) check(nodes ...int) {
	l.t.Helper()
	for _, i := range nodes {
		if i < 0 || i >= len(l.nodes) {
			l.t.Fatalf("sim: there is no node %d, want 0 to %d", i, len(l.nodes)-1)
		}
	}
}

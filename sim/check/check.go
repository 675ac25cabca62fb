package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Invariant names a rule that always holds.
type Invariant uint8

// The invariants, see the package comment.
const (
	M1 Invariant = iota
	M2
	M3
	M4
	M5
	F1
	F2
	F3
	X1
	X5
	invariants
)

// The invariants of facts, see [Facts], of messages, see [Messages], and those
// that a runner checks.
const (
	C1 Invariant = invariants + iota
	C3
	C4
	C8
	E2
	B1
	B2
	B3
	B4
	B5
	B6
	E5
	X4
	L1
	L2
	L3
	L4
	L5
	L6
	L7
	// Hash: two runs of one schedule have one trace hash.
	Hash
	Count // of all invariants
)

var invariantNames = [Count]string{
	M1: "M1", M2: "M2", M3: "M3", M4: "M4", M5: "M5", F1: "F1", F2: "F2", F3: "F3", X1: "X1", X5: "X5",
	C1: "C1", C3: "C3", C4: "C4", C8: "C8", E2: "E2", E5: "E5", X4: "X4",
	B1: "B1", B2: "B2", B3: "B3", B4: "B4", B5: "B5", B6: "B6",
	L1: "L1", L2: "L2", L3: "L3", L4: "L4", L5: "L5", L6: "L6", L7: "L7", Hash: "HASH",
}

// String returns the name of the invariant.
func (i Invariant) String() string { return invariantNames[i] }

// All returns every invariant of a [Checker], in order.
func All() []Invariant {
	all := make([]Invariant, invariants)
	for i := range all {
		all[i] = Invariant(i)
	}
	return all
}

// Violation is an invariant that did not hold.
type Violation struct {
	Invariant Invariant
	Seed      uint64
	Time      time.Duration
	Node      int // from 0
	What      string
}

// Error names the node as people do, from 1.
func (v *Violation) Error() string {
	return fmt.Sprintf("invariant %v violated: seed %d, time %.6f s, node %d: %s", v.Invariant, v.Seed, v.Time.Seconds(), v.Node+1, v.What)
}

// life is one (epoch, incarnation).
type life struct {
	epoch       member.Epoch
	incarnation member.Incarnation
}

func lifeOf(c member.Claim) life { return life{c.Epoch, c.Incarnation} }

// String returns the life as "3.7".
func (l life) String() string { return fmt.Sprintf("%d.%d", l.epoch, l.incarnation) }

func (l life) before(other life) bool {
	return l.epoch < other.epoch || l.epoch == other.epoch && l.incarnation < other.incarnation
}

// belief is what the events of one node say of another. A state of 0 means that
// it was never mentioned, or is forgotten.
type belief struct {
	claim member.Claim
	since time.Duration // when a suspicion began
}

// subject is what is true of a node.
type subject struct {
	lives   []life // the last one of each epoch, ascending
	verdict life   // the latest in which somebody declared it dead
	current life   // as last seen
	// rolledBack: the next life may be an earlier one.
	rolledBack bool
}

// begin notes a life among those of its epoch.
func (s *subject) begin(l life) {
	i, found := slices.BinarySearchFunc(s.lives, l, func(a, b life) int { return cmp.Compare(a.epoch, b.epoch) })
	switch {
	case !found:
		s.lives = slices.Insert(s.lives, i, l)
	case s.lives[i].before(l):
		s.lives[i] = l
	}
}

// Checker watches one cluster. Not for concurrent use.
type Checker struct {
	cluster  *sim.Cluster
	seed     uint64
	minimum  time.Duration // of a suspicion
	sunny    bool
	subjects []subject
	beliefs  [][]belief // [node][subject], nil while the node never ran
	counts   [Count]uint64
	instant  []instant
	failed   *Violation
	datagram int    // the most bytes in one
	members  int    // the most in a table
	warped   []bool // nodes whose clock is not that of the cluster
}

// instant counts what a node did at one time.
type instant struct {
	at    time.Duration
	steps int
}

// instantMax is X5's bound. A thousand joins that arrive together are a fiftieth
// of it.
const instantMax = 50_000

// New returns a checker that is yet to be told of its cluster.
func New(seed uint64, timing core.Timing) *Checker {
	return &Checker{
		seed: seed, sunny: true,
		// In clusters of more than ten it is longer; who heard of an accusation
		// late waits for less, see onDied.
		minimum:  timing.ProbePeriod * time.Duration(timing.SuspicionMultiplier),
		datagram: core.PayloadMaxDefault, members: math.MaxInt,
	}
}

// Limit sets the bounds that M5 checks; 0 leaves one as it is: the default of
// the core, and none.
func (c *Checker) Limit(payloadMax, membersMax int) {
	if payloadMax > 0 {
		c.datagram = payloadMax
	}
	if membersMax > 0 {
		c.members = membersMax
	}
}

// Warped says that the clock of a node is no longer that of the cluster: how
// long it suspects somebody cannot be told from outside.
func (c *Checker) Warped(node int) { c.warped[node] = true }

// RolledBack says that a node that is down will start in an epoch in which it
// has been before.
func (c *Checker) RolledBack(node int) { c.subjects[node].rolledBack = true }

// Attach says which cluster is watched; it must be called before anything runs.
func (c *Checker) Attach(cluster *sim.Cluster) {
	c.cluster = cluster
	c.subjects = make([]subject, cluster.Len())
	c.beliefs = make([][]belief, cluster.Len())
	c.instant = make([]instant, cluster.Len())
	c.warped = make([]bool, cluster.Len())
}

// Faulty says that from now on something is wrong with the network or a node,
// so that suspicions may be right.
func (c *Checker) Faulty() { c.sunny = false }

// Violation returns the first violation, nil if there was none.
func (c *Checker) Violation() *Violation { return c.failed }

// Noted counts a check of an invariant that a runner makes itself.
func (c *Checker) Noted(i Invariant) { c.counts[i]++ }

// Fail records that an invariant which a runner checks does not hold.
func (c *Checker) Fail(i Invariant, node int, format string, args ...any) {
	c.fail(i, node, c.cluster.Now(), format, args...)
}

// Checks returns how often an invariant was checked.
func (c *Checker) Checks(i Invariant) uint64 { return c.counts[i] }

// Panicked records that a step panicked.
func (c *Checker) Panicked(node int, now time.Duration, value any) {
	c.fail(X1, node, now, "panic: %v", value)
}

func (c *Checker) fail(i Invariant, node int, now time.Duration, format string, args ...any) {
	if c.failed == nil {
		c.failed = &Violation{Invariant: i, Seed: c.seed, Time: now, Node: node, What: fmt.Sprintf(format, args...)}
	}
}

// Started implements [sim.Watcher]: the node knows nobody any more.
func (c *Checker) Started(node int, now time.Duration, _ member.Epoch) {
	c.sighted(node, now)
	if c.beliefs[node] == nil {
		c.beliefs[node] = make([]belief, len(c.beliefs))
	} else {
		clear(c.beliefs[node])
	}
}

// Stopping implements [sim.Watcher].
func (c *Checker) Stopping(node int, now time.Duration) { c.sighted(node, now) }

// sighted notes the life that a running node is in.
func (c *Checker) sighted(node int, now time.Duration) {
	s := &c.subjects[node]
	own := lifeOf(c.cluster.Machine(node).Member(0).Claim)
	if len(s.lives) == 0 {
		s.current = own
		s.begin(own)
		return
	}
	last := s.current
	s.current = own
	c.counts[M1]++
	if own.before(last) && !s.rolledBack {
		c.fail(M1, node, now, "its own life went back from %v to %v", last, own)
	}
	s.rolledBack = false
	s.begin(own)
}

// began reports whether a node has ever been in a life.
func (c *Checker) began(node int, l life, now time.Duration) bool {
	s := &c.subjects[node]
	if len(s.lives) == 0 {
		return false
	}
	if s.current.before(l) && c.cluster.Machine(node) != nil {
		c.sighted(node, now)
	}
	for i := len(s.lives) - 1; i >= 0; i-- {
		if s.lives[i].epoch == l.epoch {
			return l.incarnation <= s.lives[i].incarnation
		}
	}
	return false
}

// Stepped implements [sim.Watcher].
func (c *Checker) Stepped(node int, now time.Duration, out *core.Output) {
	at := &c.instant[node]
	if at.at != now {
		at.at, at.steps = now, 0
	}
	at.steps += 1 + len(out.Events)
	c.counts[X1]++
	c.counts[X5]++
	if c.sunny {
		c.counts[F2]++
	}
	if at.steps > instantMax {
		c.fail(X5, node, now, "%d steps and events at one instant", at.steps)
	}
	for i := range out.Packets {
		c.checkSize(node, now, &out.Packets[i])
	}
	told := false
	for i := range out.Events {
		switch e := &out.Events[i]; {
		case e.Kind == effect.SelfRefuted: // a life may be over before anybody hears of it
			c.subjects[node].begin(lifeOf(e.Claim))
		case e.Claim.State.Valid() && e.Kind != effect.SelfOutdated:
			c.checkEvent(node, now, e)
			told = true
		}
	}
	if told {
		c.counts[M5]++
		if members := c.cluster.Machine(node).Len(); members > c.members {
			c.fail(M5, node, now, "%d members in its table, at most %d", members, c.members)
		}
		c.checkViews(node, now, out.Events)
	}
}

func (c *Checker) checkSize(node int, now time.Duration, p *core.Packet) {
	limit := c.datagram
	if p.Lane == core.Stream {
		limit = wire.FrameMax
	}
	c.counts[M5]++
	if len(p.Payload) > limit {
		c.fail(M5, node, now, "%v of %d bytes, at most %d", p.Lane, len(p.Payload), limit)
	}
}

// checkViews compares a node's view with what its events say, for everybody that
// they mention.
func (c *Checker) checkViews(node int, now time.Duration, events []core.Event) {
	m := c.cluster.Machine(node)
	for i := range events {
		e := &events[i]
		who, known := c.cluster.Index(e.ID)
		if !known || who == node || !e.Claim.State.Valid() {
			continue
		}
		said := c.beliefs[node][who].claim
		view, _ := m.Lookup(e.ID)
		c.counts[M2]++
		if said.State != 0 && view.Claim != said {
			c.fail(M2, node, now, "its events say %v of node %d, its view %v", said, who+1, view.Claim)
		}
	}
}

package sim

import (
	"bytes"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Advance lets d pass.
func (l *Lab) Advance(d time.Duration) {
	l.t.Helper()
	l.advance(d, nil)
}

// AdvanceUntil lets time pass until the condition holds, and returns how long it
// took, exactly. If limit passes first, the test fails with the words of what
// and a [Lab.Dump]. The condition must depend on nothing but nodes and what
// handlers and timers have done: it is looked at after each instant that changed
// such a thing, and at the limit.
func (l *Lab) AdvanceUntil(limit time.Duration, what string, condition func() bool) time.Duration {
	l.t.Helper()
	start := l.Now()
	if !l.advance(limit, condition) {
		l.t.Fatalf("not within %v: %s\n%s", limit, what, l.Dump())
	}
	return l.Now() - start
}

// After calls f when d has passed, whatever becomes of the nodes. For a timer of
// an application see [Node.After].
func (l *Lab) After(d time.Duration, f func()) { l.cluster.After(max(d, 0), f) }

// advance lets limit pass, or less until a condition holds, and reports whether
// one does.
func (l *Lab) advance(limit time.Duration, condition func() bool) bool {
	l.t.Helper()
	if l.advancing || limit < 0 {
		l.t.Fatalf("sim: time cannot be advanced by %v, or not by a handler, timer or condition", limit)
	}
	l.advancing = true
	defer func() { l.advancing = false }()

	c := l.cluster
	end := c.now.Add(limit)
	l.changed = true
	for {
		more := c.queue.Until(end)
		if !c.queue.Until(c.now) { // this instant is over
			if l.changed && condition != nil && condition() {
				return true
			}
			l.changed, l.calls = false, 0
		}
		if !more {
			c.now = end
			return condition != nil && condition()
		}
		l.happen()
	}
}

// happen lets the next event happen and notes whether it changed what a
// condition may look at: beside events and calls that is what a node knows.
func (l *Lab) happen() {
	l.t.Helper()
	at, e := l.cluster.queue.Take()
	l.cluster.happen(at, e)
	if e.kind == eventCall {
		l.changed = true
		if l.calls++; l.calls > callsMax {
			l.t.Fatalf("sim: over %d handlers and timers at %v: one of them causes itself again\n%s", callsMax, l.Now(), l.Dump())
		}
		return
	}
	if m := l.cluster.Machine(int(e.node)); m != nil && m.Root() != l.roots[e.node] {
		l.roots[e.node] = m.Root()
		l.changed = true
	}
}

// active returns the nodes that take part in the cluster: those that run and
// have not said goodbye.
func (l *Lab) active() []*Node {
	active := l.Running()
	kept := active[:0]
	for _, n := range active {
		if n.leaving == nil {
			kept = append(kept, n)
		}
	}
	return kept
}

// Full reports whether every node that runs and has not said goodbye holds
// exactly those nodes to be alive.
func (l *Lab) Full() bool {
	active := l.active()
	for _, n := range active { // the cheap question first
		if n.machine.Live() != len(active) {
			return false
		}
	}
	for _, n := range active {
		for _, other := range active {
			if v, known := n.machine.Lookup(other.ID()); !known || v.Claim.State != member.Alive {
				return false
			}
		}
	}
	return true
}

// Agreed reports whether all nodes that run and have not said goodbye know the
// same of members and facts.
func (l *Lab) Agreed() bool {
	active := l.active()
	for _, n := range active {
		if n.machine.Root() != active[0].machine.Root() {
			return false
		}
	}
	return true
}

// Converged reports whether all views are full and all nodes agree: nothing is
// left to be told.
func (l *Lab) Converged() bool { return l.Agreed() && l.Full() }

// RequireFull fails the test unless all views are [Lab.Full] now.
func (l *Lab) RequireFull() {
	l.t.Helper()
	if !l.Full() {
		l.t.Fatalf("views are not full\n%s", l.Dump())
	}
}

// RequireState fails the test unless all nodes that run, the subject aside, hold
// a node to be in a state now.
func (l *Lab) RequireState(subject int, state member.State) {
	l.t.Helper()
	l.check(subject)
	for _, n := range l.active() {
		if n.index != subject && l.cluster.StateOf(n.index, subject) != state {
			l.t.Fatalf("%s does not hold %s to be %s\n%s", n.Name(), l.cluster.Name(subject), state, l.Dump())
		}
	}
}

// RequireFact fails the test unless all nodes that run see a value under a key
// of the owner now; nil stands for none.
func (l *Lab) RequireFact(owner int, key string, value []byte) {
	l.t.Helper()
	l.check(owner)
	for _, n := range l.active() {
		got, found := visible(n.machine, l.cluster.ID(owner), key)
		if found != (value != nil) || !bytes.Equal(got, value) {
			l.t.Fatalf("%s sees %s of %s as %s, want %s\n%s",
				n.Name(), key, l.cluster.Name(owner), quoted(got, found), quoted(value, value != nil), l.Dump())
		}
	}
}

// visible returns a fact as the root package shows it: those of the gone are
// hidden.
func visible(m *core.Machine, owner member.NodeID, key string) ([]byte, bool) {
	if v, known := m.Lookup(owner); !known || v.Claim.State.Gone() {
		return nil, false
	}
	return m.Fact(owner, key)
}

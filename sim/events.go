package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// EventKind says what happened. The kinds are those of the root package, with
// the same numbers.
type EventKind uint8

// The kinds of events. The comment says which fields of [Event] have a meaning
// beside Time and Member.
const (
	// Joined: Member is new, or back after a goodbye or a death in a former run.
	Joined EventKind = iota + 1
	// Updated: Member changed its name or addresses, or restarted.
	Updated
	// Suspected: By could not reach Member.
	Suspected
	// Recovered: Member was suspect or dead and proved that it lives.
	Recovered
	// Died: nobody could reach Member, and it did not refute. By says so, or the
	// suspicion ran out here; see Reason.
	Died
	// Left: Member said goodbye, or was retired; see Reason.
	Left
	// Forgotten: Member was gone for so long that it is no longer listed.
	Forgotten
	// NameConflict: Member claims the name that By holds.
	NameConflict
	// NameResolved: Member now holds its name.
	NameResolved
	// FactSet: Key of Member has a new Value, which came over Hops members.
	FactSet
	// FactDeleted: Key of Member is gone.
	FactDeleted
	// SelfRefuted: By accused this node, which denied it.
	SelfRefuted
	// IdentityOutdated: a newer signed record of this node is about.
	IdentityOutdated
	// Paused: this node was not run for Elapsed; silence in that time is held
	// against nobody.
	Paused
	// HealthChanged: the local health score is now Count; 0 is well.
	HealthChanged
	// Resync: Count events were lost here because [Node.Events] was not called.
	// Handlers never get it.
	Resync
	eventKindEnd
)

var eventKindNames = [eventKindEnd]string{
	Joined: "joined", Updated: "updated", Suspected: "suspected", Recovered: "recovered", Died: "died",
	Left: "left", Forgotten: "forgotten", NameConflict: "name-conflict", NameResolved: "name-resolved",
	FactSet: "fact-set", FactDeleted: "fact-deleted", SelfRefuted: "self-refuted",
	IdentityOutdated: "identity-outdated", Paused: "paused", HealthChanged: "health-changed", Resync: "resync",
}

// String returns the kind in lower case, such as "name-conflict".
func (k EventKind) String() string {
	if k == 0 || k >= eventKindEnd {
		return "unknown"
	}
	return eventKindNames[k]
}

// eventKinds are the kinds of the core that applications see.
var eventKinds = map[effect.Kind]EventKind{
	effect.MemberJoined: Joined, effect.MemberUpdated: Updated, effect.MemberSuspected: Suspected,
	effect.MemberRefuted: Recovered, effect.MemberDied: Died, effect.MemberLeft: Left,
	effect.MemberForgotten: Forgotten, effect.NameConflict: NameConflict, effect.NameResolved: NameResolved,
	effect.FactSet: FactSet, effect.FactDeleted: FactDeleted, effect.SelfRefuted: SelfRefuted,
	effect.SelfOutdated: IdentityOutdated, effect.Paused: Paused, effect.HealthChanged: HealthChanged,
}

// Event is one thing that happened. It has the fields of an Event of the root
// package; those that its kind does not name are zero. Value is shared and must
// not be changed.
type Event struct {
	Kind EventKind
	// Time is when this node noticed, by the clock of the lab; see [Birth].
	Time time.Time
	// Member is whom it is about, as of the event; this node for events about
	// itself, zero for Resync.
	Member  Member
	Key     string
	Value   []byte
	Hops    int           // 0: written by this node
	By      member.NodeID // who said so, or the other party
	Reason  string        // constant words, for people
	Count   int
	Elapsed time.Duration
}

// OnEvent calls f with all that happens to this node from now on, in order, each
// event at the instant at which it happens but while time passes: not inside of
// the call that causes it. What OnEvent is too late for is in [Node.Members] and
// [Node.MetaOf] by then. Handlers are called in the order in which they were
// given, and end with the node.
func (n *Node) OnEvent(f func(Event)) {
	n.handlers = append(n.handlers, handler{f, len(n.waiting)})
}

// handler is a function that wants events.
type handler struct {
	f    func(Event)
	skip int // events that are waiting and happened before it was given
}

// unreadMax is how many events wait for a call of [Node.Events]: a mass failure
// of 1,000 members is about 3,000.
const unreadMax = 4096

// Events returns what has happened to this node since its start or the last call
// of Events, in order; it needs no time to pass and no handler. If more than
// 4,096 events wait, a [Resync] stands in the place of the newest.
func (n *Node) Events() []Event {
	events := n.unread
	n.unread = nil
	return events
}

// emit hands an event to whoever wants it.
func (n *Node) emit(e Event) {
	switch last := len(n.unread) - 1; {
	case len(n.unread) < unreadMax:
		n.unread = append(n.unread, e)
	case n.unread[last].Kind == Resync:
		n.unread[last].Count++
	default:
		n.unread[last] = Event{Kind: Resync, Time: e.Time, Count: 2}
	}
	if len(n.handlers) > 0 {
		n.waiting = append(n.waiting, e)
		n.rouse()
	}
}

// rouse schedules the handlers for this instant: after the step that is under
// way, and after all that is due now already.
func (n *Node) rouse() {
	if !n.roused {
		n.roused = true
		n.lab.After(0, n.handle)
	}
}

// handle runs the timers that a pause held up, and gives the events that are
// waiting to the handlers. What these cause waits for the next call.
func (n *Node) handle() {
	n.roused = false
	for len(n.overdue) > 0 && !n.paused() {
		f := n.overdue[0]
		n.overdue = n.overdue[1:]
		f()
	}
	for left := len(n.waiting); left > 0 && len(n.waiting) > 0 && !n.paused(); left-- {
		e := n.waiting[0]
		n.waiting = n.waiting[1:]
		for i := range n.handlers { // as of now: a new one is not for this event
			switch h := &n.handlers[i]; {
			case h.skip > 0:
				h.skip--
			case !n.closed:
				h.f(e)
			}
		}
	}
	if len(n.waiting) > 0 && !n.paused() {
		n.rouse()
	}
}

// observer returns what the cluster calls with each event: it keeps those that
// applications see.
func (l *Lab) observer(also func(int, time.Duration, *core.Event)) func(int, time.Duration, *core.Event) {
	return func(i int, now time.Duration, e *core.Event) {
		l.changed = true
		n := l.nodes[i]
		if n.machine == nil { // it is starting
			n.machine = l.cluster.Machine(i)
		}
		if e.Kind == effect.LeaveAcked && n.leaving != nil {
			n.leaving.Acked = e.Count
		}
		if kind, ok := eventKinds[e.Kind]; ok {
			n.emit(n.translate(kind, e))
		}
		if also != nil {
			also(i, now, e)
		}
	}
}

func (n *Node) translate(kind EventKind, e *core.Event) Event {
	out := Event{
		Kind: kind, Time: n.wall(), Key: e.Key, Value: e.Value, Hops: int(e.Hops),
		By: e.By, Count: e.Count, Elapsed: e.Elapsed,
	}
	id := e.ID
	if id.IsZero() {
		id = n.ID()
	}
	if m, known := n.LookupID(id); known {
		out.Member = m
	} else { // forgotten: this is all that is left
		out.Member = Member{
			ID: e.ID, Name: string(e.Name), State: e.Claim.State,
			Epoch: uint64(e.Claim.Epoch), Incarnation: uint64(e.Claim.Incarnation),
		}
	}
	switch {
	case kind == Died && e.By == n.ID():
		out.Reason = "suspicion ran out"
	case kind == Died:
		out.Reason = "verdict of a peer"
	case kind == Left && e.By == e.ID:
		out.Reason = "goodbye"
	case kind == Left:
		out.Reason = "retired"
	}
	return out
}

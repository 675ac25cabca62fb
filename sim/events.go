package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/view"
)

type (
	// Event is one thing that happened, by the clock of the lab (see [Birth]); the
	// very type of the root package.
	Event = view.Event
	// EventKind says what happened.
	EventKind = view.EventKind
)

// The kinds of events; see those of the root package, which they are.
const (
	Joined           = view.Joined
	Updated          = view.Updated
	Suspected        = view.Suspected
	Recovered        = view.Recovered
	Died             = view.Died
	Left             = view.Left
	Forgotten        = view.Forgotten
	NameConflict     = view.NameConflict
	NameResolved     = view.NameResolved
	FactSet          = view.FactSet
	FactDeleted      = view.FactDeleted
	SelfRefuted      = view.SelfRefuted
	IdentityOutdated = view.IdentityOutdated
	Paused           = view.Paused
	HealthChanged    = view.HealthChanged
	// Resync: Count events were lost here because [Node.Events] was not called.
	// Handlers never get it.
	Resync = view.Resync
)

// OnEvent calls f with all that happens to this node from now on, in order, each
// event at the instant at which it happens but while time passes: not inside of
// the call that causes it. What OnEvent is too late for is in [Node.Members] and
// [Node.MetaOf] by then. Handlers are called in the order in which they were
// given, and end with the node.
func (n *Node) OnEvent(f func(Event)) { n.onEvent = append(n.onEvent, f) }

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
	for _, f := range n.onEvent {
		n.call(func() { f(e) })
	}
}

// call lets a handler run at this instant, in its turn.
func (n *Node) call(handler func()) {
	n.waiting = append(n.waiting, handler)
	n.rouse()
}

// rouse schedules the handlers for this instant: after the step that is under
// way, and after all that is due now already.
func (n *Node) rouse() {
	if !n.roused {
		n.roused = true
		n.lab.After(0, n.handle)
	}
}

// handle runs the timers that a pause held up, and the handlers that are
// waiting. What these cause waits for the next call.
func (n *Node) handle() {
	n.roused = false
	for len(n.overdue) > 0 && !n.paused() {
		f := n.overdue[0]
		n.overdue = n.overdue[1:]
		f()
	}
	for left := len(n.waiting); left > 0 && len(n.waiting) > 0 && !n.paused(); left-- {
		f := n.waiting[0]
		n.waiting = n.waiting[1:]
		f()
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
		n.onCore(e)
		if also != nil {
			also(i, now, e)
		}
	}
}

// onCore takes what the core reports.
func (n *Node) onCore(e *core.Event) {
	switch e.Kind {
	case effect.LeaveAcked:
		if n.leaving != nil {
			n.leaving.Acked = e.Count
		}
	case effect.MessageReceived, effect.MessageMissed:
		n.emitMessage(n.lens().Message(n.wall(), e))
	case effect.ReceiptUpdated:
		n.onReceipt(e)
	case effect.QueryReceived:
		n.emitQuestion(n.lens().Question(n.wall(), e))
	case effect.QueryAnswered:
		n.onAnswer(e)
	default:
		if shown, ok := n.lens().Event(n.wall(), e); ok {
			n.emit(shown)
		}
	}
}

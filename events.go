package hearsay

import (
	"context"
	"iter"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/view"
)

type (
	// Event is one thing that happened; see [view.Event].
	Event = view.Event
	// EventKind says what happened.
	EventKind = view.EventKind
)

// The kinds of events. Those of package view say which fields of [Event] have a
// meaning beside Time and Member.
const (
	// Joined: Member is new, or back after a goodbye or a death in a former run.
	Joined = view.Joined
	// Updated: Member changed its name or addresses, or restarted.
	Updated = view.Updated
	// Suspected: By could not reach Member.
	Suspected = view.Suspected
	// Recovered: Member was suspect or dead and proved that it lives.
	Recovered = view.Recovered
	// Died: nobody could reach Member, and it did not refute.
	Died = view.Died
	// Left: Member said goodbye, or was retired.
	Left = view.Left
	// Forgotten: Member was gone for so long that it is no longer listed.
	Forgotten = view.Forgotten
	// NameConflict: Member claims the name that By holds.
	NameConflict = view.NameConflict
	// NameResolved: Member now holds its name.
	NameResolved = view.NameResolved
	// FactSet: Key of Member has a new Value.
	FactSet = view.FactSet
	// FactDeleted: Key of Member is gone.
	FactDeleted = view.FactDeleted
	// SelfRefuted: By accused this node, which denied it.
	SelfRefuted = view.SelfRefuted
	// IdentityOutdated: a newer signed record of this node is about.
	IdentityOutdated = view.IdentityOutdated
	// Paused: this node was not run for Elapsed.
	Paused = view.Paused
	// HealthChanged: the local health score is now Count.
	HealthChanged = view.HealthChanged
	// Resync: Count events were lost here because the subscriber was slow.
	Resync = view.Resync
)

// backlogMax is how many events may wait for one subscriber. A mass failure of
// 300 members is about 1,000 events (suspected, died, facts); half would lose
// some of it to a consumer that writes each to a disk, and twice is memory that
// a stuck consumer keeps. Their values are shared with the node.
const backlogMax = 1024

var eventLimit = limit[Event]{
	values: backlogMax,
	size:   func(*Event) int { return 0 },
	marker: func(lost int, first *Event) Event { return Event{Kind: Resync, Time: first.Time, Count: lost} },
}

// Events returns what happens from now on, in the order in which it happens.
// What the call of Events is too late for is in [Node.Members] by then: call
// Events first, Members second, and nothing is missed.
//
// The sequence ends when ctx does, when the loop over it is left, or, after
// what is still waiting, when the node is closed. It is for one consumer. The
// node never waits for it: a consumer that is over 1,024 events behind gets one
// [Resync] in the place of those it lost.
//
// The subscription exists from the call on and ends with ctx at the latest, so
// a ctx without end must not be combined with a sequence that nobody ranges
// over.
func (n *Node) Events(ctx context.Context) iter.Seq[Event] {
	return n.events.subscribe(ctx, newFeed(&eventLimit, nil))
}

// changesMembers reports whether a snapshot from before the event is outdated.
func changesMembers(k EventKind) bool {
	switch k {
	case FactSet, FactDeleted, Paused, HealthChanged, Resync:
		return false
	}
	return true
}

// expect lets the box recognise the sessions of a member by its record.
func (d *driver) expect(id member.NodeID) {
	if v, known := d.machine.Lookup(id); known {
		d.box.Expect(id, v.Claim.Epoch, v.Anchor)
	}
}

// onEvent takes what the core reports: every event is counted, those of
// interest to people are logged and handed to the subscribers.
func (d *driver) onEvent(e *core.Event) {
	d.count(e)
	switch e.Kind {
	case effect.JoinDone:
		d.joinEnded(e.Addr, nil)
	case effect.JoinRefused:
		d.joinEnded(e.Addr, ErrFull)
	case effect.JoinFailed:
		d.joinEnded(e.Addr, ErrNoAnswer)
	case effect.LeaveAcked:
		d.leaveAcked(e.Count)
	case effect.MemberJoined, effect.MemberUpdated, effect.MemberRefuted:
		d.expect(e.ID)
	case effect.MemberForgotten:
		d.box.Forget(e.ID)
	case effect.Paused:
		d.box.Renew() // a copy of this machine may be awake as well
	case effect.MessageReceived, effect.MessageMissed:
		d.onMessage(e)
	case effect.ReceiptUpdated:
		d.onReceipt(e)
	case effect.QueryReceived:
		d.onQuestion(e)
	case effect.QueryAnswered:
		d.onAnswer(e)
	}
	if shown, ok := d.lens.Event(d.wall(), e); ok {
		d.emit(shown)
	}
}

// emit queues an event for the subscribers, who get it together with a snapshot
// that is no older: those of then, since one that comes before the snapshot does
// not find the event's effect there.
func (d *driver) emit(e Event) {
	d.log.event(&e)
	d.dirty = d.dirty || changesMembers(e.Kind)
	d.events.add(e)
}

// wall returns the time by the clock of this host, for people.
func (d *driver) wall() time.Time { return d.start.Add(time.Duration(d.now())) }

package view

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// Lens shows a machine of the core in the words of applications. It belongs to
// whoever drives the machine.
type Lens struct {
	ID      member.NodeID // of the machine's node
	Machine *core.Machine
	// Wall translates the time of the machine to that of its host, for people.
	Wall func(member.Time) time.Time
}

// At returns member i of the machine; 0 is its own node.
func (l Lens) At(i int) Member {
	v := l.Machine.Member(i)
	return l.show(&v)
}

// Lookup returns a member by its ID.
func (l Lens) Lookup(id member.NodeID) (Member, bool) {
	v, known := l.Machine.Lookup(id)
	if !known {
		return Member{}, false
	}
	return l.show(&v), true
}

func (l Lens) show(v *core.View) Member {
	return Member{
		ID: v.ID, Name: string(v.Name), State: v.Claim.State,
		Epoch: uint64(v.Claim.Epoch), Incarnation: uint64(v.Claim.Incarnation),
		Addr: v.Addrs[0], Addrs: v.Addrs, Since: l.Wall(v.Since),
		Accuser: v.By, NameConflict: v.Rival, Self: v.ID == l.ID,
	}
}

// Event returns what the machine has just reported, noticed at some time; false
// if applications do not see events of the kind.
func (l Lens) Event(at time.Time, e *core.Event) (Event, bool) {
	kind, shown := eventKinds[e.Kind]
	if !shown {
		return Event{}, false
	}
	out := Event{
		Kind: kind, Time: at, Key: e.Key, Value: e.Value, Hops: int(e.Hops),
		By: e.By, Reason: reasonOf(kind, l.ID, e), Count: e.Count, Elapsed: e.Elapsed,
	}
	id := e.ID
	if id.IsZero() {
		id = l.ID
	}
	var known bool
	if out.Member, known = l.Lookup(id); !known { // forgotten: this is all that is left
		out.Member = Member{
			ID: e.ID, Name: string(e.Name), State: e.Claim.State,
			Epoch: uint64(e.Claim.Epoch), Incarnation: uint64(e.Claim.Incarnation),
		}
	}
	return out, true
}

// Message returns the message of an event MessageReceived or the marker of one
// MessageMissed, noticed at some time.
func (l Lens) Message(at time.Time, e *core.Event) Message {
	m := Message{OriginID: e.ID, OriginName: l.name(e.ID), Epoch: uint64(e.Epoch), Time: at}
	if e.Kind == effect.MessageMissed {
		m.Missed = e.Count
		return m
	}
	m.Topic, m.Payload, m.Ordered, m.Seq, m.Hops = e.Key, e.Value, e.Ordered, e.Seq, int(e.Hops)
	return m
}

// Question returns the query of an event QueryReceived, noticed at some time.
func (l Lens) Question(at time.Time, e *core.Event) Question {
	return Question{
		Topic: e.Key, Payload: e.Value, AskerID: e.ID, AskerName: l.name(e.ID),
		Epoch: uint64(e.Epoch), Seq: e.Seq, Deadline: at.Add(e.Elapsed),
	}
}

// Answer returns the answer of an event QueryAnswered, so long after its query.
func (l Lens) Answer(elapsed time.Duration, e *core.Event) Answer {
	return Answer{ID: e.ID, Name: l.name(e.ID), Payload: e.Value, Elapsed: elapsed}
}

// name returns the name of a member, empty if it is not known.
func (l Lens) name(id member.NodeID) string {
	v, _ := l.Machine.Lookup(id)
	return string(v.Name)
}

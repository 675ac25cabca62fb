package hearsay

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// EventKind says what happened.
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
	// IdentityOutdated: a newer signed record of this node is about. Its disk was
	// rolled back, or a copy of it runs elsewhere.
	IdentityOutdated
	// Paused: this node was not run for Elapsed; silence in that time is held
	// against nobody.
	Paused
	// HealthChanged: the local health score is now Count; 0 is well.
	HealthChanged
	// Resync: Count events were lost here because the subscriber was slow. Read
	// [Node.Members] and [Node.MetaOf] again.
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

// Event is one thing that happened. Fields that its kind does not name are
// zero. Value is shared and must not be changed.
type Event struct {
	Kind EventKind
	// Time is when this node noticed, by the clock of its host.
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

var eventKinds = map[effect.Kind]EventKind{
	effect.MemberJoined: Joined, effect.MemberUpdated: Updated, effect.MemberSuspected: Suspected,
	effect.MemberRefuted: Recovered, effect.MemberDied: Died, effect.MemberLeft: Left,
	effect.MemberForgotten: Forgotten, effect.NameConflict: NameConflict, effect.NameResolved: NameResolved,
	effect.FactSet: FactSet, effect.FactDeleted: FactDeleted, effect.SelfRefuted: SelfRefuted,
	effect.SelfOutdated: IdentityOutdated, effect.Paused: Paused, effect.HealthChanged: HealthChanged,
}

// changesMembers reports whether a snapshot from before the event is outdated.
func (k EventKind) changesMembers() bool {
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
	}
	if kind, ok := eventKinds[e.Kind]; ok {
		d.emit(d.translate(kind, e))
	}
}

func (d *driver) translate(kind EventKind, e *core.Event) Event {
	out := Event{
		Kind: kind, Time: d.wall(), Key: e.Key, Value: e.Value, Hops: int(e.Hops),
		By: e.By, Count: e.Count, Elapsed: e.Elapsed,
	}
	id := e.ID
	if id.IsZero() {
		id = d.id
	}
	if v, ok := d.machine.Lookup(id); ok {
		out.Member = d.memberOf(&v)
	} else { // forgotten: this is all that is left
		out.Member = Member{
			ID: e.ID, Name: string(e.Name), State: e.Claim.State,
			Epoch: uint64(e.Claim.Epoch), Incarnation: uint64(e.Claim.Incarnation),
		}
	}
	switch {
	case kind == Died && e.By == d.id:
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

// emit queues an event for the subscribers, who get it together with a snapshot
// that is no older.
func (d *driver) emit(e Event) {
	d.log.event(&e)
	d.dirty = d.dirty || e.Kind.changesMembers()
	if d.node.subscribers.any() {
		d.pending = append(d.pending, e)
	}
}

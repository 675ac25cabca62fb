package view

import (
	"time"

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
	// the members and their metadata again.
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

// reasonOf says in constant words why a member died or left.
func reasonOf(kind EventKind, self member.NodeID, e *effect.Event) string {
	switch {
	case kind == Died && e.By == self:
		return "suspicion ran out"
	case kind == Died:
		return "verdict of a peer"
	case kind == Left && e.By == e.ID:
		return "goodbye"
	case kind == Left:
		return "retired"
	}
	return ""
}

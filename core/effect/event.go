package effect

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Kind says what happened.
type Kind uint8

// The events. One vocabulary feeds the log, the metrics, the simulator's trace
// and the application.
const (
	// MemberJoined: a member is new in the view, or back after having left.
	MemberJoined Kind = iota + 1
	// MemberUpdated: a member changed its name or addresses, or restarted.
	MemberUpdated
	// MemberSuspected: By could not reach it.
	MemberSuspected
	// MemberRefuted: a suspected or dead member proved that it lives.
	MemberRefuted
	// MemberDied: its suspicion ran out, or By said so of a suspect.
	MemberDied
	// MemberLeft: it said goodbye, or an operator retired it after its death.
	MemberLeft
	// MemberForgotten: gone for longer than its retention; no longer listed.
	MemberForgotten
	// NameConflict: ID claims the name that By holds.
	NameConflict
	// NameResolved: ID now holds its name.
	NameResolved
	// SelfRefuted: By accused this node, which raised its incarnation.
	SelfRefuted
	// SelfOutdated: a newer signed record of this node is about: its disk was
	// rolled back or copied.
	SelfOutdated
	// FactSet: Key of ID has a new Value.
	FactSet
	// FactDeleted: Key of ID is gone.
	FactDeleted
	// ProbeAcked: a direct probe of ID was answered after Elapsed.
	ProbeAcked
	// ProbeFailed: nothing was heard of ID in a whole probe period.
	ProbeFailed
	// HealthChanged: Count is the new local health score.
	HealthChanged
	// Paused: this node was not run for Elapsed; what it believed of others in
	// between is void.
	Paused
	// JoinDone: the contact ID at Addr has sent its whole view.
	JoinDone
	// JoinFailed: nobody at Addr completed a join in time.
	JoinFailed
	// JoinRefused: the contact's member table is full.
	JoinRefused
	// LeaveAcked: ID confirmed our goodbye; Count confirmations so far.
	LeaveAcked
	// SyncStarted: an anti-entropy exchange with ID began.
	SyncStarted
	// MessageReceived: a message of ID in Epoch, numbered Seq, on topic Key, came
	// after Hops. Own messages are not reported.
	MessageReceived
	// MessageMissed: Count messages of ID will not come any more: nobody that
	// could be asked has them.
	MessageMissed
	// ReceiptUpdated: Count of Total members have own message Seq; Done: no more
	// is to be learnt.
	ReceiptUpdated
	// QueryReceived: ID asks, in Epoch as Seq, on topic Key; Elapsed is the time
	// left for an answer. Own queries are reported too, if they match.
	QueryReceived
	// QueryAnswered: ID answered own query Seq with Value; without Done it only
	// confirmed that it is asked.
	QueryAnswered
	kindEnd
)

var kindNames = [...]string{
	MemberJoined: "member-joined", MemberUpdated: "member-updated", MemberSuspected: "member-suspected",
	MemberRefuted: "member-refuted", MemberDied: "member-died", MemberLeft: "member-left",
	MemberForgotten: "member-forgotten", NameConflict: "name-conflict", NameResolved: "name-resolved",
	SelfRefuted: "self-refuted", SelfOutdated: "self-outdated", FactSet: "fact-set", FactDeleted: "fact-deleted",
	ProbeAcked: "probe-acked", ProbeFailed: "probe-failed", HealthChanged: "health-changed", Paused: "paused",
	JoinDone: "join-done", JoinFailed: "join-failed", JoinRefused: "join-refused", LeaveAcked: "leave-acked",
	SyncStarted: "sync-started", MessageReceived: "message-received", MessageMissed: "message-missed",
	ReceiptUpdated: "receipt-updated", QueryReceived: "query-received", QueryAnswered: "query-answered",
}

// String returns the kind's name.
func (k Kind) String() string {
	if k == 0 || k >= kindEnd {
		return "unknown"
	}
	return kindNames[k]
}

// Event is one thing that happened. Fields that a kind does not name are zero.
// Key and Value are shared and must not be changed.
type Event struct {
	Kind    Kind
	ID      member.NodeID // whom it is about
	Name    member.Name   // of ID, where known
	Claim   member.Claim  // about ID, after the event
	By      member.NodeID // who said so, or the other party
	Addr    netip.AddrPort
	Key     string
	Value   []byte
	Hops    uint8 // FactSet, FactDeleted, MessageReceived: members it came through; 0 = own write
	Count   int
	Elapsed time.Duration
	Epoch   member.Epoch // of ID, in which it numbered the message
	Seq     uint64       // of a message or query; from 1 in each epoch
	Total   int          // ReceiptUpdated: members that were alive or suspect when it was published
	Done    bool
	Ordered bool // MessageReceived: after all earlier ones of its origin
}

// Describe returns one line for traces and conversation tests.
func (e *Event) Describe() string {
	var b strings.Builder
	b.WriteString(e.Kind.String())
	if !e.ID.IsZero() {
		fmt.Fprintf(&b, " %s", e.ID.Short())
	}
	if e.Claim.State.Valid() {
		fmt.Fprintf(&b, " %s", e.Claim)
	}
	if !e.By.IsZero() {
		fmt.Fprintf(&b, " by %s", e.By.Short())
	}
	if e.Addr.IsValid() {
		fmt.Fprintf(&b, " at %s", e.Addr)
	}
	if e.Seq != 0 {
		fmt.Fprintf(&b, " %d.%d", e.Epoch, e.Seq)
	}
	if e.Key != "" || len(e.Value) > 0 {
		fmt.Fprintf(&b, " %s=%q hops=%d", e.Key, e.Value, e.Hops)
	}
	if e.Count != 0 {
		fmt.Fprintf(&b, " count=%d", e.Count)
	}
	if e.Total != 0 {
		fmt.Fprintf(&b, " of=%d", e.Total)
	}
	if e.Elapsed != 0 {
		fmt.Fprintf(&b, " after %s", e.Elapsed)
	}
	if e.Ordered {
		b.WriteString(" ordered")
	}
	if e.Done {
		b.WriteString(" done")
	}
	return b.String()
}

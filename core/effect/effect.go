// Package effect holds what a sub-machine asks for: packets to send, rumors to
// spread, events to report. A sub-machine does nothing by itself; it writes
// here, and the core passes it on.
//
// One [Out] is reused for the life of a machine: in steady state it allocates
// nothing. Its contents are valid until the next Reset.
package effect

import (
	"net/netip"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Lane is how a payload travels.
type Lane uint8

// The lanes.
const (
	// Datagram: one sealed packet, may be lost.
	Datagram Lane = iota
	// Stream: one frame on an ordered connection to the peer, opened if there
	// is none; lost only with the connection.
	Stream
)

// String returns "datagram" or "stream".
func (l Lane) String() string {
	if l == Stream {
		return "stream"
	}
	return "datagram"
}

// Send is one payload for one peer.
type Send struct {
	To         member.NodeID // zero: whoever answers at Addr
	Addr       netip.AddrPort
	Lane       Lane
	start, end int
}

// RumorKey names what a rumor is about: a newer rumor with the same key
// replaces the older one.
type RumorKey struct {
	Kind    RumorKind
	Subject member.NodeID
	Detail  uint64 // tells apart rumors of one kind about one subject
}

// RumorKind separates the rumors that a converged peer makes pointless from
// those it does not.
type RumorKind uint8

// The kinds of rumor.
const (
	// Membership: a record or a verdict; part of the root.
	Membership RumorKind = iota
	// Suspicion: an accusation that may yet be refuted; not part of the root.
	Suspicion
	// FactWrite: a new entry; part of the root.
	FactWrite
)

// InRoot reports whether what the rumor says is covered by [wire.Root]: once
// peers agree on the root, repeating it is useless.
func (k RumorKind) InRoot() bool { return k != Suspicion }

// Rumor is one encoded message to be spread.
type Rumor struct {
	Key        RumorKey
	start, end int
}

// Out collects effects. Not for concurrent use.
type Out struct {
	Sends  []Send
	Rumors []Rumor
	Events []Event
	arena  []byte
	calm   int // steps in a row that needed no more than is kept
}

// Bounds of the memory kept between steps: what a step needs when it neither
// sends nor learns a whole view. A node of a hundred that kept all would hold
// 14 kB of events for life, which it needed once, when it joined.
const (
	arenaKeep  = 8 << 10
	eventsKeep = 16
	rumorsKeep = 64
	// calmMax is how many steps that need little it takes to give back the memory
	// of one that needed much: a node that relays thousands of events a second
	// fills its arena at every flush, and should not allocate it every time.
	calmMax = 1024
)

// Reset empties the collection and keeps its memory, up to a bound.
func (o *Out) Reset() {
	o.calm++
	if len(o.arena) > arenaKeep || len(o.Events) > eventsKeep {
		o.calm = 0
	}
	if o.calm > calmMax && cap(o.arena) > arenaKeep {
		o.arena = nil
	}
	if o.calm > calmMax && cap(o.Events) > eventsKeep {
		o.Events = nil
	} else {
		clear(o.Events) // they hold payloads
	}
	if cap(o.Rumors) > rumorsKeep {
		o.Rumors = nil
	}
	o.Sends, o.Rumors, o.Events, o.arena = o.Sends[:0], o.Rumors[:0], o.Events[:0], o.arena[:0]
}

// Payload returns the payload of a send; valid until Reset.
func (o *Out) Payload(s *Send) []byte { return o.arena[s.start:s.end:s.end] }

// Body returns the encoded message of a rumor; valid until Reset.
func (o *Out) Body(r *Rumor) []byte { return o.arena[r.start:r.end:r.end] }

// Open starts a send; [Out.Add] appends messages to it.
func (o *Out) Open(to member.NodeID, addr netip.AddrPort, lane Lane) {
	n := len(o.arena)
	o.Sends = append(o.Sends, Send{To: to, Addr: addr, Lane: lane, start: n, end: n})
}

// Reopen reports whether the send opened last goes the same way and may be added
// to, so that two answers to one packet become one.
func (o *Out) Reopen(to member.NodeID, addr netip.AddrPort, lane Lane) bool {
	if len(o.Sends) == 0 {
		return false
	}
	s := o.Last()
	return s.To == to && s.Addr == addr && s.Lane == lane && s.end == len(o.arena)
}

// Add appends a message to the send opened last.
func (o *Out) Add(m wire.Message) {
	o.checkOpen()
	o.arena = wire.Append(o.arena, m)
	o.Sends[len(o.Sends)-1].end = len(o.arena)
}

// AddBody appends a message whose body is already encoded.
func (o *Out) AddBody(t wire.Type, body []byte) {
	o.checkOpen()
	o.arena = wire.AppendBody(o.arena, t, body)
	o.Sends[len(o.Sends)-1].end = len(o.arena)
}

// checkOpen holds that a send is one piece of the arena: nothing may be spread
// between its opening and its last message.
func (o *Out) checkOpen() {
	if len(o.Sends) == 0 || o.Last().end != len(o.arena) {
		panic("effect: message added to a send that is no longer open")
	}
}

// Last returns the send opened last.
func (o *Out) Last() *Send { return &o.Sends[len(o.Sends)-1] }

// Size returns the bytes in a send so far.
func (s *Send) Size() int { return s.end - s.start }

// Spread asks for a message to be spread as a rumor.
func (o *Out) Spread(key RumorKey, m wire.Message) {
	start := len(o.arena)
	o.arena = wire.Append(o.arena, m)
	o.Rumors = append(o.Rumors, Rumor{Key: key, start: start, end: len(o.arena)})
}

// SpreadBody is Spread for a message whose body is already encoded.
func (o *Out) SpreadBody(key RumorKey, t wire.Type, body []byte) {
	start := len(o.arena)
	o.arena = wire.AppendBody(o.arena, t, body)
	o.Rumors = append(o.Rumors, Rumor{Key: key, start: start, end: len(o.arena)})
}

// Report records an event.
func (o *Out) Report(e Event) { o.Events = append(o.Events, e) }

// Peer is where a payload came from: an authenticated sender, the address it
// used, and the lane on which an answer should go back.
type Peer struct {
	ID   member.NodeID
	Addr netip.AddrPort
	Lane Lane
}

package core

import (
	"net/netip"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// The vocabulary of effects, under the names by which drivers use it.
type (
	// Event is one thing that happened.
	Event = effect.Event
	// Kind says what happened.
	Kind = effect.Kind
	// Lane is how a payload travels.
	Lane = effect.Lane
	// Peer is where a payload came from.
	Peer = effect.Peer
	// Keys signs and verifies.
	Keys = effect.Keys
)

// The lanes; see package effect.
const (
	Datagram = effect.Datagram
	Stream   = effect.Stream
)

// Packet is one payload to be sealed and sent.
type Packet struct {
	To      member.NodeID // zero: whoever answers at Addr
	Addr    netip.AddrPort
	Lane    Lane
	Payload []byte
}

// Output is what a step asks for. It and all it points to are valid until the
// next step of the same machine. Packets and events are in order.
type Output struct {
	Packets []Packet
	Events  []Event

	arena []byte
	ends  []int // of each packet's payload in the arena
	calm  int   // steps in a row that needed no more than is kept
}

func (o *Output) reset() {
	if o.calm++; len(o.arena) > arenaKeep {
		o.calm = 0
	}
	if o.calm > calmMax && cap(o.arena) > arenaKeep {
		o.arena = nil
	}
	o.Packets, o.Events, o.arena, o.ends = o.Packets[:0], nil, o.arena[:0], o.ends[:0]
}

// arenaKeep bounds the memory kept between steps: twice a push to three members.
// See effect.Out.
const arenaKeep = 8 << 10

// calmMax is how many steps that need little it takes to give back more than
// that; see effect.Out.
const calmMax = 1024

// add takes a packet whose payload was just appended to the arena.
func (o *Output) add(s *effect.Send) {
	o.Packets = append(o.Packets, Packet{To: s.To, Addr: s.Addr, Lane: s.Lane})
	o.ends = append(o.ends, len(o.arena))
}

// finish points the packets into the arena, which no longer moves.
func (o *Output) finish() {
	start := 0
	for i, end := range o.ends {
		o.Packets[i].Payload = o.arena[start:end:end]
		start = end
	}
}

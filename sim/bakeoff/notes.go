package bakeoff

import (
	"math/bits"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/effect"
)

// id names an event: its origin's number stands for a NodeID of 16 bytes and an
// epoch.
type id struct {
	origin int32
	seq    uint64
}

// note is a message of the contenders. Its size is what the same fields take in
// the encoding of package wire.
type note struct {
	kind    noteKind
	id      id
	hops    int
	payload []byte
	asked   bool // a payload somebody pulled or grafted; a vector of all origins
	ids     []id
	heard   []heard
	root    uint64
}

type noteKind uint8

const (
	notePayload noteKind = iota
	noteAck
	noteHeard // what was heard of some origins
	notePull
	noteRoot
	noteIHave
	noteGraft
	notePrune
)

// heard is what a node has of an origin: all up to base, and some more.
type heard struct {
	origin int32
	base   uint64
	more   []uint64
}

// The sizes of parts: an envelope; an origin with its epoch.
const (
	envelopeSize = 2
	originSize   = 17
)

func uvarintSize(n uint64) int { return max(1, (bits.Len64(n)+6)/7) }

func (m id) size() int { return originSize + uvarintSize(m.seq) }

// idsSize counts each origin once: events of one are listed together.
func idsSize(ids []id) (size int) {
	for k, m := range ids {
		size += uvarintSize(m.seq)
		if k == 0 || ids[k-1].origin != m.origin {
			size += originSize
		}
	}
	return size
}

func (n *note) size() int {
	switch n.kind {
	case notePayload:
		return envelopeSize + n.id.size() + 4 + len(n.payload) // flags, hops, topic
	case noteRoot:
		return envelopeSize + 8
	case noteHeard:
		size := envelopeSize
		for i := range n.heard {
			size += originSize + uvarintSize(n.heard[i].base) + 1 + 2*len(n.heard[i].more)
		}
		return size
	case noteIHave, noteGraft, notePull, noteAck:
		return envelopeSize + idsSize(n.ids)
	}
	return envelopeSize + n.id.size()
}

// mail collects what a step has to say to each member, so that it shares
// datagrams.
type mail struct {
	host  host
	boxes []box
}

type box struct {
	to int32
	p  *packet
}

// add puts a note into the datagram for a member, or starts another when it is
// full.
func (m *mail) add(to int32, n note) {
	k := slices.IndexFunc(m.boxes, func(b box) bool { return b.to == to })
	size := n.size()
	if k >= 0 && m.boxes[k].p.size+size > payloadMax {
		m.host.send(to, m.boxes[k].p)
		m.boxes[k].p = &packet{}
	}
	if k < 0 {
		k = len(m.boxes)
		m.boxes = append(m.boxes, box{to: to, p: &packet{lane: effect.Datagram}})
	}
	p := m.boxes[k].p
	p.notes, p.size = append(p.notes, n), p.size+size
	if n.kind != notePayload {
		p.control++
		return
	}
	p.copies, p.payload = p.copies+1, p.payload+len(n.payload)
	if n.asked {
		p.pulled++
	}
}

// pending reports whether something waits for a member.
func (m *mail) pending(to int32) bool {
	return slices.ContainsFunc(m.boxes, func(b box) bool { return b.to == to })
}

// flush sends all.
func (m *mail) flush() {
	for _, b := range m.boxes {
		m.host.send(b.to, b.p)
	}
	m.boxes = m.boxes[:0]
}

package bakeoff

import (
	"math"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// packet is what crosses a link: bytes for the machine that nodes run, notes for
// the contenders.
type packet struct {
	lane    effect.Lane
	bytes   []byte
	notes   []note
	size    int // plaintext bytes
	copies  int // of events in it
	payload int // their bytes
	control int // other messages in it
	pulled  int // of the copies, those that somebody asked for
}

const (
	// retransmit is how much later a stream's lost segment arrives (RFC 6298
	// section 2.4 sets the least; Linux uses 200 ms).
	retransmit = 200 * time.Millisecond
	// handshakes is what opening a stream costs in one-way delays: TCP and TLS
	// 1.3. Connections stay open.
	handshakes = 4
)

type linkKey struct{ from, to int32 }

// links is the state of the network.
type links struct {
	cell  *Cell
	seed  uint64
	sent  map[linkKey]uint32      // packets so far
	pipes map[linkKey]member.Time // last arrival of a stream: it keeps order
}

// delay is the time one way between two nodes, without jitter.
func (l *links) delay(from, to int32) time.Duration {
	switch l.cell.Links {
	case LAN:
		return 500 * time.Microsecond
	case Far:
		return 50 * time.Millisecond
	}
	f := fateOf(l.seed, aboutLink, int(min(from, to)), int(max(from, to)), 0)
	return time.Duration(40 * float64(time.Millisecond) * math.Exp(0.5*f.normal()))
}

// carry returns when a packet that leaves now arrives, and whether it does.
func (l *links) carry(now member.Time, from, to int32, lane effect.Lane) (member.Time, bool) {
	key := linkKey{from, to}
	l.sent[key]++
	f := fateOf(l.seed, aboutPacket, int(from), int(to), uint64(l.sent[key]))
	delay := l.delay(from, to)
	delay += f.within(delay / 50)
	if lane == effect.Datagram {
		return now.Add(delay), !f.hits(l.cell.Loss)
	}
	last, open := l.pipes[key]
	if !open {
		delay += handshakes * delay
	}
	for f.hits(l.cell.Loss) {
		delay += retransmit
	}
	at := max(now.Add(delay), last+1)
	l.pipes[key] = at
	return at, true
}

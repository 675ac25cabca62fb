package broadcast

import (
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// pieceKind is what a piece carries.
type pieceKind uint8

const (
	relayPiece pieceKind = iota
	reportPiece
	answerPiece
)

// pieceState says how far a piece has come.
type pieceState uint8

const (
	closed  pieceState = iota // or never used
	queued                    // has its number, waits for room
	sent                      // waits for its ack
	entrust                   // acknowledged by a delegate that will report
)

// piece is one thing sent on a link that has to be acknowledged.
type piece struct {
	state    pieceState
	kind     pieceKind
	delegate bool // a relay with a span
	orphan   bool // its span was given to another since
	early    bool // its report came before its ack
	again    bool // listed to be sent once more
	lapsed   bool // the publisher does not wait for it any more
	tries    uint8
	depth    uint8 // how often its span was passed on from one that was silent
	chunk    int32
	bytes    int32 // on the wire, while in flight
	span     wire.Span
	ev       *event
	svc      *service
	body     []byte // of a report or an answer
	answer   answerID
	first    member.Time // when it was sent first
	sent     member.Time // and last
	due      member.Time // Never while queued
}

// lane is what is on its way to one peer of one class: a window of numbers.
//
//	first ≤ unsent ≤ next; [first, unsent) were sent, [unsent, next) are queued.
//	The piece at first is not closed, unless first = unsent.
type lane struct {
	first, unsent, next wire.Number
	ring                []piece // a power of two of them
	again               []wire.Number
	inFlight            int         // bytes sent and not acknowledged
	blocked             bool        // more is queued than the window let through
	silent              bool        // of bulk: no ack since something was sent that is overdue
	answered            member.Time // when an ack came last
	rtt                 rtt
	due                 member.Time // no piece is due before
}

// Bounds of a lane.
const (
	// piecesMax bounds what is queued or open on a lane; an entry is 150 B. A
	// publisher's own limit is lower.
	piecesMax = 2048
	// smallWindow and bulkWindow bound the bytes not yet acknowledged: some 60
	// datagrams, which a socket's buffer holds, and 32 chunks.
	smallWindow = 64 << 10
	bulkWindow  = 1 << 20
)

func (l *lane) at(n wire.Number) *piece { return &l.ring[int(n)&(len(l.ring)-1)] }

func (l *lane) open() int    { return int(l.next - l.first) }
func (l *lane) waiting() int { return int(l.next - l.unsent) }

// find returns the piece of a number that is open and was sent.
func (l *lane) find(n wire.Number) *piece {
	if n-l.first >= l.unsent-l.first {
		return nil
	}
	if p := l.at(n); p.state != closed {
		return p
	}
	return nil
}

// clip returns the part [from, to) of a run of numbers that is within what was
// sent.
func (l *lane) clip(first wire.Number, length int) (from, to wire.Number) {
	open := l.unsent - l.first
	switch skip := first - l.first; {
	case skip < open:
		return first, first + min(wire.Number(length), open-skip)
	case -skip < wire.Number(length): // it begins before
		return l.first, l.first + min(wire.Number(length)+skip, open)
	}
	return l.first, l.first
}

// add returns a cleared, queued piece under the next number; nil when the lane
// is full.
func (l *lane) add() *piece {
	if l.open() >= piecesMax {
		return nil
	}
	if l.open() == len(l.ring) {
		l.grow()
	}
	p := l.at(l.next)
	l.next++
	*p = piece{state: queued, due: Never}
	return p
}

func (l *lane) grow() {
	bigger := lane{ring: make([]piece, max(8, 2*len(l.ring)))}
	for n := l.first; n != l.next; n++ {
		*bigger.at(n) = *l.at(n)
	}
	l.ring = bigger.ring
}

// trim moves first over what is closed. A ring that was large and is empty is
// given back.
func (l *lane) trim() {
	for l.first != l.unsent && l.at(l.first).state == closed {
		l.first++
	}
	if l.first == l.next && len(l.ring) > ringKeep {
		l.ring = nil
	}
}

// ringKeep bounds the ring that an idle lane keeps: 64 pieces of 150 B.
const ringKeep = 64

// rtt estimates a timeout from round trips (RFC 6298 section 2, in integers).
type rtt struct{ mean, deviation time.Duration }

// The first deviation is half of the RFC's: most peers are known by one or two
// samples, and a needless repetition is cheaper than a span that waits.
func (r *rtt) sample(d time.Duration) {
	d = max(d, time.Microsecond) // zero stands for no sample
	if r.mean == 0 {
		r.mean, r.deviation = d, d/4
		return
	}
	r.deviation += (max(r.mean-d, d-r.mean) - r.deviation) / 4
	r.mean += (d - r.mean) / 8
}

// timeout returns the wait for an ack, and whether there is an estimate at all.
func (r *rtt) timeout(least time.Duration) (time.Duration, bool) {
	if r.mean == 0 {
		return 0, false
	}
	return max(r.mean+max(4*r.deviation, r.mean/4), least), true
}

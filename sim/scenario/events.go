package scenario

import (
	"math"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// event is one broadcast whose spread is measured. Its unit of size is a byte of
// its content: copies are counted as the content is cut.
type event struct {
	payload
	hops    uint8 // most of a live node
	receipt receipt
}

// receipt is what the origin knows of an event.
type receipt struct {
	reached, total int
	elapsed        time.Duration // until the last news
	done           bool
}

// events measures broadcasts.
type events struct {
	spread
	all []*event
	by  map[wire.EventID]*event
	// publishing has no number yet; it gets one by the step that publishes it,
	// whose effects are about it already.
	publishing *event
	refused    int // broadcasts that their origin refused
	missed     int // events that a node gave up, all

	relay wire.Relay
}

func newEvents(n int) *events {
	return &events{spread: newSpread(n), by: make(map[wire.EventID]*event)}
}

// begin measures an event that is about to be published; published must follow.
func (s *events) begin(l *ledger, e *event) {
	s.publishing = e
	s.spread.begin(l, &e.payload)
}

// published says what became of it.
func (s *events) published(epoch member.Epoch, in *core.Publish) {
	e := s.publishing
	s.publishing = nil
	if in.Err != nil {
		s.refused++
		s.drop(&e.payload)
		return
	}
	s.all = append(s.all, e)
	s.by[wire.EventID{Origin: e.id, Epoch: epoch, Seq: in.Seq}] = e
	e.receipt.total, e.receipt.reached = in.Live, max(e.receipt.reached, 1)
	s.know(&e.payload, e.origin, e.at)
}

// find returns the event of a number, nil for one that is not measured.
func (s *events) find(id wire.EventID) *event {
	if e := s.by[id]; e != nil {
		return e
	}
	if e := s.publishing; e != nil && e.id == id.Origin {
		return e
	}
	return nil
}

// note takes an event of a node, in the other sense of the word.
func (s *events) note(node int, self member.NodeID, epoch member.Epoch, now time.Duration, e *core.Event) {
	switch e.Kind {
	case effect.MessageReceived:
		if it := s.find(wire.EventID{Origin: e.ID, Epoch: e.Epoch, Seq: e.Seq}); it != nil && s.know(&it.payload, node, now) {
			it.hops = max(it.hops, e.Hops)
		}
	case effect.MessageMissed:
		s.missed += e.Count
	case effect.ReceiptUpdated:
		if it := s.find(wire.EventID{Origin: self, Epoch: epoch, Seq: e.Seq}); it != nil {
			it.receipt = receipt{e.Count, e.Total, now - it.at, e.Done}
		}
	}
}

// count finds the copies, and parts of copies, in a packet.
func (s *events) count(packet []byte) (c content) {
	for rest := packet; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			return c // our own packets are well formed
		}
		if size := s.copied(t, body, len(rest)-len(after)); size > 0 {
			c.payload += size
		} else {
			c.others++
		}
		rest = after
	}
	return c
}

func (s *events) copied(t wire.Type, body []byte, size int) uint64 {
	if t != wire.TypeRelay || s.relay.Decode(body) != nil {
		return 0
	}
	e := s.find(s.relay.EventID)
	if e == nil {
		return 0
	}
	e.carried += uint64(len(s.relay.Body))
	if e.size = uint64(s.relay.Size); !s.relay.Chunked {
		e.size = uint64(len(s.relay.Body))
	}
	e.bytes += uint64(size)
	return uint64(size)
}

// Broadcast is how events reached the live nodes.
type Broadcast struct {
	Spread
	Refused int // broadcasts that their origin refused: too much was on its way
	Missed  int // events that a node gave up, all
	LastHop int // most hops to a live node
	// Receipts are done; ReceiptReached is how many nodes the one that names the
	// fewest does, the origin included, of ReceiptLive that its origin held alive;
	// ReceiptTime is when the slowest was done, in ms, NaN if one is not.
	Receipts       int
	ReceiptReached int
	ReceiptLive    int
	ReceiptTime    float64
	// Redelegations are spans that were given to another member, Repaired events
	// that a node had to ask for, by nodes that run at the end.
	Redelegations, Repaired uint64
}

// result sums up, nil if nothing was broadcast.
func (s *events) result(machines func(visit func(*core.Machine))) *Broadcast {
	base := s.spread.result()
	if base == nil {
		return nil
	}
	b := &Broadcast{Spread: *base, Refused: s.refused, Missed: s.missed, ReceiptReached: math.MaxInt}
	for _, e := range s.all {
		b.LastHop = max(b.LastHop, int(e.hops))
		if e.receipt.reached < b.ReceiptReached {
			b.ReceiptReached, b.ReceiptLive = e.receipt.reached, e.receipt.total
		}
		b.ReceiptTime = max(b.ReceiptTime, millis(e.receipt.elapsed))
		if e.receipt.done {
			b.Receipts++
		}
	}
	if b.Receipts < b.Count {
		b.ReceiptTime = math.NaN()
	}
	machines(func(m *core.Machine) {
		stats := m.Broadcasts()
		b.Redelegations += stats.Redelegations
		b.Repaired += stats.Repaired
	})
	return b
}

package scenario

import (
	"bytes"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// fact is one write whose spread is measured. Its unit of size is the whole fact.
type fact struct {
	payload
	key   string
	value []byte
}

// writes measures facts.
type writes struct {
	spread
	owned map[member.NodeID][]*fact

	fact  wire.Fact
	delta wire.Delta
}

func newWrites(n int) *writes {
	return &writes{spread: newSpread(n), owned: make(map[member.NodeID][]*fact)}
}

// begin measures a fact that is about to be written. It ends the measurement of
// an earlier one with the same key.
func (w *writes) begin(l *ledger, f *fact) {
	w.deleted(f.id, f.key)
	f.size = 1
	w.spread.begin(l, &f.payload)
	w.owned[f.id] = append(w.owned[f.id], f)
	w.know(&f.payload, f.origin, f.at)
}

// deleted ends the measurement of a fact that is no more.
func (w *writes) deleted(owner member.NodeID, key string) {
	for _, f := range w.owned[owner] {
		if f.key == key {
			w.finish(&f.payload)
		}
	}
}

// note takes an event of a node.
func (w *writes) note(node int, now time.Duration, e *core.Event) {
	if e.Kind != effect.FactSet {
		return
	}
	for _, f := range w.owned[e.ID] {
		if f.key == e.Key && bytes.Equal(f.value, e.Value) {
			w.know(&f.payload, node, now)
		}
	}
}

// count finds the copies in a packet.
func (w *writes) count(packet []byte) (c content) {
	for rest := packet; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			return c // our own packets are well formed
		}
		before := c.payload
		switch t {
		case wire.TypeFact:
			if w.fact.Decode(body) == nil {
				c.payload += w.copied(w.fact.Owner, &w.fact.Entry, len(rest)-len(after))
			}
		case wire.TypeDelta:
			if w.delta.Decode(body) == nil {
				for e := (wire.Entry{}); w.delta.Next(&e); {
					c.payload += w.copied(w.delta.Owner, &e, len(e.Append(nil)))
				}
			}
		}
		if c.payload == before {
			c.others++
		}
		rest = after
	}
	return c
}

func (w *writes) copied(owner member.NodeID, e *wire.Entry, size int) uint64 {
	for _, f := range w.owned[owner] {
		if f.key == string(e.Key) && bytes.Equal(f.value, e.Value) {
			f.carried++
			f.bytes += uint64(size)
			return uint64(size)
		}
	}
	return 0
}

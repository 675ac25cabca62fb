package bakeoff

import (
	"math"

	"github.com/hearsay-gossip/hearsay/member"
)

// eager forwards an event to random members when it first receives it. What is
// pulled is not forwarded: almost all have it by then.
type eager struct{ ledger }

func newEager(w *world, i int32) contender {
	e := &eager{ledger: newLedger(host{w, i})}
	e.onNew = func(_ member.Time, _ int32, n *note) {
		if !n.asked {
			e.push(n)
		}
	}
	return e
}

// fanout is ⌈ln n⌉+1: a member is missed by all with probability below e^-ln n,
// one in the cluster on average, whom digests find.
func fanout(n int) int { return int(math.Ceil(math.Log(float64(n)))) + 1 }

func (e *eager) push(n *note) {
	pushed := note{kind: notePayload, id: n.id, hops: n.hops + 1, payload: n.payload}
	for range fanout(e.host.w.cell.Nodes) {
		e.mail.add(e.random(), pushed)
	}
}

func (e *eager) publish(now member.Time, payload []byte, _ bool) uint64 {
	n := e.ledger.publish(now, payload)
	e.push(n)
	e.mail.flush()
	return n.id.seq
}

func (e *eager) receive(now member.Time, from int32, p *packet) {
	for i := range p.notes {
		if n := &p.notes[i]; !e.onNote(now, from, n) && e.knows(n.id.origin) {
			e.onPayload(now, from, n)
		}
	}
	e.mail.flush()
}

func (e *eager) tick(now member.Time) {
	e.ledger.tick(now)
	e.mail.flush()
}

func (e *eager) adopt(contact contender) { e.ledger.adopt(&contact.(*eager).ledger) }

package broadcast

import (
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// A joiner keeps nothing of what was before it, and says so. That is no word on
// what others keep: a young node to which the origin's record comes late gets
// all that was published meanwhile. Found by the bake-off of 30 nodes with stale
// views and churn, random seed 71.
func TestTheFloorOfAJoinerIsNobodyElses(t *testing.T) {
	w := newWorld(t, 5, 1)
	w.acquainted(2 * time.Millisecond)
	contact, late, joiner := w.nodes[1], w.nodes[2], w.nodes[4]
	stranger := *late.view
	stranger.known = map[member.NodeID]bool{contact.id: true, joiner.id: true}
	late.cfg.Members = &stranger
	w.cut = func(_, to *node) bool { return to == joiner } // it is not there yet
	for range 3 {
		w.publish(0, "old", true)
	}
	w.runFor(5 * time.Second)
	if len(late.delivered) != 0 {
		t.Fatalf("%v came of an unknown origin", late.delivered)
	}

	w.cut = nil
	contact.out.Open(joiner.id, peerOf(4).Addr, effect.Stream)
	contact.AddBaseline()
	baseline := slices.Clone(contact.out.Payload(contact.out.Last()))
	contact.out.Reset()
	joiner.SetJoining(true)
	w.receive(&item{to: joiner, from: contact, lane: effect.Stream, payload: baseline})
	joiner.SetJoining(false)
	last := w.publish(0, "new", true)
	w.runFor(5 * time.Second)
	if joiner.has(0, last) != 1 || len(joiner.delivered) != 1 {
		t.Fatalf("the joiner got %v", joiner.delivered)
	}

	known := stranger
	known.version, known.known = stranger.version+1, nil
	late.cfg.Members = &known
	w.receive(&item{to: late, from: joiner, lane: effect.Datagram, payload: joiner.AppendHeard(nil, false)})
	w.after(late)
	w.runFor(5 * time.Second)
	for seq := uint64(1); seq <= last; seq++ {
		if late.has(0, seq) != 1 {
			t.Errorf("event %d came %d times", seq, late.has(0, seq))
		}
	}
}

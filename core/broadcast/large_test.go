package broadcast

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/wire"
)

func TestTwoOfTheLargestMessagesMayBeInFlight(t *testing.T) {
	w := newWorld(t, 2, 1)
	n := w.nodes[0]
	largest := make([]byte, n.cfg.Limits.EventSize)
	topic := string(make([]byte, wire.TopicMax))
	for i := range 2 {
		if _, _, err := n.Publish(w.now, Message{Topic: topic, Payload: largest}); err != nil {
			t.Fatalf("message %d: %v", i+1, err)
		}
	}
	if _, _, err := n.Publish(w.now, Message{Topic: topic, Payload: make([]byte, contentOverhead)}); !errors.Is(err, ErrBackpressure) {
		t.Errorf("more than two of the largest: %v", err)
	}
}

// queuedFor returns the bytes of the distinct messages that wait for acks.
func (n *node) queuedFor() (bytes int) {
	seen := map[*event]bool{}
	for _, l := range n.linkList {
		lane := &l.lanes[wire.LaneBulk]
		for i := lane.first; i != lane.next; i++ {
			if p := lane.at(i); p.ev != nil && !seen[p.ev] {
				seen[p.ev] = true
				bytes += p.ev.size
			}
		}
	}
	return bytes
}

// flood publishes large messages as fast as they are admitted, and returns how
// long the longest wait was.
func (w *world) flood(n *node, size, count int) (longest time.Duration) {
	w.t.Helper()
	limit := n.cfg.Limits.InFlightBytes
	for i := 0; i < count; {
		began := w.now
		for {
			_, _, err := n.Publish(w.now, Message{Topic: "topic", Payload: make([]byte, size)})
			w.after(n)
			if got := n.queuedFor(); got > 3*limit || n.own.late > 2*limit || got > n.own.bytes+n.own.late+2*contentOverhead {
				w.t.Fatalf("message %d: %d bytes wait for acks, %d count as in flight and %d as late", i+1, got, n.own.bytes, n.own.late)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, ErrBackpressure) || w.now.Sub(began) > time.Minute {
				w.t.Fatal(err)
			}
			w.runFor(5 * time.Millisecond)
		}
		longest = max(longest, w.now.Sub(began))
		i++
	}
	return longest
}

// Members that have crashed and are not known to be dead cost a publisher of large
// messages one timeout, once, and no memory beyond its bounds.
func TestACrashedMemberDoesNotStopLargeMessages(t *testing.T) {
	for _, c := range []struct{ nodes, crashed int }{{2, 1}, {3, 1}, {6, 2}, {13, 3}} {
		t.Run(fmt.Sprint(c.nodes), func(t *testing.T) {
			w := newWorld(t, c.nodes, 3, func(cfg *Config) { cfg.Limits.WindowBytes = 256 << 20 })
			w.acquainted(2 * time.Millisecond)
			n := w.nodes[0]
			w.flood(n, 4<<20, 2)
			w.runFor(5 * time.Second)
			for _, dead := range w.nodes[1 : 1+c.crashed] {
				dead.dead = true
			}
			if longest := w.flood(n, 4<<20, 24); longest > bulkTimeoutStart {
				t.Errorf("it was held back for %v", longest)
			}
			w.probeFor(60)
			w.checkEverybody(0, 26)
			w.runFor(time.Minute)
			if n.own != (own{}) || len(n.lagging) != 0 || n.queuedFor() != 0 || n.Stats().QueueBytes != 0 {
				t.Errorf("%+v, %d bytes are left", n.own, n.queuedFor())
			}
			for seq := uint64(1); seq <= 26; seq++ {
				if e := n.receipts[seq]; !e.Done || e.Count > c.nodes {
					t.Errorf("receipt %d: %d, done %v", seq, e.Count, e.Done)
				}
			}
		})
	}
}

// Who was silent through a flood is alive: it pulls what was left to repair.
func TestWhoWasSilentPullsTheLargeMessagesItLacks(t *testing.T) {
	w := newWorld(t, 4, 5, func(cfg *Config) { cfg.Limits.WindowBytes = 256 << 20 })
	w.acquainted(2 * time.Millisecond)
	n, silent := w.nodes[0], w.nodes[2]
	w.cut = func(from, to *node) bool { return from == silent || to == silent }
	w.flood(n, 2<<20, 20)
	if n.Stats().Lazy == 0 {
		t.Error("nothing was left to repair")
	}
	w.runFor(5 * time.Second)
	w.cut = nil
	w.probeFor(50)
	w.checkEverybody(0, 20)
	if silent.missed != 0 {
		t.Errorf("%d missed", silent.missed)
	}
	for _, e := range silent.events {
		if e.Kind == effect.MessageReceived && len(e.Value) != 2<<20 {
			t.Errorf("message %d has %d bytes", e.Seq, len(e.Value))
		}
	}
}

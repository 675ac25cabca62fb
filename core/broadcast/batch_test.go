package broadcast

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/wire"
)

const ms = time.Millisecond

// Relays of one batch window share a packet to each peer.
func TestRelaysWaitForTheBatchWindow(t *testing.T) {
	w := newWorld(t, 5, 1, func(c *Config) { c.Timing.BatchWindow, c.Timing.HeardDelay = 100*ms, -1 })
	for range 3 {
		w.publish(0, "payload", false)
		w.runFor(30 * ms)
	}
	if w.packets != 0 {
		t.Errorf("%d packets after 90 ms", w.packets)
	}
	w.runFor(10 * ms)
	if w.packets != 4 || w.messages[wire.TypeRelay] != 12 {
		t.Errorf("%d packets with %d relays after the window, want 4 with 12", w.packets, w.messages[wire.TypeRelay])
	}
	w.runFor(time.Second)
	w.checkEverybody(0, 3)
}

// What goes at once to one peer takes nothing along that waits for another.
func TestEachLinkWaitsByItself(t *testing.T) {
	w := newWorld(t, 3, 1, func(c *Config) { c.Timing.AckDelay, c.Timing.HeardDelay = time.Second, -1 })
	w.publish(0, "first", false)
	w.runFor(400 * ms)
	n := w.nodes[1]
	n.tell(n.linkTo(peerOf(2)), &wire.Heard{})
	w.after(n)
	w.runFor(100 * ms)
	if w.packets != 3 || w.messages[wire.TypeRelayAck] != 0 {
		t.Errorf("%d packets, %d of them acks: want 2 relays and a digest", w.packets, w.messages[wire.TypeRelayAck])
	}
	w.runFor(600 * ms)
	if w.packets != 5 || w.messages[wire.TypeRelayAck] != 2 {
		t.Errorf("%d packets, %d of them acks, after the delay; want 5 and 2", w.packets, w.messages[wire.TypeRelayAck])
	}
}

// The hub hands on for all: a packet to each per window, however many publish.
// What goes to the hub does not wait.
func TestTheHubBatchesForAllOrigins(t *testing.T) {
	const n = 12
	w := newWorld(t, n, 1, func(c *Config) {
		c.Hub, c.Timing.BatchWindow, c.Timing.AckDelay, c.Timing.HeardDelay = true, 100*ms, time.Second, -1
	})
	for i := range n {
		w.publish(i, "payload", false)
	}
	w.runFor(102 * ms)
	for i := range n {
		w.checkEverybody(i, 1)
	}
	if want := 2 * (n - 1); w.packets != want {
		t.Errorf("%d packets, want %d: one to the hub and one back for each of the others", w.packets, want)
	}
	w.runFor(10 * time.Second)
	for i, node := range w.nodes {
		if e := node.receipts[1]; !e.Done || e.Count != n {
			t.Errorf("receipt of node %d: %d of %d, done %v", i, e.Count, e.Total, e.Done)
		}
	}
	if s := w.totals(); s.Retransmits != 0 || s.Duplicates != 0 {
		t.Errorf("%d sent again, %d duplicates", s.Retransmits, s.Duplicates)
	}
}

// When the hub is silent the ring goes to others.
func TestASilentHubIsPassedOver(t *testing.T) {
	const n = 12
	w := newWorld(t, n, 1, func(c *Config) { c.Hub, c.Timing.BatchWindow = true, 100*ms })
	hub := 0
	for i := range n {
		if scramble(position(idOf(i))) > scramble(position(idOf(hub))) {
			hub = i
		}
	}
	w.nodes[hub].dead = true
	origin := (hub + 1) % n
	w.publish(origin, "payload", false)
	w.runFor(5 * time.Second)
	w.checkEverybody(origin, 1)
}

// With a delay, acks ride on what goes the other way, and nothing is repeated
// before they had the time to.
func TestAcksWaitForCompany(t *testing.T) {
	w := newWorld(t, 2, 1, func(c *Config) {
		c.Timing.AckDelay, c.Timing.HeardDelay, c.Timing.RTOStart = 2*time.Second, -1, 10*ms
	})
	for range 10 {
		w.publish(0, "there", false)
		w.runFor(500 * ms)
		w.publish(1, "and back", false)
		w.runFor(500 * ms)
	}
	if w.packets != 20 {
		t.Errorf("%d packets for 20 messages", w.packets)
	}
	w.runFor(10 * time.Second)
	if s := w.totals(); w.packets != 21 || s.Retransmits != 0 {
		t.Errorf("%d packets, %d sent again; want one for the last ack, and none", w.packets, s.Retransmits)
	}
	for i, node := range w.nodes {
		if in := node.Stats().InFlight; in != 0 {
			t.Errorf("node %d: %d receipts open", i, in)
		}
	}
}

// Acks do not wait until the sender may send no more.
func TestAcksGoBeforeTheWindowIsFull(t *testing.T) {
	w := newWorld(t, 2, 1, func(c *Config) { c.Timing.AckDelay, c.Timing.HeardDelay = time.Hour, -1 })
	for range 500 {
		w.publish(0, string(make([]byte, 1000)), false)
	}
	w.runFor(time.Second)
	w.checkEverybody(0, 500)
}

// Without digests, a peer that is told what was heard pulls what it lacks, and
// tells in turn what it has if that is wanted.
func TestWhatAnotherHeardIsPulled(t *testing.T) {
	w := newWorld(t, 2, 1, func(c *Config) { c.Timing.AckDelay, c.Timing.HeardDelay = time.Hour, -1 })
	w.cut = func(_, _ *node) bool { return true }
	w.publish(0, "payload", false)
	w.publish(1, "payload", false)
	w.runFor(time.Second)
	w.cut = nil
	w.runFor(10 * time.Second)
	if w.packets != 2 || w.reached(0, 1) != 1 || w.reached(1, 1) != 1 {
		t.Fatalf("%d packets, %d and %d reached", w.packets, w.reached(0, 1), w.reached(1, 1))
	}
	for rest := w.nodes[0].AppendHeard(nil, true); len(rest) > 0; {
		kind, body, after, err := wire.Next(rest)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.nodes[1].Receive(w.now, effect.Peer{ID: w.nodes[0].id}, kind, body); err != nil {
			t.Fatal(err)
		}
		rest = after
	}
	w.after(w.nodes[1])
	w.runFor(2 * time.Second)
	w.checkEverybody(0, 1)
	w.checkEverybody(1, 1)
	if w.messages[wire.TypeHeard] != 1 || w.messages[wire.TypePull] != 2 {
		t.Errorf("%d digests, %d pulls; want 1 and 2", w.messages[wire.TypeHeard], w.messages[wire.TypePull])
	}
}

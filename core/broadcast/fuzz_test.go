package broadcast

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// FuzzReceive: whatever members say, a machine keeps its counts right and its
// memory bounded, sends what others can read, and delivers nothing twice. The
// input is a payload; every message of it comes from another member, and some
// time passes between them.
func FuzzReceive(f *testing.F) {
	for _, b := range hostile() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		w := newWorld(t, 4, 1, func(c *Config) { c.Limits.EventSize, c.Limits.WindowBytes = 100_000, 400_000 })
		n := w.nodes[0]
		w.publish(0, "own", true)
		for i := 0; len(payload) > 0 && i < 200; i++ {
			typ, body, rest, err := wire.Next(payload)
			if err != nil {
				break
			}
			payload = rest
			from := effect.Peer{ID: idOf(1 + i%3), Addr: peerOf(1 + i%3).Addr, Lane: effect.Lane(i % 2)}
			_ = n.Receive(w.now, from, typ, body) // refusals are counted by the caller
			if sent := len(n.out.Sends); sent > 0 {
				t.Fatalf("%d packets before the tick", sent)
			}
			w.after(n)
			w.runFor(time.Duration(i%7) * 30 * time.Millisecond)
			n.checkInvariants(t)
		}
		w.runFor(3 * time.Minute)
		n.checkInvariants(t)
		for key, times := range n.delivered {
			if times > 1 {
				t.Fatalf("%s delivered %d times", key, times)
			}
		}
		w.checkOrder()
		for _, n := range w.nodes {
			if n.ticks > 20_000 {
				t.Fatalf("node %d ticked %d times", n.n, n.ticks)
			}
		}
		if len(n.window.events) > 0 || len(n.partials) > 0 {
			t.Fatalf("%d events and %d unfinished ones are kept for ever", len(n.window.events), len(n.partials))
		}
	})
}

// hostile is payloads that aim at one weakness each.
func hostile() [][]byte {
	event := func(origin int, seq uint64) wire.EventID {
		return wire.EventID{Origin: idOf(origin), Epoch: 1, Seq: seq}
	}
	content := []byte{1, 1, 't', 'x'}
	var all [][]byte
	add := func(messages ...wire.Message) {
		var b []byte
		for _, m := range messages {
			b = wire.Append(b, m)
		}
		all = append(all, b)
	}
	heard := func(e wire.HeardEntry, runs ...wire.Run) *wire.Heard {
		var encoded []byte
		last := e.Base
		for _, r := range runs {
			encoded = wire.AppendRun(encoded, last, r)
			last = r.To
		}
		e.Above = wire.NewRuns(encoded, e.Base)
		m := &wire.Heard{Ask: true}
		m.SetEntries(wire.AppendHeardEntry(nil, &e, len(runs)))
		return m
	}
	one := func(to uint64) wire.Runs { return wire.NewRuns(wire.AppendRun(nil, 0, wire.Run{To: to}), 0) }
	acks := func(run wire.AckRun) *wire.RelayAck {
		m := &wire.RelayAck{Lane: wire.LaneSmall}
		m.SetRuns(wire.AppendAckRun(nil, run))
		return m
	}
	whole := wire.Span{}
	add(&wire.Relay{EventID: event(1, 1), Body: content, Delegate: true, Span: whole})
	add(&wire.Relay{EventID: event(1, 2), Body: content}, &wire.Relay{EventID: event(1, 1), Body: content})
	add(&wire.Relay{EventID: event(0, 9), Body: content, Delegate: true}) // an own event that never was
	add(&wire.Relay{EventID: event(1, wire.EventSeqMax), Body: content})
	add(&wire.Relay{EventID: event(1, aheadMax), Body: content}, &wire.Relay{EventID: event(1, aheadMax+1), Body: content})
	chunk := make([]byte, wire.ChunkSize)
	add(&wire.Relay{EventID: event(1, 1), Chunked: true, Size: 100_000, Body: chunk},
		&wire.Relay{EventID: event(1, 1), Chunked: true, Size: 99_000, Body: chunk},
		&wire.Relay{EventID: event(1, 1), Body: content})
	add(&wire.Relay{EventID: event(1, 1), Chunked: true, Size: wire.ContentMax, Body: chunk})
	add(&wire.Relay{EventID: event(1, 1), Chunked: true, Size: 3, Body: []byte{9, 9, 9}}) // no content
	add(heard(wire.HeardEntry{Origin: idOf(1), Epoch: 1, Base: wire.EventSeqMax}), &wire.Relay{EventID: event(1, 5), Body: content})
	add(heard(wire.HeardEntry{Origin: idOf(1), Epoch: 1, Floor: wire.EventSeqMax, Base: wire.EventSeqMax}))
	add(heard(wire.HeardEntry{Origin: idOf(1), Epoch: 1}, wire.Run{After: 5, To: wire.EventSeqMax}))
	add(heard(wire.HeardEntry{Origin: idOf(0), Epoch: 1, Floor: 50, Base: 100}))
	add(&wire.Pull{Origin: idOf(0), Epoch: 1, Runs: one(wire.EventSeqMax)}, &wire.Pull{Origin: idOf(0), Epoch: 1, Chunks: true, Seq: 1, Runs: one(9)})
	add(acks(wire.AckRun{First: 0, Length: 1 << 16, Kind: wire.AckCounted}), acks(wire.AckRun{First: 1 << 31, Length: 1 << 16, Kind: wire.AckCounted}))
	add(&wire.Answer{Epoch: 1, Seq: 1, Index: 1, Payload: []byte("?")}, &wire.HeardRoot{Root: 1})
	return all
}

func FuzzGlob(f *testing.F) {
	f.Add("web*", "web1")
	f.Add("*a*b", "aXb")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 50 || len(text) > 50 {
			return
		}
		if got, want := glob(pattern, text), slowGlob(pattern, text); got != want {
			t.Fatalf("glob(%q, %q) = %v, want %v", pattern, text, got, want)
		}
	})
}

// slowGlob follows the definition.
func slowGlob(pattern, text string) bool {
	// reach[j]: the pattern so far matches the first j bytes of the text.
	reach := make([]bool, len(text)+1)
	reach[0] = true
	for i := range len(pattern) {
		next := make([]bool, len(text)+1)
		for j := range next {
			if pattern[i] == '*' {
				next[j] = reach[j] || j > 0 && next[j-1]
			} else {
				next[j] = j > 0 && reach[j-1] && text[j-1] == pattern[i]
			}
		}
		reach = next
	}
	return reach[len(text)]
}

func TestHostileMembersAreBounded(t *testing.T) {
	w := newWorld(t, 3, 1)
	n := w.nodes[0]
	from := effect.Peer{ID: idOf(1), Addr: peerOf(1).Addr}
	tell := func(m wire.Message) {
		t.Helper()
		if err := n.Receive(w.now, from, m.Type(), m.AppendBody(nil)); err != nil {
			t.Fatal(err)
		}
		n.out.Reset()
	}
	// Chunks of ever more events that are never whole.
	for seq := range uint64(1000) {
		tell(&wire.Relay{
			EventID: wire.EventID{Origin: idOf(2), Epoch: 1, Seq: seq + 1}, Chunked: true, Size: 4 << 20, Body: make([]byte, wire.ChunkSize),
		})
	}
	n.checkInvariants(t)
	if len(n.partials) > partialsMax {
		t.Errorf("%d unfinished events", len(n.partials))
	}
	// A pull for everything, over and over.
	w.publish(0, string(make([]byte, 1000)), false)
	for range 3000 {
		tell(&wire.Pull{Origin: idOf(0), Epoch: 1, Runs: wire.NewRuns(wire.AppendRun(nil, 0, wire.Run{To: 1 << 40}), 0)})
	}
	if got := len(n.linkTo(peerOf(1)).repairs); got > repairsMax {
		t.Errorf("%d answers queued for one peer", got)
	}
	if n.drops[dropPull] == 0 {
		t.Error("nothing was refused")
	}
	// Many strangers.
	for i := range 5000 {
		from.ID = member.NodeID{1, byte(i), byte(i >> 8)}
		tell(&wire.HeardRoot{Root: 5})
		if i%100 == 0 {
			w.now = w.now.Add(time.Second)
			n.Tick(w.now)
			n.out.Reset()
		}
	}
	if len(n.linkList) != len(n.links) || len(n.links) > linksSpare+300 {
		t.Errorf("%d links for 2 members", len(n.links))
	}
}

package main

import (
	"sync"
	"testing"
	"time"
)

func TestOnlyTheFirstOfManyDeliveriesCounts(t *testing.T) {
	const nodes, messages, copies = 5, 40, 8
	tr := newTracker(nodes, 64, messages, 1000)
	payloads := make([][]byte, messages)
	for i := range payloads {
		payloads[i] = tr.publish(i, i%nodes, 0)
	}
	var all sync.WaitGroup
	for range copies {
		for node := range nodes {
			all.Go(func() {
				for _, p := range payloads {
					tr.deliver(node, p)
				}
			})
		}
	}
	if !tr.await(t.Context(), time.Minute, tr.allEverywhere) {
		t.Fatal("not everywhere")
	}
	all.Wait()
	want := outcome{Broadcasts: messages, Repeated: messages * (nodes - 1) * (copies - 1)}
	if got := tr.outcome(); got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
	if got := tr.delivered.Load(); got != messages*(nodes-1) {
		t.Errorf("%d delivered, want %d", got, messages*(nodes-1))
	}
	found, expected := tr.allLatencies()
	if len(found) != expected || expected != messages*(nodes-1) {
		t.Errorf("%d of %d latencies, want all %d", len(found), expected, messages*(nodes-1))
	}
}

func TestDeliveriesOfEarlierPhasesAreIgnored(t *testing.T) {
	tr := newTracker(3, 64, 2, 1000)
	tr.publish(0, 0, 0)
	tr.deliver(1, newPayload(999, 64))
	if got, want := tr.outcome(), (outcome{Broadcasts: 1, Missed: 1, MissedDeliveries: 2}); got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
	tr.deliver(1, newPayload(1001, 64)) // not published yet
	tr.deliver(1, newPayload(1002, 64)) // beyond the phase
	tr.deliver(1, newPayload(1000, 65)) // of another length
	if got := tr.corrupt.Load(); got != 3 {
		t.Errorf("%d corrupt, want 3", got)
	}
}

func TestARefusedMessageIsNotWaitedFor(t *testing.T) {
	tr := newTracker(3, 64, 1, 0)
	payload := tr.publish(0, 0, 0)
	tr.refuse(0)
	if !tr.allEverywhere() {
		t.Error("waits for a refused message")
	}
	tr.deliver(1, payload) // it went out all the same
	if !tr.allEverywhere() {
		t.Error("waits for a refused message that was delivered")
	}
	if got, want := tr.outcome(), (outcome{Refused: 1}); got != want {
		t.Errorf("outcome %+v, want %+v", got, want)
	}
}

func TestPayloadsDifferAndAreChecked(t *testing.T) {
	seen := make(map[string]bool)
	for seq := range uint64(10_000) {
		p := newPayload(seq, 1024)
		if seen[string(p[sizeMin:])] {
			t.Fatalf("payload %d repeats the bytes of another", seq)
		}
		seen[string(p[sizeMin:])] = true
		if got, ok := parsePayload(p, 1024); got != seq || !ok {
			t.Fatalf("parsed %d, %t; want %d", got, ok, seq)
		}
	}
	for _, size := range []int{sizeMin, sizeMax} {
		if _, ok := parsePayload(newPayload(1<<40, size), size); !ok {
			t.Errorf("payload of %d bytes does not parse", size)
		}
	}
}

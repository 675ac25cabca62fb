package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// tracker notes when every node got every message of one phase. Its deliver is
// safe for concurrent use; the other methods belong to one goroutine.
type tracker struct {
	nodes, size int
	first       uint64 // sequence number of message 0
	began       time.Time
	messages    []message
	arrived     []atomic.Int64 // [message*nodes+node]: nanoseconds after began, at least 1; 0: not yet

	wake      chan struct{}
	open      atomic.Int64 // messages that some node still lacks
	delivered atomic.Int64 // first deliveries, at all nodes
	repeated  atomic.Int64 // deliveries of what the node had been given before
	corrupt   atomic.Int64 // deliveries of what nobody sent
}

// message is one broadcast of a phase.
type message struct {
	origin    int
	due       time.Duration // after began: from when its latency counts
	refused   bool          // of the publisher's goroutine
	published atomic.Bool   // set last, so that who sees it sees origin and due
	left      atomic.Int32  // nodes that lack it; 0 or less: none does, or it was refused
}

// accepted reports whether the system took the message.
func (m *message) accepted() bool { return m.published.Load() && !m.refused }

func newTracker(nodes, size, messages int, first uint64) *tracker {
	return &tracker{
		nodes: nodes, size: size, first: first, began: time.Now(),
		messages: make([]message, messages),
		arrived:  make([]atomic.Int64, messages*nodes),
		wake:     make(chan struct{}, 1),
	}
}

// publish expects a message at all nodes but its origin and returns its
// payload. It comes before the call that sends it, as the first delivery may be
// quicker than that call.
func (t *tracker) publish(index, origin int, due time.Duration) []byte {
	m := &t.messages[index]
	m.origin, m.due = origin, due
	m.left.Store(int32(t.nodes - 1))
	m.published.Store(true)
	t.open.Add(1)
	return newPayload(t.first+uint64(index), t.size)
}

// refuse expects a published message no longer: it was not accepted.
func (t *tracker) refuse(index int) {
	t.messages[index].refused = true
	if t.messages[index].left.Swap(0) > 0 {
		t.open.Add(-1)
	}
}

// deliver notes that a node got a payload. That of an earlier phase, and that
// of the origin itself, count nowhere.
func (t *tracker) deliver(node int, payload []byte) {
	now := int64(time.Since(t.began))
	seq, ok := parsePayload(payload, t.size)
	index := seq - t.first
	if ok && seq < t.first {
		return
	}
	if !ok || index >= uint64(len(t.messages)) || !t.messages[index].published.Load() {
		t.corrupt.Add(1)
		return
	}
	m := &t.messages[index]
	if node == m.origin {
		return
	}
	if !t.arrived[int(index)*t.nodes+node].CompareAndSwap(0, max(1, now)) {
		t.repeated.Add(1)
		return
	}
	t.delivered.Add(1)
	if m.left.Add(-1) == 0 {
		t.open.Add(-1)
		select {
		case t.wake <- struct{}{}:
		default: // a wake-up is pending already
		}
	}
}

// await returns true when done is, which is asked after every message that has
// become complete, or false when the timeout has passed or ctx has ended first.
func (t *tracker) await(ctx context.Context, timeout time.Duration, done func() bool) bool {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for !done() {
		select {
		case <-t.wake:
		case <-timer.C:
			return done()
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// everywhere reports whether every node has a message.
func (t *tracker) everywhere(index int) bool { return t.messages[index].left.Load() <= 0 }

// allEverywhere reports whether every node has every published message.
func (t *tracker) allEverywhere() bool { return t.open.Load() == 0 }

// latencies returns how long after it was due a message reached each node that
// got it, in rising order.
func (t *tracker) latencies(index int) []time.Duration {
	m := &t.messages[index]
	found := make([]time.Duration, 0, t.nodes-1)
	for node := range t.nodes {
		if at := t.arrived[index*t.nodes+node].Load(); at > 0 {
			found = append(found, max(0, time.Duration(at)-m.due))
		}
	}
	slices.Sort(found)
	return found
}

// allLatencies returns the latencies of all accepted messages in rising order,
// and how many there would be if every node had got all of them.
func (t *tracker) allLatencies() (found []time.Duration, expected int) {
	found = make([]time.Duration, 0, t.delivered.Load())
	for i := range t.messages {
		if t.messages[i].accepted() {
			found = append(found, t.latencies(i)...)
			expected += t.nodes - 1
		}
	}
	slices.Sort(found)
	return found, expected
}

// outcome counts what became of the messages so far.
func (t *tracker) outcome() outcome {
	o := outcome{Repeated: int(t.repeated.Load()), Corrupt: int(t.corrupt.Load())}
	for i := range t.messages {
		m := &t.messages[i]
		switch {
		case m.refused:
			o.Refused++
		case m.accepted():
			o.Broadcasts++
			if left := int(m.left.Load()); left > 0 {
				o.Missed++
				o.MissedDeliveries += left
			}
		}
	}
	return o
}

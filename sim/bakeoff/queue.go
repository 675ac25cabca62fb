package bakeoff

import "github.com/hearsay-gossip/hearsay/member"

// event is something that will happen. Their order is total: by time, then by
// the order in which they were scheduled.
type event struct {
	at   member.Time
	seq  uint64
	kind eventKind
	node int32
	from int32   // a sender; or the index of an act or of news
	p    *packet // of an arrival
}

type eventKind uint8

const (
	eventArrive eventKind = iota // at the socket
	eventHandle                  // the processor got round to it
	eventWake
	eventProbe
	eventNews // a node's view changes
	eventAct  // the scenario goes on
)

// queue is a 4-ary heap: half as deep as a binary one.
type queue struct {
	heap []event
	seq  uint64
}

func (e *event) before(other *event) bool {
	if e.at != other.at {
		return e.at < other.at
	}
	return e.seq < other.seq
}

func (q *queue) push(e event) {
	q.seq++
	e.seq = q.seq
	h := append(q.heap, e)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
	q.heap = h
}

func (q *queue) pop() event {
	h := q.heap
	top, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{}
	h = h[:len(h)-1]
	q.heap = h
	if len(h) > 0 {
		h[sink(h, &last)] = last
	}
	return top
}

// sink moves the smaller children up from the root until e fits, and returns
// where.
func sink(h []event, e *event) int {
	i := 0
	for {
		first := 4*i + 1
		if first >= len(h) {
			return i
		}
		least := first
		for c := first + 1; c < min(first+4, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(e) {
			return i
		}
		h[i] = h[least]
		i = least
	}
}

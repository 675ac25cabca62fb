package sim

import "github.com/hearsay-gossip/hearsay/member"

// event is something that will happen. The order of events is total: by time,
// then by the order in which they were scheduled.
type event struct {
	at     member.Time
	seq    uint64
	kind   eventKind
	queued bool // a delivery that a slow node has got round to
	node   int32
	from   int32
	arg    uint64 // life of the node, or index of a call
	data   *delivery
}

type eventKind uint8

const (
	eventWake eventKind = iota + 1
	eventDeliver
	eventBroken // a stream could not be opened or kept
	eventCall
)

// queue is a 4-ary heap: half as deep as a binary one, and the children of a
// node share a cache line or two.
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
	top := h[0]
	last := h[len(h)-1]
	h[len(h)-1] = event{}
	h = h[:len(h)-1]
	q.heap = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		first := 4*i + 1
		if first >= len(h) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&last) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = last
	return top
}

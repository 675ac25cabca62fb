package bakeoff

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// published is one measured event.
type published struct {
	origin int32
	seq    uint64
	at     member.Time
	got    []time.Duration // of each node, since at; missing if it never came
	left   int             // nodes that ran all the time and have not got it yet
	hop    int             // of the last delivery so far
	last   time.Duration
	pulled []time.Duration // deliveries that had to be asked for
	// The latest receipt.
	reached, live int
	done          bool
	doneAt        time.Duration
}

const missing = time.Duration(-1)

// tally is what a run measures.
type tally struct {
	w        *world
	absent   []bool // not running all the time since the measured events began
	events   []published
	index    []map[uint64]int // per origin, seq to events
	last     []map[int32]uint64
	counting bool
	pulling  bool // the packet handled now answers a pull
	start    Counts
	buried   Counts // of nodes that died
	overrun  int    // packets lost to a full socket

	copies, payload, control, bytes, packets int
	twice, disorder, refused                 int
}

func newTally(w *world) tally {
	t := tally{w: w, absent: make([]bool, len(w.nodes)), last: make([]map[int32]uint64, len(w.nodes))}
	for i := w.cell.Nodes; i < len(w.nodes); i++ {
		t.absent[i] = true
	}
	t.index = make([]map[uint64]int, w.cell.Senders)
	for i := range t.index {
		t.index[i] = make(map[uint64]int)
	}
	return t
}

// begin ends the warm-up.
func (t *tally) begin() {
	t.counting = true
	t.start = t.w.counts()
	t.overrun = 0
}

// live returns how many nodes run all the time.
func (t *tally) live() (n int) {
	for _, absent := range t.absent {
		if !absent {
			n++
		}
	}
	return n
}

// over reports whether nothing is left to be seen: everybody has every event, and
// every receipt that was given is done.
func (t *tally) over() bool {
	return !slices.ContainsFunc(t.events, func(e published) bool { return e.left > 0 || e.live > 0 && !e.done })
}

// counts sums up what the nodes did.
func (w *world) counts() Counts {
	sum := w.tally.buried
	for i := range w.nodes {
		if w.nodes[i].runs != nil {
			sum.add(w.nodes[i].runs.counts(), 1)
		}
	}
	return sum
}

// sent counts a packet of so many bytes on the wire.
func (t *tally) sent(p *packet, wired int) {
	t.packets++
	t.copies += p.copies
	t.payload += p.payload
	t.control += p.control
	t.bytes += wired
}

// publishing is called before an event is handed to its origin, whose number is
// not known yet, but is the next.
func (t *tally) publishing(origin int32) {
	if !t.counting {
		return
	}
	got := make([]time.Duration, len(t.w.nodes))
	for i := range got {
		got[i] = missing
	}
	got[origin] = 0
	t.events = append(t.events, published{origin: origin, at: t.w.now, got: got, left: t.live() - 1})
}

func (t *tally) published(origin int32, seq uint64) {
	if !t.counting {
		return
	}
	if seq == 0 {
		t.refused++
		t.events = t.events[:len(t.events)-1]
		return
	}
	t.events[len(t.events)-1].seq = seq
	t.index[origin][seq] = len(t.events) - 1
}

// event returns a measured event.
func (t *tally) event(origin int32, seq uint64) *published {
	if int(origin) >= len(t.index) {
		return nil
	}
	if k, measured := t.index[origin][seq]; measured {
		return &t.events[k]
	}
	return nil
}

// delivered notes that a node has an event now.
func (t *tally) delivered(i, origin int32, seq uint64, hops int) {
	if t.w.cell.Ordered {
		if t.last[i] == nil {
			t.last[i] = make(map[int32]uint64)
		}
		if seq <= t.last[i][origin] {
			t.disorder++
		}
		t.last[i][origin] = seq
	}
	e := t.event(origin, seq)
	if e == nil {
		return
	}
	if e.got[i] != missing {
		t.twice++
		return
	}
	after := t.w.now.Sub(e.at)
	e.got[i] = after
	if t.absent[i] {
		return
	}
	e.left--
	if after >= e.last {
		e.last, e.hop = after, hops
	}
	if t.pulling {
		e.pulled = append(e.pulled, after)
	}
}

// receipt notes what an origin believes of its event.
func (t *tally) receipt(origin int32, seq uint64, reached, live int, done bool) {
	e := t.event(origin, seq)
	if e == nil {
		return
	}
	e.reached, e.live = reached, live
	if done && !e.done {
		e.done, e.doneAt = true, t.w.now.Sub(e.at)
	}
}

// times returns when the event came to those that ran all the time, sorted; far
// for whom it never reached.
func (t *tally) times(e *published) []time.Duration {
	var times []time.Duration
	for i, got := range e.got {
		switch {
		case t.absent[i]:
		case got == missing:
			times = append(times, time.Duration(far))
		default:
			times = append(times, got)
		}
	}
	slices.Sort(times)
	return times
}

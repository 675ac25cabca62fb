// Package rumor keeps the hot rumors of a node: updates that it still passes
// on, least often sent first, until each has used up its budget (Demers 1987
// section 1.4; SWIM section 4.1 for the budget of some λ·ln n sends).
//
// The queue decides what goes into a packet, not when and to whom.
package rumor

import (
	"math/bits"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/effect"
)

// BudgetMultiplier is λ: how many sends a rumor gets for each unit of ln n.
// A holder's rumor misses a given member with probability about e^-sends, so 3
// leaves n^-3 of pairs to anti-entropy; 2 leaves n^-2, 4 costs a third more
// packets under churn and repairs nothing that a root comparison would not.
const BudgetMultiplier = 3

// Capacity bounds the queue. At 4,096 rumors of 170 B it holds 700 kB; beyond
// it the most often sent are dropped first, and anti-entropy carries them.
const Capacity = 4096

// Budget returns how often a rumor is sent in a cluster of n members:
// BudgetMultiplier·⌈ln(n+1)⌉, in integers.
func Budget(n int) int {
	// ln x = log2 x · 0.693; bits.Len rounds log2 up.
	return BudgetMultiplier * ((bits.Len(uint(n+1))*693 + 999) / 1000)
}

// entry is one hot rumor. It sits in the level of the queue that equals sent.
type entry struct {
	key     effect.RumorKey
	message []byte // with its envelope
	sent    int
	stale   bool // replaced or forgotten; dropped when its level is next walked
}

// Queue holds hot rumors. The zero value is ready. Not for concurrent use.
type Queue struct {
	// levels[s] holds the rumors sent s times, oldest first.
	// Invariant: every live entry is in exactly one level and in index.
	levels  [][]*entry
	index   map[effect.RumorKey]*entry
	moved   []*entry // scratch of Fill
	free    []*entry // recycled entries, at most freeMax
	stale   int      // entries with stale set that are still in a level
	peak    int      // the most that were hot at once since the queue was empty
	evicted uint64
}

// Len returns the number of hot rumors.
func (q *Queue) Len() int { return len(q.index) }

// Evicted returns how many rumors were dropped for want of room, ever.
func (q *Queue) Evicted() uint64 { return q.evicted }

// Push makes a message hot, in place of an earlier one with the same key. The
// message is copied.
func (q *Queue) Push(key effect.RumorKey, message []byte) {
	if q.index == nil {
		q.index = make(map[effect.RumorKey]*entry)
	}
	if old, ok := q.index[key]; ok {
		if old.sent == 0 {
			old.message = append(old.message[:0], message...)
			return
		}
		q.retire(old)
	} else if len(q.index) >= Capacity {
		q.evictOne()
	}
	e := q.newEntry()
	e.key, e.sent, e.stale = key, 0, false
	e.message = append(e.message[:0], message...)
	q.index[key] = e
	q.peak = max(q.peak, len(q.index))
	q.place(e)
}

// Forget drops the rumors for which drop returns true. The order of the calls
// is that of the queue.
func (q *Queue) Forget(drop func(effect.RumorKey) bool) {
	for _, level := range q.levels {
		for _, e := range level {
			if !e.stale && drop(e.key) {
				q.retire(e)
			}
		}
	}
	q.release()
}

// missesMax bounds the search for rumors that still fit when a packet is almost
// full: after so many that did not, the rest is not looked at.
const missesMax = 8

// Fill appends rumors to dst while they fit into room bytes and count stays
// within most, and returns dst and how many it appended. Each counts as one
// send; those that reach the budget are dropped.
func (q *Queue) Fill(dst []byte, room, most, budget int) (out []byte, count int) {
	misses := 0
	q.moved = q.moved[:0]
	for s := 0; s < len(q.levels) && count < most && misses < missesMax; s++ {
		level := q.levels[s]
		keep := level[:0]
		for _, e := range level {
			fits := len(e.message) <= room
			switch {
			case e.stale:
				q.recycle(e)
			case fits && count < most && misses < missesMax:
				dst = append(dst, e.message...)
				room -= len(e.message)
				count++
				e.sent++
				q.moved = append(q.moved, e)
			default:
				if !fits {
					misses++
				}
				keep = append(keep, e)
			}
		}
		clear(level[len(keep):])
		q.levels[s] = keep
	}
	for _, e := range q.moved {
		if e.sent >= budget {
			delete(q.index, e.key)
			q.recycle(e)
			continue
		}
		q.place(e)
	}
	clear(q.moved)
	q.release()
	return dst, count
}

// release gives up the memory of an empty queue after a burst: what a node of
// hundreds needed to join would stay with it for life.
func (q *Queue) release() {
	if len(q.index) > 0 {
		return
	}
	if q.peak > freeMax {
		*q = Queue{evicted: q.evicted}
	}
	q.peak = 0
}

// retire takes an entry out of the index; its level drops it when walked. A
// level may not be walked for long while the queue is never empty, so the
// stale ones are swept out when they outnumber what the queue may hold.
func (q *Queue) retire(e *entry) {
	e.stale = true
	delete(q.index, e.key)
	if q.stale++; q.stale > Capacity {
		for s, level := range q.levels {
			q.levels[s] = slices.DeleteFunc(level, func(e *entry) bool { return e.stale })
		}
		q.stale = 0
	}
}

// evictOne drops the oldest of the rumors sent most often.
func (q *Queue) evictOne() {
	for s := len(q.levels) - 1; s >= 0; s-- {
		for _, e := range q.levels[s] {
			if !e.stale {
				q.retire(e)
				q.evicted++
				return
			}
		}
	}
}

func (q *Queue) place(e *entry) {
	for len(q.levels) <= e.sent {
		q.levels = append(q.levels, nil)
	}
	q.levels[e.sent] = append(q.levels[e.sent], e)
}

// freeMax bounds the recycled entries; a burst must not pin its memory for ever.
const freeMax = 64

func (q *Queue) newEntry() *entry {
	if n := len(q.free); n > 0 {
		e := q.free[n-1]
		q.free = q.free[:n-1]
		return e
	}
	return &entry{}
}

func (q *Queue) recycle(e *entry) {
	if e.stale {
		q.stale--
	}
	if len(q.free) < freeMax {
		q.free = append(q.free, e)
	}
}

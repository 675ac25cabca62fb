// Package agenda orders what will happen in virtual time.
package agenda

import "github.com/hearsay-gossip/hearsay/member"

// Agenda hands out entries in the order of their times; those of one instant in
// the order in which they were added, so that the order is total. It is a 4-ary
// heap: half as deep as a binary one, and the children of a node share a cache
// line or two. The zero value is ready.
type Agenda[T any] struct {
	heap []entry[T]
	seq  uint64
}

type entry[T any] struct {
	at   member.Time
	seq  uint64
	what T
}

func (e *entry[T]) before(other *entry[T]) bool {
	if e.at != other.at {
		return e.at < other.at
	}
	return e.seq < other.seq
}

// Until reports whether an entry is due up to a time.
func (a *Agenda[T]) Until(end member.Time) bool { return len(a.heap) > 0 && a.heap[0].at <= end }

// Add enters something.
func (a *Agenda[T]) Add(at member.Time, what T) {
	a.seq++
	e := entry[T]{at, a.seq, what}
	h := append(a.heap, e)
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
	a.heap = h
}

// Take removes the next entry, which there must be, and returns it.
func (a *Agenda[T]) Take() (at member.Time, what T) {
	h := a.heap
	top, last := h[0], h[len(h)-1]
	h[len(h)-1] = entry[T]{}
	h = h[:len(h)-1]
	a.heap = h
	if len(h) > 0 {
		h[sink(h, &last)] = last
	}
	return top.at, top.what
}

// sink moves the smaller children up from the root until e fits, and returns
// where.
func sink[T any](h []entry[T], e *entry[T]) int {
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

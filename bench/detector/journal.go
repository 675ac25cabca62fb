package main

import (
	"sync"
	"time"
)

// sighting is one event that a node gave its application: a member is gone, or
// back after it was.
type sighting struct {
	at                time.Duration
	observer, subject int
	gone              bool
}

// journal collects the events of all nodes. For concurrent use: memberlist
// reports under locks of its own, so nothing here waits for anything.
type journal struct {
	nodes int

	mu   sync.Mutex
	list []sighting
	seen []view // [observer*nodes+subject]
}

// view is what the events of an observer say of a member so far.
type view uint8

const (
	unknown view = iota
	live
	gone
)

func newJournal(nodes int) *journal {
	return &journal{nodes: nodes, seen: make([]view, nodes*nodes)}
}

// left notes that a member is gone: every such event counts.
func (j *journal) left(at time.Duration, observer, subject int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[observer*j.nodes+subject] = gone
	j.list = append(j.list, sighting{at, observer, subject, true})
}

// joined notes that a member is there, which is told only if it was gone.
func (j *journal) joined(at time.Duration, observer, subject int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := &j.seen[observer*j.nodes+subject]
	if *v == gone {
		j.list = append(j.list, sighting{at, observer, subject, false})
	}
	*v = live
}

// restart forgets what an observer knew.
func (j *journal) restart(observer int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	clear(j.seen[observer*j.nodes : (observer+1)*j.nodes])
}

// holds reports whether an observer holds a member to be there.
func (j *journal) holds(observer, subject int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen[observer*j.nodes+subject] == live
}

// since returns the events from a time on, in order.
func (j *journal) since(at time.Duration) []sighting {
	j.mu.Lock()
	defer j.mu.Unlock()
	first := len(j.list)
	for first > 0 && j.list[first-1].at >= at {
		first--
	}
	return j.list[first:len(j.list):len(j.list)]
}

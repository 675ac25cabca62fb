package mem

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"
)

// arrivals is a bounded queue of things under way, in the order in which they
// are due; among equals, in the order in which they were sent. Any number of
// goroutines push, one pops. The traveller's clock is the popper's timer, so
// no goroutine exists for what is under way.
type arrivals[T any] struct {
	limit int

	mu     sync.Mutex // never held while waiting
	queue  []arrival[T]
	closed bool
	wake   chan struct{} // closed when the head of the queue changed; nil if nobody waits
}

type arrival[T any] struct {
	due   time.Time
	thing T
}

// push enqueues thing unless the queue is full or drained.
func (a *arrivals[T]) push(thing T, due time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || len(a.queue) >= a.limit {
		return false
	}
	i := len(a.queue)
	for i > 0 && a.queue[i-1].due.After(due) {
		i--
	}
	a.queue = slices.Insert(a.queue, i, arrival[T]{due, thing})
	if i == 0 {
		a.rouse()
	}
	return true
}

func (a *arrivals[T]) rouse() {
	if a.wake != nil {
		close(a.wake)
		a.wake = nil
	}
}

// pop waits until the first thing is due. Its error is [net.ErrClosed], after
// ctx has ended.
func (a *arrivals[T]) pop(ctx context.Context) (thing T, err error) {
	for ctx.Err() == nil {
		thing, wait, wake := a.first()
		if wake == nil {
			return thing, nil
		}
		var due <-chan time.Time // nil when nothing is under way
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-due:
		case <-wake:
		case <-ctx.Done():
		}
	}
	return thing, net.ErrClosed
}

// first removes and returns the first thing if it is due. Otherwise wake is
// not nil: it is closed when another thing becomes the first, and wait says
// how long until the present one is due; 0 means that there is none.
func (a *arrivals[T]) first() (thing T, wait time.Duration, wake <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) > 0 {
		if wait = time.Until(a.queue[0].due); wait <= 0 {
			thing = a.queue[0].thing
			a.queue = slices.Delete(a.queue, 0, 1)
			return thing, 0, nil
		}
	}
	if a.wake == nil {
		a.wake = make(chan struct{})
	}
	return thing, wait, a.wake
}

// drain closes the queue to later pushes and returns what was in it.
func (a *arrivals[T]) drain() (left []T) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, waiting := range a.queue {
		left = append(left, waiting.thing)
	}
	a.queue, a.closed = nil, true
	return left
}

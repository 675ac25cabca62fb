package hearsay

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// backlogMax is how many events may wait for one subscriber. A mass failure of
// 300 members is about 1,000 events (suspected, died, facts); half would lose
// some of it to a consumer that writes each to a disk, and twice is memory that
// a stuck consumer keeps.
const backlogMax = 1024

// Events returns what happens from now on, in the order in which it happens.
// What the call of Events is too late for is in [Node.Members] by then: call
// Events first, Members second, and nothing is missed.
//
// The sequence ends when ctx does, when the loop over it is left, or, after
// what is still waiting, when the node is closed. It is for one consumer. The
// node never waits for it: a consumer that is over 1,024 events behind gets one
// [Resync] in the place of those it lost.
//
// The subscription exists from the call on and ends with ctx at the latest, so
// a ctx without end must not be combined with a sequence that nobody ranges
// over.
func (n *Node) Events(ctx context.Context) iter.Seq[Event] {
	s := &subscriber{wake: make(chan struct{}, 1)}
	n.subscribers.add(s)
	forget := context.AfterFunc(ctx, func() { n.subscribers.remove(s) })
	return func(yield func(Event) bool) {
		defer forget()
		defer n.subscribers.remove(s)
		for ctx.Err() == nil {
			e, ok := s.next()
			switch {
			case ok:
				if !yield(e) {
					return
				}
			case s.over():
				return
			default:
				select {
				case <-s.wake:
				case <-ctx.Done():
				}
			}
		}
	}
}

// subscriber is the bounded queue of one consumer.
type subscriber struct {
	mu    sync.Mutex
	queue []Event // at most backlogMax; only the last can be a Resync that grows
	first int     // index of the next event in queue
	ended bool
	wake  chan struct{} // holds one token when there may be something new
}

// push appends an event, or counts it in a Resync that takes the place of the
// last one when there is no room.
func (s *subscriber) push(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first > 0 && len(s.queue) == cap(s.queue) {
		s.queue = slices.Delete(s.queue, 0, s.first)
		s.first = 0
	}
	switch last := len(s.queue) - 1; {
	case s.ended:
	case len(s.queue)-s.first < backlogMax:
		s.queue = append(s.queue, e)
	case s.queue[last].Kind == Resync:
		s.queue[last].Count++
	default:
		s.queue[last] = Event{Kind: Resync, Time: e.Time, Count: 2}
	}
	s.rouse()
}

func (s *subscriber) rouse() {
	select {
	case s.wake <- struct{}{}:
	default: // a token is there already
	}
}

func (s *subscriber) next() (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == len(s.queue) {
		s.queue, s.first = s.queue[:0], 0
		return Event{}, false
	}
	e := s.queue[s.first]
	s.queue[s.first] = Event{} // the queue keeps no value alive
	s.first++
	return e, true
}

// over reports whether nothing will follow what next has returned.
func (s *subscriber) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended && s.first == len(s.queue)
}

func (s *subscriber) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.rouse()
}

// subscribers are those who get the events of a node.
type subscribers struct {
	mu    sync.Mutex
	all   []*subscriber
	count atomic.Int32
	ended bool
}

// any reports whether somebody subscribed; it takes no lock.
func (l *subscribers) any() bool { return l.count.Load() > 0 }

func (l *subscribers) add(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		s.end()
		return
	}
	l.all = append(l.all, s)
	l.count.Store(int32(len(l.all)))
}

func (l *subscribers) remove(s *subscriber) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.all, s); i >= 0 {
		l.all = slices.Delete(l.all, i, i+1)
		l.count.Store(int32(len(l.all)))
	}
}

func (l *subscribers) deliver(events []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.all {
		for i := range events {
			s.push(events[i])
		}
	}
}

func (l *subscribers) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, s := range l.all {
		s.end()
	}
}

// wall returns the time by the clock of this host, for people.
func (d *driver) wall() time.Time { return d.start.Add(time.Duration(d.now())) }

package hearsay

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// feed is the bounded queue of one consumer. The driver, which must never wait,
// pushes; one goroutine of the application takes out.
type feed[T any] struct {
	limit *limit[T]
	wants func(*T) bool // nil: everything

	mu    sync.Mutex
	queue []entry[T]
	first int // index of the next entry in queue
	count int // entries from first on that are no markers, at most limit.values
	bytes int // of these; above limit.bytes only if there is just one
	ended bool
	wake  chan struct{} // holds one token when there may be something new
}

// entry is a value, or the marker of some that were lost, the first of which it
// has.
type entry[T any] struct {
	value T
	size  int
	lost  int // > 0: a marker
}

// limit says how much may wait for a consumer, and how it is told of the rest.
type limit[T any] struct {
	values int
	bytes  int
	size   func(*T) int
	marker func(lost int, first *T) T
}

func newFeed[T any](l *limit[T], wants func(*T) bool) *feed[T] {
	return &feed[T]{limit: l, wants: wants, wake: make(chan struct{}, 1)}
}

// push appends values in order. What finds no room is counted in a marker at the
// place where it would have been.
func (f *feed[T]) push(values []T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	some := false
	for i := range values {
		if f.wants == nil || f.wants(&values[i]) {
			f.pushOne(&values[i])
			some = true
		}
	}
	if some {
		f.rouse()
	}
}

func (f *feed[T]) pushOne(v *T) {
	size, last := f.limit.size(v), len(f.queue)-1
	switch {
	case f.count < f.limit.values && (f.count == 0 || f.bytes+size <= f.limit.bytes):
		f.compact()
		f.queue = append(f.queue, entry[T]{value: *v, size: size})
		f.count++
		f.bytes += size
	case f.queue[last].lost > 0:
		f.queue[last].lost++
	default:
		f.queue = append(f.queue, entry[T]{value: *v, lost: 1})
	}
}

// compact reuses the room of what was taken out, once that is half of the queue:
// an entry is moved at most once for each that is taken.
func (f *feed[T]) compact() {
	if len(f.queue) == cap(f.queue) && f.first > 0 && f.first >= len(f.queue)/2 {
		f.queue = slices.Delete(f.queue, 0, f.first)
		f.first = 0
	}
}

func (f *feed[T]) rouse() {
	select {
	case f.wake <- struct{}{}:
	default: // a token is there already
	}
}

// feedKeep bounds the entries for which an empty queue keeps memory: what
// arrives while a quick consumer sleeps, not the worst of a slow one. With a
// quarter, a stream of 5,000 messages a second allocates the queue again and
// again; four times would be 170 kB for each subscriber.
const feedKeep = 256

// next takes the next value out; false means that there is none now.
func (f *feed[T]) next() (v T, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == len(f.queue) {
		f.queue, f.first = f.queue[:0], 0
		if cap(f.queue) > feedKeep {
			f.queue = nil
		}
		return v, false
	}
	e := f.queue[f.first]
	f.queue[f.first] = entry[T]{} // the queue keeps no value alive
	f.first++
	if e.lost > 0 {
		first := e.value // else every e would be allocated
		return f.limit.marker(e.lost, &first), true
	}
	f.count--
	f.bytes -= e.size
	return e.value, true
}

// over reports whether nothing will follow what next has returned.
func (f *feed[T]) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended && f.first == len(f.queue)
}

func (f *feed[T]) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	f.rouse()
}

// feeds are the consumers of one kind of values.
type feeds[T any] struct {
	mu    sync.Mutex
	all   []*feed[T]
	count atomic.Int32
	ended bool
}

// any reports whether somebody subscribed; it takes no lock.
func (l *feeds[T]) any() bool { return l.count.Load() > 0 }

// subscribe adds a consumer and returns what it gets: from now on, until ctx
// ends, the loop is left, or, after what is still waiting, the feeds end.
func (l *feeds[T]) subscribe(ctx context.Context, f *feed[T]) iter.Seq[T] {
	l.add(f)
	forget := context.AfterFunc(ctx, func() { l.remove(f) })
	return func(yield func(T) bool) {
		defer forget()
		defer l.remove(f)
		for ctx.Err() == nil {
			v, ok := f.next()
			switch {
			case ok:
				if !yield(v) {
					return
				}
			case f.over():
				return
			default:
				select {
				case <-f.wake:
				case <-ctx.Done():
				}
			}
		}
	}
}

func (l *feeds[T]) add(f *feed[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		f.end()
		return
	}
	l.all = append(l.all, f)
	l.count.Store(int32(len(l.all)))
}

func (l *feeds[T]) remove(f *feed[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.all, f); i >= 0 {
		l.all = slices.Delete(l.all, i, i+1)
		l.count.Store(int32(len(l.all)))
	}
}

// deliver hands values to all who want them.
func (l *feeds[T]) deliver(values []T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.all {
		f.push(values)
	}
}

func (l *feeds[T]) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, f := range l.all {
		f.end()
	}
}

// batch is what the driver hands to consumers at the end of its turn.
type batch[T any] struct {
	to     *feeds[T]
	values []T
}

// wanted reports whether there is anybody to collect for.
func (b *batch[T]) wanted() bool { return b.to.any() }

func (b *batch[T]) add(v T) { b.values = append(b.values, v) }

func (b *batch[T]) deliver() {
	if len(b.values) == 0 {
		return
	}
	b.to.deliver(b.values)
	clear(b.values) // keeps no value alive
	b.values = b.values[:0]
}

package broadcast

import (
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// event is one message or query that is kept: whole, or coming in by chunks.
type event struct {
	origin *origin
	seq    uint64
	// content is shared with whoever it was delivered to; nil while chunks lack.
	content []byte
	size    int    // of the content
	parts   *parts // while chunks lack
	born    member.Time
	hops    uint8

	ordered   bool
	delivered bool
	chunked   bool
	kept      bool // in the window
	repaired  bool // came, in part at least, as an answer to a pull

	// credit is the one relay whose ack counted this node for the receipt.
	credited bool
	credit   receipt
	served   []servedSpan

	refs int // relays under way
	next *event
}

// receipt names a relay that came in: its link, lane and number.
type receipt struct {
	from   *link
	lane   wire.Lane
	number wire.Number
}

// servedSpan is a span that this node has answered for, in a chunk.
type servedSpan struct {
	receipt
	chunk int
	span  wire.Span
}

// small is the chunk of an event that has none.
const small = -1

// eventKey finds an event.
type eventKey struct {
	origin *origin
	seq    uint64
}

func (m *Machine) find(o *origin, seq uint64) *event { return m.window.events[eventKey{o, seq}] }

// window holds the events kept for repair.
type window struct {
	events map[eventKey]*event
	queue  []*event // in order of arrival, from head on; those not kept are skipped
	head   int
	bytes  int
	free   []*event
}

// eventCost is what an event takes besides its content: 136 B, and its places in
// the map, the queue and the heap. The window's limit counts it, or 64-byte
// messages would take six times as much as they are allowed.
const eventCost = 256

// freeMax bounds the events kept for reuse; a window in steady state frees one
// for each that it takes.
const freeMax = 64

// keep puts a new event into the window, and others out for which there is no
// room beside it.
func (m *Machine) keep(now member.Time, o *origin, seq uint64, size int) *event {
	w := &m.window
	size += eventCost
	m.makeRoom(now, o, size)
	var ev *event
	if n := len(w.free); n > 0 {
		ev, w.free = w.free[n-1], w.free[:n-1]
	} else {
		ev = new(event)
	}
	*ev = event{origin: o, seq: seq, size: size - eventCost, kept: true, served: ev.served[:0]}
	if w.events == nil {
		w.events = make(map[eventKey]*event)
	}
	w.events[eventKey{o, seq}] = ev
	w.push(ev)
	if o.last != nil {
		o.last.next = ev
	} else {
		o.oldest = ev
	}
	o.last = ev
	o.kept++
	m.hold(o, size)
	return ev
}

// hold accounts for bytes of an origin.
func (m *Machine) hold(o *origin, bytes int) {
	o.bytes += bytes
	m.window.bytes += bytes
}

// makeRoom evicts until size bytes fit. An origin that holds more than half of
// the window gives way itself, so that one cannot push out all others.
func (m *Machine) makeRoom(now member.Time, o *origin, size int) {
	limit := m.cfg.Limits.WindowBytes
	for m.window.bytes+size > limit {
		victim := m.window.front()
		if o.bytes+size > limit/2 && o.oldest != nil {
			victim = o.oldest
		}
		if victim == nil {
			return
		}
		m.evict(now, victim)
	}
}

func (w *window) push(ev *event) {
	if w.head > 64 && w.head*2 > len(w.queue) {
		n := copy(w.queue, w.queue[w.head:])
		clear(w.queue[n:])
		w.queue, w.head = w.queue[:n], 0
	}
	w.queue = append(w.queue, ev)
	ev.refs++ // of the queue
}

// front returns the oldest event that is kept.
func (w *window) front() *event {
	for w.head < len(w.queue) {
		ev := w.queue[w.head]
		if ev.kept {
			return ev
		}
		w.queue[w.head] = nil
		w.head++
		w.unref(ev)
	}
	w.queue, w.head = w.queue[:0], 0
	return nil
}

// unref drops one use of an event, and reuses it after the last.
func (w *window) unref(ev *event) {
	if ev.refs--; ev.refs == 0 && len(w.free) < freeMax {
		served := ev.served[:0]
		*ev = event{served: served}
		w.free = append(w.free, ev)
	}
}

// evict puts an event out of the window. One that waits for its order is
// delivered first: what is missing before it has run out of time.
func (m *Machine) evict(now member.Time, ev *event) {
	o := ev.origin
	if ev.kept && ev.ordered && !ev.delivered && ev.content != nil && ev.seq > o.base {
		m.giveUp(now, o, ev.seq)
	}
	if !ev.kept {
		return
	}
	ev.kept = false
	delete(m.window.events, eventKey{o, ev.seq})
	o.unlink(ev)
	o.kept--
	held := eventCost + ev.size
	if ev.parts != nil {
		held = eventCost + ev.parts.bytes
		m.partials = without(m.partials, ev)
	}
	m.hold(o, -held)
	o.floor = max(o.floor, ev.seq)
}

// unlink takes an event off its origin's list; nearly always it is the first.
func (o *origin) unlink(ev *event) {
	var before *event
	for e := o.oldest; e != nil; before, e = e, e.next {
		if e != ev {
			continue
		}
		if before == nil {
			o.oldest = e.next
		} else {
			before.next = e.next
		}
		if o.last == e {
			o.last = before
		}
		e.next = nil
		return
	}
}

// expire puts out what is older than the window.
func (m *Machine) expire(now member.Time) {
	for ev := m.window.front(); ev != nil && now.Sub(ev.born) >= m.cfg.Timing.Window; ev = m.window.front() {
		m.evict(now, ev)
	}
	if len(m.window.events) == 0 && m.window.events != nil {
		m.window = window{} // an idle node gives the memory of a busy hour back
	}
}

// expiresAt returns when expire has something to do.
func (m *Machine) expiresAt() member.Time {
	if ev := m.window.front(); ev != nil {
		return ev.born.Add(m.cfg.Timing.Window)
	}
	return Never
}

// accept takes a whole content that is new here: it is marked, delivered if its
// order allows, and told to others.
func (m *Machine) accept(now member.Time, ev *event) {
	o := ev.origin
	var c wire.Content
	if c.Decode(ev.content) != nil { // chunks that make no content
		m.drops[dropContent]++
		o.mark(ev.seq)
		ev.delivered = true
		m.advance(now, o)
		return
	}
	ev.ordered = c.Ordered
	o.mark(ev.seq)
	m.noteNews(now, o)
	if o.repair != nil {
		m.repaired(now, o)
	}
	switch {
	case !ev.ordered:
		m.deliverContent(now, ev, &c)
	case o.base+1 == ev.seq:
		m.deliverContent(now, ev, &c)
	default:
		o.held++
		m.stats.Held++
	}
	m.advance(now, o)
	if !o.complete() {
		m.noteHoles(now, o, o.top)
	}
}

func (m *Machine) deliver(now member.Time, ev *event) {
	var c wire.Content
	if c.Decode(ev.content) == nil { // it was decoded before
		m.deliverContent(now, ev, &c)
	}
}

func (m *Machine) deliverContent(now member.Time, ev *event, c *wire.Content) {
	ev.delivered = true
	o := ev.origin
	if o.id == m.cfg.ID {
		return
	}
	m.stats.Delivered++
	if ev.repaired {
		m.stats.Repaired++
	}
	if c.Query {
		m.question(now, ev, c)
		return
	}
	if f := c.Filter(); c.Filtered() && !m.Matches(&f) {
		return // only passed on
	}
	m.cfg.Out.Report(effect.Event{
		Kind: effect.MessageReceived, ID: o.id, Epoch: o.epoch, Seq: ev.seq, Key: m.topics.name(c.Topic),
		Value: c.Payload, Hops: ev.hops, Ordered: ev.ordered,
	})
}

// topics remembers names, so that a message on a known topic allocates none.
type topics map[string]string

// topicsMax bounds the names remembered: more are in use at a time nowhere.
const topicsMax = 256

func (t *topics) name(b []byte) string {
	if s, ok := (*t)[string(b)]; ok {
		return s
	}
	if *t == nil || len(*t) >= topicsMax {
		*t = make(topics)
	}
	s := string(b)
	(*t)[s] = s
	return s
}

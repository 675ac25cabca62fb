package broadcast

import (
	"math/bits"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// origin is what was heard of one member in its present epoch.
type origin struct {
	id    member.NodeID
	epoch member.Epoch
	// base: everything up to it was delivered or given up. Invariant: base+1 is
	// neither.
	base uint64
	// above is a bitmap of what was heard above base; its first word holds the
	// numbers from first on, first being the multiple of 64 at or below base+1.
	first uint64
	above []uint64
	top   uint64 // highest number known to exist; >= base
	floor uint64 // nothing at or below it is kept any more

	kept         int // events in the window, unfinished ones included
	bytes        int // of them
	oldest, last *event
	held         int // ordered ones that are whole and wait for earlier ones

	// past: what was published before this node was there, and is not missed if
	// nobody keeps it.
	past    uint64
	news    bool   // to be told of in the next digest
	checked uint64 // version of the members for which epoch was right
	source  *link  // who sent one of its events last
	repair  *repair

	gone bool // forgotten by the member table
}

// aheadMax is how far above its base an origin's events are taken: 8 KiB of
// bitmap, and 13 s of a stream of 5,000 a second. What is further ahead is
// pulled once the base has moved.
const aheadMax = 1 << 16

func (o *origin) has(seq uint64) bool {
	if seq <= o.base {
		return true
	}
	i := (seq - o.first) / 64
	return i < uint64(len(o.above)) && o.above[i]&(1<<(seq%64)) != 0
}

// mark notes that seq, which is above base and not too far ahead, was heard.
func (o *origin) mark(seq uint64) {
	o.top = max(o.top, seq)
	i := int((seq - o.first) / 64)
	for len(o.above) <= i {
		o.above = append(o.above, 0)
	}
	o.above[i] |= 1 << (seq % 64)
}

// step raises the base by one.
func (o *origin) step() {
	o.base++
	if o.base+1 >= o.first+64 {
		o.first += 64
		if len(o.above) > 0 {
			n := copy(o.above, o.above[1:])
			o.above = o.above[:n]
		}
	}
}

// startAt makes everything up to base the past.
func (o *origin) startAt(base uint64) {
	o.base, o.first, o.above = base, (base+1)&^63, o.above[:0]
	o.top = max(o.top, base)
}

// next returns the first number above after that was heard, or with set false
// that was not; beyond the bitmap nothing was: then it is the number behind it.
func (o *origin) next(after uint64, set bool) uint64 {
	seq := max(after, o.base) + 1
	end := o.first + 64*uint64(len(o.above))
	for seq < end {
		word := o.above[(seq-o.first)/64]
		if !set {
			word = ^word
		}
		if word >>= seq % 64; word != 0 {
			return min(seq+uint64(bits.TrailingZeros64(word)), end)
		}
		seq = (seq | 63) + 1
	}
	return seq
}

// nextHeard returns the first run above after; false when there is none.
func (o *origin) nextHeard(after uint64) (wire.Run, bool) {
	end := o.first + 64*uint64(len(o.above))
	start := o.next(after, true)
	if start >= end {
		return wire.Run{}, false
	}
	return wire.Run{After: start - 1, To: o.next(start, false) - 1}, true
}

// nextHole returns the first run of numbers in (after, to] that were not heard.
func (o *origin) nextHole(after, to uint64) (wire.Run, bool) {
	start := o.next(after, false)
	if start > to {
		return wire.Run{}, false
	}
	stop := o.next(start, true)
	if stop >= o.first+64*uint64(len(o.above)) {
		stop = to + 1
	}
	return wire.Run{After: start - 1, To: min(stop-1, to)}, true
}

func (o *origin) complete() bool { return o.base >= o.top }

// originOf returns what was heard of a member in an epoch; nil, counted, if its
// record is not of that epoch.
func (m *Machine) originOf(now member.Time, id member.NodeID, epoch member.Epoch) *origin {
	o := m.index[id]
	version := m.cfg.Members.Version()
	if o != nil && o.epoch == epoch && o.checked == version && !o.gone {
		return o
	}
	life, known := m.life(id)
	switch {
	case !known:
		m.drops[dropUnknownOrigin]++
		return nil
	case life != epoch:
		m.drops[dropOtherLife]++
		return nil
	case o == nil:
		o = &origin{id: id, epoch: epoch}
		m.index[id] = o
		m.origins = append(m.origins, o)
	case o.epoch != epoch:
		m.clear(now, o)
		o = m.renew(o, epoch)
	}
	if o.gone { // it is back in the life that it was in
		o.gone = false
		m.gone = without(m.gone, o)
	}
	o.checked = version
	return o
}

// renew puts an origin in the place of one whose life is over. Events of that life
// may still be queued for somebody: they keep the origin, and so the epoch, that
// they are of.
func (m *Machine) renew(old *origin, epoch member.Epoch) *origin {
	o := &origin{id: old.id, epoch: epoch}
	m.index[o.id] = o
	m.origins[slices.Index(m.origins, old)] = o
	m.gone = without(m.gone, old)
	return o
}

// life is [Members.Life], and knows this node itself.
func (m *Machine) life(id member.NodeID) (member.Epoch, bool) {
	if id == m.cfg.ID {
		return m.cfg.Epoch, true
	}
	return m.cfg.Members.Life(id)
}

// clear forgets all events of an origin's life that is over. What was held for
// its order is delivered, since nothing will come before it.
func (m *Machine) clear(now member.Time, o *origin) {
	if o.held > 0 {
		m.giveUp(now, o, o.top)
	}
	for o.oldest != nil {
		m.evict(now, o.oldest)
	}
	if o.repair != nil {
		m.repairing = without(m.repairing, o)
	}
	m.news = without(m.news, o)
}

// goneMax bounds the origins that are remembered though they are no members, at
// some 200 B each.
const goneMax = 1024

// Forget takes note that a member is no longer known. What was heard of it is
// remembered until goneMax others were forgotten after it: a full table may
// forget it while it is away, and it may come back in the same life, or an old
// packet make it seem so.
func (m *Machine) Forget(now member.Time, id member.NodeID) {
	o := m.index[id]
	if o == nil || o.gone {
		return
	}
	m.clear(now, o)
	o.repair, o.source, o.news, o.held = nil, nil, false, 0
	o.gone, o.checked = true, 0
	m.gone = append(m.gone, o)
	if len(m.gone) > goneMax {
		m.drop(m.gone[0])
	}
}

// drop forgets an origin of which nothing is kept.
func (m *Machine) drop(o *origin) {
	delete(m.index, o.id)
	m.origins = without(m.origins, o)
	m.gone = without(m.gone, o)
}

func without[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// giveUp raises the base to a number, since what is missing up to it will not
// come, and then over what was heard.
func (m *Machine) giveUp(now member.Time, o *origin, to uint64) {
	for i := len(m.partials) - 1; i >= 0; i-- { // unfinished
		if ev := m.partials[i]; ev.origin == o && ev.seq <= to {
			m.evict(now, ev)
		}
	}
	missed := uint64(0)
	for o.base < to && len(o.above) > 0 {
		heard := o.has(o.base + 1)
		o.step()
		if heard {
			m.release(now, o, o.base)
		} else if o.base > o.past {
			missed++
		}
	}
	if o.base < to { // nothing was heard up there
		missed += to - min(max(o.base, o.past), to)
		o.startAt(to)
	}
	o.top = max(o.top, o.base)
	if missed > 0 {
		m.stats.Missed += missed
		m.cfg.Out.Report(effect.Event{Kind: effect.MessageMissed, ID: o.id, Epoch: o.epoch, Count: int(min(missed, 1<<31-1))})
	}
	m.advance(now, o)
}

// meet notes, at the first word of an origin, what was before this node's time:
// everything up to a number, if the node itself is younger than the window.
func (m *Machine) meet(now member.Time, o *origin, past uint64) {
	if o.top == 0 && now.Sub(m.started) < m.cfg.Timing.Window {
		o.past = past
	}
}

// advance raises the base over what was heard.
func (m *Machine) advance(now member.Time, o *origin) {
	for len(o.above) > 0 && o.has(o.base+1) {
		o.step()
		m.release(now, o, o.base)
	}
	if o.repair != nil && o.complete() {
		o.repair = nil
		m.repairing = without(m.repairing, o)
	}
}

// release delivers an ordered event for which everything before it is settled.
func (m *Machine) release(now member.Time, o *origin, seq uint64) {
	if o.held == 0 {
		return
	}
	if ev := m.find(o, seq); ev != nil && ev.ordered && !ev.delivered {
		o.held--
		m.deliver(now, ev)
	}
}

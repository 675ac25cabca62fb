package broadcast

import (
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// repair is what is known of events that one origin has published and this node
// has not heard.
type repair struct {
	noticed member.Time // when something began to lack
	next    member.Time // when tickRepair has something to do
	marks   [6]mark     // the first count of them; tops rise
	count   int
	ads     [4]ad // the first of who said that they have more
	adCount int
	turn    int
	retry   member.Time // no pull before: one is under way
	waiting int         // events asked for that have not come
	tries   int         // pulls in a row that brought nothing
}

// mark notes when numbers up to top were first known to exist: they may be on
// their way still.
type mark struct {
	top uint64
	at  member.Time
}

// ad is a peer that has what this node lacks.
type ad struct {
	from       *link
	floor, top uint64
}

const (
	// pullEvents and pullRuns bound what is asked for at once: some 30 datagrams,
	// and a message that fits one.
	pullEvents = 256
	pullRuns   = 64
	// quickTries is how many peers are asked a round trip apart, and pullEvery the
	// longest pause between the pulls after that.
	quickTries = 6
	pullEvery  = time.Second
	// pullDelayMax bounds the wait for what may still be on its way.
	pullDelayMax = time.Second
	// markStep joins what is noticed together.
	markStep = 10 * time.Millisecond
	// hopelessTries and hopelessTime are after how many pulls in vain, and how
	// long, an event of an origin that is not live is given up. A live origin is
	// asked for as long as it keeps the event.
	hopelessTries = 8
	hopelessTime  = 5 * time.Second
)

// noteHoles notes that events up to top exist, some of which lack.
func (m *Machine) noteHoles(now member.Time, o *origin, top uint64) {
	r := o.repair
	if r == nil {
		if o.complete() {
			return
		}
		r = &repair{noticed: now, next: Never}
		o.repair = r
		m.repairing = append(m.repairing, o)
	}
	r.settle(o.base)
	switch last := max(r.count-1, 0); {
	case r.count > 0 && top <= r.marks[last].top:
	case r.count > 0 && now.Sub(r.marks[last].at) < markStep:
		r.marks[last].top = top
	case r.count == len(r.marks):
		r.marks[last] = mark{top, now}
	default:
		r.marks[r.count] = mark{top, now}
		r.count++
	}
	r.next = min(r.next, max(r.retry, r.marks[0].at.Add(m.pullDelay())))
	m.repairDue = min(m.repairDue, r.next)
}

// settle drops the marks that the base has passed.
func (r *repair) settle(base uint64) {
	n := 0
	for n < r.count && r.marks[n].top <= base {
		n++
	}
	copy(r.marks[:], r.marks[n:r.count])
	r.count -= n
}

// advertise remembers who has more, the newest in place of the oldest.
func (r *repair) advertise(l *link, floor, top uint64) {
	for i := range r.ads[:r.adCount] {
		if r.ads[i].from == l {
			r.ads[i].floor, r.ads[i].top = floor, max(top, r.ads[i].top)
			return
		}
	}
	if r.adCount == len(r.ads) {
		copy(r.ads[:], r.ads[1:])
		r.adCount--
	}
	r.ads[r.adCount] = ad{l, floor, top}
	r.adCount++
}

// pullDelay is how long something may be on its way after others had it.
func (m *Machine) pullDelay() time.Duration {
	return max(m.cfg.Timing.PullDelay, min(m.timeout(), pullDelayMax))
}

// repaired notes that an event of an origin with holes has come.
func (m *Machine) repaired(now member.Time, o *origin) {
	r := o.repair
	r.tries = 0
	if r.waiting > 0 {
		if r.waiting--; r.waiting == 0 {
			r.retry, r.next = now, now
			m.repairDue = now
		}
	}
}

// tickRepairs pulls what is overdue.
func (m *Machine) tickRepairs(now member.Time) {
	if now < m.repairDue {
		return
	}
	m.repairDue = Never
	for i := 0; i < len(m.repairing); {
		o := m.repairing[i]
		if now >= o.repair.next {
			m.tickRepair(now, o)
		}
		if o.repair == nil {
			continue // it has left the list
		}
		m.repairDue = min(m.repairDue, o.repair.next)
		i++
	}
}

func (m *Machine) tickRepair(now member.Time, o *origin) {
	r := o.repair
	delay := m.pullDelay()
	ripe := uint64(0)
	for _, k := range r.marks[:r.count] {
		if now.Sub(k.at) >= m.cfg.Timing.Window {
			m.giveUp(now, o, k.top) // nobody keeps it any more
		}
		if now.Sub(k.at) >= delay {
			ripe = k.top
		}
	}
	if r.tries >= hopelessTries && now.Sub(r.noticed) >= hopelessTime && m.livePeer(o.id) == nil && ripe > o.base {
		m.giveUp(now, o, ripe)
	}
	if o.repair == nil {
		return
	}
	r.settle(o.base)
	if r.count == 0 {
		m.noteHoles(now, o, o.top)
	}
	switch {
	case ripe <= o.base:
		r.next = max(r.marks[0].at.Add(delay), now.Add(time.Millisecond))
	case now < r.retry:
		r.next = r.retry
	default:
		m.pull(now, o, ripe)
		r.next = r.retry
	}
}

// pull asks one peer for what lacks up to a number: those who said that they
// have it in turn, then the origin, then who sent something of it last.
func (m *Machine) pull(now member.Time, o *origin, ripe uint64) {
	r := o.repair
	r.tries++
	r.waiting = 0
	var last [2]ad
	n := 0
	if p := m.livePeer(o.id); p != nil {
		last[n] = ad{m.linkTo(*p), 0, ripe}
		n++
	}
	if o.source != nil && m.livePeer(o.source.peer.ID) != nil {
		last[n] = ad{o.source, 0, ripe}
		n++
	}
	for range r.adCount + n {
		i := r.turn % (r.adCount + n)
		r.turn++
		a := last[max(i-r.adCount, 0)]
		if i < r.adCount {
			a = r.ads[i]
		}
		if m.ask(o, a, min(ripe, a.top)) {
			r.retry = now.Add(r.patience(m.timeoutOf(a.from, wire.LaneSmall)))
			return
		}
	}
	r.retry = now.Add(r.patience(m.timeout()))
}

// patience is how long an answer may take: a round trip at first, so that the
// next peer is asked soon, and longer when several had nothing to give.
func (r *repair) patience(timeout time.Duration) time.Duration {
	return max(timeout, min(timeout<<min(max(r.tries-quickTries, 0), 10), pullEvery))
}

// ask pulls what lacks within a peer's offer; false if there is nothing.
func (m *Machine) ask(o *origin, a ad, to uint64) bool {
	encoded := m.runs[:0]
	last, runs, left := uint64(0), 0, uint64(pullEvents)
	for at := max(o.base, a.floor); runs < pullRuns && left > 0; {
		hole, ok := o.nextHole(at, to)
		if !ok {
			break
		}
		if ev := m.find(o, hole.After+1); ev != nil { // its chunks are asked for one by one
			at = hole.After + 1
			continue
		}
		hole.To = min(hole.To, hole.After+left)
		hole.To = m.beforePartial(o, hole)
		at = hole.To
		encoded = wire.AppendRun(encoded, last, hole)
		last = hole.To
		left -= hole.To - hole.After
		runs++
	}
	m.runs = encoded
	if runs == 0 {
		return false
	}
	m.msg.pull = wire.Pull{Origin: o.id, Epoch: o.epoch, Runs: wire.NewRuns(encoded, 0)}
	m.tell(a.from, &m.msg.pull)
	m.stats.Pulls++
	o.repair.waiting = pullEvents - int(left)
	return true
}

// beforePartial returns the end of a hole up to the first event of which some
// chunks are here.
func (m *Machine) beforePartial(o *origin, hole wire.Run) uint64 {
	to := hole.To
	for _, ev := range m.partials {
		if ev.origin == o && ev.seq > hole.After && ev.seq <= to {
			to = ev.seq - 1
		}
	}
	return to
}

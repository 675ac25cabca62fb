package broadcast

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

const (
	// heardFanout is how many members a digest goes to: with two, a share of e^-2
	// of those without an event hears of it from each generation of digests, and
	// there is one every 20 ms.
	heardFanout = 2
	// exchangeEvery is the least time between two comparisons of all that was
	// heard, exchangeSettle how long nothing should have come before one.
	exchangeEvery  = time.Second
	exchangeSettle = 300 * time.Millisecond
)

// noteNews lists an origin for the next digest.
func (m *Machine) noteNews(now member.Time, o *origin) {
	m.lastNews = now
	if m.cfg.Timing.HeardDelay < 0 {
		return
	}
	if !o.news {
		o.news = true
		m.news = append(m.news, o)
	}
	m.heardAt = min(m.heardAt, now.Add(m.cfg.Timing.HeardDelay))
}

// tickHeard sends a digest of what is new.
func (m *Machine) tickHeard(now member.Time) {
	if now < m.heardAt {
		return
	}
	m.heardAt = Never
	encoded, n := m.entries[:0], 0
	for n < len(m.news) && len(encoded) < m.cfg.PayloadMax/2 {
		m.news[n].news = false
		encoded = m.appendEntry(encoded, m.news[n])
		n++
	}
	m.entries = encoded
	m.news = append(m.news[:0], m.news[n:]...)
	if len(m.news) > 0 {
		m.heardAt = now.Add(m.cfg.Timing.HeardDelay)
	}
	m.msg.heard = wire.Heard{}
	m.msg.heard.SetEntries(encoded)
	for range m.randomPeers(heardFanout) {
		m.tell(m.linkTo(m.picked[len(m.picked)-1]), &m.msg.heard)
		m.picked = m.picked[:len(m.picked)-1]
		m.stats.HeardSent++
	}
}

// randomPeers puts up to k distinct random live members into m.picked.
func (m *Machine) randomPeers(k int) int {
	live := m.cfg.Members.Live()
	m.picked = m.picked[:0]
	for tries := 0; tries < 8*k && len(m.picked) < k && len(live) > 0; tries++ {
		p := live[draw.Below(m.cfg.Rand, len(live))]
		if p.ID == m.cfg.ID || len(m.picked) > 0 && m.picked[0].ID == p.ID {
			continue
		}
		m.picked = append(m.picked, p)
	}
	return len(m.picked)
}

// runsTold bounds the runs above the base in one entry: most have none or one.
const runsTold = 16

// appendEntry encodes what was heard of an origin.
func (m *Machine) appendEntry(b []byte, o *origin) []byte {
	e := wire.HeardEntry{Origin: o.id, Epoch: o.epoch, Floor: min(o.floor, o.base), Base: o.base}
	m.runs = m.runs[:0]
	n := 0
	last := o.base
	for run, ok := o.nextHeard(last); ok && n < runsTold; run, ok = o.nextHeard(last) {
		m.runs = wire.AppendRun(m.runs, last, run)
		last = run.To
		n++
	}
	e.Above = wire.NewRuns(m.runs, o.base)
	return wire.AppendHeardEntry(b, &e, n)
}

// AddBaseline writes all that was heard, for a joiner, to the send that is open.
func (m *Machine) AddBaseline() {
	encoded := m.entries[:0]
	for _, o := range m.origins {
		if !o.gone && (o.base > 0 || len(o.above) > 0) {
			encoded = m.appendEntry(encoded, o)
		}
	}
	m.entries = encoded
	if len(encoded) > 0 {
		m.msg.heard = wire.Heard{Baseline: true}
		m.msg.heard.SetEntries(encoded)
		m.cfg.Out.Add(&m.msg.heard)
	}
}

// AppendHeard appends a message to b that tells what was heard of each origin of
// which something is kept. A driver without pings adds it to a payload now and
// then: who lacks some of it pulls it, and with ask tells in turn what it has.
func (m *Machine) AppendHeard(b []byte, ask bool) []byte {
	encoded := m.entries[:0]
	for _, o := range m.origins {
		if o.kept > 0 {
			encoded = m.appendEntry(encoded, o)
		}
	}
	m.entries = encoded
	m.msg.heard = wire.Heard{Ask: ask}
	m.msg.heard.SetEntries(encoded)
	return wire.Append(b, &m.msg.heard)
}

// SetJoining tells whether this node is being told the view of a cluster: only
// then does it take a baseline. After that an origin that is not in it has said
// nothing before.
func (m *Machine) SetJoining(joining bool) {
	m.informed = m.informed || m.joining && !joining
	m.joining = joining
}

// Root returns the hash of all that was heard, and false while there is nothing
// to repair: then no ping need carry it.
func (m *Machine) Root() (uint64, bool) {
	root, any := uint64(0), false
	for _, o := range m.origins {
		if o.kept > 0 {
			root ^= wire.HashHeard(o.id, o.epoch, o.base, o.first, o.above)
			any = true
		}
	}
	return root, any
}

// onRoot compares what a peer has heard with what this node has, by hash, and
// tells it everything when they differ (Demers 1987 section 1.3).
func (m *Machine) onRoot(now member.Time, l *link, r *wire.HeardRoot) {
	mine, any := m.Root()
	since := now.Sub(m.lastExchange)
	if r.Root == mine || any && since < exchangeEvery {
		return
	}
	if now.Sub(m.lastNews) < exchangeSettle && since < 2*exchangeEvery {
		return // the difference is on its way
	}
	m.lastExchange = now
	m.tellAll(l, true)
}

// tellAll sends a peer what was heard of each origin of which something is kept.
func (m *Machine) tellAll(l *link, ask bool) {
	encoded := m.entries[:0]
	send := func(ask bool) {
		m.msg.heard = wire.Heard{Ask: ask}
		m.msg.heard.SetEntries(encoded)
		m.tell(l, &m.msg.heard)
		m.stats.HeardSent++
	}
	for _, o := range m.origins {
		if o.kept == 0 {
			continue
		}
		if len(encoded) > m.cfg.PayloadMax*3/4 {
			send(false)
			encoded = encoded[:0]
		}
		encoded = m.appendEntry(encoded, o)
	}
	send(ask)
	m.entries = encoded[:0]
}

// onHeard takes a digest.
func (m *Machine) onHeard(now member.Time, l *link, h *wire.Heard) {
	if h.Baseline && !m.joining {
		m.drops[dropBaseline]++
		return
	}
	for e := (wire.HeardEntry{}); h.Next(&e); {
		o := m.originOf(now, e.Origin, e.Epoch)
		switch {
		case o == nil || o.id == m.cfg.ID:
		case h.Baseline:
			m.takeBaseline(now, o, &e)
		default:
			m.compare(now, l, o, &e)
		}
	}
	if h.Ask {
		m.lastExchange = now
		m.tellAll(l, false)
	}
}

// takeBaseline makes the past what a contact has heard before this node joined.
func (m *Machine) takeBaseline(now member.Time, o *origin, e *wire.HeardEntry) {
	if o.base > 0 || o.kept > 0 {
		return // not new to it
	}
	o.startAt(e.Base)
	o.floor = e.Base
	for run := (wire.Run{}); e.Above.Next(&run) && run.To-o.base <= aheadMax; {
		for seq := run.After + 1; seq <= run.To; seq++ {
			o.mark(seq)
		}
	}
	if !o.complete() {
		m.noteHoles(now, o, o.top)
	}
}

// compare notes what a peer has that this node lacks.
func (m *Machine) compare(now member.Time, l *link, o *origin, e *wire.HeardEntry) {
	if e.Origin == l.peer.ID {
		// The origin does not keep it, and others drop it as early. What another
		// does not keep may have been before its time alone.
		m.meet(now, o, e.Floor)
		if e.Floor > o.base {
			m.giveUp(now, o, e.Floor)
		}
	}
	top := e.Base
	hole := false
	if run, ok := o.nextHole(max(o.base, e.Floor), e.Base); ok && run.After < e.Base {
		hole = true
	}
	for run := (wire.Run{}); e.Above.Next(&run); {
		if _, ok := o.nextHole(max(run.After, o.base), run.To); ok {
			hole = true
		}
		top = run.To
	}
	if !hole {
		return
	}
	top = min(top, o.base+aheadMax)
	o.top = max(o.top, top)
	m.noteHoles(now, o, top)
	if o.repair != nil {
		o.repair.advertise(l, e.Floor, top)
		m.repairDue = min(m.repairDue, o.repair.next)
	}
}

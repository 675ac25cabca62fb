package swim

import (
	"slices"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// leaveFanout is how many members are told of a goodbye directly and must
// confirm it. Eight lose it all with probability p^8 a round, and each passes
// it on.
const leaveFanout = 8

// leaving is the state of a goodbye.
type leaving struct {
	active bool
	seq    wire.Seq
	next   member.Time
	asked  []*entry // not yet confirmed
	acked  int
}

// Leave says goodbye: the record with state Left goes straight to a few
// members, again and again until they confirm, and into gossip. It returns how
// many are asked. The machine stops probing.
func (m *Machine) Leave(now member.Time) (asked int) {
	if m.leaving.active {
		return len(m.leaving.asked) + m.leaving.acked
	}
	m.leaving = leaving{active: true, seq: m.nextSeq(), next: now}
	c := &m.self.claim
	if c.Incarnation++; c.Incarnation == 0 {
		c.Epoch++
	}
	c.State = member.Left
	m.table.bury(m.self)
	m.self.since = now
	m.publishSelf()
	m.eachRandom(leaveFanout, func(e *entry) bool { return e.claim.State == member.Alive }, func(e *entry) {
		m.leaving.asked = append(m.leaving.asked, e)
	})
	m.tickLeaving(now)
	return len(m.leaving.asked)
}

// tickLeaving repeats the goodbye to those who have not confirmed.
func (m *Machine) tickLeaving(now member.Time) {
	if now < m.leaving.next {
		return
	}
	m.leaving.next = now.Add(m.cfg.Timing.ProbeTimeout)
	for _, e := range m.leaving.asked {
		m.cfg.Out.Open(e.id, e.addr(), effect.Datagram)
		m.cfg.Out.AddBody(wire.TypeRecord, m.self.body)
		m.leave = wire.Leave{Seq: m.leaving.seq, ID: m.self.id}
		m.cfg.Out.Add(&m.leave)
	}
	if len(m.leaving.asked) == 0 { // nothing to repeat
		m.leaving.next = now.Add(m.cfg.Timing.HealPeriod)
	}
}

// OnLeave confirms a goodbye that the record before it made true.
func (m *Machine) OnLeave(from effect.Peer, l *wire.Leave) {
	e, known := m.table.index[l.ID]
	if known && e.claim.State != member.Left {
		return // its record did not verify or is outdated
	}
	m.goodbye = wire.LeaveAck{Seq: l.Seq}
	m.reply(from)
	m.cfg.Out.Add(&m.goodbye)
}

// OnLeaveAck counts a confirmation.
func (m *Machine) OnLeaveAck(from effect.Peer, a *wire.LeaveAck) {
	if !m.leaving.active || a.Seq != m.leaving.seq {
		return
	}
	i := slices.IndexFunc(m.leaving.asked, func(e *entry) bool { return e.id == from.ID })
	if i < 0 {
		return
	}
	m.leaving.asked = slices.Delete(m.leaving.asked, i, i+1)
	m.leaving.acked++
	m.cfg.Out.Report(effect.Event{Kind: effect.LeaveAcked, ID: from.ID, Count: m.leaving.acked})
}

// Leaving reports whether Leave was called.
func (m *Machine) Leaving() bool { return m.leaving.active }

package swim

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// noticeInterval is the least time between two directed words to or about one
// member: enough to lose a packet and try again, too little to be a flood.
const noticeInterval = time.Second

// OnRecord takes what a member says of itself; via is who passed it on. body is
// the encoded record and is copied if kept.
func (m *Machine) OnRecord(now member.Time, via effect.Peer, rec *wire.Record, body []byte) {
	if rec.ID == m.self.id {
		m.onOwnRecord(rec, body)
		return
	}
	e, known := m.table.index[rec.ID]
	heard := m.takeHearsay(rec)
	switch {
	case known && !newer(rec.Claim, e):
		return
	case !known && rec.Claim.State == member.Left && heard.Claim.State != member.Left:
		return // a goodbye of somebody we never met; with its age it is welcome
	case !known && m.expired(heard.Claim.State, heard.Age):
		return // its teller is about to forget it, as we have
	case !m.verify(rec, body):
		m.drops[DropSignature]++
		return
	case !known:
		m.admit(now, via, rec, body, heard)
	case rec.Claim.State == member.Left:
		m.renew(e, rec, body)
		m.becomeGone(now, e, rec.Claim, rec.ID, heard.Age)
	default:
		m.revive(now, via, e, rec, body)
	}
}

// newer reports whether a record tells more than what is held: a later life, or
// a goodbye in this one.
func newer(c member.Claim, e *entry) bool {
	if c.SameLife(e.claim) {
		return c.State == member.Left && e.claim.State != member.Left
	}
	return c.Supersedes(e.claim)
}

func (m *Machine) verify(rec *wire.Record, body []byte) bool {
	message := append(m.signedPrefix(), wire.SignedPart(body)...)
	m.scratch = message
	return m.cfg.Keys.Verify(rec.ID, &rec.PublicKey, message, &rec.Signature)
}

// renew replaces the record of a known member, and with it ends any suspicion:
// that was of another life. The claim is the caller's to set.
func (m *Machine) renew(e *entry, rec *wire.Record, body []byte) {
	m.clearSuspicion(e)
	if e.name != rec.Name {
		m.giveUpName(e)
		e.name = rec.Name
	}
	e.publicKey, e.anchor = rec.PublicKey, rec.Anchor
	e.addrs = append(e.addrs[:0:0], rec.Addrs...) // views share the old ones
	e.body = append(e.body[:0], body...)
}

// revive takes a later life of a known member: it refuted, restarted, moved or
// came back.
func (m *Machine) revive(now member.Time, via effect.Peer, e *entry, rec *wire.Record, body []byte) {
	before := e.claim
	m.renew(e, rec, body)
	if before.State.Gone() {
		m.table.raise(e)
	}
	if before.State != member.Alive {
		e.since = now
	}
	e.claim, e.by = rec.Claim, member.NodeID{}
	m.table.rehash(e)
	m.passOn(via, e)
	m.cfg.Out.Report(effect.Event{Kind: revival(before, e.claim), ID: e.id, Name: e.name, Claim: e.claim})
	m.claimName(e)
}

func revival(before, after member.Claim) effect.Kind {
	switch {
	case before.State == member.Left, before.State == member.Dead && before.Epoch != after.Epoch:
		return effect.MemberJoined
	case before.State == member.Alive:
		return effect.MemberUpdated
	}
	return effect.MemberRefuted
}

// admit takes in a member that was not known, if there is room for it.
func (m *Machine) admit(now member.Time, via effect.Peer, rec *wire.Record, body []byte, heard wire.Accuse) {
	claim := rec.Claim
	if heard.Claim.State.Gone() {
		claim.State = heard.Claim.State
	}
	if !m.hasRoom(rec.ID, claim.State) {
		m.drops[DropMembersMax]++
		return
	}
	if m.Full() {
		m.forget(m.table.leastGone())
	}
	e := &entry{
		id: rec.ID, publicKey: rec.PublicKey, anchor: rec.Anchor, name: rec.Name, claim: claim, since: now,
		body: append([]byte(nil), body...), addrs: append(rec.Addrs[:0:0], rec.Addrs...),
	}
	if claim.State.Gone() {
		e.by, e.since, e.retried = heard.Accuser, now.Add(-heard.Age), now
		m.table.insert(e)
		return // old news: kept for the day it comes back, spread no further
	}
	m.table.insert(e)
	m.insertInRing(e)
	m.passOn(via, e)
	m.cfg.Out.Report(effect.Event{Kind: effect.MemberJoined, ID: e.id, Name: e.name, Claim: e.claim})
	m.claimName(e)
}

// passOn makes a record hot that is news here. What came on a stream from
// somebody else is part of a whole view or of an exchange: the one who knew it
// is no better off, and who else lacks it will find out in the same way. In a
// cluster of hundreds that start at once, spreading those too would be most of
// the traffic.
func (m *Machine) passOn(via effect.Peer, e *entry) {
	if via.Lane == effect.Datagram || via.ID == e.id {
		m.cfg.Out.SpreadBody(membership(e.id), wire.TypeRecord, e.body)
	}
}

// insertInRing puts a new member at a random place of the round under way, so
// that it waits no longer than others for its first probe (SWIM section 4.3).
func (m *Machine) insertInRing(e *entry) {
	i := m.ringNext + draw.Below(m.cfg.Rand, len(m.ring)-m.ringNext+1)
	m.ring = append(m.ring, e)
	last := len(m.ring) - 1
	m.ring[i], m.ring[last] = m.ring[last], m.ring[i]
}

// Full reports whether a new member would need an old one to go.
func (m *Machine) Full() bool { return len(m.table.entries) >= m.cfg.MembersMax }

// hasRoom reports whether a member that is not known can be admitted in a state:
// there is a place, or one of the gone has to give up its own.
func (m *Machine) hasRoom(id member.NodeID, s member.State) bool {
	if !m.Full() {
		return true
	}
	least := m.table.leastGone()
	return least != nil && (!s.Gone() || outlasts(id, s, least))
}

func (m *Machine) forget(e *entry) {
	m.table.remove(e)
	if i := slices.Index(m.ring, e); i >= 0 {
		m.ring = slices.Delete(m.ring, i, i+1)
		if i < m.ringNext { // the next target moved along
			m.ringNext--
		}
	}
	m.cfg.Out.Report(effect.Event{Kind: effect.MemberForgotten, ID: e.id, Name: e.name, Claim: e.claim})
}

// takeHearsay returns the accusation that came just before the record and
// concerns its life, or one of state 0.
func (m *Machine) takeHearsay(rec *wire.Record) wire.Accuse {
	h := m.hearsay
	m.hearsay = wire.Accuse{}
	if h.Subject == rec.ID && h.Claim.SameLife(rec.Claim) {
		return h
	}
	return wire.Accuse{}
}

// onOwnRecord meets a record of this very node. A newer one that we did not
// sign in this life means that our disk was rolled back or copied: outrank it.
func (m *Machine) onOwnRecord(rec *wire.Record, body []byte) {
	if !rec.Claim.Supersedes(m.self.claim) || m.leaving.active {
		return
	}
	if !m.verify(rec, body) {
		m.drops[DropSignature]++
		return
	}
	m.outrank(rec.Claim)
}

// Outrank tells the machine that this node has used an epoch in a life that it
// does not remember: it moves to a later one.
func (m *Machine) Outrank(used member.Epoch) {
	if !m.leaving.active && used >= m.self.claim.Epoch {
		m.outrank(member.Claim{Epoch: used, State: member.Alive})
	}
}

func (m *Machine) outrank(former member.Claim) {
	m.cfg.Out.Report(effect.Event{Kind: effect.SelfOutdated, ID: m.self.id, Claim: former})
	m.self.claim.Epoch, m.self.claim.Incarnation = former.Epoch+1, 0
	m.publishSelf()
}

// OnAccuse takes what one member says of another. via is who passed it on.
func (m *Machine) OnAccuse(now member.Time, via effect.Peer, a *wire.Accuse) {
	if a.Subject == m.self.id {
		m.onSelfAccused(now, via, a)
		return
	}
	if m.IsGone(via.ID) {
		m.drops[DropNotMember]++
		return
	}
	e, known := m.table.index[a.Subject]
	switch {
	case !known && a.Claim.State == member.Suspect:
		m.drops[DropUnknownSubject]++
	case !known:
		m.hearsay = *a
	case !a.Claim.SameLife(e.claim):
		m.onOtherLife(now, via, e, a)
	case e.claim.State.Gone():
		if a.Claim.Supersedes(e.claim) { // dead, and now retired
			m.becomeGone(now, e, a.Claim, a.Accuser, elapsed(now, e.since))
		}
	case a.Claim.State == member.Suspect:
		if !m.discredited(a.Accuser) {
			m.suspect(now, e, a.Accuser)
		}
	case m.expectedDeath(now, e):
		m.becomeGone(now, e, deadIn(e.claim), a.Accuser, a.Age)
	default:
		// Dead, but to us it was well until now. It may live on our side of a
		// partition: tell it, and let a suspicion decide.
		m.suspect(now, e, via.ID)
		m.notify(now, e, deadIn(e.claim))
	}
}

// expectedDeath reports whether a member has been suspect for so long that it
// would have refuted by now: then another's verdict is as good as our own. In a
// crash the suspicion travels ahead of the verdict by its whole length; after a
// partition heals, the verdict comes first, and must not be believed.
func (m *Machine) expectedDeath(now member.Time, e *entry) bool {
	shortest, _ := m.cfg.Timing.suspicionBounds(m.table.live)
	return e.claim.State == member.Suspect && elapsed(now, e.suspicion.started) >= shortest/2
}

// deadIn is the verdict on a life.
func deadIn(c member.Claim) member.Claim {
	c.State = member.Dead
	return c
}

// discredited reports whether an accuser is no member, or is itself not well: its
// accusations are not evidence.
func (m *Machine) discredited(accuser member.NodeID) bool {
	e, known := m.table.index[accuser]
	return !known || e.claim.State != member.Alive
}

// onOtherLife meets an accusation of a life that is not the one we know. An
// older one is answered with the record that outdates it; a newer one is not
// believed before the member's own signature proves it.
func (m *Machine) onOtherLife(now member.Time, via effect.Peer, e *entry, a *wire.Accuse) {
	if e.claim.Supersedes(a.Claim) {
		if m.mayNotify(now, e) {
			m.reply(via)
			m.addStanding(now, e)
		}
		return
	}
	m.drops[DropUnproven]++
	m.want = wire.Want{ID: e.id, Record: true}
	m.reply(via)
	m.cfg.Out.Add(&m.want)
}

// onSelfAccused refutes what is said of this life (SWIM section 4.2), and
// corrects who is behind it.
func (m *Machine) onSelfAccused(now member.Time, via effect.Peer, a *wire.Accuse) {
	if m.leaving.active {
		return
	}
	news := a.Claim.SameLife(m.self.claim)
	if news {
		m.raiseSelf()
		m.adjustHealth(1)
		m.cfg.Out.Report(effect.Event{Kind: effect.SelfRefuted, ID: m.self.id, Claim: m.self.claim, By: a.Accuser})
	}
	m.reply(via)
	m.cfg.Out.AddBody(wire.TypeRecord, m.self.body)
	m.doubtSuspicions(now, news && a.Claim.State == member.Dead)
}

// doubtSuspicions tells all that this node suspects what they are accused of. Who
// is accused itself may have been cut off, and suspect others for its own fault:
// without this the verdicts would still come, long after the cut. Who was held
// dead until now was cut off for sure, and starts its suspicions anew; but once
// only, or a peer that does not hear the denial could put off verdicts for ever.
func (m *Machine) doubtSuspicions(now member.Time, cutOff bool) {
	for _, e := range m.suspects {
		if s := &e.suspicion; cutOff {
			s.started, s.accusers = now, s.accusers[:1]
			s.deadline = now.Add(m.cfg.Timing.suspicionTimeout(m.table.live, 0, m.confirmationsWanted()))
		}
		m.notify(now, e, e.claim)
	}
}

// raiseSelf starts the next life of this node's record. At the end of the range
// it moves to the next epoch instead of wrapping.
func (m *Machine) raiseSelf() {
	c := &m.self.claim
	if c.Incarnation++; c.Incarnation == 0 {
		c.Epoch++
	}
	m.publishSelf()
}

// IsGone reports whether a sender is held dead or left.
func (m *Machine) IsGone(id member.NodeID) bool {
	e, known := m.table.index[id]
	return known && e.claim.State.Gone()
}

// TellGone answers a sender that is held gone with what it is held for, so that
// it can refute. Everything else it sent is dropped. Its record goes along, and
// first: one that restarted in a used epoch must outrank what it once signed
// before any refutation counts.
func (m *Machine) TellGone(now member.Time, from effect.Peer) {
	m.drops[DropNotMember]++
	e := m.table.index[from.ID]
	if !m.mayNotify(now, e) {
		return
	}
	m.reply(from)
	m.cfg.Out.AddBody(wire.TypeRecord, e.body)
	m.accuse = m.verdict(now, e)
	m.cfg.Out.Add(&m.accuse)
}

// mayNotify reports whether a directed word is due, and counts it as said.
func (m *Machine) mayNotify(now member.Time, e *entry) bool {
	if e.notifyAfter > now {
		return false
	}
	e.notifyAfter = now.Add(noticeInterval)
	return true
}

// Confront tells a member from which something has just come what it is accused
// of, if it still is: it is within reach, and can deny it at once.
func (m *Machine) Confront(now member.Time, id member.NodeID) {
	if e, known := m.table.index[id]; known && e.claim.State == member.Suspect {
		m.notify(now, e, e.claim)
	}
}

// notify tells a member what is being said of it.
func (m *Machine) notify(now member.Time, e *entry, c member.Claim) {
	if !m.mayNotify(now, e) {
		return
	}
	m.accuse = wire.Accuse{Subject: e.id, Claim: c, Accuser: e.by}
	m.cfg.Out.Open(e.id, e.addr(), effect.Datagram)
	m.cfg.Out.Add(&m.accuse)
}

// reply opens a send back to whoever sent something.
func (m *Machine) reply(to effect.Peer) { m.cfg.Out.Open(to.ID, to.Addr, to.Lane) }

// addStanding adds all that we hold of a member to the open send: its record,
// and before it the verdict that the record does not state.
func (m *Machine) addStanding(now member.Time, e *entry) {
	if e.claim.State.Gone() {
		m.accuse = m.verdict(now, e)
		m.cfg.Out.Add(&m.accuse)
	}
	m.cfg.Out.AddBody(wire.TypeRecord, e.body)
}

// AddStanding adds all that is held of member i of Len to the open send.
func (m *Machine) AddStanding(now member.Time, i int) { m.addStanding(now, m.table.entries[i]) }

// AddStandingOf does the same for a member by ID, and reports whether it is
// known.
func (m *Machine) AddStandingOf(now member.Time, id member.NodeID) bool {
	e, known := m.table.index[id]
	if known {
		m.addStanding(now, e)
	}
	return known
}

// Compare returns how another's stamp stands to what we hold of a member: below
// 0 when ours is newer, above 0 when theirs is.
func (m *Machine) Compare(s *wire.Stamp) int {
	e, known := m.table.index[s.ID]
	if !known {
		return 1
	}
	mine := e.claim
	if mine.State == member.Suspect {
		mine.State = member.Alive
	}
	return s.Claim.Compare(mine)
}

// OnStamp takes the verdict that another's stamp implies: on a life that we know
// as well, or on this node. A later life needs its record, see WantsRecord.
func (m *Machine) OnStamp(now member.Time, via effect.Peer, s *wire.Stamp) {
	e, known := m.table.index[s.ID]
	if !known || !s.Claim.State.Gone() || s.ID != m.self.id && !s.Claim.SameLife(e.claim) {
		return
	}
	if s.Claim.State == member.Left && e.claim.State != member.Dead && s.ID != m.self.id {
		return // signed: its record says so
	}
	a := wire.Accuse{Subject: s.ID, Claim: s.Claim, Accuser: via.ID, Age: s.Age}
	m.OnAccuse(now, via, &a)
}

// WantsRecord reports whether another's stamp promises a record that we lack.
func (m *Machine) WantsRecord(s *wire.Stamp) bool {
	e, known := m.table.index[s.ID]
	if !known {
		return !m.expired(s.Claim.State, s.Age) && m.hasRoom(s.ID, s.Claim.State)
	}
	if s.Claim.SameLife(e.claim) {
		return s.Claim.State == member.Left && !e.claim.State.Gone()
	}
	return s.Claim.Supersedes(e.claim)
}

// expired reports whether a claim of that age is no longer worth learning.
func (m *Machine) expired(s member.State, age time.Duration) bool {
	switch s {
	case member.Dead:
		return age >= m.cfg.Timing.DeadRetention
	case member.Left:
		return age >= m.cfg.Timing.LeftRetention
	}
	return false
}

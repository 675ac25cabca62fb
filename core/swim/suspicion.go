package swim

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// suspicion runs from the first accusation to a refutation or a verdict
// (Lifeguard section IV-B).
type suspicion struct {
	started  member.Time
	deadline member.Time
	accusers []member.NodeID // the first, then those who confirmed; distinct
}

// suspect records that a member accuses e: a new suspicion, or a confirmation
// of the one there is.
func (m *Machine) suspect(now member.Time, e *entry, accuser member.NodeID) {
	if e == m.self || e.claim.State.Gone() {
		return
	}
	s := &e.suspicion
	switch e.claim.State {
	case member.Alive:
		e.claim.State, e.since, e.by = member.Suspect, now, accuser
		s.started, s.accusers = now, append(s.accusers[:0], accuser)
		m.suspects = append(m.suspects, e)
		m.cfg.Out.Report(effect.Event{Kind: effect.MemberSuspected, ID: e.id, Name: e.name, Claim: e.claim, By: accuser})
	case member.Suspect:
		if len(s.accusers) > m.confirmationsWanted() || slices.Contains(s.accusers, accuser) {
			return
		}
		s.accusers = append(s.accusers, accuser)
	}
	// A witness who comes late makes the verdict due now: a deadline in the past
	// would look like a node that was not run.
	timeout := m.cfg.Timing.suspicionTimeout(m.table.live, len(s.accusers)-1, m.confirmationsWanted())
	s.deadline = max(now, s.started.Add(timeout))
	m.accuse = wire.Accuse{Subject: e.id, Claim: e.claim, Accuser: accuser}
	m.cfg.Out.Spread(suspicionKey(e.id, accuser), &m.accuse)
}

// suspicionKey keeps the rumors of different accusers apart: each is a
// confirmation of its own.
func suspicionKey(subject, accuser member.NodeID) effect.RumorKey {
	var detail uint64
	for _, b := range accuser[:8] {
		detail = detail<<8 | uint64(b)
	}
	return effect.RumorKey{Kind: effect.Suspicion, Subject: subject, Detail: detail}
}

// confirmationsWanted is Lifeguard's K, less in a cluster too small to have so
// many witnesses beside us and the suspect.
func (m *Machine) confirmationsWanted() int {
	return min(m.cfg.Timing.Confirmations, max(m.table.live-2, 0))
}

// tickSuspects gives the verdict on those whose time is up. A node that is late
// itself gives none: the refutation may be waiting to be read.
func (m *Machine) tickSuspects(now member.Time) {
	for i := 0; i < len(m.suspects); {
		e := m.suspects[i]
		if due := e.suspicion.deadline; now >= due {
			if m.overdue(now, due) {
				e.suspicion.deadline = now.Add(m.cfg.Timing.ProbeTimeout)
				i++
				continue
			}
			m.becomeGone(now, e, deadIn(e.claim), e.by, 0) // takes e out of m.suspects
			continue
		}
		i++
	}
}

func (m *Machine) clearSuspicion(e *entry) {
	if e.claim.State == member.Suspect {
		m.suspects = without(m.suspects, e)
	}
	e.suspicion = suspicion{accusers: e.suspicion.accusers[:0]}
}

// becomeGone records a verdict or a goodbye and spreads it. Age is how long
// others have known it.
func (m *Machine) becomeGone(now member.Time, e *entry, c member.Claim, by member.NodeID, age time.Duration) {
	m.clearSuspicion(e)
	if !e.claim.State.Gone() {
		m.table.bury(e)
	}
	e.claim, e.since, e.by, e.retried = c, now.Add(-age), by, now
	m.table.rehash(e)
	m.spreadVerdict(now, e)
	m.passOnName(e)
	kind := effect.MemberDied
	if c.State == member.Left {
		kind = effect.MemberLeft
	}
	m.cfg.Out.Report(effect.Event{Kind: kind, ID: e.id, Name: e.name, Claim: e.claim, By: by})
}

func (m *Machine) spreadVerdict(now member.Time, e *entry) {
	if signedState(e.body) == e.claim.State { // it said goodbye itself
		m.cfg.Out.SpreadBody(membership(e.id), wire.TypeRecord, e.body)
		return
	}
	m.accuse = m.verdict(now, e)
	m.cfg.Out.Spread(membership(e.id), &m.accuse)
}

// verdict is the accusation that states what we hold of a gone member.
func (m *Machine) verdict(now member.Time, e *entry) wire.Accuse {
	return wire.Accuse{Subject: e.id, Claim: e.claim, Accuser: e.by, Age: elapsed(now, e.since)}
}

// signedState returns the state in an encoded record.
func signedState(body []byte) member.State {
	return member.State(body[member.NodeIDSize+wire.PublicKeySize+1])
}

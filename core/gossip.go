package core

import (
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/rumor"
	"github.com/hearsay-gossip/hearsay/core/swim"
	"github.com/hearsay-gossip/hearsay/wire"
)

// gossip paces the pushes of hot rumors.
type gossip struct {
	next     Time // no push before
	contacts []swim.Contact
}

// ownMessagesMax is the most messages that a datagram holds before rumors are
// added to it; the rest of wire.MessagesMax is theirs.
const ownMessagesMax = 8

// finish turns the effects of a step into its output: new rumors become hot and
// are pushed if a push is due, and every datagram with room takes some along
// (SWIM section 4.1).
func (m *Machine) finish(now Time) {
	for i := range m.out.Rumors {
		r := &m.out.Rumors[i]
		m.rumors.Push(r.Key, m.out.Body(r))
	}
	m.forgetFacts()
	m.tellEvents(now)
	if _, epoch, ok := m.swim.Owner(m.cfg.ID); ok {
		m.store.Advance(epoch) // our record may have had to outrank another
		m.events.SetEpoch(now, epoch)
	}
	m.noteRoot(now)
	if m.rumors.Len() > 0 && now >= m.gossip.next {
		m.push(now)
	}
	m.output.reset()
	budget := rumor.Budget(m.swim.Live())
	for i := range m.out.Sends {
		m.assemble(&m.out.Sends[i], budget)
	}
	m.output.finish()
	m.output.Events = m.out.Events
	m.swimDeadline = m.swim.Deadline()
}

// push opens one datagram to each of a few random members; assemble fills them.
// An idle node waits for nothing: its first rumor is pushed in the same step.
func (m *Machine) push(now Time) {
	m.gossip.next = now.Add(m.cfg.Timing.GossipInterval)
	m.gossip.contacts = m.swim.Contacts(m.gossip.contacts[:0], m.cfg.Timing.Fanout)
	for _, c := range m.gossip.contacts {
		m.out.Open(c.ID, c.Addr, effect.Datagram)
	}
	if len(m.gossip.contacts) == 0 { // nobody to tell: a queue would only grow
		m.rumors.Forget(func(effect.RumorKey) bool { return true })
	}
}

// assemble makes a packet of a send. What is too large for a datagram goes by
// stream.
func (m *Machine) assemble(s *effect.Send, budget int) {
	if s.Size() > m.cfg.PayloadMax {
		s.Lane = effect.Stream
	}
	o := &m.output
	before := len(o.arena)
	o.arena = append(o.arena, m.out.Payload(s)...)
	if s.Lane == effect.Datagram {
		o.arena = m.addHeardRoot(o.arena, before)
		o.arena, _ = m.rumors.Fill(o.arena, m.cfg.PayloadMax-(len(o.arena)-before), wire.MessagesMax-ownMessagesMax, budget)
	} else if addr, ok := m.swim.Addr(s.To); ok {
		s.Addr = addr // where it listens, not the port that it called from
	}
	if len(o.arena) > before {
		o.add(s)
	}
}

// forgetFacts drops the facts of those who are no longer of interest, and what
// members published before they restarted.
func (m *Machine) forgetFacts() {
	for i := range m.out.Events {
		e := &m.out.Events[i]
		if e.ID == m.cfg.ID {
			continue
		}
		switch e.Kind {
		case effect.MemberLeft, effect.MemberForgotten:
			m.store.Drop(e.ID)
		case effect.MemberJoined, effect.MemberUpdated, effect.MemberRefuted:
			m.store.Restart(e.ID, e.Claim.Epoch)
		}
	}
}

// agreement is how many contacts in a row must have our root before hot rumors
// are dropped. It is Demers' feedback (1987 section 1.4) with the root in place
// of the single rumor: where s of the members lack something, k contacts in a
// row all have it with probability (1−s)^k.
const agreement = 3

// noteRoot notices that this node has learnt something.
func (m *Machine) noteRoot(now Time) {
	if root := m.root(); root != m.sync.root {
		m.sync.root, m.sync.changed, m.sync.agreed = root, now, 0
	}
}

// onRoot compares a contact's root with ours. Who answered our ping may be asked
// to reconcile.
func (m *Machine) onRoot(now Time, from Peer, root wire.Root, answered bool) {
	mine := m.root()
	switch {
	case root == mine && mine == m.sync.root:
		if m.sync.agreed++; m.sync.agreed == agreement {
			m.rumors.Forget(func(k effect.RumorKey) bool { return k.Kind.InRoot() })
		}
	case root != mine:
		m.sync.agreed = 0
		if answered && m.syncDue(now) {
			m.startSync(now, from.ID, from.Addr)
		}
	}
}

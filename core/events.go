package core

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/swim"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// roster is the member table as broadcasts see it. The list is made anew only
// when it is asked for after a change: a cluster without events pays nothing.
type roster struct {
	swim     *swim.Machine
	version  uint64
	peers    []broadcast.Peer
	contacts []swim.Contact
}

// Version implements [broadcast.Members].
func (r *roster) Version() uint64 { return r.swim.LiveVersion() }

// Live implements [broadcast.Members].
func (r *roster) Live() []broadcast.Peer {
	if v := r.swim.LiveVersion(); v != r.version || r.peers == nil {
		r.version = v
		r.contacts = r.swim.AppendLive(r.contacts[:0])
		r.peers = make([]broadcast.Peer, len(r.contacts))
		for i, c := range r.contacts {
			r.peers[i] = broadcast.Peer{ID: c.ID, Addr: c.Addr}
		}
	}
	return r.peers
}

// Life implements [broadcast.Members].
func (r *roster) Life(id member.NodeID) (member.Epoch, bool) { return r.swim.Life(id) }

// tellEvents tells the broadcasts what the other sub-machines have found out in
// this step.
func (m *Machine) tellEvents(now Time) {
	for i := range m.out.Events {
		switch e := &m.out.Events[i]; e.Kind {
		case effect.ProbeAcked:
			m.events.OnProbe(e.ID, e.Elapsed)
		case effect.MemberForgotten:
			m.events.Forget(now, e.ID)
		}
	}
}

// strangerPatience is how long the answer about a stranger may take before it is
// asked for again: events of one origin come by the thousand.
const strangerPatience = 100 * time.Millisecond

// askStranger asks who relayed an event for the record of its origin, if that is
// not here, as of a member that has just joined or restarted. It comes before
// the relay does again; else the event would wait until views agree.
func (m *Machine) askStranger(now Time, from Peer) {
	id, strange := m.events.Stranger()
	if !strange || id == m.stranger.id && now < m.stranger.again {
		return
	}
	m.stranger = stranger{id: id, again: now.Add(strangerPatience)}
	m.msg.want = wire.Want{ID: id, Record: true}
	m.out.Open(from.ID, from.Addr, from.Lane)
	m.out.Add(&m.msg.want)
}

// stranger is an origin whose record was asked for last.
type stranger struct {
	id    member.NodeID
	again Time
}

// addHeardRoot appends the root of what was heard to a packet that begins with a
// ping or an ack, while there is something to repair.
func (m *Machine) addHeardRoot(b []byte, start int) []byte {
	if len(b) == start || wire.Type(b[start]) != wire.TypePing && wire.Type(b[start]) != wire.TypeAck {
		return b
	}
	root, any := m.events.Root()
	if !any || len(b)-start+heardRootSize > m.cfg.PayloadMax {
		return b
	}
	m.msg.heardRoot.Root = root
	return wire.Append(b, &m.msg.heardRoot)
}

// heardRootSize is the length of a heard-root with its envelope.
const heardRootSize = 10

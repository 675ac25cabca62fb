package core

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// join is one attempt to be told a contact's whole view.
type join struct {
	addr    netip.AddrPort
	seq     wire.Seq
	expires Time
}

// joinTimeout is how long a contact may take: a dial, a handshake and 10,000
// members at 4 KiB a second, the least that a stream must make, would be six
// minutes; a contact that slow is better replaced.
const joinTimeout = 10 * time.Second

func (m *Machine) startJoins(now Time, addrs []netip.AddrPort) {
	for _, addr := range addrs {
		m.seq++
		m.joins = append(m.joins, join{addr: addr, seq: m.seq, expires: now.Add(joinTimeout)})
		m.out.Open(member.NodeID{}, addr, effect.Stream)
		m.swim.AddStanding(now, 0)
		m.msg.join = wire.Join{Seq: m.seq}
		m.out.Add(&m.msg.join)
	}
	m.setJoining()
}

// setJoining tells the sub-machines whether a contact's view is awaited.
func (m *Machine) setJoining() {
	m.swim.SetJoining(len(m.joins) > 0)
	m.events.SetJoining(len(m.joins) > 0)
}

// onJoin sends a joiner everything. Its record came before the join and is
// among what it gets back, unless there was no room for it.
func (m *Machine) onJoin(now Time, from Peer, j *wire.Join) {
	b := m.startBulk(from)
	status := wire.JoinAccepted
	if _, known := m.swim.Lookup(from.ID); !known {
		status = wire.JoinFull
	} else {
		for i := range m.swim.Len() {
			b.standing(now, i)
			b.facts(m.swim.IDOf(i), 0, 0)
		}
	}
	b.next()
	if status == wire.JoinAccepted {
		m.events.AddBaseline()
	}
	m.msg.joinAck = wire.JoinAck{Seq: j.Seq, Status: status}
	m.out.Add(&m.msg.joinAck)
}

func (m *Machine) onJoinAck(now Time, from Peer, a *wire.JoinAck) {
	i := slices.IndexFunc(m.joins, func(j join) bool { return j.seq == a.Seq })
	if i < 0 {
		return
	}
	addr := m.joins[i].addr
	m.joins = slices.Delete(m.joins, i, i+1)
	m.setJoining()
	if a.Status == wire.JoinFull {
		m.out.Report(effect.Event{Kind: effect.JoinRefused, ID: from.ID, Addr: addr})
		return
	}
	m.out.Report(effect.Event{Kind: effect.JoinDone, ID: from.ID, Addr: addr})
	m.swim.Settle(now)
	m.startBurst(now, from.ID)
}

func (m *Machine) joinUnreachable(addr netip.AddrPort) {
	m.failJoins(func(j *join) bool { return j.addr == addr })
}

func (m *Machine) tickJoins(now Time) {
	m.failJoins(func(j *join) bool { return now >= j.expires })
}

func (m *Machine) failJoins(failed func(*join) bool) {
	m.joins = slices.DeleteFunc(m.joins, func(j join) bool {
		if !failed(&j) {
			return false
		}
		m.out.Report(effect.Event{Kind: effect.JoinFailed, Addr: j.addr})
		return true
	})
	m.setJoining()
}

package core

import (
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/core/swim"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// inbound holds one decoded message of each type, reused.
type inbound struct {
	ping     wire.Ping
	ack      wire.Ack
	pingReq  wire.PingReq
	nack     wire.Nack
	record   wire.Record
	accuse   wire.Accuse
	fact     wire.Fact
	advert   wire.Advert
	delta    wire.Delta
	digest   wire.Digest
	entries  wire.Entries
	want     wire.Want
	join     wire.Join
	joinAck  wire.JoinAck
	leave    wire.Leave
	leaveAck wire.LeaveAck
}

// outbound holds the messages that the core itself writes, reused.
type outbound struct {
	digest  wire.Digest
	entries wire.Entries
	want    wire.Want
	delta   wire.Delta
	join    wire.Join
	joinAck wire.JoinAck

	heardRoot wire.HeardRoot
}

// dropReason says why a payload, or a part of it, was not used.
type dropReason uint8

const (
	dropMalformed dropReason = iota
	dropUnknownType
	dropTooMany
	dropNoOwner
	dropVoid
	dropEnd
)

// receive takes a payload apart. A malformed message ends it: what comes after
// cannot be trusted to be where it seems.
func (m *Machine) receive(now Time, in *Receive) {
	m.swim.Heard(in.From.ID)
	count := 0
	for rest := in.Payload; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			m.drops[dropMalformed]++
			return
		}
		rest = after
		if count++; count > wire.MessagesMax && in.From.Lane == Datagram {
			m.drops[dropTooMany]++
			return
		}
		if m.swim.IsGone(in.From.ID) && t != wire.TypeRecord && t != wire.TypeAccuse && t != wire.TypeLeave {
			m.swim.TellGone(now, in.From)
			continue
		}
		if err := m.dispatch(now, in.From, t, body); err != nil {
			m.drops[dropMalformed]++
			return
		}
	}
	m.swim.Confront(now, in.From.ID)
}

// dispatch decodes one message and hands it to whom it concerns. The error is
// that of the decoder.
func (m *Machine) dispatch(now Time, from Peer, t wire.Type, body []byte) (err error) {
	in := &m.in
	switch t {
	case wire.TypePing:
		if err = in.ping.Decode(body); err == nil {
			m.swim.OnPing(from, &in.ping)
			m.onRoot(now, from, in.ping.Root, false)
		}
	case wire.TypeAck:
		if err = in.ack.Decode(body); err == nil {
			m.swim.OnAck(now, from, &in.ack)
			m.onRoot(now, from, in.ack.Root, true)
		}
	case wire.TypePingReq:
		if err = in.pingReq.Decode(body); err == nil {
			m.swim.OnPingReq(now, from, &in.pingReq)
		}
	case wire.TypeNack:
		if err = in.nack.Decode(body); err == nil {
			m.swim.OnNack(&in.nack)
		}
	case wire.TypeRecord:
		if err = in.record.Decode(body); err == nil {
			m.swim.OnRecord(now, from, &in.record, body)
		}
	case wire.TypeAccuse:
		if err = in.accuse.Decode(body); err == nil {
			m.swim.OnAccuse(now, from, &in.accuse)
		}
	case wire.TypeFact:
		if err = in.fact.Decode(body); err == nil {
			m.onFact(now, from, &in.fact)
		}
	case wire.TypeAdvert:
		if err = in.advert.Decode(body); err == nil {
			m.onAdvert(now, from, &in.advert)
		}
	case wire.TypeDelta:
		if err = in.delta.Decode(body); err == nil {
			m.onDelta(&in.delta)
		}
	case wire.TypeDigest:
		if err = in.digest.Decode(body); err == nil {
			m.onDigest(now, from, &in.digest)
		}
	case wire.TypeEntries:
		if err = in.entries.Decode(body); err == nil {
			m.onEntries(now, from, &in.entries)
		}
	case wire.TypeWant:
		if err = in.want.Decode(body); err == nil {
			m.onWant(now, from, &in.want)
		}
	case wire.TypeJoin:
		if err = in.join.Decode(body); err == nil {
			m.onJoin(now, from, &in.join)
		}
	case wire.TypeJoinAck:
		if err = in.joinAck.Decode(body); err == nil {
			m.onJoinAck(now, from, &in.joinAck)
		}
	case wire.TypeLeave:
		if err = in.leave.Decode(body); err == nil {
			m.swim.OnLeave(from, &in.leave)
		}
	case wire.TypeLeaveAck:
		if err = in.leaveAck.Decode(body); err == nil {
			m.swim.OnLeaveAck(from, &in.leaveAck)
		}
	case wire.TypeRelay, wire.TypeRelayAck, wire.TypeReport, wire.TypeHeard, wire.TypeHeardRoot, wire.TypePull, wire.TypeAnswer:
		err = m.events.Receive(now, from, t, body)
		m.askStranger(now, from)
	default:
		m.drops[dropUnknownType]++ // of a later version: skipped, not refused
	}
	return err
}

func (m *Machine) onFact(now Time, from Peer, f *wire.Fact) {
	publicKey := m.owner(f.Owner, f.Generation)
	if publicKey == nil {
		return
	}
	switch m.store.OnFact(publicKey, f) {
	case store.Gap:
		m.askFacts(now, from, f.Owner)
	case store.Outdated:
		m.swim.Outrank(store.EpochOf(f.Generation))
	}
}

func (m *Machine) onAdvert(now Time, from Peer, a *wire.Advert) {
	if m.owner(a.Owner, a.Generation) != nil && m.store.OnAdvert(a) == store.Gap {
		m.askFacts(now, from, a.Owner)
	}
}

func (m *Machine) onDelta(d *wire.Delta) {
	publicKey := m.owner(d.Owner, d.Generation)
	if publicKey != nil && m.store.OnDelta(publicKey, d) == store.Outdated {
		m.swim.Outrank(store.EpochOf(d.Generation))
	}
}

// owner returns the key that must have signed facts of a generation, or nil if
// they are of no interest: their owner is unknown or gone for good, or has since
// restarted.
func (m *Machine) owner(id member.NodeID, g wire.Generation) *[wire.PublicKeySize]byte {
	publicKey, epoch, ok := m.swim.Owner(id)
	switch {
	case !ok:
		m.drops[dropNoOwner]++
		return nil
	case g < store.FirstGeneration(epoch):
		m.drops[dropVoid]++
		return nil
	}
	return publicKey
}

// Drops calls visit with each reason for which something was dropped, in a
// fixed order, and how often. The reasons are those of the metrics.
func (m *Machine) Drops(visit func(reason string, count uint64)) {
	visit("malformed", m.drops[dropMalformed])
	visit("unknown_type", m.drops[dropUnknownType])
	visit("too_many_messages", m.drops[dropTooMany])
	visit("unknown_owner", m.drops[dropNoOwner])
	visit("void_generation", m.drops[dropVoid])
	visit("sig_fail", m.swim.Drops(swim.DropSignature)+m.store.DroppedSignatures())
	visit("unknown_subject", m.swim.Drops(swim.DropUnknownSubject))
	visit("unproven", m.swim.Drops(swim.DropUnproven))
	visit("not_member", m.swim.Drops(swim.DropNotMember))
	visit("limit_members", m.swim.Drops(swim.DropMembersMax))
	visit("limit_relays", m.swim.Drops(swim.DropRelays))
	visit("limit_keys", m.store.DroppedKeys())
	visit("queue_full", m.rumors.Evicted())
	m.events.Drops(visit)
}

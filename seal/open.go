package seal

import (
	"crypto/cipher"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/member"
)

// arrival is a packet on its way through Open.
type arrival struct {
	header
	now    member.Time
	from   netip.Addr
	packet []byte
	ring   *Ring
	key    *ringKey
}

// open goes from the cheap to the costly: size, version, key ID, session,
// budgets, one decryption, and only then the window and the payload.
func (b *Box) open(dst []byte, now member.Time, from netip.Addr, packet []byte) ([]byte, Peer, Reason) {
	h, why := parseHeader(packet)
	if why != 0 {
		return nil, Peer{}, why
	}
	a := arrival{header: h, now: now, from: from, packet: packet, ring: b.ring.Load()}
	if a.key = a.ring.find(h.key); a.key == nil {
		return nil, Peer{}, UnknownKey
	}
	b.in.Lock()
	defer b.in.Unlock()
	s := b.peers.session(h.session, now)
	if s == nil {
		return b.openUnknown(dst, &a)
	}
	return b.openKnown(dst, &a, s)
}

// openKnown opens a packet of a session that a peer has proven to be its own.
func (b *Box) openKnown(dst []byte, a *arrival, s *incoming) ([]byte, Peer, Reason) {
	if s.key != a.key && s.key.secret != a.key.secret {
		return nil, Peer{}, AuthFail
	}
	plain, why := b.decrypt(dst, a, s.aead)
	if why != 0 {
		return nil, Peer{}, why
	}
	if a.kind == kindWanted {
		if _, why := b.peers.receive(s, a.now, a.counter, prelude{}); why != 0 {
			return nil, Peer{}, why
		}
		return b.takeWanted(plain)
	}
	pre, payload, ok := parsePrelude(plain)
	if !ok {
		return nil, Peer{}, Malformed
	}
	peer, why := b.peers.receive(s, a.now, a.counter, pre)
	if why != 0 {
		return nil, Peer{}, why
	}
	return payload, peer, 0
}

// openUnknown opens a packet of a session not seen before. Deriving its key is
// dear, so that has a budget, and nothing is remembered before the claim.
func (b *Box) openUnknown(dst []byte, a *arrival) ([]byte, Peer, Reason) {
	if !b.in.sources.allow(a.now, a.from) || !b.in.derivations.allow(a.now, derivationRate) {
		return nil, Peer{}, SessionLimited
	}
	aead := sessionAEAD(a.ring.Cluster(), a.key, a.session)
	plain, why := b.decrypt(dst, a, aead)
	if why != 0 {
		return nil, Peer{}, why
	}
	if a.kind == kindWanted {
		return b.takeWanted(plain)
	}
	pre, payload, ok := parsePrelude(plain)
	if !ok {
		return nil, Peer{}, Malformed
	}
	if pre.claim == nil {
		return nil, Peer{}, SessionUnproven
	}
	return b.prove(a, aead, parseClaim(pre.claim), pre, payload)
}

// prove verifies the claim on a session, by the node's chain where it is known
// and else by signature, and enters it.
func (b *Box) prove(a *arrival, aead cipher.AEAD, c claim, pre prelude, payload []byte) ([]byte, Peer, Reason) {
	chained := false
	switch {
	case c.id == b.identity.ID():
		return nil, Peer{}, WrongReceiver
	case b.peers.stale(c, a.session):
		return nil, Peer{}, Replay
	case b.peers.chained(c, pre.claim, a.session):
		chained = true
	case !b.in.verifies.allow(a.now, verifyRate):
		return nil, Peer{}, SessionLimited
	case !c.verify(pre.claim, a.ring.Cluster(), a.session):
		return nil, Peer{}, SigFail
	}
	peer, why := b.peers.prove(c, !chained, a.header, a.key, aead, a.now, pre.ack)
	if why != 0 {
		return nil, Peer{}, why
	}
	return payload, peer, 0
}

// takeWanted takes a request for our claim: 16 bytes, the node that asks.
func (b *Box) takeWanted(plain []byte) ([]byte, Peer, Reason) {
	if len(plain) != wantedSize {
		return nil, Peer{}, Malformed
	}
	b.peers.wanted(member.NodeID(plain))
	return nil, Peer{}, 0
}

// decrypt authenticates a packet and appends its plaintext to dst.
func (b *Box) decrypt(dst []byte, a *arrival, aead cipher.AEAD) ([]byte, Reason) {
	b.in.set(a.packet, b.receiverOf(a))
	plain, err := aead.Open(dst, b.in.nonce[:], a.packet[headerSize:], b.in.aad[:])
	if err != nil {
		return nil, AuthFail
	}
	return plain[len(dst):], 0
}

// receiverOf is what must stand in the additional data for a packet to be ours.
func (b *Box) receiverOf(a *arrival) [member.NodeIDSize]byte {
	switch a.kind {
	case kindPeer:
		return b.identity.ID()
	case kindWanted:
		return wantedReceiver(b.peers.ownSession())
	}
	return [member.NodeIDSize]byte{}
}

package seal

import (
	"crypto/cipher"
	"sync"

	"github.com/hearsay-gossip/hearsay/member"
)

// ackRepeats is on how many packets to a peer an acknowledgement rides after
// its claim was seen. At 30 % loss all three are lost once in 37 claims, and
// then the peer's next claim asks again.
const ackRepeats = 3

// peer is what a box remembers of another node. It is born of a verified claim
// and of nothing less, so only holders of a ring key can make us remember.
type peer struct {
	claim       // The newest verified: it never falls.
	signed bool // It was verified by its signature, not by the chain alone.

	current  *incoming   // The session of the newest claim; nil once let go.
	previous *incoming   // The one before, until retire; often nil.
	retire   member.Time // When previous ends.
	heard    member.Time // When it last sent something authentic.

	// What outlives current when it is let go: enough to know it again and
	// to refuse its old counters.
	last    sessionID
	lastTop uint64

	proven   uint32 // The session of ours it acknowledged; 0 for none.
	acksLeft uint8  // Packets on which to acknowledge its current session.

	older, newer *peer // Neighbours in a lineup.
}

// lineup is a list of peers ordered by when they were heard. It is a ring
// through its own zero peer: older of the head is the newest peer, newer of the
// head the oldest.
type lineup struct{ head peer }

func (l *lineup) init() { l.head.older, l.head.newer = &l.head, &l.head }

// oldest returns the peer that was silent for longest, or nil.
func (l *lineup) oldest() *peer {
	if l.head.newer == &l.head {
		return nil
	}
	return l.head.newer
}

// enter puts a peer at the newest end.
func (l *lineup) enter(p *peer) {
	p.newer, p.older = &l.head, l.head.older
	p.older.newer, l.head.older = p, p
}

// exit takes the peer out of the lineup it is in, if any.
func (p *peer) exit() {
	if p.older == nil {
		return
	}
	p.older.newer, p.newer.older = p.newer, p.older
	p.older, p.newer = nil, nil
}

// peers is the table of peers and their sessions. Sealing and opening meet
// here, each for a few map look-ups, so one mutex guards it all.
type peers struct {
	mu       sync.Mutex
	max      int
	byID     map[member.NodeID]*peer    // len ≤ max
	sessions map[sessionID]*incoming    // Exactly the current and previous of byID.
	anchors  map[member.NodeID]anchored // Of members, known or not.
	awake    lineup                     // Those of byID that have a session.
	dormant  lineup                     // The others.

	// own names our session, for peers that acknowledge it or ask about it.
	own       sessionID
	ownNumber uint32
}

func (t *peers) init(maxPeers int) {
	t.max = maxPeers
	t.byID = make(map[member.NodeID]*peer)
	t.sessions = make(map[sessionID]*incoming)
	t.anchors = make(map[member.NodeID]anchored)
	t.awake.init()
	t.dormant.init()
}

// greeting returns what should ride on the next packet to a peer: whether the
// claim of our session must, and the acknowledgement of the peer's session,
// if one is due, in ack.
func (t *peers) greeting(to member.NodeID, ack *[ackSize]byte) (claims, acks bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.byID[to]
	if p == nil {
		return true, false
	}
	if p.acksLeft > 0 && p.current != nil {
		p.acksLeft--
		acks = true
		copy(ack[:], p.current.id[:])
	}
	return p.proven != t.ownNumber, acks
}

// renewed tells the table of our new session. No peer has acknowledged it.
func (t *peers) renewed(o *outgoing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.own, t.ownNumber = o.id, o.number
}

// ownSession returns our session's ID.
func (t *peers) ownSession() sessionID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own
}

// session returns a proven session and its cipher, or nil.
func (t *peers) session(id sessionID, now member.Time) *incoming {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[id]
	if s != nil && s == s.peer.previous && now >= s.peer.retire {
		t.drop(s)
		return nil
	}
	return s
}

// receive accounts for an authentic packet on a proven session: it marks the
// counter, takes an acknowledgement and notes a claim to be acknowledged. It
// returns the sender, or the reason against the packet.
func (t *peers) receive(s *incoming, now member.Time, counter uint64, pre prelude) (Peer, Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !s.window.admit(counter) {
		return Peer{}, Replay
	}
	p := s.peer
	t.hear(p, now)
	t.acknowledged(p, pre.ack)
	if pre.claim != nil && s == p.current {
		p.acksLeft = ackRepeats
	}
	return Peer{ID: p.id, Epoch: p.epoch}, 0
}

// stale reports whether a claim on an unknown session must be refused before
// its signature is worth verifying: it is older than the newest of its node,
// or makes the same claim for another session, after one that was signed.
func (t *peers) stale(c claim, session sessionID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.byID[c.id]
	return p != nil && (c.before(p.claim) || c == p.claim && session != p.last && p.signed)
}

// prove enters a session whose claim has been verified, and accounts for the
// packet that brought it, as receive does.
func (t *peers) prove(c claim, signed bool, h header, key *ringKey, aead cipher.AEAD, now member.Time, ack []byte) (Peer, Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &incoming{id: h.session, key: key, aead: aead}
	p := t.byID[c.id]
	if p != nil && c == p.claim && h.session == p.last {
		s.window = floor(p.lastTop) // Let go, and now back.
		signed = signed || p.signed
	}
	if !s.window.admit(h.counter) {
		return Peer{}, Replay
	}
	if p == nil {
		p = t.add(c.id)
	}
	t.succeed(p, c, s, now)
	p.signed = signed
	t.hear(p, now)
	t.acknowledged(p, ack)
	t.settle(now)
	return Peer{ID: p.id, Epoch: p.epoch}, 0
}

// succeed makes s the current session of p, and its former one the previous,
// unless that was of another life: what a dead process left on the way is not
// wanted. The peer may have forgotten our session, so it gets our claim again.
func (t *peers) succeed(p *peer, c claim, s *incoming, now member.Time) {
	if p.previous != nil {
		t.drop(p.previous)
	}
	if p.current != nil && p.epoch != c.epoch {
		t.drop(p.current)
	}
	p.previous, p.retire = p.current, now.Add(overlap)
	p.claim, p.current, p.last = c, s, s.id
	p.proven, p.acksLeft = 0, ackRepeats
	s.peer = p
	t.sessions[s.id] = s
}

// acknowledged takes the acknowledgement of our session, if it is that.
func (t *peers) acknowledged(p *peer, ack []byte) {
	if ack != nil && [ackSize]byte(ack) == [ackSize]byte(t.own[:ackSize]) {
		p.proven = t.ownNumber
	}
}

// wanted makes our claim ride again on packets to a peer that asked for it.
func (t *peers) wanted(by member.NodeID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.byID[by]; p != nil {
		p.proven = 0
	}
}

// hear moves a peer with a session to the newest end of the awake.
func (t *peers) hear(p *peer, now member.Time) {
	if p.previous != nil && now >= p.retire {
		t.drop(p.previous)
	}
	p.heard = now
	p.exit()
	t.awake.enter(p)
}

// settle lets go the sessions of peers silent for too long. It runs when a
// session is entered, for that is when memory grows.
func (t *peers) settle(now member.Time) {
	for p := t.awake.oldest(); p != nil && now.Sub(p.heard) >= sessionIdle; p = t.awake.oldest() {
		t.letGo(p)
		t.dormant.enter(p)
	}
}

// letGo drops both sessions of a peer and takes it out of its lineup.
func (t *peers) letGo(p *peer) {
	if p.previous != nil {
		t.drop(p.previous)
	}
	if p.current != nil {
		t.drop(p.current)
	}
	p.exit()
}

// drop forgets one session.
func (t *peers) drop(s *incoming) {
	delete(t.sessions, s.id)
	switch p := s.peer; s {
	case p.current:
		p.current, p.lastTop = nil, s.window.top
	case p.previous:
		p.previous = nil
	}
}

// add makes a new peer, in place of the one silent for longest when the table
// is full: a dormant one if there is any.
func (t *peers) add(id member.NodeID) *peer {
	if len(t.byID) >= t.max {
		out := t.dormant.oldest()
		if out == nil {
			out = t.awake.oldest()
		}
		t.letGo(out)
		delete(t.byID, out.id)
	}
	p := &peer{claim: claim{id: id}}
	t.byID[id] = p
	return p
}

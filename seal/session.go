package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"io"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// When a sender draws a new session.
const (
	// sessionPackets is far below the 2^32 packets at which AES-GCM with one
	// key needs care (SP 800-38D), and bounds what a cloned VM can repeat.
	sessionPackets = 1 << 20
	// sessionLife bounds the same in time, for quiet nodes.
	sessionLife = 10 * time.Minute
)

// How long a receiver keeps a peer's sessions.
const (
	// overlap is how long the previous session is still accepted after its
	// successor appeared: far beyond what a network delays a packet.
	overlap = 30 * time.Second
	// sessionIdle is after how much silence a session's key and window are let
	// go. Its sender has drawn a new one by then, unless its clock stood still.
	sessionIdle = sessionLife + overlap
)

// suite is the number of AES-256-GCM, the only suite so far. It is fixed for a
// ring, never negotiated, and part of the derivation.
const suite = 1

// sessionAEAD derives the cipher of a session: HKDF-SHA256 (RFC 5869) of the
// ring key with the session ID as salt. Its nonces must never repeat.
func sessionAEAD(cluster ClusterID, key *ringKey, session sessionID) cipher.AEAD {
	info := "hearsay v1" + string(cluster[:]) + string([]byte{suite})
	derived, err := hkdf.Key(sha256.New, key.secret[:], session[:], info, keySize)
	if err != nil {
		panic(err) // The length is a constant far below HKDF's limit.
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic(err) // 32 bytes are a key of AES-256.
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // The block is 16 bytes.
	}
	return aead
}

// outgoing is the session with which this node seals.
type outgoing struct {
	id      sessionID
	key     *ringKey
	number  uint32 // As in its claim; 0 before the first session.
	counter uint64 // The last one spent. It never falls within a session.
	born    member.Time
	aead    cipher.AEAD
	claim   []byte // As it travels.
}

// spent reports whether the session must be followed by another.
func (o *outgoing) spent(now member.Time, primary *ringKey) bool {
	return o.aead == nil || o.counter >= sessionPackets || o.key.id != primary.id ||
		now.Sub(o.born) >= sessionLife
}

// draw replaces the session by a new one. When random fails the old one stays,
// spent as it is.
func (o *outgoing) draw(now member.Time, random io.Reader, links *chain, i *Identity, epoch member.Epoch, ring *Ring) error {
	id, text, err := makeClaim(i, ring.Cluster(), epoch, o.number+1, links, random)
	if err != nil {
		return err
	}
	*o = outgoing{
		id:     id,
		key:    ring.primary(),
		number: o.number + 1,
		born:   now,
		aead:   sessionAEAD(ring.Cluster(), ring.primary(), id),
		claim:  text,
	}
	return nil
}

// incoming is a peer's session, proven by its claim.
type incoming struct {
	id     sessionID
	key    *ringKey
	aead   cipher.AEAD
	peer   *peer
	window window
}

// scratch holds what a cipher call needs beside its text. It lives in the box,
// since arguments of an interface's method would otherwise escape to the heap.
type scratch struct {
	nonce [12]byte
	aad   [headerSize + member.NodeIDSize]byte
}

// set fills in the nonce, 48 zero bits before the counter, and the additional
// data, the header as sent before the receiver.
func (s *scratch) set(head []byte, receiver [member.NodeIDSize]byte) {
	copy(s.nonce[6:], head[headerSize-counterSize:headerSize])
	copy(s.aad[:], head[:headerSize])
	copy(s.aad[headerSize:], receiver[:])
}

// wantedReceiver stands in the place of the receiver in a request for a claim:
// the session it asks about, so that it cannot be replayed against another.
func wantedReceiver(session sessionID) (receiver [member.NodeIDSize]byte) {
	copy(receiver[:], session[:])
	return receiver
}

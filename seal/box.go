package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hearsay-gossip/hearsay/member"
)

// defaultMaxSessions is two sessions, the current and the previous, for each of
// the 16,384 members a cluster has by default at most.
const defaultMaxSessions = 2 * 16_384

// Errors of [NewBox] and [Box.Seal].
var (
	// ErrConfig: a field of a configuration is missing or out of range.
	ErrConfig = errors.New("seal config")
	// ErrTooLong: the payload exceeds [MaxPayload].
	ErrTooLong = errors.New("payload too long to seal")
)

// Config says how a [Box] is made.
type Config struct {
	// Identity is this node's key. Required.
	Identity *Identity
	// Ring holds the cluster's ID and keys. Required; an insecure box uses only
	// the ID.
	Ring *Ring
	// Epoch of this run. It must be greater than at every former start of this
	// identity, else peers that remember the former refuse this one as a
	// replay.
	Epoch member.Epoch
	// Rand draws session IDs; nil means [crypto/rand.Reader]. Anything weaker
	// than that is for tests.
	Rand io.Reader
	// MaxSessions bounds the sessions remembered, two a peer; 0 means 32,768,
	// enough for 16,384 members. Below twice the members peers push each other
	// out and prove themselves again and again: 57 microseconds each time.
	MaxSessions int
	// Insecure sends plaintext with a checksum and the cluster's ID, and
	// believes what others write about themselves. A sealed box never accepts
	// such packets, nor an insecure one sealed ones.
	Insecure bool
}

// Peer is the sender of an opened packet. In an insecure box it is only what
// the packet says.
type Peer struct {
	ID    member.NodeID
	Epoch member.Epoch
}

// Box seals datagrams for the members of a cluster and opens theirs. It is safe
// for concurrent use; calls to Seal exclude each other, and so do calls to
// Open, but one Seal and one Open run side by side.
type Box struct {
	identity *Identity
	epoch    member.Epoch
	insecure bool
	links    chain
	anchor   link // links' number 0
	ring     atomic.Pointer[Ring]
	peers    peers

	out struct {
		sync.Mutex
		scratch
		session outgoing
		random  io.Reader
		ack     [ackSize]byte
		wanted  pacer
	}
	in struct {
		sync.Mutex
		scratch
		sources     sources
		derivations pacer
		verifies    pacer
	}
}

// NewBox returns a box, or every problem of the configuration at once, each an
// [ErrConfig]. Another error is that of the source of randomness.
func NewBox(cfg Config) (*Box, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	b := &Box{identity: cfg.Identity, epoch: cfg.Epoch, insecure: cfg.Insecure}
	b.ring.Store(cfg.Ring)
	b.out.random = cfg.Rand
	if b.out.random == nil {
		b.out.random = rand.Reader
	}
	if !b.insecure {
		links, err := newChain(b.out.random)
		if err != nil {
			return nil, err
		}
		b.links, b.anchor = links, links.last.back(chainLength)
	}
	b.in.sources.seed = maphash.MakeSeed()
	b.peers.init(max(1, sessionsOr(cfg.MaxSessions)/2))
	return b, nil
}

func (c Config) validate() error {
	var problems []error
	if c.Identity == nil {
		problems = append(problems, fmt.Errorf("%w: no identity", ErrConfig))
	}
	if c.Ring == nil {
		problems = append(problems, fmt.Errorf("%w: no ring", ErrConfig))
	}
	if c.MaxSessions < 0 {
		problems = append(problems, fmt.Errorf("%w: max sessions %d is negative", ErrConfig, c.MaxSessions))
	}
	return errors.Join(problems...)
}

func sessionsOr(n int) int {
	if n == 0 {
		return defaultMaxSessions
	}
	return n
}

// SetRing makes the box use another ring of the same cluster from now on: it
// seals with the new primary, and refuses at once what was sealed with a key
// that is gone.
func (b *Box) SetRing(ring *Ring) error {
	if ring == nil || ring.Cluster() != b.ring.Load().Cluster() {
		return fmt.Errorf("set ring: %w", WrongCluster)
	}
	b.ring.Store(ring)
	return nil
}

// Renew makes the next Seal draw a new session. Call it when the clock jumped:
// after a suspend, or when the memory of a virtual machine may have been
// copied, since two copies would spend the same counters.
func (b *Box) Renew() {
	b.out.Lock()
	defer b.out.Unlock()
	b.out.session.aead = nil
}

// Seal appends to dst a packet that carries payload to one node, or, when to is
// zero, to whichever member has the address it is sent to. It adds at most
// [MaxOverhead] bytes. The payload must not overlap the spare capacity of dst.
//
// Each call spends a counter, whatever becomes of the packet: a sealed packet
// may be sent again, but never sealed again. Errors are [ErrTooLong] and those
// of the source of randomness when a new session is due; dst is then returned
// as it was. Where dst has room, and between new sessions, nothing is
// allocated.
func (b *Box) Seal(dst []byte, now member.Time, to member.NodeID, payload []byte) ([]byte, error) {
	if len(payload) > MaxPayload {
		return dst, fmt.Errorf("%w: %d of %d bytes", ErrTooLong, len(payload), MaxPayload)
	}
	if b.insecure {
		return b.wrap(dst, to, payload), nil
	}
	b.out.Lock()
	defer b.out.Unlock()
	if err := b.refresh(now); err != nil {
		return dst, err
	}
	kind, pre := byte(kindPeer), prelude{}
	if to.IsZero() {
		kind, pre.claim = kindBare, b.out.session.claim
	} else {
		pre = b.preludeTo(to)
	}
	dst, at := b.begin(dst, kind, len(payload))
	dst = pre.append(dst, len(payload))
	dst = append(dst, payload...)
	return b.finish(dst, at, to), nil
}

// ClaimWanted appends to dst the answer to a packet that [Box.Open] refused
// with [SessionUnproven]: a request to its sender to claim its session again.
// It is for the address the packet came from, and never longer than the packet.
// It returns false, and dst as it was, when the budget for answers is spent or
// randomness fails.
func (b *Box) ClaimWanted(dst []byte, now member.Time, packet []byte) ([]byte, bool) {
	h, why := parseHeader(packet)
	if why != 0 || h.kind == kindWanted || b.insecure {
		return dst, false
	}
	b.out.Lock()
	defer b.out.Unlock()
	if !b.out.wanted.allow(now, wantedRate) || b.refresh(now) != nil {
		return dst, false
	}
	id := b.identity.ID()
	dst, at := b.begin(dst, kindWanted, wantedSize)
	dst = append(dst, id[:]...)
	return b.finish(dst, at, wantedReceiver(h.session)), true
}

// refresh draws a new session when the old one is spent.
func (b *Box) refresh(now member.Time) error {
	ring := b.ring.Load()
	if !b.out.session.spent(now, ring.primary()) {
		return nil
	}
	if err := b.out.session.draw(now, b.out.random, &b.links, b.identity, b.epoch, ring); err != nil {
		return err
	}
	b.peers.renewed(&b.out.session)
	return nil
}

func (b *Box) preludeTo(to member.NodeID) prelude {
	var pre prelude
	claims, acks := b.peers.greeting(to, &b.out.ack)
	if claims {
		pre.claim = b.out.session.claim
	}
	if acks {
		pre.ack = b.out.ack[:]
	}
	return pre
}

// begin spends a counter, and appends the header of a packet that starts at
// the returned offset.
func (b *Box) begin(dst []byte, kind byte, payload int) ([]byte, int) {
	s := &b.out.session
	s.counter++
	at := len(dst)
	dst = slices.Grow(dst, payload+MaxOverhead)
	return header{kind: kind, key: s.key.id, session: s.id, counter: s.counter}.append(dst), at
}

// finish seals in place what follows the header that begins at the offset.
func (b *Box) finish(dst []byte, at int, receiver [member.NodeIDSize]byte) []byte {
	text := at + headerSize
	b.out.set(dst[at:], receiver)
	return b.out.session.aead.Seal(dst[:text], b.out.nonce[:], dst[text:], b.out.aad[:])
}

// Open checks a packet that came from an address, decrypts it into the spare
// capacity of dst, which must not overlap the packet, and returns its payload,
// which lies there, and its sender. Where dst has room for the packet, and on
// sessions already known, nothing is allocated.
//
// The error is always a [Reason]; the packet then changed nothing, though a
// share of the budget for new sessions may be spent. After [SessionUnproven]
// the caller should send what [Box.ClaimWanted] makes of the packet. No error
// with a zero peer means that the packet was such a request and is dealt with.
func (b *Box) Open(dst []byte, now member.Time, from netip.AddrPort, packet []byte) ([]byte, Peer, error) {
	var payload []byte
	var peer Peer
	var why Reason
	if b.insecure {
		payload, peer, why = b.unwrap(dst, packet)
	} else {
		payload, peer, why = b.open(dst, now, from.Addr(), packet)
	}
	if why != 0 {
		return nil, Peer{}, why
	}
	return payload, peer, nil
}

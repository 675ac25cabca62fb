package seal

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/hearsay-gossip/hearsay/member"
)

// AnchorSize is the length of an anchor and of every link, in bytes. A link must
// not be found from the one before it: 128 bits of a hash.
const AnchorSize = 16

const (
	linkDomain = "hearsay session link 1"

	// chainLength is how many sessions of an epoch a chain covers: a week at
	// one in ten minutes. Later ones are proven by signature alone.
	chainLength = 1024
	// chainSteps bounds how far a link is followed back: two days without
	// contact. Beyond it a signature is cheaper.
	chainSteps = 256
)

// link is one link of a hash chain (Lamport 1981): each is the hash of its
// successor, so whoever knows one recognises all later ones, and can make none.
type link [AnchorSize]byte

// back returns the link n places before l.
func (l link) back(n uint32) link {
	var buf [len(linkDomain) + AnchorSize]byte
	copy(buf[:], linkDomain)
	for range n {
		copy(buf[len(linkDomain):], l[:])
		sum := sha256.Sum256(buf[:])
		l = link(sum[:AnchorSize])
	}
	return l
}

// chain makes the links of a node: number n belongs to its session number n,
// and number 0 is the anchor that others are told.
type chain struct{ last link }

func newChain(random io.Reader) (c chain, err error) {
	if _, err := io.ReadFull(random, c.last[:]); err != nil {
		return chain{}, fmt.Errorf("draw session chain: %w", err)
	}
	return c, nil
}

// link returns the link of a session. Beyond the chain's end it is drawn, and
// proves nothing.
func (c *chain) link(number uint32, random io.Reader) (l link, err error) {
	if number <= chainLength {
		return c.last.back(chainLength - number), nil
	}
	if _, err := io.ReadFull(random, l[:]); err != nil {
		return link{}, fmt.Errorf("draw session: %w", err)
	}
	return l, nil
}

// anchored is the newest link known of a node's chain.
type anchored struct {
	epoch  member.Epoch
	number uint32
	link   link
}

// Anchor returns what lets others recognise this box's sessions without
// verifying a signature for each: see [Box.Expect]. It does not change. An
// insecure box has none, which is the zero value.
func (b *Box) Anchor() [AnchorSize]byte {
	if b.insecure {
		return [AnchorSize]byte{}
	}
	return b.anchor
}

// Expect tells the box the anchor of a node in an epoch, from a record that the
// node has signed. Its sessions are then recognised by a hash or two; without,
// each costs a signature verification, some 50 times as much. An older epoch
// than one told before changes nothing, nor does a zero anchor.
func (b *Box) Expect(id member.NodeID, epoch member.Epoch, anchor [AnchorSize]byte) {
	if anchor == [AnchorSize]byte{} {
		return
	}
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	if old, ok := b.peers.anchors[id]; !ok || old.epoch < epoch {
		b.peers.anchors[id] = anchored{epoch: epoch, link: anchor}
	}
}

// Forget drops the anchor of a node that is no longer a member.
func (b *Box) Forget(id member.NodeID) {
	b.peers.mu.Lock()
	defer b.peers.mu.Unlock()
	delete(b.peers.anchors, id)
}

// chained reports whether a claim shows a link of its node's chain, and if so
// remembers it. A member that has seen the link could make it say another
// session: where two sessions claim one number, only the signature decides.
func (t *peers) chained(c claim, text []byte, session sessionID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	known, ok := t.anchors[c.id]
	if !ok || known.epoch != c.epoch || c.number < known.number || c.number-known.number > chainSteps {
		return false
	}
	if p := t.byID[c.id]; p != nil && c == p.claim && session != p.last {
		return false
	}
	l := link(text[claimLink:])
	if l.back(c.number-known.number) != known.link || sessionOf(text) != session {
		return false
	}
	t.anchors[c.id] = anchored{epoch: c.epoch, number: c.number, link: l}
	return true
}

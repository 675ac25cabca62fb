package seal

import (
	"errors"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

func TestLinksLeadBackToTheAnchor(t *testing.T) {
	b := testBox(t, 1, 7)
	for _, n := range []uint32{0, 1, 2, chainSteps, chainLength} {
		l, err := b.links.link(n, failing{})
		if err != nil || l.back(n) != b.anchor {
			t.Errorf("link %d does not lead back to the anchor (%v)", n, err)
		}
	}
	if _, err := b.links.link(chainLength+1, failing{}); err == nil {
		t.Error("a link beyond the chain was not drawn")
	}
	if other := testBox(t, 2, 7); other.Anchor() == b.Anchor() {
		t.Error("two nodes with one anchor")
	}
}

// forbidVerifying empties a box's budget for signatures, for a packet at time 0.
func forbidVerifying(b *Box) { b.in.verifies.full = member.Time(time.Second) }

func TestExpectedNodeNeedsNoSignature(t *testing.T) {
	a, b := testBox(t, 1, 7), testBox(t, 2, 1)
	forbidVerifying(b)
	packet := sealTo(t, a, 0, b, "hello")
	if _, _, err := b.Open(nil, 0, origin, packet); !errors.Is(err, SessionLimited) {
		t.Fatalf("without an anchor: %v, want %v", err, SessionLimited)
	}
	b.Expect(a.identity.ID(), 7, a.Anchor())
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "hello"), "hello")
	for range chainSteps / 2 { // sessions that b never sees
		a.Renew()
		sealTo(t, a, 0, b, "unseen")
	}
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "again"), "again")
	for range chainSteps + 1 {
		a.Renew()
		sealTo(t, a, 0, b, "unseen")
	}
	if _, _, err := b.Open(nil, 0, origin, sealTo(t, a, 0, b, "far")); !errors.Is(err, SessionLimited) {
		t.Errorf("a link %d steps away: %v, want its signature to be asked for", chainSteps+2, err)
	}
}

func TestAnchorIsOfOneEpochAndNode(t *testing.T) {
	for name, expect := range map[string]func(b, a *Box){
		"another epoch":  func(b, a *Box) { b.Expect(a.identity.ID(), 6, a.Anchor()) },
		"another anchor": func(b, a *Box) { b.Expect(a.identity.ID(), 7, b.Anchor()) },
		"no anchor":      func(b, a *Box) { b.Expect(a.identity.ID(), 7, [AnchorSize]byte{}) },
		"forgotten": func(b, a *Box) {
			b.Expect(a.identity.ID(), 7, a.Anchor())
			b.Forget(a.identity.ID())
		},
	} {
		a, b := testBox(t, 1, 7), testBox(t, 2, 1)
		expect(b, a)
		forbidVerifying(b)
		if _, _, err := b.Open(nil, 0, origin, sealTo(t, a, 0, b, "hello")); !errors.Is(err, SessionLimited) {
			t.Errorf("%s: %v, want the signature to be asked for", name, err)
		}
	}
}

func TestOlderAnchorDoesNotReplaceANewer(t *testing.T) {
	a, b := testBox(t, 1, 7), testBox(t, 2, 1)
	b.Expect(a.identity.ID(), 7, a.Anchor())
	b.Expect(a.identity.ID(), 6, b.Anchor())
	forbidVerifying(b)
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "hello"), "hello")
}

// A member that has seen a claim can make its link say another session. It gets
// there first, but the owner's signature outranks it, and is not outranked.
func TestSignatureOutranksAStolenLink(t *testing.T) {
	a, b := testBox(t, 1, 7), testBox(t, 2, 1)
	b.Expect(a.identity.ID(), 7, a.Anchor())
	packet := sealTo(t, a, 0, b, "from the owner")

	thief := testBox(t, 1, 7) // has the ring key, and a's public claim
	sealTo(t, thief, 0, b, "opens a session")
	forged := append([]byte(nil), a.out.session.claim...)
	forged[claimLink-1] ^= 1 // another salt, so another session
	thief.out.session.claim = forged
	thief.out.session.id = sessionOf(forged)
	thief.out.session.aead = sessionAEAD(thief.ring.Load().Cluster(), thief.out.session.key, thief.out.session.id)
	stolen := sealTo(t, thief, 0, b, "from the thief")

	mustOpen(t, b, 0, stolen, "from the thief") // a member can do as much without a link
	mustOpen(t, b, 0, packet, "from the owner")
	if _, _, err := b.Open(nil, 0, origin, sealTo(t, thief, 0, b, "again")); err == nil {
		later := sealTo(t, a, 0, b, "still the owner")
		mustOpen(t, b, 0, later, "still the owner")
	}
	if p := b.peers.byID[a.identity.ID()]; p.current.id != a.out.session.id || !p.signed {
		t.Error("the thief's session is still the owner's current one")
	}
}

func TestInsecureBoxHasNoAnchor(t *testing.T) {
	b, err := NewBox(Config{Identity: testIdentity(1), Ring: DevRing("test"), Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	if b.Anchor() != [AnchorSize]byte{} {
		t.Error("an anchor without a chain")
	}
	b.Expect(member.NodeID{1}, 1, b.Anchor())
	if len(b.peers.anchors) != 0 {
		t.Error("the empty anchor was kept")
	}
}

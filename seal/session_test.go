package seal

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// carries reports whether the next packet from one box to another would carry
// a claim, by sealing one.
func carriesClaim(tb testing.TB, from *Box, now member.Time, to *Box) bool {
	tb.Helper()
	return len(sealTo(tb, from, now, to, "a text of some length")) >= headerSize+claimSize
}

func TestClaimRidesUntilAcknowledged(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	for range 5 { // Every one of these is lost, or the answers are.
		if !carriesClaim(t, a, 0, b) {
			t.Fatal("claim dropped without an acknowledgement")
		}
	}
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "seen"), "seen")
	for range ackRepeats {
		sealTo(t, b, 0, a, "acknowledgement, lost")
	}
	if !carriesClaim(t, a, 0, b) {
		t.Fatal("claim dropped though all acknowledgements were lost")
	}
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "claims again"), "claims again")
	mustOpen(t, a, 0, sealTo(t, b, 0, a, "acknowledged at last"), "acknowledged at last")
	if carriesClaim(t, a, 0, b) {
		t.Fatal("claim rides on after the acknowledgement")
	}
}

func TestAcknowledgementRidesOnAFewPackets(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	a.Renew()
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "new session"), "new session")
	plain := headerSize + 1 + tagSize + 20 + claimSize // b claims again, since a's session is new.
	for i := range ackRepeats + 1 {
		want := plain
		if i < ackRepeats {
			want += ackSize
		}
		if got := len(sealTo(t, b, 0, a, "twenty characters ok")); got != want {
			t.Errorf("packet %d after the claim: %d bytes, want %d", i, got, want)
		}
	}
}

func TestBareAddressAlwaysGetsTheClaim(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	packet, err := a.Seal(nil, 0, member.NodeID{}, []byte("who is there"))
	if err != nil || len(packet) != headerSize+1+claimSize+12+tagSize {
		t.Fatalf("Seal to a bare address: %d bytes, %v", len(packet), err)
	}
	mustOpen(t, b, 0, packet, "who is there")
	mustOpen(t, testBox(t, 3, 1), 0, packet, "who is there")
}

func TestUnprovenSessionIsAnsweredAndProvenAgain(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	b = testBox(t, 2, 2) // It restarts, and a does not know.
	packet := sealTo(t, a, 0, b, "")
	mustRefuse(t, b, 0, packet, SessionUnproven)
	request, ok := b.ClaimWanted(nil, 0, packet)
	if !ok || len(request) > len(packet) {
		t.Fatalf("ClaimWanted = %d bytes, %t; the packet had %d", len(request), ok, len(packet))
	}
	if peer := mustOpen(t, a, 0, request, ""); peer != (Peer{}) {
		t.Errorf("a request was handed up, from %v", peer)
	}
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "claims again"), "claims again")
}

func TestRequestForAClaimSpeaksOfOneSession(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	restarted := testBox(t, 2, 2)
	request, ok := restarted.ClaimWanted(nil, 0, sealTo(t, a, 0, b, "words"))
	if !ok {
		t.Fatal("no request")
	}
	mustRefuse(t, b, 0, request, AuthFail) // Not b's session.
	a.Renew()
	sealTo(t, a, 0, b, "in a new session")
	mustRefuse(t, a, 0, request, AuthFail) // Nor a's any more.
	if _, ok := b.ClaimWanted(nil, 0, request); ok {
		t.Error("a request was answered with a request")
	}
}

func TestRequestOnAKnownSessionIsNotReplayed(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	request, _ := b.ClaimWanted(nil, 0, sealTo(t, a, 0, b, "words"))
	mustOpen(t, a, 0, request, "")
	mustRefuse(t, a, 0, request, Replay)
}

func TestRequestsForClaimsAreLimited(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	packet := sealTo(t, a, 0, b, "words")
	sent := 0
	for range 10 * wantedRate {
		if _, ok := b.ClaimWanted(nil, 0, packet); ok {
			sent++
		}
	}
	if sent != wantedRate {
		t.Errorf("%d requests at one instant, want %d", sent, wantedRate)
	}
	if _, ok := b.ClaimWanted(nil, member.Time(time.Second/wantedRate), packet); !ok {
		t.Error("the budget does not come back")
	}
}

func TestSessionsAreRenewed(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	session := func(now member.Time) sessionID {
		h, why := parseHeader(sealTo(t, a, now, b, "words"))
		if why != 0 {
			t.Fatal(why)
		}
		return h.session
	}
	first := session(0)
	if session(member.Time(sessionLife)-1) != first {
		t.Error("renewed too early")
	}
	second := session(member.Time(sessionLife))
	if second == first {
		t.Error("not renewed by age")
	}
	a.out.session.counter = sessionPackets - 1
	if session(member.Time(sessionLife)) != second {
		t.Error("renewed before the last packet")
	}
	third := session(member.Time(sessionLife))
	if third == second {
		t.Error("not renewed by packets")
	}
	a.Renew()
	if session(member.Time(sessionLife)) == third {
		t.Error("not renewed on request")
	}
}

func TestBothSessionsAreAcceptedForAWhile(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	late, later := sealTo(t, a, 0, b, "late"), sealTo(t, a, 0, b, "later")
	a.Renew()
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "new session"), "new session")
	mustOpen(t, b, member.Time(overlap)-1, late, "late")
	mustRefuse(t, b, member.Time(overlap)-1, late, Replay)
	mustRefuse(t, b, member.Time(overlap), later, SessionUnproven)
}

func TestClaimsNeverFall(t *testing.T) {
	old, b := testBox(t, 1, 4), testBox(t, 2, 1)
	early := sealTo(t, old, 0, b, "session 1, never seen")
	old.Renew()
	mustOpen(t, b, 0, sealTo(t, old, 0, b, "session 2"), "session 2")
	mustRefuse(t, b, 0, early, Replay)

	restarted := testBox(t, 1, 5)
	mustOpen(t, b, 0, sealTo(t, restarted, 0, b, "next life"), "next life")
	mustRefuse(t, b, 0, sealTo(t, old, 0, b, "former life"), Replay)
	mustRefuse(t, b, 0, sealTo(t, testBox(t, 1, 4), 0, b, "rolled back"), Replay)

	// Two copies of one node: the same epoch and number, another session.
	clone := testBox(t, 1, 5, func(c *Config) { c.Rand = dice(99) })
	mustRefuse(t, b, 0, sealTo(t, clone, 0, b, "copy"), Replay)
	mustOpen(t, b, 0, sealTo(t, restarted, 0, b, "original"), "original")
}

func TestRestartedPeerGetsOurClaimAgain(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	b = testBox(t, 2, 2)
	mustOpen(t, a, 0, sealTo(t, b, 0, a, "I am back"), "I am back")
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "welcome"), "welcome")
}

// A member cannot take another's session for its own, nor lend its own.
func TestClaimBindsSessionAndNodeBothWays(t *testing.T) {
	owner, thief, b := testBox(t, 1, 1), testBox(t, 3, 1), testBox(t, 2, 1)
	sealTo(t, owner, 0, b, "draws a session")
	sealTo(t, thief, 0, b, "draws a session")
	forge := func(claims []byte) []byte {
		thief.out.session = owner.out.session // Members share the ring key, so it can.
		thief.out.session.claim = claims
		thief.out.session.counter = 1000
		return sealTo(t, thief, 0, b, "words")
	}
	own := slices.Clone(thief.out.session.claim)
	mustRefuse(t, b, 0, forge(own), SigFail)

	// With the owner's fields, but a signature of its own.
	cluster, session := DevRing("test").Cluster(), owner.out.session.id
	c := parseClaim(owner.out.session.claim)
	signed := slices.Clone(owner.out.session.claim)
	copy(signed[len(signed)-64:], thief.identity.Sign(c.signed(cluster, session)))
	mustRefuse(t, b, 0, forge(signed), SigFail)
	mustOpen(t, b, 0, sealTo(t, owner, 0, b, "mine"), "mine")
}

func TestCountersAreSpentAlsoWhenSendingFails(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	seen := map[header]bool{}
	for i := range 300 {
		packet := sealTo(t, a, 0, b, "never sent")
		if i%3 == 0 {
			packet, _ = a.ClaimWanted(nil, 0, packet)
		}
		if i == 150 {
			a.Renew()
		}
		h, _ := parseHeader(packet)
		h.kind = 0 // Kinds share the counter.
		if packet != nil && seen[h] {
			t.Fatalf("counter %d of session %x spent twice", h.counter, h.session)
		}
		seen[h] = true
	}
}

// failing is a random source that ends.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestNoRandomnessNoPacket(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	good := a.out.random
	a.out.random = failing{}
	dst, err := a.Seal([]byte("kept"), 0, b.identity.ID(), []byte("words"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(dst) != "kept" {
		t.Fatalf("Seal = %q, %v", dst, err)
	}
	a.out.random = good
	acquaint(t, 0, a, b)
	number := a.out.session.number
	a.out.random = failing{}
	a.Renew()
	if _, err := a.Seal(nil, 0, b.identity.ID(), nil); err == nil {
		t.Fatal("the old session went on after Renew")
	}
	a.out.random = good
	if sealTo(t, a, 0, b, "words"); a.out.session.number != number+1 {
		t.Errorf("session number %d, want %d", a.out.session.number, number+1)
	}
}

func TestTableIsBoundedAndForgetsTheQuietest(t *testing.T) {
	const most = 8
	b := testBox(t, 0, 1, func(c *Config) { c.MaxSessions = 2 * most })
	var crowd []*Box
	for n := range byte(3 * most) {
		a := testBox(t, n+1, 1)
		crowd = append(crowd, a)
		for range 2 { // Two sessions each.
			a.Renew()
			mustOpen(t, b, 0, sealTo(t, a, 0, b, "words"), "words")
			mustOpen(t, b, 0, sealTo(t, crowd[0], 0, b, "kept awake"), "kept awake")
		}
		if p, s := len(b.peers.byID), len(b.peers.sessions); p > most || s > 2*most {
			t.Fatalf("%d peers, %d sessions remembered", p, s)
		}
	}
	for n, a := range crowd {
		_, known := b.peers.byID[a.identity.ID()]
		if want := n == 0 || n > len(crowd)-most; known != want {
			t.Errorf("node %d remembered: %t, want %t", n, known, want)
		}
	}
}

func TestSilentPeerShrinksAndComesBack(t *testing.T) {
	a, b, c := testBox(t, 1, 1), testBox(t, 2, 1), testBox(t, 3, 1)
	acquaint(t, 0, a, b)
	seen, unseen := sealTo(t, a, 0, b, "seen"), sealTo(t, a, 0, b, "unseen")
	mustOpen(t, b, 0, seen, "seen")
	later := member.Time(sessionIdle)
	mustOpen(t, b, later, sealTo(t, c, later, b, "someone new"), "someone new")
	if n := len(b.peers.sessions); n != 1 {
		t.Fatalf("%d sessions after the idle time, want that of the new peer", n)
	}
	// Its clock stood still: it goes on in the same session.
	mustRefuse(t, b, later, unseen, SessionUnproven)
	request, ok := b.ClaimWanted(nil, later, unseen)
	if !ok {
		t.Fatal("no request")
	}
	mustOpen(t, a, 0, request, "")
	packet := sealTo(t, a, 0, b, "back")
	mustOpen(t, b, later, packet, "back")
	mustRefuse(t, b, later, packet, Replay)
	mustRefuse(t, b, later, seen, Replay) // What was seen before stays seen.
}

func TestFormerLifeIsForgottenAtOnce(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	late := sealTo(t, a, 0, b, "from a dead process")
	mustOpen(t, b, 0, sealTo(t, testBox(t, 1, 2), 0, b, "next life"), "next life")
	mustRefuse(t, b, 0, late, SessionUnproven)
}

func TestPreviousSessionIsFreedByTheNextPacket(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	for range 3 {
		a.Renew()
		mustOpen(t, b, 0, sealTo(t, a, 0, b, "words"), "words")
		if n := len(b.peers.sessions); n != 2 {
			t.Fatalf("%d sessions of one peer", n)
		}
	}
	mustOpen(t, b, member.Time(overlap), sealTo(t, a, 0, b, "words"), "words")
	if n := len(b.peers.sessions); n != 1 {
		t.Errorf("%d sessions after the overlap", n)
	}
}

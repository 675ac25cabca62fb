package seal

import (
	"net/netip"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

func TestNewSessionsAreLimitedBySourceAndInAll(t *testing.T) {
	b := testBox(t, 2, 1)
	forged := sealTo(t, testBox(t, 1, 1), 0, b, "words")
	forged[len(forged)-1] ^= 1
	counts := map[Reason]int{}
	flood := func(from netip.AddrPort, n int, now member.Time) {
		clear(counts)
		for i := range n {
			forged[5], forged[6] = byte(i), byte(i>>8)
			_, _, err := b.Open(nil, now, from, forged)
			r, _ := ReasonOf(err)
			counts[r]++
		}
	}
	flood(origin, 2*sourceRate, 0)
	if counts[AuthFail] != sourceRate || counts[SessionLimited] != sourceRate {
		t.Errorf("one source: %v", counts)
	}
	flood(netip.AddrPortFrom(origin.Addr(), 1), 1, 0)
	if counts[SessionLimited] != 1 {
		t.Error("another port is another source")
	}
	flood(origin, sourceRate, member.Time(time.Second/2))
	if counts[AuthFail] != sourceRate/2 {
		t.Errorf("half a second later: %v", counts)
	}
	total := 0
	for i := range byte(100) {
		flood(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, i}), 1), sourceRate, member.Time(time.Hour))
		total += counts[AuthFail]
	}
	if total != derivationRate {
		t.Errorf("all sources: %d let through at one instant, want %d", total, derivationRate)
	}
	// A live session is not touched by all that: it needs no budget.
	a := testBox(t, 1, 1)
	mustOpen(t, b, member.Time(2*time.Hour), sealTo(t, a, 0, b, "in"), "in")
	flood(origin, 2*sourceRate, member.Time(2*time.Hour))
	mustOpen(t, b, member.Time(2*time.Hour), sealTo(t, a, 0, b, "still in"), "still in")
}

func TestIPv6SourceIsItsNetwork(t *testing.T) {
	var s sources
	s.seed = testBox(t, 1, 1).in.sources.seed
	spent := 0
	for i := range 2 * sourceRate {
		host := netip.AddrFrom16([16]byte{0x20, 0x01, 8: byte(i), 15: byte(i >> 8)})
		if s.allow(0, host) {
			spent++
		}
	}
	if spent != sourceRate {
		t.Errorf("one /64 got %d sessions, want %d", spent, sourceRate)
	}
}

func TestPacerOnAClockBelowZero(t *testing.T) {
	var p pacer
	for i := range 3 {
		if got := p.allow(member.Time(-time.Hour), 2); got != (i < 2) {
			t.Errorf("take %d of 2: %t", i, got)
		}
	}
}

func TestSignaturesAreLimited(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	packet := sealTo(t, a, 0, b, "words")
	for range verifyRate {
		b.in.verifies.allow(0, verifyRate)
	}
	mustRefuse(t, b, 0, packet, SessionLimited)
	mustOpen(t, b, member.Time(time.Second/verifyRate), packet, "words")
}

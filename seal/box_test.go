package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// origin is where tests send from.
var origin = netip.MustParseAddrPort("192.0.2.1:7946")

// dice is a random source that repeats itself from run to run.
func dice(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func testIdentity(n byte) *Identity { return IdentityFromSeed([32]byte{n, 0xee}) }

// testBox is node n in its given epoch, on the ring of its name.
func testBox(tb testing.TB, n byte, epoch member.Epoch, adjust ...func(*Config)) *Box {
	tb.Helper()
	cfg := Config{Identity: testIdentity(n), Ring: DevRing("test"), Epoch: epoch, Rand: dice(n + byte(epoch)<<4)}
	for _, f := range adjust {
		f(&cfg)
	}
	b, err := NewBox(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func onRing(r *Ring) func(*Config) { return func(c *Config) { c.Ring = r } }
func insecurely(c *Config)         { c.Insecure = true }

// sealTo seals a text for another box, without a fault.
func sealTo(tb testing.TB, from *Box, now member.Time, to *Box, text string) []byte {
	tb.Helper()
	packet, err := from.Seal(nil, now, to.identity.ID(), []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return packet
}

// mustOpen opens a packet and checks what it carries.
func mustOpen(tb testing.TB, b *Box, now member.Time, packet []byte, text string) Peer {
	tb.Helper()
	payload, peer, err := b.Open(nil, now, origin, packet)
	if err != nil || string(payload) != text {
		tb.Fatalf("Open = %q, %v; want %q", payload, err, text)
	}
	return peer
}

// mustRefuse checks that a packet is refused for a reason, with nothing leaked.
func mustRefuse(tb testing.TB, b *Box, now member.Time, packet []byte, want Reason) {
	tb.Helper()
	payload, peer, err := b.Open(nil, now, origin, packet)
	if !errors.Is(err, want) || payload != nil || peer != (Peer{}) {
		tb.Fatalf("Open = %q, %v, %v; want %v", payload, peer, err, want)
	}
}

// acquaint exchanges packets until neither box sends its claim to the other.
func acquaint(tb testing.TB, now member.Time, a, b *Box) {
	tb.Helper()
	mustOpen(tb, b, now, sealTo(tb, a, now, b, "hello"), "hello")
	mustOpen(tb, a, now, sealTo(tb, b, now, a, "hello"), "hello")
	for range ackRepeats {
		mustOpen(tb, b, now, sealTo(tb, a, now, b, "hello"), "hello")
		mustOpen(tb, a, now, sealTo(tb, b, now, a, "hello"), "hello")
	}
	for _, pair := range [][2]*Box{{a, b}, {b, a}} {
		if got, want := len(sealTo(tb, pair[0], now, pair[1], "seventeen letters")), headerSize+1+17+tagSize; got != want {
			tb.Fatalf("packet between acquainted peers takes %d bytes, want %d", got, want)
		}
	}
}

func unhex(tb testing.TB, spaced string) []byte {
	tb.Helper()
	raw, err := hex.DecodeString(strings.Join(strings.Fields(spaced), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func TestSealAppendsAndOpenAppends(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	packet, err := a.Seal([]byte("before"), 0, b.identity.ID(), []byte("text"))
	if err != nil || !bytes.HasPrefix(packet, []byte("before")) {
		t.Fatalf("Seal = %q, %v", packet, err)
	}
	buf := append(make([]byte, 0, 512), "kept"...)
	payload, _, err := b.Open(buf, 0, origin, packet[len("before"):])
	if err != nil || string(payload) != "text" || string(buf) != "kept" {
		t.Fatalf("Open = %q, %v beside %q", payload, err, buf)
	}
	if !bytes.Contains(buf[:cap(buf)], []byte("text")) {
		t.Error("the payload does not lie in the buffer")
	}
}

func TestPayloadsOfAllLengthsRoundTrip(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	for n := range 64 {
		packet := sealTo(t, a, 0, b, strings.Repeat("x", n))
		if len(packet) < headerSize+plaintextMin+tagSize {
			t.Fatalf("payload of %d bytes: packet of %d is shorter than the request it may cause", n, len(packet))
		}
		mustOpen(t, b, 0, packet, strings.Repeat("x", n))
	}
	mustOpen(t, b, 0, sealTo(t, a, 0, b, strings.Repeat("x", MaxPayload)), strings.Repeat("x", MaxPayload))
	if _, err := a.Seal(nil, 0, b.identity.ID(), make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("Seal of MaxPayload+1 bytes = %v", err)
	}
}

func TestMaxOverheadIsReachedAndNeverExceeded(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "hi"), "hi")
	packet := sealTo(t, b, 0, a, "hi") // With its claim, and an acknowledgement.
	if got := len(packet) - 2; got != MaxOverhead {
		t.Errorf("overhead %d, want %d", got, MaxOverhead)
	}
}

// Every bit of a packet counts, on a live session and on an unknown one.
func TestEveryFlippedBitIsRefused(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	first := sealTo(t, a, 0, b, "first words")
	flipAll(t, first, func(t *testing.T, bad []byte) Reason { return refusal(t, testBox(t, 2, 1), bad) })
	acquaint(t, 0, a, b)
	live := sealTo(t, a, 0, b, "later words of a live session")
	now := member.Time(0)
	flipAll(t, live, func(t *testing.T, bad []byte) Reason {
		now = now.Add(time.Second) // For the budget of unknown sessions.
		_, _, err := b.Open(nil, 0, origin, bad)
		r, _ := ReasonOf(err)
		return r
	})
	mustOpen(t, b, 0, live, "later words of a live session")
}

func refusal(t *testing.T, b *Box, packet []byte) Reason {
	t.Helper()
	_, _, err := b.Open(nil, 0, origin, packet)
	r, _ := ReasonOf(err)
	return r
}

func flipAll(t *testing.T, packet []byte, open func(*testing.T, []byte) Reason) {
	t.Helper()
	for i := range 8 * len(packet) {
		bad := slices.Clone(packet)
		bad[i/8] ^= 1 << (i % 8)
		got := open(t, bad)
		var want []Reason
		switch at := i / 8; {
		case i/4 == 1:
			want = []Reason{BadVersion}
		case at == 0: // Another kind, which may not exist.
			want = []Reason{AuthFail, BadMagic}
		case at < 5:
			want = []Reason{UnknownKey}
		case at == headerSize-1: // The counter is small, and becomes 0.
			want = []Reason{AuthFail, Malformed}
		default:
			want = []Reason{AuthFail}
		}
		if !slices.Contains(want, got) {
			t.Fatalf("bit %d of byte %d flipped: %v, want %v", i%8, i/8, got, want)
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	packet := sealTo(t, a, 0, b, "words")
	for n := range packet {
		want := AuthFail
		if n < headerSize+plaintextMin+tagSize {
			want = Malformed
		}
		mustRefuse(t, b, 0, packet[:n], want)
	}
	mustRefuse(t, b, 0, append(slices.Clone(packet), 0), AuthFail)
	mustRefuse(t, b, 0, make([]byte, MaxPacket+1), Oversize)
	mustOpen(t, b, 0, packet, "words")
}

func TestStrangersAreRefused(t *testing.T) {
	b := testBox(t, 2, 1)
	other := DevRing("other")
	mustRefuse(t, b, 0, sealTo(t, testBox(t, 1, 1, onRing(other)), 0, b, "words"), UnknownKey)

	// The same key in another cluster is another key.
	key, _ := DevRing("test").Secret(DevRing("test").Primary())
	twin := RingOf(ClusterID{1}, key)
	mustRefuse(t, b, 0, sealTo(t, testBox(t, 1, 1, onRing(twin)), 0, b, "words"), UnknownKey)

	// A packet for another receiver does not open, though the key is right.
	mustRefuse(t, b, 0, sealTo(t, testBox(t, 1, 1), 0, testBox(t, 3, 1), "words"), AuthFail)

	// A key ID that collides is found out by the tag.
	packet := sealTo(t, testBox(t, 1, 1, onRing(other)), 0, b, "words")
	kid := DevRing("test").Primary()
	copy(packet[1:], kid[:])
	mustRefuse(t, b, 0, packet, AuthFail)
}

func TestReplayIsRefused(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	first := sealTo(t, a, 0, b, "words")
	mustOpen(t, b, 0, first, "words")
	mustRefuse(t, b, 0, first, Replay)
	second, third := sealTo(t, a, 0, b, "two"), sealTo(t, a, 0, b, "three")
	mustOpen(t, b, 0, third, "three")
	mustOpen(t, b, 0, second, "two") // Out of order is not replay.
	mustRefuse(t, b, 0, second, Replay)
	for range windowSpan {
		sealTo(t, a, 0, b, "lost")
	}
	late := sealTo(t, a, 0, b, "late")
	for range windowSpan {
		sealTo(t, a, 0, b, "lost")
	}
	mustOpen(t, b, 0, sealTo(t, a, 0, b, "newest"), "newest")
	mustRefuse(t, b, 0, late, Replay)
}

func TestOwnPacketComeBackIsRefused(t *testing.T) {
	a := testBox(t, 1, 1)
	packet, err := a.Seal(nil, 0, member.NodeID{}, []byte("is anyone there"))
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, a, 0, packet, WrongReceiver)
}

func TestConfigProblemsComeTogether(t *testing.T) {
	_, err := NewBox(Config{MaxSessions: -1})
	if !errors.Is(err, ErrConfig) || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("NewBox of nothing = %v", err)
	}
	if err := testBox(t, 1, 1).SetRing(DevRing("other")); !errors.Is(err, WrongCluster) {
		t.Errorf("SetRing of another cluster = %v", err)
	}
}

// Key rotation as in security reference section 5, on two boxes.
func TestRotationNeverPartsTwoBoxes(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	old := DevRing("test")
	fresh := Key{9}
	with, err := old.With(fresh)
	if err != nil {
		t.Fatal(err)
	}
	newID := with.KeyIDs()[1]
	used, err := with.Use(newID)
	if err != nil {
		t.Fatal(err)
	}
	done, err := used.Without(old.Primary())
	if err != nil {
		t.Fatal(err)
	}
	stale := []byte(nil)
	for _, rings := range [][2]*Ring{{old, old}, {with, old}, {with, with}, {used, with}, {used, used}, {done, used}, {done, done}} {
		if err := errors.Join(a.SetRing(rings[0]), b.SetRing(rings[1])); err != nil {
			t.Fatal(err)
		}
		mustOpen(t, b, 0, sealTo(t, a, 0, b, "still here"), "still here")
		packet := sealTo(t, b, 0, a, "still here")
		mustOpen(t, a, 0, packet, "still here")
		if stale == nil {
			stale = sealTo(t, b, 0, a, "under the old key")
		}
	}
	mustRefuse(t, a, 0, stale, UnknownKey)
}

// One goroutine seals and one opens, on each of two boxes, as a driver does,
// while an operator rotates keys.
func TestSealAndOpenRunSideBySide(t *testing.T) {
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	ring, err := DevRing("test").With(Key{1})
	if err != nil {
		t.Fatal(err)
	}
	const packets = 500
	errs := make(chan error, 4*packets+1) // Every result: nobody waits to report.
	var all sync.WaitGroup
	for _, way := range [][2]*Box{{a, b}, {b, a}} {
		wire := make(chan []byte, packets)
		all.Go(func() {
			defer close(wire)
			for i := range packets {
				if i == packets/2 {
					way[0].Renew()
				}
				packet, err := way[0].Seal(nil, 0, way[1].identity.ID(), []byte("words"))
				errs <- err
				wire <- packet
			}
		})
		all.Go(func() {
			for packet := range wire {
				payload, _, err := way[1].Open(nil, 0, origin, packet)
				if err == nil && string(payload) != "words" {
					err = errors.New("wrong payload")
				}
				errs <- err
			}
		})
	}
	all.Go(func() { errs <- errors.Join(a.SetRing(ring), b.SetRing(ring)) })
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
)

// goldens pin the format: a change here breaks every cluster in the middle of
// an upgrade.
var goldens = []struct {
	name, packet string
	to           byte // The node, or 0 for a bare address.
}{
	{name: "to a peer", to: 2, packet: goldenPeer},
	{name: "to a bare address", to: 0, packet: goldenBare},
}

// The rows: kind, key id, session, counter; ciphertext; tag.
const goldenPeer = `
	10 2750774a f98a17f89126550b9da745c9 000000000001
	f47cc333660ac50c35c1086693b7d99251aea68c315ce5f3af5432a390a98081
	3363b00339bb24fc77c6bdcc528f8328609ee7d16bfdd48911497f8a51973348
	76d7b0d7d22569c5f6154a82e893d70efebd947acfe6f4b015ff976c2f63f700
	6066e5f1ec3ecfa279c9ffa1bf38d8521d2f08b38a3f704d3b0eec403a14df67
	24a81c4e0e06a0de391015fa529a7f9b93ebe4889f8ab3
	eb05a88d2c4dbfd1981dddeb292d24a3`

const goldenBare = `
	11 2750774a f98a17f89126550b9da745c9 000000000002
	eb8fa37ce7e32f3366e1670454ad5d744c5ec938c0d1cdef5ea241e69aed1932
	bb2d88767b77b10819391a04f2b15c4c4a0794f65e40dd44ca764058e54459b3
	6d9265affd861cb492c50082ee3450cc98729ca00bb04e5c44d21735cd10ea0b
	80640192ffdd29022ff76c3fc405dd6dfe18135979a6c32211c7421b69469653
	af31f0570e6be6fb06ee0fb79abe760342e76b825f4fa5
	f8fd88eaa5e1f87333e8e224dac7d5cc`

func TestSealedPacketMatchesGolden(t *testing.T) {
	a := testBox(t, 1, 7)
	for _, g := range goldens {
		var to member.NodeID
		if g.to != 0 {
			to = testIdentity(g.to).ID()
		}
		packet, err := a.Seal(nil, 0, to, []byte("everyone will know"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(packet, unhex(t, g.packet)) {
			t.Errorf("%s:\n got %x\nwant %s", g.name, packet, g.packet)
		}
		if want := headerSize + 1 + claimSize + 18 + tagSize; len(packet) != want {
			t.Errorf("%s: %d bytes, want %d", g.name, len(packet), want)
		}
		peer := mustOpen(t, testBox(t, 2, 1), 0, packet, "everyone will know")
		if peer != (Peer{ID: a.identity.ID(), Epoch: 7}) {
			t.Errorf("%s: sender is %v", g.name, peer)
		}
	}
}

// The packet of the golden, taken apart with nothing but the standard library
// and the description in the package comment.
func TestGoldenFollowsTheDescription(t *testing.T) {
	packet := unhex(t, goldenPeer)
	ring := DevRing("test")
	cluster, secret := ring.cluster, ring.keys[0].secret
	mac := hmac.New(sha256.New, secret[:])
	mac.Write(append([]byte("kid"), cluster[:]...))
	if !bytes.Equal(packet[1:5], mac.Sum(nil)[:4]) {
		t.Error("key id")
	}
	key, err := hkdf.Key(sha256.New, secret[:], packet[5:17], "hearsay v1"+string(cluster[:])+"\x01", 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	receiver := sha256.Sum256(testIdentity(2).Public())
	nonce, aad := append(make([]byte, 6), packet[17:23]...), append(slices.Clone(packet[:23]), receiver[:16]...)
	plain, err := gcm.Open(nil, nonce, packet[23:], aad)
	if err != nil {
		t.Fatal(err)
	}
	if plain[0] != 2 || !bytes.Equal(plain[1:33], testIdentity(1).Public()) || string(plain[1+132:]) != "everyone will know" {
		t.Errorf("plaintext %x", plain)
	}
	signed := slices.Concat([]byte("hearsay session claim 1"), cluster[:], packet[5:17], plain[33:45])
	if !ed25519.Verify(testIdentity(1).Public(), signed, plain[69:133]) {
		t.Error("signature")
	}
	id := sha256.Sum256(append([]byte("hearsay session id 1"), plain[1:69]...))
	if !bytes.Equal(packet[5:17], id[:12]) {
		t.Error("session id")
	}
}

// What a member could seal, but no honest one does.
func TestDishonestPlaintextsAreMalformed(t *testing.T) {
	text := func(flags byte, rest ...byte) []byte { return append([]byte{flags}, rest...) }
	zeros := make([]byte, claimSize)
	for why, plain := range map[string][]byte{
		"an unknown flag":          text(8, zeros...),
		"a cut acknowledgement":    text(flagAck|flagPad, 1, 2, 3),
		"a cut claim":              text(flagClaim, zeros[1:]...),
		"a pad without length":     text(flagPad, zeros[:15]...),
		"a pad beyond the end":     text(flagPad, append([]byte{16}, zeros[:14]...)...),
		"a pad that says a thing":  text(flagPad, append([]byte{15, 1}, zeros[:13]...)...),
		"a pad that is not needed": text(flagPad, append([]byte{2}, zeros[:15]...)...),
	} {
		if _, _, ok := parsePrelude(plain); ok {
			t.Errorf("%s parses", why)
		}
		if len(plain) >= plaintextMin {
			mustRefuse(t, testBox(t, 3, 1), 0, sealRaw(t, plain), Malformed)
		}
	}
	a, b := testBox(t, 1, 1), testBox(t, 2, 1)
	acquaint(t, 0, a, b)
	packet, at := a.begin(nil, kindPeer, 20)
	mustRefuse(t, b, 0, a.finish(append(packet, text(8, zeros[:19]...)...), at, b.identity.ID()), Malformed)
	packet, at = a.begin(nil, kindWanted, 17)
	mustRefuse(t, b, 0, a.finish(append(packet, zeros[:17]...), at, wantedReceiver(b.peers.ownSession())), Malformed)
}

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
	10 2750774a 73e9decb4fa6d1e30db33734 000000000001
	56cee777544f50e4eaf45fe9c0823ba801794b839cb1ec07377341a4bacae9cc
	5a591d268bfd84cb2a71a342c75f37e4aca0fbbb68976c96d7616afd8d2d6705
	98edbb9e358034532b6aa7fb15c85e927b259aa3726d262c1169ca22ecc4102d
	464e65ffc62f2bc43799acbe4217df53786db697b7871306e3a14c34361e269a
	eff89dd208a441
	af0955d94dc8f40f3cdbb5caff1e8b9c`

const goldenBare = `
	11 2750774a 73e9decb4fa6d1e30db33734 000000000002
	7aea2d880fcb1c10d48db52c7da7d6cafc8534e4d532b456cd820738faf6dca6
	35f49ee1e7b9f57ac4734eda0eee0d0159a01ef4c91dcab75be813b00c6bf4e1
	c8dcc4262d386387dfe84ec17a87d780656534b6ac7f90a5785eadcab8b62c15
	605675a3b10c84ddbdc5d5dd266971ff5b0d2676b047ae97d2b42ecb95966a33
	7847748e631c2f
	a87e89b7c929c1ed3add9455e7b6dce2`

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
	if plain[0] != 2 || !bytes.Equal(plain[1:33], testIdentity(1).Public()) || string(plain[1+116:]) != "everyone will know" {
		t.Errorf("plaintext %x", plain)
	}
	signed := slices.Concat([]byte("hearsay session claim 1"), cluster[:], packet[5:17], plain[33:45])
	if !ed25519.Verify(testIdentity(1).Public(), signed, plain[53:117]) {
		t.Error("signature")
	}
	id := sha256.Sum256(append([]byte("hearsay session id 1"), plain[1:53]...))
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

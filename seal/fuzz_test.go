package seal

import (
	"bytes"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
)

// FuzzOpen feeds bytes to a box twice: as a whole packet, which must be refused
// for lack of the key, and as a plaintext that a member has sealed, which only
// a well-formed prelude gets past.
func FuzzOpen(f *testing.F) {
	a, b := testBox(f, 1, 1), testBox(f, 2, 1)
	for _, packet := range [][]byte{sealTo(f, a, 0, b, "words"), sealTo(f, b, 0, a, "")} {
		f.Add(packet)
	}
	f.Add(append([]byte{flagPad, 15}, make([]byte, 14)...))
	f.Add(append([]byte{flagAck | flagClaim}, make([]byte, ackSize+claimSize+3)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := testBox(t, 3, 1)
		if payload, peer, err := b.Open(nil, 0, origin, data); err == nil {
			t.Fatalf("opened %q from %v", payload, peer)
		} else if _, ok := ReasonOf(err); !ok {
			t.Fatalf("error without a reason: %v", err)
		}
		if len(b.peers.byID) != 0 {
			t.Fatal("a stranger is remembered")
		}
		b.ClaimWanted(nil, 0, data)
		if len(data) > MaxPayload {
			return
		}
		payload, peer, err := b.Open(nil, 0, origin, sealRaw(t, data))
		if err == nil {
			t.Fatalf("a plaintext without a valid claim opened as %q from %v", payload, peer)
		}
		checkPrelude(t, data)
	})
}

// sealRaw seals a plaintext as a dishonest member could.
func sealRaw(t *testing.T, plain []byte) []byte {
	t.Helper()
	a := testBox(t, 1, 1)
	if err := a.refresh(0); err != nil {
		t.Fatal(err)
	}
	packet, at := a.begin(nil, kindPeer, len(plain))
	return a.finish(append(packet, plain...), at, testIdentity(3).ID())
}

// checkPrelude: what parses is what append would have written.
func checkPrelude(t *testing.T, plain []byte) {
	t.Helper()
	pre, payload, ok := parsePrelude(plain)
	if !ok || len(plain) < plaintextMin {
		return
	}
	if again := append(pre.append(nil, len(payload)), payload...); !bytes.Equal(again, plain) {
		t.Fatalf("prelude is not canonical: %x becomes %x", plain, again)
	}
}

// FuzzPlainOpen: an insecure box takes any bytes, and opens only what it would
// have written itself.
func FuzzPlainOpen(f *testing.F) {
	a, b := testBox(f, 1, 7, insecurely), testBox(f, 2, 1, insecurely)
	f.Add(sealTo(f, a, 0, b, "words"))
	f.Add(sealTo(f, a, 0, b, ""))
	f.Add(sealTo(f, testBox(f, 1, 1), 0, b, "sealed"))
	f.Fuzz(func(t *testing.T, data []byte) {
		payload, peer, err := b.Open(nil, 0, origin, data)
		if err != nil {
			if _, ok := ReasonOf(err); !ok {
				t.Fatalf("error without a reason: %v", err)
			}
			return
		}
		sender := &Box{identity: &Identity{id: peer.ID}, epoch: peer.Epoch}
		sender.ring.Store(DevRing("test"))
		to := member.NodeID(data[1+clusterIDSize+member.NodeIDSize+8:])
		if again := sender.wrap(nil, to, payload); !bytes.Equal(again, data) {
			t.Fatalf("%x becomes %x", data, again)
		}
	})
}

// FuzzRing: a file of keys is refused, or is exactly what its contents write.
func FuzzRing(f *testing.F) {
	ring, err := DevRing("test").With(Key{1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ring.encode())
	f.Add(DevRing("test").encode())
	f.Add(testIdentity(1).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if ring, err := decodeRing(data); err == nil && !bytes.Equal(ring.encode(), data) {
			t.Fatalf("%q becomes %q", data, ring.encode())
		}
		if i, err := decodeIdentity(data); err == nil && !bytes.Equal(i.encode(), data) {
			t.Fatalf("%q becomes %q", data, i.encode())
		}
	})
}

// FuzzProof: only the one proof of a channel and role is accepted.
func FuzzProof(f *testing.F) {
	ring, channel := DevRing("test"), make([]byte, channelSize)
	good := makeProof(ring, roleClient, channel)
	f.Add(good[:])
	f.Add(good[:proofSize-1])
	withheld := good
	withheld.withhold()
	f.Add(withheld[:])
	f.Fuzz(func(t *testing.T, data []byte) {
		err := readProof(bytes.NewReader(data), ring, roleClient, channel)
		if err == nil && !bytes.HasPrefix(data, good[:]) {
			t.Fatalf("accepted %x", data)
		}
		if _, judged := ReasonOf(err); err != nil && judged != (len(data) >= proofSize) {
			t.Fatalf("%d bytes: %v", len(data), err)
		}
	})
}

package sim

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// keys stands in for Ed25519: a signature is a hash of the public key and the
// message. It catches what is garbled or stale and costs a hundredth; forgery
// is not modelled, since who can forge is not.
type keys struct{ public [wire.PublicKeySize]byte }

func newKeys(seed uint64, node int) *keys {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], seed)
	binary.BigEndian.PutUint64(b[8:], uint64(node))
	return &keys{sha256.Sum256(b[:])}
}

func idOf(public *[wire.PublicKeySize]byte) (id member.NodeID) {
	sum := sha256.Sum256(public[:])
	copy(id[:], sum[:])
	return id
}

// Sign implements core.Keys.
func (k *keys) Sign(message []byte) (s [wire.SignatureSize]byte) {
	return signature(&k.public, message)
}

// Verify implements core.Keys.
func (k *keys) Verify(_ member.NodeID, public *[wire.PublicKeySize]byte, message []byte, s *[wire.SignatureSize]byte) bool {
	return signature(public, message) == *s
}

func signature(public *[wire.PublicKeySize]byte, message []byte) (s [wire.SignatureSize]byte) {
	h := hash64(fnvOffset, public[:])
	h = hash64(h, message)
	for i := 0; i < len(s); i += 8 {
		h = mix(h + 1)
		binary.BigEndian.PutUint64(s[i:], h)
	}
	return s
}

package effect

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Keys signs as this node and checks the signatures of others. It is handed in,
// so that the core holds no cryptography and the simulator may use a cheap
// stand-in. Both calls are pure: same input, same answer.
type Keys interface {
	// Sign signs with this node's key (Ed25519, RFC 8032: deterministic).
	Sign(message []byte) [wire.SignatureSize]byte
	// Verify reports whether publicKey belongs to id and signed the message.
	Verify(id member.NodeID, publicKey *[wire.PublicKeySize]byte, message []byte, signature *[wire.SignatureSize]byte) bool
}

// Domains separate what a signature is for: one made for a record can never be
// passed off as one for a fact. The cluster's ID follows each.
const (
	DomainRecord = "hearsay record 1 "
	DomainFact   = "hearsay fact 1 "
)

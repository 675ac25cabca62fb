package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/hearsay-gossip/hearsay/member"
)

// Domain strings begin what is signed or hashed here, so that a value made for
// one purpose never serves another.
const (
	claimDomain   = "hearsay session claim 1"
	sessionDomain = "hearsay session id 1"
)

// saltSize is the length of a claim's random part. Epoch and number already
// tell the sessions of a node apart; 64 random bits tell apart those of two
// copies of one virtual machine.
const saltSize = 8

const (
	// claimLink is where the link stands in a claim.
	claimLink = ed25519.PublicKeySize + 8 + 4 + saltSize
	// claimSize is the length of a claim as it travels.
	claimSize = claimLink + AnchorSize + ed25519.SignatureSize
)

// claim binds a session to a node. It travels as
//
//	32 public key | 8 epoch | 4 number | 8 salt | 16 link | 64 signature
//
// The session ID is a hash of the first five, so that no other node can claim
// the session for itself. Nor can another make the claim: the link is the next
// of a chain whose anchor the node has signed, for those who know the anchor,
// and for the others the signature covers claimDomain | cluster id | session id
// | epoch | number. The node ID follows from the key.
type claim struct {
	id     member.NodeID
	epoch  member.Epoch
	number uint32 // Counts the sessions of an epoch, from 1 up.
}

// before reports whether c is of an earlier session than other.
func (c claim) before(other claim) bool {
	return c.epoch < other.epoch || c.epoch == other.epoch && c.number < other.number
}

// makeClaim draws a session for a node: its ID, and the claim as it travels.
func makeClaim(i *Identity, cluster ClusterID, epoch member.Epoch, number uint32, links *chain, random io.Reader) (sessionID, []byte, error) {
	l, err := links.link(number, random)
	if err != nil {
		return sessionID{}, nil, err
	}
	text := make([]byte, 0, claimSize)
	text = append(text, i.Public()...)
	text = binary.BigEndian.AppendUint64(text, uint64(epoch))
	text = binary.BigEndian.AppendUint32(text, number)
	text = text[:len(text)+saltSize]
	if _, err := io.ReadFull(random, text[len(text)-saltSize:]); err != nil {
		return sessionID{}, nil, fmt.Errorf("draw session: %w", err)
	}
	text = append(text, l[:]...)
	session := sessionOf(text)
	c := claim{id: i.ID(), epoch: epoch, number: number}
	return session, append(text, i.Sign(c.signed(cluster, session))...), nil
}

// sessionOf returns the session that a claim can speak of: the first 96 bits of
// a SHA-256 over its fields but the signature.
func sessionOf(text []byte) sessionID {
	buf := make([]byte, 0, len(sessionDomain)+claimSize)
	buf = append(buf, sessionDomain...)
	buf = append(buf, text[:claimSize-ed25519.SignatureSize]...)
	sum := sha256.Sum256(buf)
	return sessionID(sum[:sessionIDSize])
}

// signed returns the bytes that the signature covers.
func (c claim) signed(cluster ClusterID, session sessionID) []byte {
	msg := make([]byte, 0, len(claimDomain)+clusterIDSize+sessionIDSize+8+4)
	msg = append(msg, claimDomain...)
	msg = append(msg, cluster[:]...)
	msg = append(msg, session[:]...)
	msg = binary.BigEndian.AppendUint64(msg, uint64(c.epoch))
	return binary.BigEndian.AppendUint32(msg, c.number)
}

// parseClaim reads claimSize bytes without verifying them.
func parseClaim(text []byte) claim {
	return claim{
		id:     IDOf(ed25519.PublicKey(text[:ed25519.PublicKeySize])),
		epoch:  member.Epoch(binary.BigEndian.Uint64(text[32:])),
		number: binary.BigEndian.Uint32(text[40:]),
	}
}

// verify reports whether text, from which c was parsed, speaks of this session
// and is signed by its key.
func (c claim) verify(text []byte, cluster ClusterID, session sessionID) bool {
	return sessionOf(text) == session &&
		ed25519.Verify(
			ed25519.PublicKey(text[:ed25519.PublicKeySize]),
			c.signed(cluster, session),
			text[claimSize-ed25519.SignatureSize:],
		)
}

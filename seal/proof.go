package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"net"

	"github.com/hearsay-gossip/hearsay/member"
)

// Roles in a proof, so that neither side can be answered with its own.
const (
	roleClient = "client"
	roleServer = "server"
)

// proofSize and the layout of a proof:
//
//	1 version | 16 cluster id | 4 key id | 32 HMAC-SHA256
//
// The code covers role | cluster id | what TLS exported from the channel. It is
// useless on any other channel, hence to anyone between.
const (
	proofSize   = 1 + clusterIDSize + keyIDSize + sha256.Size
	proofFormat = 1
)

// proof shows that its writer holds a ring key.
type proof [proofSize]byte

func makeProof(ring *Ring, role string, channel []byte) proof {
	k := ring.primary()
	text := append(make([]byte, 0, proofSize), proofFormat)
	text = append(text, ring.cluster[:]...)
	text = append(text, k.id[:]...)
	return proof(append(text, k.prove(ring.cluster, role, channel)...))
}

func (k *ringKey) prove(cluster ClusterID, role string, channel []byte) []byte {
	mac := hmac.New(sha256.New, k.secret[:])
	mac.Write([]byte(role))
	mac.Write(cluster[:])
	mac.Write(channel)
	return mac.Sum(nil)
}

// withhold blanks the code, which leaves only the names of cluster and key.
func (p *proof) withhold() { clear(p[proofSize-sha256.Size:]) }

// readProof reads and checks the other side's proof. The error is a [Reason]
// unless reading failed.
func readProof(from io.Reader, ring *Ring, role string, channel []byte) error {
	var p proof
	if _, err := io.ReadFull(from, p[:]); err != nil {
		return err
	}
	if why := p.check(ring, role, channel); why != 0 {
		return why
	}
	return nil
}

// check returns the reason against a proof, or 0.
func (p *proof) check(ring *Ring, role string, channel []byte) Reason {
	if p[0] != proofFormat {
		return BadVersion
	}
	if ClusterID(p[1:]) != ring.cluster {
		return WrongCluster
	}
	k := ring.find(KeyID(p[1+clusterIDSize:]))
	if k == nil {
		return UnknownKey
	}
	if !hmac.Equal(p[proofSize-sha256.Size:], k.prove(ring.cluster, role, channel)) {
		return AuthFail
	}
	return 0
}

// helloMagic begins an insecure stream; its last digit is the format.
const helloMagic = "hsy1"

// helloSize and the layout of a hello: 4 magic | 16 cluster id | 16 node id.
const helloSize = len(helloMagic) + clusterIDSize + member.NodeIDSize

func (s *Streams) sendHello(conn net.Conn) error {
	id, cluster := s.identity.ID(), s.ring.Load().cluster
	text := append(make([]byte, 0, helloSize), helloMagic...)
	text = append(text, cluster[:]...)
	text = append(text, id[:]...)
	_, err := conn.Write(text)
	return err
}

func (s *Streams) readHello(conn net.Conn) (*Conn, error) {
	var text [helloSize]byte
	// The magic alone comes first: what speaks another protocol may be shorter.
	if _, err := io.ReadFull(conn, text[:len(helloMagic)]); err != nil {
		return nil, err
	}
	if string(text[:len(helloMagic)]) != helloMagic {
		return nil, BadMagic
	}
	if _, err := io.ReadFull(conn, text[len(helloMagic):]); err != nil {
		return nil, err
	}
	peer, cluster := member.NodeID(text[len(helloMagic)+clusterIDSize:]), ClusterID(text[len(helloMagic):])
	if cluster != s.ring.Load().cluster {
		return nil, fmt.Errorf("%w: %s", WrongCluster, cluster)
	}
	if peer.IsZero() {
		return nil, Malformed
	}
	return &Conn{Conn: conn, peer: peer}, nil
}

package seal

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/hearsay-gossip/hearsay/member"
)

// IdentityFile is the name of a node's key file within its data directory.
const IdentityFile = "node.key"

// identityTitle is the first line of the key file; its number is the format.
const identityTitle = "hearsay node key 1"

// Identity is a node's Ed25519 key (RFC 8032). A node is its key: it keeps its
// [member.NodeID] for as long as it keeps this. It is immutable and safe for
// concurrent use.
type Identity struct {
	key ed25519.PrivateKey
	id  member.NodeID
}

// NewIdentity draws a new identity from random, which must be cryptographic in
// production ([crypto/rand.Reader]). It fails only when random does.
func NewIdentity(random io.Reader) (*Identity, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("draw node key: %w", err)
	}
	return IdentityFromSeed(seed), nil
}

// IdentityFromSeed returns the identity of a 32-byte Ed25519 seed: the same
// seed, the same node.
func IdentityFromSeed(seed [32]byte) *Identity {
	key := ed25519.NewKeyFromSeed(seed[:])
	return &Identity{key: key, id: IDOf(key.Public().(ed25519.PublicKey))}
}

// ID returns the node's identifier.
func (i *Identity) ID() member.NodeID { return i.id }

// Public returns the 32-byte public key. The caller must not change it.
func (i *Identity) Public() ed25519.PublicKey { return i.key.Public().(ed25519.PublicKey) }

// Sign returns the 64-byte signature of msg. The message must begin with a
// domain string of its kind and name the cluster, lest a signature made for
// one purpose serve another.
func (i *Identity) Sign(msg []byte) []byte { return ed25519.Sign(i.key, msg) }

// IDOf returns the node of a public key: the first 16 bytes of its SHA-256.
func IDOf(pub ed25519.PublicKey) member.NodeID {
	sum := sha256.Sum256(pub)
	return member.NodeID(sum[:member.NodeIDSize])
}

// Verify reports whether pub is the key of node id and sig its signature of
// msg. Any lengths are safe to hand in.
func Verify(id member.NodeID, pub, msg, sig []byte) bool {
	return len(pub) == ed25519.PublicKeySize && IDOf(pub) == id && ed25519.Verify(pub, msg, sig)
}

// CreateIdentity draws an identity from random and writes it to the file
// [IdentityFile] in dir, readable by the owner alone. The file appears whole or
// not at all; an existing one is never replaced ([io/fs.ErrExist]).
func CreateIdentity(dir string, random io.Reader) (*Identity, error) {
	i, err := NewIdentity(random)
	if err != nil {
		return nil, err
	}
	if err := writeKeyFile(dir, IdentityFile, i.encode()); err != nil {
		return nil, fmt.Errorf("create node key: %w", err)
	}
	return i, nil
}

// LoadIdentity reads what [CreateIdentity] wrote. The error is
// [io/fs.ErrNotExist] when there is no key yet, [ErrKeyFileMode] when others
// can read it, [ErrKeyFile] when its contents are damaged.
func LoadIdentity(dir string) (*Identity, error) {
	path, text, err := readKeyFile(dir, IdentityFile)
	if err != nil {
		return nil, fmt.Errorf("load node key: %w", err)
	}
	i, err := decodeIdentity(text)
	if err != nil {
		return nil, fmt.Errorf("load node key: %s: %w", path, err)
	}
	return i, nil
}

// encode writes two lines: the title, and the seed beside the node ID. The ID
// is derived from the seed, so it serves as the checksum of the line.
func (i *Identity) encode() []byte {
	return fmt.Appendf(nil, "%s\n%x %s\n", identityTitle, i.key.Seed(), i.id)
}

func decodeIdentity(text []byte) (*Identity, error) {
	title, line, _ := strings.Cut(string(text), "\n")
	if title != identityTitle {
		return nil, fmt.Errorf("%w: line 1: want %q", ErrKeyFile, identityTitle)
	}
	digits, name, _ := strings.Cut(line, " ")
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != ed25519.SeedSize {
		return nil, fmt.Errorf("%w: line 2: want %d hexadecimal digits", ErrKeyFile, 2*ed25519.SeedSize)
	}
	i := IdentityFromSeed([32]byte(raw))
	if name != i.id.String()+"\n" || digits != hex.EncodeToString(raw) {
		return nil, fmt.Errorf("%w: line 2: key and node id do not belong together", ErrKeyFile)
	}
	return i, nil
}

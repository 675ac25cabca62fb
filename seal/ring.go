package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Sizes of a ring's parts in bytes.
const (
	clusterIDSize = 16
	keySize       = 32 // AES-256, and a whole HMAC-SHA256 key.
	keyIDSize     = 4
)

// ringKeysMax bounds the keys of a ring. A rotation holds two, two rotations at
// once three; sixteen leave room for operators in a hurry.
const ringKeysMax = 16

// ClusterID names a cluster: 128 random bits, minted once. It is bound into
// every key, so that two clusters never merge by accident. It is no secret.
type ClusterID [clusterIDSize]byte

// String returns the ID as 32 lowercase hexadecimal digits.
func (c ClusterID) String() string { return hex.EncodeToString(c[:]) }

// Key is one secret of a ring. It prints as its length only, so that no log
// line can carry it.
type Key [keySize]byte

// String hides the key.
func (Key) String() string { return "key(256 bit)" }

// Format hides the key from every verb of fmt.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// KeyID names a ring key in packets: the first four bytes of
// HMAC-SHA256(key, "kid" | cluster id). It saves work, it proves nothing.
type KeyID [keyIDSize]byte

// String returns the ID as 8 lowercase hexadecimal digits.
func (k KeyID) String() string { return hex.EncodeToString(k[:]) }

// Errors of changes to a ring.
var (
	// ErrRingKey: the ring has no key of that ID.
	ErrRingKey = errors.New("no such ring key")
	// ErrRingPrimary: the primary key cannot be taken away.
	ErrRingPrimary = errors.New("ring key is the primary")
	// ErrRingFull: the ring holds as many keys as it may, or another key
	// already has this ID.
	ErrRingFull = errors.New("ring has no room for the key")
)

// ringKey is a key with its precomputed ID.
type ringKey struct {
	id     KeyID
	secret Key
}

// Ring is a cluster's identifier and its shared keys: the primary, with which a
// node seals, and others with which it still or already opens. A ring is
// immutable; changing one makes another, to be handed to [Box.SetRing] and
// [Streams.SetRing]. It is safe for concurrent use.
type Ring struct {
	cluster ClusterID
	keys    []*ringKey // The primary first; IDs are distinct.
}

// NewRing mints a cluster: a random ID and one random key.
func NewRing(random io.Reader) (*Ring, error) {
	var cluster ClusterID
	if _, err := io.ReadFull(random, cluster[:]); err != nil {
		return nil, fmt.Errorf("draw cluster id: %w", err)
	}
	secret, err := NewKey(random)
	if err != nil {
		return nil, err
	}
	return RingOf(cluster, secret), nil
}

// NewKey draws a ring key.
func NewKey(random io.Reader) (Key, error) {
	var secret Key
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return Key{}, fmt.Errorf("draw ring key: %w", err)
	}
	return secret, nil
}

// RingOf returns the ring of a cluster with one key, its primary.
func RingOf(cluster ClusterID, primary Key) *Ring {
	return &Ring{cluster: cluster, keys: []*ringKey{newRingKey(cluster, primary)}}
}

// DevRing derives a whole ring from a cluster's name, so that nodes on one
// machine find each other without a file. Whoever knows the name knows the
// key: for development on loopback only.
func DevRing(name string) *Ring {
	material, err := hkdf.Key(sha256.New, []byte(name), nil, "hearsay dev ring", clusterIDSize+keySize)
	if err != nil {
		panic(err) // The length is a constant far below HKDF's limit.
	}
	return RingOf(ClusterID(material[:clusterIDSize]), Key(material[clusterIDSize:]))
}

func newRingKey(cluster ClusterID, secret Key) *ringKey {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte("kid"))
	mac.Write(cluster[:])
	return &ringKey{id: KeyID(mac.Sum(nil)[:keyIDSize]), secret: secret}
}

// Cluster returns the cluster's identifier.
func (r *Ring) Cluster() ClusterID { return r.cluster }

// Primary returns the ID of the key that seals.
func (r *Ring) Primary() KeyID { return r.primary().id }

// KeyIDs returns the IDs of all keys, the primary first. The slice is the
// caller's.
func (r *Ring) KeyIDs() []KeyID {
	ids := make([]KeyID, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// Secret returns the key of an ID, to be delivered to another node over a
// stream, and false when the ring has none.
func (r *Ring) Secret(id KeyID) (Key, bool) {
	k := r.find(id)
	if k == nil {
		return Key{}, false
	}
	return k.secret, true
}

// With returns the ring with one more key, which opens but does not seal. A key
// it already has changes nothing.
func (r *Ring) With(secret Key) (*Ring, error) {
	k := newRingKey(r.cluster, secret)
	if old := r.find(k.id); old != nil {
		if old.secret == secret {
			return r, nil
		}
		return nil, fmt.Errorf("install key %s: %w", k.id, ErrRingFull)
	}
	if len(r.keys) == ringKeysMax {
		return nil, fmt.Errorf("install key %s: %w", k.id, ErrRingFull)
	}
	return &Ring{cluster: r.cluster, keys: append(slices.Clone(r.keys), k)}, nil
}

// Use returns the ring with another of its keys as the primary.
func (r *Ring) Use(id KeyID) (*Ring, error) {
	k := r.find(id)
	if k == nil {
		return nil, fmt.Errorf("use key %s: %w", id, ErrRingKey)
	}
	keys := []*ringKey{k}
	for _, other := range r.keys {
		if other != k {
			keys = append(keys, other)
		}
	}
	return &Ring{cluster: r.cluster, keys: keys}, nil
}

// Without returns the ring without one of its keys. A key it does not have
// changes nothing; the primary is refused.
func (r *Ring) Without(id KeyID) (*Ring, error) {
	if r.Primary() == id {
		return nil, fmt.Errorf("remove key %s: %w", id, ErrRingPrimary)
	}
	keys := slices.DeleteFunc(slices.Clone(r.keys), func(k *ringKey) bool { return k.id == id })
	return &Ring{cluster: r.cluster, keys: keys}, nil
}

// Equal reports whether both rings hold the same cluster, keys and primary,
// whatever the order of the other keys.
func (r *Ring) Equal(other *Ring) bool {
	return bytes.Equal(r.encode(), other.encode())
}

func (r *Ring) primary() *ringKey { return r.keys[0] }

// find returns the key of an ID, or nil. Rings hold one to three keys: a scan
// is the fastest index.
func (r *Ring) find(id KeyID) *ringKey {
	for _, k := range r.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

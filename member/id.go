package member

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// NodeIDSize is the length of a [NodeID] in bytes. Sixteen bytes of SHA-256
// keep an accidental collision out of reach (2^64 nodes for an even chance)
// at half the wire cost of the whole digest.
const NodeIDSize = 16

// NodeID identifies a node for as long as it keeps its key: the first 16 bytes
// of SHA-256 over its Ed25519 public key. The zero value means "unknown".
type NodeID [NodeIDSize]byte

// ErrNodeID is returned by [ParseNodeID] for text that is not a node ID.
var ErrNodeID = errors.New("node id: want 32 hexadecimal digits")

// ParseNodeID reads the form that [NodeID.String] writes: 32 hexadecimal
// digits. It returns [ErrNodeID] for anything else.
func ParseNodeID(s string) (NodeID, error) {
	var id NodeID
	if len(s) != 2*NodeIDSize {
		return NodeID{}, ErrNodeID
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return NodeID{}, ErrNodeID
	}
	return id, nil
}

// String returns the ID as 32 lowercase hexadecimal digits.
func (id NodeID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first 8 digits of the ID, for logs and tables; it is not
// unique by design of its length, and is never parsed.
func (id NodeID) Short() string { return hex.EncodeToString(id[:4]) }

// IsZero reports whether the ID is unknown.
func (id NodeID) IsZero() bool { return id == NodeID{} }

// Compare orders IDs by their bytes: -1, 0 or +1.
func (id NodeID) Compare(other NodeID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler] with the form of String.
func (id NodeID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseNodeID].
func (id *NodeID) UnmarshalText(text []byte) error {
	parsed, err := ParseNodeID(string(text))
	if err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	*id = parsed
	return nil
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/view"
)

// What [Meta] refuses. All but the last are the very values of the root
// package.
var (
	// ErrKey: a key is empty or longer than 256 bytes.
	ErrKey = store.ErrKey
	// ErrValue: a value is longer than 64 KiB.
	ErrValue = store.ErrValue
	// ErrKeys: the node has 1,024 keys already.
	ErrKeys = store.ErrKeys
	// ErrUnknownKey: the node has no such key.
	ErrUnknownKey = store.ErrUnknown

	// ErrClosed: the node was killed or closed.
	ErrClosed = view.ErrClosed
	// ErrLeft: the node has said goodbye and only answers until it is closed.
	ErrLeft = view.ErrLeft
	// ErrPaused: the node is frozen. A call of a real node would hang.
	ErrPaused = errors.New("node is paused")
)

// Meta is what a node publishes about itself; see Meta of the root package,
// whose methods these are.
type Meta struct{ node *Node }

// Meta returns this node's own metadata.
func (n *Node) Meta() *Meta { return &Meta{n} }

// Set publishes a value of up to 64 KiB under a key of 1 to 256 bytes; there may
// be 1,024 keys. The value is copied. Setting what is there already does
// nothing. Others learn it while time passes. Errors: [ErrKey], [ErrValue],
// [ErrKeys], [ErrLeft], [ErrClosed], [ErrPaused], and that of the context.
func (m *Meta) Set(ctx context.Context, key string, value []byte) error {
	in := core.Put{Key: key, Value: value}
	return m.write(ctx, &in, &in.Err)
}

// Delete takes a key back. Errors: [ErrUnknownKey], [ErrLeft], [ErrClosed],
// [ErrPaused], and that of the context.
func (m *Meta) Delete(ctx context.Context, key string) error {
	in := core.Delete{Key: key}
	return m.write(ctx, &in, &in.Err)
}

// write steps the node with an input, which leaves its outcome in refused.
func (m *Meta) write(ctx context.Context, in core.Input, refused *error) error {
	if err := m.node.command(ctx, in, refused); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	return nil
}

// Get returns a copy of the value of a key of this node.
func (m *Meta) Get(key string) (value []byte, ok bool) {
	shared, ok := m.node.machine.Fact(m.node.ID(), key)
	if !ok {
		return nil, false
	}
	return append([]byte{}, shared...), true
}

// All returns the keys of this node with copies of their values, ordered by key,
// as of the beginning of the loop.
func (m *Meta) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		all := m.node.MetaOf(m.node.ID())
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if !yield(key, all[key]) {
				return
			}
		}
	}
}

// MetaOf returns a copy of what a member publishes; nil if it is unknown, dead
// or has left, empty if it publishes nothing.
func (n *Node) MetaOf(id member.NodeID) map[string][]byte {
	if v, known := n.machine.Lookup(id); !known || v.Claim.State.Gone() {
		return nil
	}
	all := make(map[string][]byte, n.machine.FactCount(id))
	n.machine.EachFact(id, func(key string, value []byte) { all[key] = append([]byte{}, value...) })
	return all
}

package hearsay

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Meta is what this node publishes about itself: facts, each a key with a
// value, that every member of the cluster holds a copy of while this node is
// not gone. Only this node writes them. They are in memory: a node that starts
// again publishes anew.
type Meta struct{ node *Node }

// Meta returns this node's own metadata.
func (n *Node) Meta() *Meta { return &Meta{n} }

// Set publishes a value of up to 64 KiB under a key of 1 to 256 bytes; there may
// be 1,024 keys. The value is copied. Setting what is there already does
// nothing. Set returns when this node has it; others follow by gossip. Errors:
// [ErrKey], [ErrValue], [ErrKeys], [ErrLeft], [ErrClosed].
func (m *Meta) Set(ctx context.Context, key string, value []byte) error {
	in := core.Put{Key: key, Value: value}
	return m.write(ctx, func(d *driver) error {
		d.step(&in)
		return in.Err
	})
}

// Delete takes a key back. Errors: [ErrUnknownKey], [ErrLeft], [ErrClosed].
func (m *Meta) Delete(ctx context.Context, key string) error {
	in := core.Delete{Key: key}
	return m.write(ctx, func(d *driver) error {
		d.step(&in)
		return in.Err
	})
}

func (m *Meta) write(ctx context.Context, write func(*driver) error) error {
	var refused error
	err := m.node.do(ctx, func(d *driver) {
		if d.leaving != nil {
			refused = ErrLeft
			return
		}
		refused = write(d)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	return nil
}

// CompareAndSwap always returns [ErrConsensus]: two writers that compare with
// different members would both succeed.
func (m *Meta) CompareAndSwap(_ context.Context, key string, _, _ []byte) error {
	return fmt.Errorf("metadata: compare and swap %q: %w", key, ErrConsensus)
}

// Get returns a copy of the value of a key of this node.
func (m *Meta) Get(key string) (value []byte, ok bool) {
	m.node.read(func(d *driver) {
		if shared, found := d.machine.Fact(m.node.id, key); found {
			value, ok = slices.Clone(shared), true
		}
	})
	if ok && value == nil {
		value = []byte{}
	}
	return value, ok
}

// All returns the keys of this node with copies of their values, ordered by
// key, as of the beginning of the loop.
func (m *Meta) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		all := m.node.MetaOf(m.node.id)
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
	var all map[string][]byte
	n.read(func(d *driver) {
		if v, known := d.machine.Lookup(id); !known || v.Claim.State.Gone() {
			return
		}
		all = make(map[string][]byte, d.machine.FactCount(id))
		d.machine.EachFact(id, func(key string, value []byte) { all[key] = slices.Clone(value) })
	})
	return all
}

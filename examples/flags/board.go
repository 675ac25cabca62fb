package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hearsay-gossip/hearsay/member"
)

// Node is what the flags need of a cluster: this little interface, and not a
// type of the library, is what lets the simulator stand in for real nodes. Two
// adapters satisfy it, liveNode over a hearsay.Node and, in the tests, labNode
// over a sim.Node.
type Node interface {
	// Set publishes a fact of this node.
	Set(ctx context.Context, key string, value []byte) error
	// Owners returns the members that are not gone, this node among them.
	Owners() []member.NodeID
	// MetaOf returns the facts of a member.
	MetaOf(id member.NodeID) map[string][]byte
}

// prefix sets the facts that are flags apart from all others.
const prefix = "flag/"

// Flag is what one node says about a flag. Of two the newer counts: that of the
// higher version and, of equal versions, which two nodes chose without knowing
// of each other, that of the higher owner.
type Flag struct {
	Value   string
	Version uint64
	Owner   member.NodeID
}

func (f Flag) newer(than Flag) bool {
	if f.Version != than.Version {
		return f.Version > than.Version
	}
	return f.Owner.Compare(than.Owner) > 0
}

// encode and decode translate a flag to the value of a fact, "version value".
func (f Flag) encode() []byte { return fmt.Appendf(nil, "%d %s", f.Version, f.Value) }

func decode(owner member.NodeID, fact []byte) (Flag, bool) {
	version, value, ok := strings.Cut(string(fact), " ")
	v, err := strconv.ParseUint(version, 10, 64)
	return Flag{value, v, owner}, ok && err == nil
}

// Board is the flags of a cluster as one node knows them. A flag counts while
// its owner is a member, suspect included: without it the newest of the others
// does. Get and Set may be called from anywhere, Update by one goroutine.
type Board struct {
	node     Node
	onChange func(name string, now Flag)

	mu    sync.Mutex
	flags map[string]Flag
}

// NewBoard returns a board that knows nothing before its first Update, which
// must follow the subscription to events. onChange is called by Update for each
// flag whose value has changed, ordered by name; the zero Flag says that nobody
// has it any more. It may call Set.
func NewBoard(node Node, onChange func(name string, now Flag)) *Board {
	return &Board{node: node, onChange: onChange}
}

// Get returns the flag that counts, false if nobody has one of the name.
func (b *Board) Get(name string) (Flag, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.flags[name]
	return f, ok
}

// Set gives a flag a value that supersedes all that this node has heard of. The
// board shows it with the next Update.
func (b *Board) Set(ctx context.Context, name, value string) error {
	f := Flag{Value: value, Version: b.gather()[name].Version + 1}
	if err := b.node.Set(ctx, prefix+name, f.encode()); err != nil {
		return fmt.Errorf("set flag %s: %w", name, err)
	}
	return nil
}

// Update looks at all that is published. Call it after each event: it starts
// over every time, so that it does not matter which, or whether some were lost.
func (b *Board) Update() {
	now := b.gather()
	b.mu.Lock()
	before := b.flags
	b.flags = now
	b.mu.Unlock()
	names := maps.Clone(now)
	maps.Copy(names, before)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if now[name].Value != before[name].Value {
			b.onChange(name, now[name])
		}
	}
}

// gather returns the newest flag of each name.
func (b *Board) gather() map[string]Flag {
	newest := make(map[string]Flag)
	for _, owner := range b.node.Owners() {
		for key, fact := range b.node.MetaOf(owner) {
			name, isFlag := strings.CutPrefix(key, prefix)
			f, valid := decode(owner, fact)
			if isFlag && valid && f.newer(newest[name]) {
				newest[name] = f
			}
		}
	}
	return newest
}

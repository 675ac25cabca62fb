package ring

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hearsay-gossip/hearsay/member"
)

// Node is what a ring is kept from, M being its type of a member. A *hearsay.Node
// is a Node[hearsay.Member], a node of the simulator a Node[sim.Member]; neither
// package is imported here.
type Node[M any] interface {
	Members() []M
	LookupID(id member.NodeID) (M, bool)
	MetaOf(id member.NodeID) map[string][]byte
}

// Keeper holds the ring of a node's view as it changes. All methods may be called
// from anywhere.
type Keeper struct {
	everybody func() []Member
	lookup    func(member.NodeID) (Member, bool)

	ring atomic.Pointer[Ring]
	mu   sync.Mutex // held by Update
}

// NewKeeper returns a keeper of the ring of all that the node knows. describe
// translates a member: ID, Epoch and State are asked for; zone and weight are
// read from facts. Subscribe to events first, and call [Keeper.Update] for each.
// Errors: [ErrOptions].
func NewKeeper[M any](node Node[M], describe func(M) Member, opts Options) (*Keeper, error) {
	empty, err := New(opts, nil)
	if err != nil {
		return nil, err
	}
	opts = empty.opts
	read := func(m M) Member {
		on := describe(m)
		if on.State.Gone() { // publishes nothing
			return on
		}
		return opts.read(on, node.MetaOf(on.ID))
	}
	k := &Keeper{
		everybody: func() []Member {
			var all []Member
			for _, m := range node.Members() {
				all = append(all, read(m))
			}
			return all
		},
		lookup: func(id member.NodeID) (Member, bool) {
			m, known := node.LookupID(id)
			if !known {
				return Member{}, false
			}
			return read(m), true
		},
	}
	k.ring.Store(empty)
	k.Update()
	return k, nil
}

// Ring returns the newest ring. It takes no lock.
func (k *Keeper) Ring() *Ring { return k.ring.Load() }

// Update looks at some members again, and replaces the ring if they have changed.
// Give it the member of an event; without any, or with the zero ID that a Resync
// has, it looks at all. It returns the ring before and after: the same one if
// nothing has changed. It asks the node for facts, and must not be called where
// that could wait for the caller.
func (k *Keeper) Update(about ...member.NodeID) (before, after *Ring) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before = k.ring.Load()
	members := k.look(before, about)
	after = before.With(members)
	k.ring.Store(after)
	return before, after
}

func (k *Keeper) look(r *Ring, about []member.NodeID) []Member {
	if len(about) == 0 || slices.ContainsFunc(about, member.NodeID.IsZero) {
		return k.everybody()
	}
	members := make([]Member, 0, len(r.members)+len(about))
	for _, m := range r.members {
		if !slices.Contains(about, m.ID) {
			members = append(members, m)
		}
	}
	for _, id := range about {
		if m, known := k.lookup(id); known {
			members = append(members, m)
		}
	}
	return members
}

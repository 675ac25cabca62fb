package check

import (
	"hash/fnv"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Facts holds the replicas of facts to their invariants. It works only if no
// owner ever writes one value of a key twice, and if all facts of an owner fit
// one frame.
//
//	C1  a replica at some version of an owner holds what the owner held there
//	C3  what was deleted does not return
//	C4  replicas only move on: no older value follows a newer one; an owner reads
//	    what it wrote
//	C8  one version of one generation is one write, over restarts too
//	E2  how far a replica has followed an owner never regresses
type Facts struct {
	*Checker
	owners   []author
	replicas [][]replica // [node][owner], nil while the node never ran
}

// version is how far somebody's writes go.
type version struct {
	generation wire.Generation
	version    wire.Version
}

func (v version) before(other version) bool {
	return v.generation < other.generation || v.generation == other.generation && v.version < other.version
}

// author is what is true of an owner's facts.
type author struct {
	last   version
	states map[version]uint64 // what it held, hashed
	writes map[string][]uint64
	// After a rollback it may be in the epochs from reusedFrom to before
	// reusedTo for the second time: no rule can hold in them.
	reusedFrom, reusedTo member.Epoch
	highest              member.Epoch
}

// replica is what a node has seen of one owner's facts.
type replica struct {
	at   version
	keys map[string]seen
}

// seen is the newest write of a key that was seen, and whether it is gone.
type seen struct {
	write   int
	deleted bool
}

// NewFacts returns a checker of facts that reports to a checker that is
// attached.
func NewFacts(c *Checker) *Facts {
	f := &Facts{Checker: c, owners: make([]author, len(c.subjects)), replicas: make([][]replica, len(c.subjects))}
	for i := range f.owners {
		f.owners[i].states = make(map[version]uint64)
		f.owners[i].writes = make(map[string][]uint64)
	}
	return f
}

// Started implements [sim.Watcher].
func (f *Facts) Started(node int, now time.Duration, epoch member.Epoch) {
	f.Checker.Started(node, now, epoch)
	f.replicas[node] = make([]replica, len(f.owners))
	o := &f.owners[node]
	if epoch <= o.highest {
		if o.reusedTo == 0 {
			o.reusedFrom = epoch
		}
		o.reusedFrom, o.reusedTo = min(o.reusedFrom, epoch), o.highest+1
		o.last = version{}
	}
	o.highest = max(o.highest, epoch)
}

// reused reports whether an owner may have been in the epoch of a generation
// twice.
func (o *author) reused(g wire.Generation) bool {
	return o.reusedTo > 0 && g >= store.FirstGeneration(o.reusedFrom) && g < store.FirstGeneration(o.reusedTo)
}

// Stepped implements [sim.Watcher].
func (f *Facts) Stepped(node int, now time.Duration, out *core.Output) {
	f.Checker.Stepped(node, now, out)
	f.followOwn(node, now, out)
	for i := range out.Events {
		e := &out.Events[i]
		owner, known := f.cluster.Index(e.ID)
		if !known || owner == node {
			continue
		}
		r := &f.replicas[node][owner]
		switch e.Kind {
		case effect.MemberLeft, effect.MemberForgotten:
			*r = replica{}
		case effect.FactSet:
			f.onSet(node, owner, now, r, e)
		case effect.FactDeleted:
			f.onDeleted(owner, r, e)
		}
	}
	// Versions are looked at when the step is over: its events are about parts
	// of what it did.
	for i := range out.Events {
		e := &out.Events[i]
		if owner, known := f.cluster.Index(e.ID); known && owner != node && !e.ID.IsZero() {
			f.follow(node, owner, now)
		}
	}
}

// followOwn notes what a node holds of its own after each of its writes.
func (f *Facts) followOwn(node int, now time.Duration, out *core.Output) {
	m := f.cluster.Machine(node)
	id := f.cluster.ID(node)
	at := versionOf(m, id)
	o := &f.owners[node]
	writes := 0
	for i := range out.Events {
		e := &out.Events[i]
		if e.ID != id || e.Kind != effect.FactSet && e.Kind != effect.FactDeleted {
			continue
		}
		writes++
		o.writes[e.Key] = append(o.writes[e.Key], valueHash(e))
		value, ok := m.Fact(id, e.Key)
		f.counts[C4]++
		if ok != (e.Kind == effect.FactSet) || string(value) != string(e.Value) {
			f.fail(C4, node, now, "it does not read what it wrote to %q", e.Key)
		}
	}
	o.highest = max(o.highest, member.Epoch(at.generation/store.FirstGeneration(1)))
	if at == o.last && writes == 0 || at == (version{}) {
		return
	}
	f.counts[C8]++
	if !o.last.before(at) && !o.reused(at.generation) {
		f.fail(C8, node, now, "its write %v follows its write %v", at, o.last)
	}
	if g := o.last.generation; g != at.generation && g != 0 { // its last write was followed by a new generation at once
		o.states[version{g, o.last.version + wire.Version(writes)}] = content(m, id)
	}
	o.last = at
	o.states[at] = content(m, id)
}

func versionOf(m *core.Machine, id member.NodeID) version {
	g, v := m.FactVersion(id)
	return version{g, v}
}

// deletion stands for the value of a write that deletes.
const deletion = 0

func valueHash(e *core.Event) uint64 {
	if e.Kind == effect.FactDeleted {
		return deletion
	}
	h := fnv.New64a()
	h.Write(e.Value)
	return h.Sum64()
}

// content hashes all facts that a machine holds of an owner.
func content(m *core.Machine, id member.NodeID) uint64 {
	h := fnv.New64a()
	m.EachFact(id, func(key string, value []byte) {
		h.Write([]byte(key))
		h.Write([]byte{0})
		h.Write(value)
		h.Write([]byte{0})
	})
	return h.Sum64()
}

func (f *Facts) onSet(node, owner int, now time.Duration, r *replica, e *core.Event) {
	write := -1
	want := valueHash(e)
	for i, hash := range f.owners[owner].writes[e.Key] {
		if hash == want {
			write = i
		}
	}
	f.counts[C1]++
	if write < 0 {
		f.fail(C1, node, now, "%q of node %d has a value that nobody wrote", e.Key, owner+1)
		return
	}
	before, ok := r.keys[e.Key]
	rule := C4
	if before.deleted {
		rule = C3
	}
	f.counts[rule]++
	if ok && (write < before.write || write == before.write && before.deleted) {
		f.fail(rule, node, now, "%q of node %d goes back from its write %d to %d", e.Key, owner+1, before.write+1, write+1)
	}
	r.note(e.Key, seen{write: write})
}

func (f *Facts) onDeleted(owner int, r *replica, e *core.Event) {
	before := r.keys[e.Key]
	// An owner that begins a new epoch voids what it wrote, and may write it
	// again: that deletes nothing for good.
	for _, write := range f.owners[owner].writes[e.Key][before.write:] {
		before.deleted = before.deleted || write == deletion
	}
	r.note(e.Key, before)
}

func (r *replica) note(key string, s seen) {
	if r.keys == nil {
		r.keys = make(map[string]seen)
	}
	r.keys[key] = s
}

// follow checks how far a replica has come, and what it holds there.
func (f *Facts) follow(node, owner int, now time.Duration) {
	m, id, r := f.cluster.Machine(node), f.cluster.ID(owner), &f.replicas[node][owner]
	at := versionOf(m, id)
	before := r.at
	r.at = at
	if at == before {
		return
	}
	f.counts[E2]++
	if at.before(before) && !f.voided(m, id, before) {
		f.fail(E2, node, now, "its copy of node %d went back from %v to %v", owner+1, before, at)
	}
	o := &f.owners[owner]
	if at == (version{}) || o.reused(at.generation) {
		return
	}
	f.counts[C1]++
	if state, ok := o.states[at]; !ok || state != content(m, id) {
		f.fail(C1, node, now, "its copy of node %d differs from what that was at %v", owner+1, at)
	}
}

// voided reports whether a version is of a life of its owner that is over, or of
// one who has left.
func (f *Facts) voided(m *core.Machine, id member.NodeID, at version) bool {
	v, known := m.Lookup(id)
	return !known || v.Claim.State == member.Left || at.generation < store.FirstGeneration(v.Claim.Epoch)
}

// AgreedFacts checks C1 across nodes at rest: two that say that they know the
// same hold the same facts of everybody. It returns the first of nodes that
// differs from the one before, false if there is none.
func (f *Facts) AgreedFacts(nodes []int) (int, bool) {
	for i := 1; i < len(nodes); i++ {
		a, b := f.cluster.Machine(nodes[i-1]), f.cluster.Machine(nodes[i])
		for owner := range f.owners {
			if id := f.cluster.ID(owner); content(a, id) != content(b, id) {
				return nodes[i], true
			}
		}
	}
	return 0, false
}

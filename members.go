package hearsay

import (
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/view"
)

// Member is one node of the cluster as this node sees it; see [view.Member].
type Member = view.Member

// snapshot is the membership at one moment. It never changes; the index is made
// when it is first asked for.
type snapshot struct {
	members []Member // this node first
	at      time.Time
	count   [member.Left + 1]int // by state

	indexing sync.Once
	byID     map[member.NodeID]*Member
	byName   map[string]*Member
}

func (s *snapshot) index() {
	s.indexing.Do(func() {
		s.byID = make(map[member.NodeID]*Member, len(s.members))
		s.byName = make(map[string]*Member, len(s.members))
		for i := range s.members {
			m := &s.members[i]
			s.byID[m.ID] = m
			if old := s.byName[m.Name]; old == nil || view.NamedBefore(m, old) {
				s.byName[m.Name] = m
			}
		}
	})
}

// Members returns all members, this node first and the others in the order in
// which it met them; dead members and those that left stay listed until they
// are forgotten. The slice is shared by all callers and must not be changed; it
// is replaced, never altered. It takes no lock, and works after Close.
func (n *Node) Members() []Member { return n.members.Load().members }

// Self returns this node as its members see it.
func (n *Node) Self() Member { return n.members.Load().members[0] }

// Lookup returns the member that a name means: its holder; else a rival for the
// name, else the last that had it and is gone.
func (n *Node) Lookup(name string) (Member, bool) {
	s := n.members.Load()
	s.index()
	if m := s.byName[name]; m != nil {
		return *m, true
	}
	return Member{}, false
}

// LookupID returns a member by its ID.
func (n *Node) LookupID(id member.NodeID) (Member, bool) {
	s := n.members.Load()
	s.index()
	if m := s.byID[id]; m != nil {
		return *m, true
	}
	return Member{}, false
}

// publish makes the present membership the one that readers see.
func (d *driver) publish() {
	n := d.machine.Len()
	s := &snapshot{members: make([]Member, n), at: d.wall()}
	for i := range n {
		s.members[i] = d.lens.At(i)
		s.count[s.members[i].State]++
	}
	d.node.members.Store(s)
}

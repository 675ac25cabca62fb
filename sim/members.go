package sim

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/view"
)

// Member is one node of the cluster as another sees it; the very type of the
// root package.
type Member = view.Member

// lens shows the node's machine in the words of applications.
func (n *Node) lens() view.Lens { return view.Lens{ID: n.ID(), Machine: n.machine, Wall: wall} }

// Members returns all members, this node first and the others in the order in
// which it met them; dead members and those that left stay listed until they are
// forgotten. The slice is the caller's.
func (n *Node) Members() []Member {
	all, lens := make([]Member, n.machine.Len()), n.lens()
	for i := range all {
		all[i] = lens.At(i)
	}
	return all
}

// Lookup returns the member that a name means: its holder; else a rival for the
// name, else the last that had it and is gone.
func (n *Node) Lookup(name string) (Member, bool) {
	var best Member
	found := false
	for _, m := range n.Members() {
		if m.Name == name && (!found || view.NamedBefore(&m, &best)) {
			best, found = m, true
		}
	}
	return best, found
}

// LookupID returns a member by its ID.
func (n *Node) LookupID(id member.NodeID) (Member, bool) { return n.lens().Lookup(id) }

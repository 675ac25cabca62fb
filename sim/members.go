package sim

import (
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Member is one node of the cluster as another sees it. It has the fields of a
// Member of the root package, in the same order, so that one converts to the
// other. Addrs is shared and must not be changed.
type Member struct {
	ID    member.NodeID
	Name  string
	State member.State
	// Epoch and Incarnation are those of the newest claim; see [member.Claim].
	Epoch, Incarnation uint64
	// Addr is where it is reached first, Addrs all that it advertises.
	Addr  netip.AddrPort
	Addrs []netip.AddrPort
	// Since is when it entered its state; for a death or goodbye learnt late,
	// when that happened.
	Since time.Time
	// Accuser said first that it is suspect or dead; zero otherwise.
	Accuser member.NodeID
	// NameConflict is set while another member holds its name.
	NameConflict bool
	// Self is set for this very node.
	Self bool
}

// Live reports whether the member is expected to answer: alive or suspect.
func (m *Member) Live() bool { return !m.State.Gone() }

// Members returns all members, this node first and the others in the order in
// which it met them; dead members and those that left stay listed until they are
// forgotten. The slice is the caller's.
func (n *Node) Members() []Member {
	all := make([]Member, n.machine.Len())
	for i := range all {
		v := n.machine.Member(i)
		all[i] = n.memberOf(&v)
	}
	return all
}

// Lookup returns the member that a name means: its holder; else a rival for the
// name, else the last that had it and is gone.
func (n *Node) Lookup(name string) (Member, bool) {
	var best Member
	found := false
	for _, m := range n.Members() {
		if m.Name == name && (!found || m.namedBefore(&best)) {
			best, found = m, true
		}
	}
	return best, found
}

// namedBefore reports whether a name means m rather than other: the holder
// before a rival, the live before the gone, the later gone before the earlier.
func (m *Member) namedBefore(other *Member) bool {
	switch {
	case m.Live() != other.Live():
		return m.Live()
	case m.NameConflict != other.NameConflict:
		return other.NameConflict
	}
	return m.Since.After(other.Since)
}

// LookupID returns a member by its ID.
func (n *Node) LookupID(id member.NodeID) (Member, bool) {
	v, known := n.machine.Lookup(id)
	if !known {
		return Member{}, false
	}
	return n.memberOf(&v), true
}

// memberOf translates a view of the core.
func (n *Node) memberOf(v *core.View) Member {
	return Member{
		ID: v.ID, Name: string(v.Name), State: v.Claim.State,
		Epoch: uint64(v.Claim.Epoch), Incarnation: uint64(v.Claim.Incarnation),
		Addr: v.Addrs[0], Addrs: v.Addrs, Since: wall(v.Since),
		Accuser: v.By, NameConflict: v.Rival, Self: v.ID == n.ID(),
	}
}

package hearsay

import (
	"net/netip"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Member is one node of the cluster as this node sees it. Addrs is shared and
// must not be changed.
type Member struct {
	ID    member.NodeID
	Name  string
	State member.State
	// Epoch and Incarnation are those of the newest claim; see [member.Claim].
	Epoch, Incarnation uint64
	// Addr is where it is reached first, Addrs all that it advertises.
	Addr  netip.AddrPort
	Addrs []netip.AddrPort
	// Since is when it entered its state, by the clock of this host; for a death
	// or goodbye learnt late, when that happened.
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
			if old := s.byName[m.Name]; old == nil || m.namedBefore(old) {
				s.byName[m.Name] = m
			}
		}
	})
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

// memberOf translates a view of the core.
func (d *driver) memberOf(v *core.View) Member {
	return Member{
		ID: v.ID, Name: string(v.Name), State: v.Claim.State,
		Epoch: uint64(v.Claim.Epoch), Incarnation: uint64(v.Claim.Incarnation),
		Addr: v.Addrs[0], Addrs: v.Addrs, Since: d.start.Add(time.Duration(v.Since)),
		Accuser: v.By, NameConflict: v.Rival, Self: v.ID == d.id,
	}
}

// publish makes the present membership the one that readers see.
func (d *driver) publish() {
	n := d.machine.Len()
	s := &snapshot{members: make([]Member, n), at: d.start.Add(time.Duration(d.now()))}
	for i := range n {
		v := d.machine.Member(i)
		s.members[i] = d.memberOf(&v)
		s.count[v.Claim.State]++
	}
	d.node.members.Store(s)
}

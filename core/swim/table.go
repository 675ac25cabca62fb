package swim

import (
	"net/netip"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// entry is what is known of one member.
type entry struct {
	id        member.NodeID
	publicKey [wire.PublicKeySize]byte
	name      member.Name
	addrs     []netip.AddrPort // 1.., as signed
	anchor    [wire.AnchorSize]byte
	// claim is the newest believed. Invariant: its (epoch, incarnation) is that
	// of body, since accusations count only in a life the member signed.
	claim member.Claim
	since member.Time   // when claim.State began, as far as known
	by    member.NodeID // who said so, of a suspect or a dead member
	body  []byte        // the encoded record, signature included

	suspicion   suspicion   // while Suspect
	notifyAfter member.Time // no directed word to or about it before
	retried     member.Time // when it was last tried to be healed
	rival       bool        // its name is held by another
	mark        uint32      // pass of the exchange that mentioned it last
	drawn       uint32      // pass of the random choice that took it last
	hash        uint64      // its share of the root
}

func (e *entry) addr() netip.AddrPort { return e.addrs[0] }

// table holds the members, this node first.
type table struct {
	entries []*entry // in order of arrival
	index   map[member.NodeID]*entry
	names   map[member.Name]*entry // who holds a name
	gone    []*entry               // dead or left, in order of their going
	live    int                    // entries not gone
	hash    uint64                 // exclusive or over entries
	least   *entry                 // what leastGone returns; nil: to be found
}

func (t *table) insert(e *entry) {
	if t.index == nil {
		t.index = make(map[member.NodeID]*entry)
		t.names = make(map[member.Name]*entry)
	}
	t.entries = append(t.entries, e)
	t.index[e.id] = e
	if e.claim.State.Gone() {
		t.gone = append(t.gone, e)
	} else {
		t.live++
	}
	t.rehash(e)
}

// rehash brings the root up to date after a change of e.claim.
func (t *table) rehash(e *entry) {
	t.least = nil
	t.hash ^= e.hash
	e.hash = wire.HashClaim(e.id, e.claim)
	t.hash ^= e.hash
}

// bury and raise keep the list of the gone beside the claims.
func (t *table) bury(e *entry) {
	t.live--
	t.gone = append(t.gone, e)
}

func (t *table) raise(e *entry) {
	t.live++
	t.gone = without(t.gone, e)
}

func (t *table) remove(e *entry) {
	t.entries = without(t.entries, e)
	t.gone = without(t.gone, e)
	delete(t.index, e.id)
	if t.names[e.name] == e {
		delete(t.names, e.name)
	}
	t.hash ^= e.hash
	t.least = nil
}

// leastGone returns which of the gone is forgotten first when the table is full;
// nil if there are none. This node is not, even when it is leaving.
func (t *table) leastGone() *entry {
	if t.least != nil {
		return t.least
	}
	for _, e := range t.gone {
		if e != t.entries[0] && (t.least == nil || outlasts(t.least.id, t.least.claim.State, e)) {
			t.least = e
		}
	}
	return t.least
}

// outlasts reports whether a gone member is kept for longer than e in a full
// table. The dead come before those who left, since they may live behind a
// partition and are tried again; among equals the ID decides. It must be no more
// than all nodes agree on: not the age, which each knows a little differently.
// Else one forgets whom another keeps, and they tell each other for ever.
func outlasts(id member.NodeID, s member.State, e *entry) bool {
	if s != e.claim.State {
		return s == member.Dead
	}
	return id.Compare(e.id) < 0
}

func without(s []*entry, e *entry) []*entry {
	if i := slices.Index(s, e); i >= 0 {
		return slices.Delete(s, i, i+1)
	}
	return s
}

// View is one member as others may see it. Addrs is shared and must not be
// changed.
type View struct {
	ID        member.NodeID
	PublicKey [wire.PublicKeySize]byte
	Name      member.Name
	Claim     member.Claim
	Addrs     []netip.AddrPort
	Anchor    [wire.AnchorSize]byte // of its sealed sessions in this epoch
	Since     member.Time           // when the state began
	By        member.NodeID         // the first accuser of a suspect or dead member
	Rival     bool                  // another member holds the name
}

// Len returns the number of members in the table, this node and the gone
// included.
func (m *Machine) Len() int { return len(m.table.entries) }

// Member returns member i of Len; 0 is this node. The order is that of arrival.
func (m *Machine) Member(i int) View { return m.table.entries[i].view() }

// Lookup returns a member by ID.
func (m *Machine) Lookup(id member.NodeID) (View, bool) {
	if e, ok := m.table.index[id]; ok {
		return e.view(), true
	}
	return View{}, false
}

func (e *entry) view() View {
	return View{
		ID: e.id, PublicKey: e.publicKey, Name: e.name, Claim: e.claim, Addrs: e.addrs, Anchor: e.anchor,
		Since: e.since, By: e.by, Rival: e.rival,
	}
}

// claimName gives e its name if nobody that lives holds it, and reports a
// conflict otherwise: the first holder keeps it. Whom a node meets while it joins
// was there before it.
func (m *Machine) claimName(e *entry) {
	switch holder := m.table.names[e.name]; {
	case holder == nil || holder == e || holder.claim.State.Gone():
		m.table.names[e.name] = e
		if e.rival {
			e.rival = false
			m.cfg.Out.Report(effect.Event{Kind: effect.NameResolved, ID: e.id, Name: e.name, Claim: e.claim})
		}
	case holder == m.self && m.joining:
		m.table.names[e.name] = e
		m.contest(m.self, e)
	default:
		m.contest(e, holder)
	}
}

// contest notes that a member claims the name of another.
func (m *Machine) contest(claimant, holder *entry) {
	if claimant.rival {
		return
	}
	claimant.rival = true
	m.cfg.Out.Report(effect.Event{
		Kind: effect.NameConflict, ID: claimant.id, Name: claimant.name, Claim: claimant.claim, By: holder.id,
	})
}

// SetJoining tells whether this node is being told the view of a cluster that it
// is new to.
func (m *Machine) SetJoining(joining bool) { m.joining = joining }

// giveUpName takes its name from a member that now has another.
func (m *Machine) giveUpName(e *entry) {
	e.rival = false
	if m.table.names[e.name] == e {
		delete(m.table.names, e.name)
		m.passOnName(e)
	}
}

// passOnName gives the name of a member that is gone, or has given it up, to
// the one that has waited longest for it.
func (m *Machine) passOnName(e *entry) {
	if holder := m.table.names[e.name]; holder != e && holder != nil {
		return
	}
	for _, next := range m.table.entries {
		if next != e && next.rival && next.name == e.name && !next.claim.State.Gone() {
			m.claimName(next)
			return
		}
	}
}

// HashBuckets adds every member's share to the hash of its bucket.
func (m *Machine) HashBuckets(hashes []uint64) {
	for _, e := range m.table.entries {
		hashes[wire.Bucket(e.id, len(hashes))] ^= e.hash
	}
}

// Stamp fills the membership part of a stamp for member i of Len.
func (m *Machine) Stamp(now member.Time, i int, s *wire.Stamp) {
	e := m.table.entries[i]
	s.ID, s.Claim, s.Age = e.id, e.claim, 0
	if s.Claim.State == member.Suspect {
		s.Claim.State = member.Alive
	}
	if s.Claim.State.Gone() {
		s.Age = now.Sub(e.since)
	}
}

// Mark notes that an exchange mentioned a member, and reports whether it is
// known. Marked reports it back for member i of Len.
func (m *Machine) Mark(id member.NodeID, pass uint32) bool {
	e, ok := m.table.index[id]
	if ok {
		e.mark = pass
	}
	return ok
}

// Marked reports whether Mark noted member i of Len in the pass.
func (m *Machine) Marked(i int, pass uint32) bool { return m.table.entries[i].mark == pass }

// Owner returns the key of a member and the epoch it is in, and false for one
// that is unknown or has left: what those publish is of no interest.
func (m *Machine) Owner(id member.NodeID) (*[wire.PublicKeySize]byte, member.Epoch, bool) {
	e, known := m.table.index[id]
	if !known || e.claim.State == member.Left {
		return nil, 0, false
	}
	return &e.publicKey, e.claim.Epoch, true
}

// Addr returns where a member is reached first.
func (m *Machine) Addr(id member.NodeID) (netip.AddrPort, bool) {
	e, known := m.table.index[id]
	if !known {
		return netip.AddrPort{}, false
	}
	return e.addr(), true
}

// IDOf returns the ID of member i of Len.
func (m *Machine) IDOf(i int) member.NodeID { return m.table.entries[i].id }

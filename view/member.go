package view

import (
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Member is one node of the cluster as another sees it. Addrs is shared and must
// not be changed.
type Member struct {
	ID    member.NodeID
	Name  string
	State member.State
	// Epoch and Incarnation are those of the newest claim; see [member.Claim].
	Epoch, Incarnation uint64
	// Addr is where it is reached first, Addrs all that it advertises.
	Addr  netip.AddrPort
	Addrs []netip.AddrPort
	// Since is when it entered its state, by the clock of the observer's host;
	// for a death or goodbye learnt late, when that happened.
	Since time.Time
	// Accuser said first that it is suspect or dead; zero otherwise.
	Accuser member.NodeID
	// NameConflict is set while another member holds its name.
	NameConflict bool
	// Self is set for the observing node itself.
	Self bool
}

// Live reports whether the member is expected to answer: alive or suspect.
func (m *Member) Live() bool { return !m.State.Gone() }

// NamedBefore reports whether the name that two members have means a rather than
// b: the holder before a rival, the live before the gone, the later gone before
// the earlier.
func NamedBefore(a, b *Member) bool {
	switch {
	case a.Live() != b.Live():
		return a.Live()
	case a.NameConflict != b.NameConflict:
		return b.NameConflict
	}
	return a.Since.After(b.Since)
}

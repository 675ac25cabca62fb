package swim

import (
	"slices"

	"github.com/hearsay-gossip/hearsay/member"
)

// LiveVersion changes whenever AppendLive would return something else. It is the
// hash of all claims, so it also changes when only a claim does; equal versions
// mean equal members.
func (m *Machine) LiveVersion() uint64 { return m.table.hash }

// AppendLive appends where to reach each member that is alive or suspect, this
// node excepted, ordered by ID.
func (m *Machine) AppendLive(dst []Contact) []Contact {
	start := len(dst)
	for _, e := range m.table.entries[1:] {
		if !e.claim.State.Gone() {
			dst = append(dst, Contact{e.id, e.addr()})
		}
	}
	slices.SortFunc(dst[start:], func(a, b Contact) int { return a.ID.Compare(b.ID) })
	return dst
}

// Life returns the epoch that a member's record is of, and whether it is known
// and has not left. This node counts.
func (m *Machine) Life(id member.NodeID) (member.Epoch, bool) {
	_, epoch, ok := m.Owner(id)
	return epoch, ok
}

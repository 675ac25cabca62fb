package core

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// FactVersion returns how far a member's facts are known: all its writes up to a
// version of a generation; zeros if none are.
func (m *Machine) FactVersion(id member.NodeID) (wire.Generation, wire.Version) {
	return m.store.Stamp(id)
}

package core

import (
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/swim"
	"github.com/hearsay-gossip/hearsay/member"
)

// roster is the member table as broadcasts see it. The list is made anew only
// when it is asked for after a change: a cluster without events pays nothing.
type roster struct {
	swim     *swim.Machine
	version  uint64
	peers    []broadcast.Peer
	contacts []swim.Contact
}

// Version implements [broadcast.Members].
func (r *roster) Version() uint64 { return r.swim.LiveVersion() }

// Live implements [broadcast.Members].
func (r *roster) Live() []broadcast.Peer {
	if v := r.swim.LiveVersion(); v != r.version || r.peers == nil {
		r.version = v
		r.contacts = r.swim.AppendLive(r.contacts[:0])
		r.peers = make([]broadcast.Peer, len(r.contacts))
		for i, c := range r.contacts {
			r.peers[i] = broadcast.Peer{ID: c.ID, Addr: c.Addr}
		}
	}
	return r.peers
}

// Life implements [broadcast.Members].
func (r *roster) Life(id member.NodeID) (member.Epoch, bool) { return r.swim.Life(id) }

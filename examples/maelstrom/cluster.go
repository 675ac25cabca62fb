package main

import (
	"crypto/sha256"
	"slices"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/member"
)

// epoch is that of every node: what is broadcast is held in memory, so that a
// node that starts again is a new one, and Maelstrom gives its name to nobody
// else.
const epoch member.Epoch = 1

// idOf derives a member's ID from its name. There are no keys: the network
// decides who is who.
func idOf(name string) member.NodeID {
	sum := sha256.Sum256([]byte(name))
	return member.NodeID(sum[:member.NodeIDSize])
}

// cluster is the nodes that init named. It never changes: a node is cut off at
// times and never dead, so that no failure detector is needed.
type cluster struct {
	peers []broadcast.Peer
	names map[member.NodeID]string
}

func newCluster(names []string) *cluster {
	c := &cluster{names: make(map[member.NodeID]string, len(names))}
	for _, name := range names {
		id := idOf(name)
		if _, twice := c.names[id]; !twice {
			c.names[id] = name
			c.peers = append(c.peers, broadcast.Peer{ID: id})
		}
	}
	slices.SortFunc(c.peers, func(a, b broadcast.Peer) int { return a.ID.Compare(b.ID) })
	return c
}

// Version implements broadcast.Members.
func (*cluster) Version() uint64 { return 1 }

// Live implements broadcast.Members.
func (c *cluster) Live() []broadcast.Peer { return c.peers }

// Life implements broadcast.Members.
func (c *cluster) Life(id member.NodeID) (member.Epoch, bool) {
	_, known := c.names[id]
	return epoch, known
}

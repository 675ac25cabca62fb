package sim

import (
	"net/netip"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// note counts an event and adds it to the trace.
func (c *Cluster) note(n *node, e *core.Event) {
	c.trace.note(c.now, n.index, byte(e.Kind), e.ID[:])
	switch e.Kind {
	case effect.MemberSuspected:
		c.stats.Suspicions++
	case effect.MemberDied:
		c.stats.Deaths++
		if c.running(e.ID) {
			c.stats.FalseDeaths++
		}
	case effect.MemberLeft:
		c.stats.Leaves++
	case effect.MessageReceived, effect.QueryReceived:
		if e.ID != n.id {
			c.stats.Delivered++
		}
	case effect.MessageMissed:
		c.stats.Missed += uint64(e.Count)
	}
	if c.opts.Observe != nil {
		c.opts.Observe(n.index, c.Now(), e)
	}
}

// countPublished counts a message or query, unless it was refused.
func (c *Cluster) countPublished(refused error) {
	if refused == nil {
		c.stats.Published++
	}
}

func (c *Cluster) running(id member.NodeID) bool {
	i, known := c.ids[id]
	return known && c.nodes[i].machine != nil && !c.nodes[i].paused
}

// Index returns which node has an identity, false for an unknown one.
func (c *Cluster) Index(id member.NodeID) (int, bool) {
	i, known := c.ids[id]
	return i, known
}

// At returns which node listens at an address, running or not.
func (c *Cluster) At(addr netip.AddrPort) (int, bool) {
	i, known := c.addrs[addr]
	return i, known
}

// Paused reports whether a node is frozen.
func (c *Cluster) Paused(i int) bool { return c.nodes[i].paused }

// Stepping returns the node whose step is under way, or was the last: the one
// to name when a step panics.
func (c *Cluster) Stepping() int { return c.stepping }

// Running returns how many nodes are up, frozen ones included.
func (c *Cluster) Running() int {
	running := 0
	for _, n := range c.nodes {
		if n.machine != nil {
			running++
		}
	}
	return running
}

// Full reports whether every running node holds exactly the running nodes to be
// alive, and all joins that were scheduled have begun.
func (c *Cluster) Full() bool {
	if c.starting > 0 {
		return false
	}
	for _, n := range c.nodes {
		if n.machine != nil && !c.fullAt(n) {
			return false
		}
	}
	return true
}

func (c *Cluster) fullAt(n *node) bool {
	if n.machine.Live() != c.Running() {
		return false
	}
	for _, other := range c.nodes {
		if other.machine == nil {
			continue
		}
		if v, ok := n.machine.Lookup(other.id); !ok || v.Claim.State != member.Alive {
			return false
		}
	}
	return true
}

// Agreed reports whether all running nodes know the same: equal roots.
func (c *Cluster) Agreed() bool {
	var root uint64
	first := true
	for _, n := range c.nodes {
		switch {
		case n.machine == nil:
		case first:
			root, first = n.machine.Root(), false
		case n.machine.Root() != root:
			return false
		}
	}
	return true
}

// StateOf returns what one node believes of another; 0 if it does not know it
// or is down itself.
func (c *Cluster) StateOf(observer, subject int) member.State {
	n := c.nodes[observer]
	if n.machine == nil {
		return 0
	}
	v, _ := n.machine.Lookup(c.nodes[subject].id)
	return v.Claim.State
}

// All reports whether every running node but the subjects believes the state of
// each of them.
func (c *Cluster) All(state member.State, subjects ...int) bool {
	for i, n := range c.nodes {
		if n.machine == nil {
			continue
		}
		for _, s := range subjects {
			if s != i && c.StateOf(i, s) != state {
				return false
			}
		}
	}
	return true
}

// Sent is what a node has sent in all its lives, lost or not.
type Sent struct{ Packets, Bytes, Frames, FrameBytes uint64 }

func (s *Sent) add(p *core.Packet) {
	if p.Lane == core.Stream {
		s.Frames++
		s.FrameBytes += uint64(len(p.Payload))
		return
	}
	s.Packets++
	s.Bytes += uint64(len(p.Payload))
}

// Sent returns what a node has sent.
func (c *Cluster) Sent(i int) Sent { return c.nodes[i].sent }

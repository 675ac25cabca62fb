package demo

import "github.com/hearsay-gossip/hearsay/member"

// allIn reports whether a view has every one of some nodes in a state.
func allIn(v *view, ids []member.NodeID, state func(member.State) bool) bool {
	for _, id := range ids {
		if got, known := v.states[id]; !known || !state(got) {
			return false
		}
	}
	return true
}

// seesAlive: the view has all of some nodes as alive.
func (c *cluster) seesAlive(nodes []int) condition {
	ids := c.identities(nodes)
	return func(_ int, v *view) bool { return allIn(v, ids, alive) }
}

func alive(s member.State) bool { return s == member.Alive }

// seesDead: the view has all of some nodes as gone.
func seesDead(ids []member.NodeID) condition {
	return func(_ int, v *view) bool { return allIn(v, ids, member.State.Gone) }
}

// knows: the view has a fact with this value.
func knows(f fact, value string) condition {
	return func(_ int, v *view) bool {
		a, known := v.facts[f]
		return known && a.value == value
	}
}

// identities returns the IDs of some nodes.
func (c *cluster) identities(nodes []int) []member.NodeID {
	ids := make([]member.NodeID, len(nodes))
	for k, i := range nodes {
		ids[k] = c.places[i].identity.ID()
	}
	return ids
}

// sideOf returns on which side of a cut a node is: 0 or 1.
func (c *cluster) sideOf(i int) int { return 2 * i / len(c.places) }

// halves returns the nodes that run, by the side of a cut.
func (c *cluster) halves() (sides [2][]int) {
	for _, i := range c.running() {
		sides[c.sideOf(i)] = append(sides[c.sideOf(i)], i)
	}
	return sides
}

// arrivals returns how a fact reached each node that runs and has it.
func (c *cluster) arrivals(f fact) map[int]arrival {
	running := c.running()
	arrivals := make(map[int]arrival, len(running))
	c.journal.read(func(views []view) {
		for _, i := range running {
			if a, known := views[i].facts[f]; known {
				arrivals[i] = a
			}
		}
	})
	return arrivals
}

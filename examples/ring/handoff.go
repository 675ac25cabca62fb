package main

import (
	"slices"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
)

// owe notes that a home is still to get an entry.
func (c *Cache) owe(h *holding, home member.NodeID) {
	if _, noted := h.owed[home]; !noted && home != c.self {
		h.owed[home] = false
	}
}

// RingChanged makes this node owe its entries to those homes that the new ring
// has given them: another member, or another life of one, which remembers nothing.
// What is no longer at home here is owed to all of its homes, and given up when
// they have it.
func (c *Cache) RingChanged(before, after *ring.Ring) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, h := range c.held {
		old := before.Replicas([]byte(key)).Homes()
		homes := after.Replicas([]byte(key)).Homes()
		_, home := homes.Find(c.self)
		for _, now := range homes {
			if was, kept := old.Find(now.ID); !home || !kept || was.Epoch != now.Epoch {
				delete(h.owed, now.ID) // what is on its way was meant for a former life
				c.owe(h, now.ID)
			}
		}
		for id := range h.owed {
			if _, still := homes.Find(id); !still && len(homes) > 0 {
				delete(h.owed, id) // whoever follows it is owed now
			}
		}
	}
}

// Tick sends what is owed to those homes that are well, and again with each call
// until they confirm it. It is to be called a few times a second.
func (c *Cache) Tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.ring()
	for _, key := range c.keys() {
		h := c.held[key]
		for _, home := range owed(h) {
			m, on := r.Member(home)
			if !on || m.State != member.Alive || h.owed[home] {
				continue
			}
			h.owed[home] = true
			sent, epoch := h.Entry, m.Epoch
			c.peers.Ask(home, Request{Key: key, Store: &sent}, func(has Entry, err error) {
				c.handedOff(key, home, epoch, has, err)
			})
		}
	}
}

// owed returns to whom an entry is owed, in order.
func owed(h *holding) []member.NodeID {
	var homes []member.NodeID
	for home := range h.owed {
		homes = append(homes, home)
	}
	slices.SortFunc(homes, member.NodeID.Compare)
	return homes
}

// handedOff takes the confirmation of a home. What it has may be older than what
// came here meanwhile: then it is owed that.
func (c *Cache) handedOff(key string, home member.NodeID, epoch member.Epoch, has Entry, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.held[key]
	if h == nil {
		return
	}
	if _, noted := h.owed[home]; !noted {
		return
	}
	h.owed[home] = false
	now, on := c.ring().Member(home)
	if err != nil || has.Version.Compare(h.Version) < 0 || !on || now.Epoch != epoch {
		return
	}
	delete(h.owed, home)
	if _, mine := c.ring().Replicas([]byte(key)).Homes().Find(c.self); len(h.owed) == 0 && !mine {
		delete(c.held, key)
	}
}

// Owes returns how many handoffs are outstanding.
func (c *Cache) Owes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, h := range c.held {
		n += len(h.owed)
	}
	return n
}

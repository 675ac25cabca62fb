package sim

import (
	"net/netip"

	"github.com/hearsay-gossip/hearsay/member"
)

// Epoch returns the epoch of a node's last start, 0 before the first.
func (c *Cluster) Epoch(i int) member.Epoch { return c.nodes[i].epoch }

// Rollback makes a node that is down forget its last starts, like a disk put
// back to an older state: it will use epochs that it has used before.
func (c *Cluster) Rollback(i int, starts member.Epoch) {
	n := c.nodes[i]
	n.epoch -= min(starts, n.epoch)
}

// Addr returns the address of a node.
func (c *Cluster) Addr(i int) netip.AddrPort { return c.nodes[i].addr }

// Move gives a node that is down another address, and takes it from whoever
// had it: packets for that one reach somebody who cannot open them.
func (c *Cluster) Move(i int, addr netip.AddrPort) {
	n := c.nodes[i]
	if c.addrs[n.addr] == i {
		delete(c.addrs, n.addr)
	}
	n.addr = addr
	c.addrs[addr] = i
}

// Rename gives a node that is down another name.
func (c *Cluster) Rename(i int, name member.Name) { c.nodes[i].name = name }

// Name returns the name of a node.
func (c *Cluster) Name(i int) member.Name { return c.nodes[i].name }

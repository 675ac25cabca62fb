package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// backlogMax is how many payloads wait for a slow node before more are lost:
// about what a socket buffer of 208 KiB, the default of Linux, holds of small
// packets at their kernel cost of 768 B each.
const backlogMax = 256

// Slow makes a node take d for each input, one after another; what arrives
// meanwhile waits, up to a bound, and is lost beyond it. Zero ends it: what
// waits is still handled when its turn comes.
func (c *Cluster) Slow(i int, d time.Duration) { c.nodes[i].slow = max(d, 0) }

// occupy books the next turn of a slow node and returns when it is.
func (c *Cluster) occupy(n *node) member.Time {
	n.busy = max(n.busy, c.now).Add(n.slow)
	return n.busy
}

// enqueue lets a delivery wait for its turn, or loses it.
func (c *Cluster) enqueue(n *node, e event) {
	if n.queued >= backlogMax {
		c.stats.Lost++
		c.spare = append(c.spare, e.data)
		return
	}
	n.queued++
	e.queued, e.at = true, c.occupy(n)
	c.queue.push(e)
}

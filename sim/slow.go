package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

const (
	// slowBacklog is how many payloads wait for a slow node before more are lost:
	// about what a socket buffer of 208 KiB, the default of Linux, holds of small
	// packets at their kernel cost of 768 B each.
	slowBacklog = 256
	// backlog is the same for a node that is merely not infinitely fast: what the
	// buffer holds of full packets that the library asks the system for.
	backlog = 1820
)

// Slow makes a node take d for each input, one after another, beside what
// [Network.Processing] takes; what arrives meanwhile waits, up to a bound, and is
// lost beyond it. Zero ends it: what waits is still handled when its turn comes.
func (c *Cluster) Slow(i int, d time.Duration) { c.nodes[i].slow = max(d, 0) }

// takesTime reports whether a node is not infinitely fast.
func (c *Cluster) takesTime(n *node) bool { return n.slow > 0 || c.net.model.Processing > 0 }

// occupy books the next turn of a node that is not infinitely fast, which takes
// d, and returns when it is over.
func (c *Cluster) occupy(n *node, d time.Duration) member.Time {
	n.busy = max(n.busy, c.now).Add(d)
	return n.busy
}

// workOn books the sending of one packet and returns in how long it leaves.
func (c *Cluster) workOn(n *node) time.Duration {
	if c.net.model.Processing == 0 {
		return 0
	}
	return c.occupy(n, c.net.model.Processing).Sub(c.now)
}

// enqueue lets a delivery wait for its turn, or loses it.
func (c *Cluster) enqueue(n *node, e event) {
	bound := backlog
	if n.slow > 0 {
		bound = slowBacklog
	}
	if n.queued >= bound {
		c.stats.Lost++
		c.spare = append(c.spare, e.data)
		return
	}
	n.queued++
	e.queued = true
	c.queue.Add(c.occupy(n, n.slow+c.net.model.Processing), e)
}

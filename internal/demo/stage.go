package demo

import (
	"context"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// stage is what the live view plays on: a [cluster], or a mock of one.
type stage interface {
	// look returns the cluster at this moment, and how the fact f spread.
	look(f fact) frame
	// since returns what was noticed; see journal.
	since(first int) ([]notice, int)
	// traffic asks every node for its numbers.
	traffic() traffic
	// find returns the node of an identity.
	find(id member.NodeID) (int, bool)

	start(ctx context.Context, i int) error
	kill(i int) error
	leave(ctx context.Context, i int) (hearsay.LeaveReport, error)
	set(ctx context.Context, i int, key, value string) (fact, error)
	cut()
	heal()
}

// frame is a cluster at one moment.
type frame struct {
	at       time.Time
	nodes    []seen
	cut      bool
	arrivals map[int]arrival // of the fact that was asked for, at nodes that run
}

// seen is a node as the others see it.
type seen struct {
	name    string
	running bool
	side    int // 0 or 1 while the cluster is cut
	// votes counts, by state, the running nodes on its side that know it,
	// itself not included.
	votes [member.Left + 1]int
	// lost is how many running nodes on the other side hold it gone.
	lost int
}

// state returns how most see the node; of equally many, the worse. It reports
// false if nobody knows it.
func (s *seen) state() (member.State, bool) {
	var most member.State
	known := false
	for state, votes := range s.votes {
		if votes > 0 && votes >= s.votes[most] {
			most, known = member.State(state), true
		}
	}
	return most, known
}

func (c *cluster) look(f fact) frame {
	running := c.running()
	out := frame{at: time.Now(), nodes: make([]seen, len(c.places)), arrivals: make(map[int]arrival)}
	c.mu.Lock()
	out.cut = c.side != nil
	for i, p := range c.places {
		out.nodes[i] = seen{name: p.name, running: p.node != nil}
		if out.cut {
			out.nodes[i].side = c.side[i]
		}
	}
	c.mu.Unlock()
	c.journal.read(func(views []view) {
		for _, i := range running {
			for id, state := range views[i].states {
				subject, ours := c.index[id]
				switch {
				case !ours || subject == i:
				case out.nodes[subject].side == out.nodes[i].side:
					out.nodes[subject].votes[state]++
				case state.Gone():
					out.nodes[subject].lost++
				}
			}
			if a, known := views[i].facts[f]; known {
				out.arrivals[i] = a
			}
		}
	})
	return out
}

func (c *cluster) since(first int) ([]notice, int) { return c.journal.since(first) }

func (c *cluster) find(id member.NodeID) (int, bool) {
	i, ours := c.index[id]
	return i, ours
}

// traffic is what the nodes have sent, and whether they agree.
type traffic struct {
	at    time.Time
	sent  map[int]sent // by node that runs
	agree int          // how many have the most common view
}

// sent is what a node has sent since it was started.
type sent struct{ packets, bytes uint64 }

func (c *cluster) traffic() traffic {
	out := traffic{at: time.Now(), sent: make(map[int]sent)}
	roots := make(map[uint64]int)
	for _, i := range c.running() {
		node := c.node(i)
		if node == nil {
			continue // ended in between
		}
		s := node.Stats()
		out.sent[i] = sent{s.DatagramsSent + s.FramesSent, s.DatagramBytesSent + s.StreamBytesSent}
		roots[s.Root]++
		out.agree = max(out.agree, roots[s.Root])
	}
	return out
}

// rate is what one node sends in a second, on average over the nodes.
type rate struct{ packets, bytes float64 }

// rateBetween compares two readings. Only nodes that ran at both count.
func rateBetween(old, now traffic) rate {
	var packets, bytes float64
	nodes := 0
	for i, n := range now.sent {
		o, ok := old.sent[i]
		if !ok || n.packets < o.packets { // started in between
			continue
		}
		nodes++
		packets += float64(n.packets - o.packets)
		bytes += float64(n.bytes - o.bytes)
	}
	elapsed := now.at.Sub(old.at).Seconds()
	if nodes == 0 || elapsed <= 0 {
		return rate{}
	}
	per := elapsed * float64(nodes)
	return rate{packets / per, bytes / per}
}

package main

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
)

// simulated is a cluster of hearsay's core, with LAN timing, in the simulator.
type simulated struct {
	net     *network
	journal *journal
	cluster *sim.Cluster
}

func newSimulated(net *network, journal *journal) (*simulated, error) {
	c := &simulated{net: net, journal: journal}
	var err error
	c.cluster, err = sim.NewCluster(sim.Options{
		Nodes: net.nodes, Seed: net.seed, Timing: core.LAN(),
		// All that happens to packets is up to Meddle. The zero value would be the
		// simulator's own LAN.
		Network: sim.Network{Latency: time.Nanosecond},
		Meddle:  c, Observe: c.observe,
	})
	return c, err
}

// streamLatencies is how many latencies a frame takes on a new connection: two
// round trips for TCP and TLS, and its own way.
const streamLatencies = 5

// Meddle implements [sim.Meddler]. Each frame is a connection of its own, which
// is more than a real node opens.
func (c *simulated) Meddle(from, to int, p *core.Packet) sim.Fate {
	now := c.cluster.Now()
	if c.net.heldUntil(from) > now {
		// The driver of a node is one goroutine: a send that blocks freezes it,
		// and what it has sent in this step leaves when it is released.
		c.cluster.Pause(from)
	}
	if p.Lane == core.Stream {
		latency, ok := c.net.dial(from, to)
		at, _ := c.net.carry(from, to, now, streamLatencies*latency)
		return sim.Fate{Lost: !ok, Delay: at - now}
	}
	at, lost := c.net.packet(from, to, now)
	return sim.Fate{Lost: lost, Delay: at - now}
}

func (c *simulated) observe(node int, now time.Duration, e *core.Event) {
	subject, known := c.cluster.Index(e.ID)
	if !known || subject == node {
		return
	}
	switch e.Kind {
	case effect.MemberDied, effect.MemberLeft:
		c.journal.left(now, node, subject)
	case effect.MemberJoined, effect.MemberRefuted, effect.MemberUpdated:
		if !e.Claim.State.Gone() {
			c.journal.joined(now, node, subject)
		}
	}
}

// Start implements [system].
func (c *simulated) Start(i int, contacts ...int) error {
	c.journal.restart(i)
	c.cluster.Start(i, contacts...)
	return nil
}

// Stop implements [system].
func (c *simulated) Stop(i int) error {
	c.cluster.Kill(i)
	return nil
}

// Run implements [system].
func (c *simulated) Run(d time.Duration) { c.cluster.Run(d) }

// Now implements [system].
func (c *simulated) Now() time.Duration { return c.cluster.Now() }

// Holds implements [system].
func (c *simulated) Holds(observer, subject int) bool {
	state := c.cluster.StateOf(observer, subject)
	return state == member.Alive || state == member.Suspect
}

// Hold implements [system]. The release is scheduled before anything that
// arrives at its instant, so that a node then meets all that waits, in order,
// before its timers: a driver reads its socket first.
func (c *simulated) Hold(nodes []int, d time.Duration) {
	c.net.hold(nodes, c.Now()+d)
	c.resumeAfter(nodes, d)
}

// Freeze implements [freezer].
func (c *simulated) Freeze(nodes []int, d time.Duration) {
	for _, i := range nodes {
		c.cluster.Pause(i)
	}
	c.resumeAfter(nodes, d)
}

func (c *simulated) resumeAfter(nodes []int, d time.Duration) {
	c.cluster.After(d, func() {
		for _, i := range nodes {
			c.cluster.Resume(i)
		}
	})
}

// Sent implements [system].
func (c *simulated) Sent() traffic {
	s := c.cluster.Stats()
	return traffic{packets: s.Packets, packetBytes: s.Bytes, streamBytes: s.FrameBytes}
}

// Close implements [system].
func (c *simulated) Close() error { return nil }

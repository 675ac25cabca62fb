package bakeoff

import (
	"math/rand/v2"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/internal/agenda"
	"github.com/hearsay-gossip/hearsay/member"
)

// contender is one node's protocol. It sends and delivers through its host.
type contender interface {
	// publish starts an event and returns its number, from 1 in each origin; 0
	// if it is refused.
	publish(now member.Time, payload []byte, ordered bool) uint64
	receive(now member.Time, from int32, p *packet)
	tick(now member.Time)
	// deadline returns when tick has something to do, far for never.
	deadline() member.Time
	// probe sends a member what rides on a probe of it, or on the ack of its own.
	probe(to int32)
	// probed says that a member's ack took so long.
	probed(to int32, elapsed time.Duration)
	// adopt takes what a contact has heard for heard: this node joins now.
	adopt(contact contender)
	counts() Counts
}

// Counts is what a node's protocol did since it started.
type Counts struct {
	Duplicates, Retransmits, Redelegations, Grafts, Prunes, Pulls, Lazy, Missed uint64
}

func (c *Counts) add(d Counts, sign uint64) {
	c.Duplicates += sign * d.Duplicates
	c.Retransmits += sign * d.Retransmits
	c.Redelegations += sign * d.Redelegations
	c.Grafts += sign * d.Grafts
	c.Prunes += sign * d.Prunes
	c.Pulls += sign * d.Pulls
	c.Lazy += sign * d.Lazy
	c.Missed += sign * d.Missed
}

// far is later than any run.
const far = member.Time(1 << 62)

// node is a place in the cluster, taken or not.
type node struct {
	runs    contender // nil: it does not run
	rand    *rand.Rand
	wake    member.Time // the earliest wake that is queued
	busy    member.Time // until when the processor has work
	backlog int
	egress  int // bytes sent since the measured events began
}

// world is one run.
type world struct {
	cell  Cell
	seed  uint64
	now   member.Time
	queue agenda.Agenda[event]
	acts  []func()
	views *views
	links links
	nodes []node
	start func(w *world, i int32) contender
	tally tally
	// riding: what is sent now shares a datagram that is sent anyway, and is not
	// counted: the root, 10 B.
	riding bool
}

// happen lets the next event happen.
func (w *world) happen() {
	at, e := w.queue.Take()
	w.now = at
	n := &w.nodes[e.node]
	switch e.kind {
	case eventArrive:
		w.arrive(n, e)
	case eventHandle:
		n.backlog--
		if n.runs != nil {
			w.tally.pulling = e.p.pulled > 0
			n.runs.receive(w.now, e.from, e.p)
			w.tally.pulling = false
		}
	case eventWake:
		if n.wake == at {
			n.wake = far
		}
		if n.runs != nil && n.runs.deadline() <= w.now {
			n.runs.tick(w.now)
		}
	case eventProbe:
		w.probe(n, e)
	case eventAct:
		w.acts[e.from]()
	}
	w.schedule(e.node)
}

// schedule queues the next wake of a node, unless an earlier one is.
func (w *world) schedule(i int32) {
	n := &w.nodes[i]
	if n.runs == nil {
		return
	}
	if at := max(n.runs.deadline(), w.now); at < n.wake {
		n.wake = at
		w.queue.Add(at, event{kind: eventWake, node: i})
	}
}

// arrive queues a packet for the processor, or loses it.
func (w *world) arrive(n *node, e event) {
	switch {
	case n.runs == nil:
	case n.backlog >= backlogMax:
		w.tally.overrun++
	default:
		n.backlog++
		n.busy = max(n.busy, w.now).Add(cost)
		e.kind = eventHandle
		w.queue.Add(n.busy, e)
	}
}

// send puts a packet on its way once the processor has sent those before it.
func (w *world) send(from, to int32, p *packet) {
	n := &w.nodes[from]
	n.busy = max(n.busy, w.now).Add(cost)
	if w.tally.counting && !w.riding {
		wired := p.size + overhead*(1+p.size/wireFrame)
		n.egress += wired
		w.tally.sent(p, wired)
	}
	if at, ok := w.links.carry(n.busy, from, to, p.lane); ok {
		w.queue.Add(at, event{kind: eventArrive, node: to, from: from, p: p})
	}
}

// wireFrame is the plaintext after which a stream needs another packet.
const wireFrame = 1400

// probe lets a node probe a random member, whose ack it gets unless one of the
// two is lost: the detector's packets are not part of what is measured, only
// what the protocol lets ride on them and answers to it.
func (w *world) probe(n *node, e event) {
	if n.runs == nil {
		return
	}
	w.queue.Add(w.now.Add(probePeriod), event{kind: eventProbe, node: e.node})
	to := w.views.random(e.node, func(k int) int { return draw.Below(n.rand, k) })
	w.ride(e.node, to)
	there, ok := w.links.carry(w.now, e.node, to, effect.Datagram)
	if !ok || w.nodes[to].runs == nil {
		return
	}
	w.at(there, to, func() { w.ride(to, e.node) })
	back, ok := w.links.carry(there, to, e.node, effect.Datagram)
	if !ok {
		return
	}
	elapsed := back.Sub(w.now) + 4*cost
	w.at(back, e.node, func() {
		if n.runs != nil {
			n.runs.probed(to, elapsed)
		}
	})
}

// ride lets a root go with a probe or its ack.
func (w *world) ride(from, to int32) {
	if n := &w.nodes[from]; n.runs != nil && !w.cell.Alone {
		w.riding = true
		n.runs.probe(to)
		w.riding = false
	}
}

// at lets something happen at a node at a time.
func (w *world) at(t member.Time, i int32, act func()) {
	w.acts = append(w.acts, act)
	w.queue.Add(t, event{kind: eventAct, node: i, from: int32(len(w.acts) - 1)})
}

// run plays the cell to its end, or until there is nothing left to see.
func (w *world) run() {
	end := member.Time(w.cell.end())
	look := end.Add(-settle + time.Second)
	for w.queue.Until(end) {
		if w.now >= look {
			if w.tally.over() {
				return
			}
			look = w.now.Add(time.Second / 2)
		}
		w.happen()
	}
}

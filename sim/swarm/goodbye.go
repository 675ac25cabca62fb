package swarm

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim/check"
)

// departures is what nodes report of the gone.
type departures struct {
	gone  map[[2]int]time.Duration // since when a node holds another dead or left
	acked []int                    // confirmations of each slot's goodbye
}

// begin forgets what a node knew in an earlier life.
func (d *departures) begin(slot int) {
	for about := range d.acked {
		delete(d.gone, [2]int{slot, about})
	}
}

// note follows an event of a node.
func (d *departures) note(slot, about int, now time.Duration, e *core.Event) {
	switch e.Kind {
	case effect.MemberDied, effect.MemberLeft:
		d.gone[[2]int{slot, about}] = now
	case effect.MemberForgotten, effect.MemberJoined, effect.MemberRefuted, effect.MemberUpdated:
		delete(d.gone, [2]int{slot, about}) // as old news it may come back without an event
	case effect.LeaveAcked:
		d.acked[slot] = e.Count
	}
}

// keepsNobody holds a core to M5 once more: who is gone is forgotten when its
// retention is over.
func (r *run) keepsNobody(nodes []int) bool {
	timing := r.s.config().timing
	slack := 2*timing.HealPeriod + 30*time.Second // it is looked for in each heal period
	for _, slot := range nodes {
		m := r.c.Machine(slot)
		for i := range m.Len() {
			v := m.Member(i)
			retention := timing.DeadRetention
			switch v.Claim.State {
			case member.Left:
				retention = timing.LeftRetention
			case member.Dead:
			default:
				continue
			}
			since, known := r.departures.gone[[2]int{slot, r.indexOf(v.ID)}]
			r.checker.Noted(check.M5)
			if kept := r.c.Now() - since; known && kept > retention+slack {
				r.checker.Fail(check.M5, slot, "%s is gone and listed for %v, to be forgotten after %v", r.who(r.indexOf(v.ID)), kept, retention)
				return false
			}
		}
	}
	return true
}

// partsWithOne has a node of a core at rest leave: the others learn of it at
// once, and it learns that they do (L7).
func (r *run) partsWithOne(nodes []int) {
	if len(nodes) < 2 {
		return
	}
	leaver := nodes[mix(uint64(r.s.Seed)^2)%uint64(len(nodes))]
	r.departures.acked[leaver] = 0
	in := new(core.Leave)
	r.c.Step(leaver, in)
	heard := func() bool {
		for _, slot := range nodes {
			if slot != leaver && r.c.StateOf(slot, leaver) != member.Left {
				return false
			}
		}
		return r.departures.acked[leaver] > 0
	}
	timing := r.s.config().timing
	limit := 10*time.Second + 20*timing.GossipInterval + 4*timing.SyncInterval + r.s.backlog()
	if r.await(limit, heard) {
		r.checker.Noted(check.L7)
		return
	}
	if r.goesOn() {
		r.checker.Fail(check.L7, leaver, "its goodbye of %v is confirmed by %d of %d, or unknown to some", limit, r.departures.acked[leaver], in.Asked)
	}
}

package check

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// follows says after which states an event about a member may come, as a set of
// 1<<state; an event of another kind says nothing of a state. State 0 is a member never mentioned; it may be held dead or left all
// the same, learnt as old news, of which there is no event.
var follows = [256]uint8{
	effect.MemberJoined:    1<<0 | 1<<member.Dead | 1<<member.Left,
	effect.MemberUpdated:   1 << member.Alive,
	effect.MemberSuspected: 1 << member.Alive,
	effect.MemberRefuted:   1<<0 | 1<<member.Suspect | 1<<member.Dead,
	effect.MemberDied:      1 << member.Suspect,
	effect.MemberLeft:      1<<0 | 1<<member.Alive | 1<<member.Suspect | 1<<member.Dead | 1<<member.Left, // it came back unseen
	effect.MemberForgotten: 1<<0 | 1<<member.Dead | 1<<member.Left,
}

// says is the state that an event leaves its member in; 0 if any may be.
var says = [256]member.State{
	effect.MemberJoined: member.Alive, effect.MemberUpdated: member.Alive, effect.MemberSuspected: member.Suspect,
	effect.MemberRefuted: member.Alive, effect.MemberDied: member.Dead, effect.MemberLeft: member.Left,
}

// checkEvent holds an event about a member against all before it.
func (c *Checker) checkEvent(node int, now time.Duration, e *core.Event) {
	who, known := c.cluster.Index(e.ID)
	c.counts[M1]++
	if !known || !c.began(who, lifeOf(e.Claim), now) {
		c.fail(M1, node, now, "%s, a life that never began", e.Describe())
		return
	}
	from := follows[e.Kind]
	if from == 0 || who == node {
		return
	}
	b := &c.beliefs[node][who]
	legal := from>>b.claim.State&1 != 0 && (says[e.Kind] == 0 || says[e.Kind] == e.Claim.State)
	c.counts[M3]++
	if !legal {
		c.fail(M3, node, now, "%s, after %v of node %d", e.Describe(), b.claim, who+1)
	}
	c.checkOrder(node, who, now, b, e)
	switch e.Kind {
	case effect.MemberForgotten:
		*b = belief{}
		return
	case effect.MemberSuspected:
		if c.sunny {
			c.fail(F2, node, now, "%s, though nothing is wrong with node %d", e.Describe(), who+1)
		}
		b.since = now
		c.checkAccuser(node, now, e)
	case effect.MemberDied:
		c.onDied(node, who, now, b, e)
	}
	b.claim = e.Claim
}

// checkOrder holds that claims only grow, and that who is gone comes back in a
// later life.
func (c *Checker) checkOrder(node, who int, now time.Duration, b *belief, e *core.Event) {
	before := b.claim
	switch {
	case before.State == 0 || e.Kind == effect.MemberForgotten:
	case before.State.Gone() && !e.Claim.State.Gone():
		c.counts[M4]++
		if !lifeOf(before).before(lifeOf(e.Claim)) {
			c.fail(M4, node, now, "%s revives node %d, %v", e.Describe(), who+1, before)
		}
	default:
		c.counts[M3]++
		if !e.Claim.Supersedes(before) {
			c.fail(M3, node, now, "%s does not supersede %v of node %d", e.Describe(), before, who+1)
		}
	}
}

// onDied holds that nobody is declared dead in a hurry. The first in the cluster
// to say so of a life has waited for all of the minimum; others may believe it
// after half.
func (c *Checker) onDied(node, who int, now time.Duration, b *belief, e *core.Event) {
	s := &c.subjects[who]
	least := c.minimum / 2
	if l := lifeOf(e.Claim); s.verdict.before(l) {
		s.verdict, least = l, c.minimum
	}
	if c.warped[node] {
		return
	}
	c.counts[F1]++
	if waited := now - b.since; waited < least {
		c.fail(F1, node, now, "%s, suspected for %v, at least %v", e.Describe(), waited, least)
	}
}

// checkAccuser holds a node to believing nobody whom it holds gone.
func (c *Checker) checkAccuser(node int, now time.Duration, e *core.Event) {
	by, known := c.cluster.Index(e.By)
	if !known || by == node {
		return
	}
	c.counts[F3]++
	if s := c.beliefs[node][by].claim.State; s == member.Dead || s == member.Left {
		c.fail(F3, node, now, "%s, which it holds %v", e.Describe(), s)
	}
}

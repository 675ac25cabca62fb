package swarm

import (
	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Mark is something that must happen sometimes: a swarm in which it never does
// tests less than it seems to.
type Mark uint8

// The marks.
const (
	markRevived Mark = iota
	markSkipped
	markRepaired
	markRelayed
	markOutdated
	markNameConflict
	markNameResolved
	markPaused
	markForgotten
	markUnhealthy
	markJoinFailed
	markJoinRefused
	markGoodbye
	markRetired
	markRejoined
	markStream
	markGeneration
	markDeleted
	markUnproven
	markNotMember
	markCapped
	markVoid
	markDamaged
	markPulled
	markPulledLarge
	markHeld
	markPassedOn
	markMissed
	markLazy
	markRefused
	markAnswered
	markEnd
)

var markNames = [markEnd]string{
	markRevived: "refuted after being declared dead", markSkipped: "an incarnation skipped",
	markRepaired: "anti-entropy repaired a fact", markRelayed: "a relay used",
	markOutdated: "rollback detected", markNameConflict: "name conflict", markNameResolved: "name conflict resolved",
	markPaused: "pause noticed", markForgotten: "member forgotten", markUnhealthy: "local health at its worst",
	markJoinFailed: "join failed", markJoinRefused: "join refused", markGoodbye: "goodbye confirmed",
	markRetired: "member retired", markRejoined: "back in a later epoch", markStream: "stream used",
	markGeneration: "tombstones collected", markDeleted: "fact deleted", markUnproven: "accusation in a life unproven",
	markNotMember: "sender held gone", markCapped: "member table full", markVoid: "facts of an earlier life",
	markDamaged: "malformed payload", markPulled: "anti-entropy repaired a message",
	markPulledLarge: "chunked message completed after loss", markHeld: "ordered message held",
	markPassedOn: "span delegated again", markMissed: "message given up and reported", markLazy: "eager turned lazy",
	markRefused: "publisher held back", markAnswered: "query answered",
}

// String says what happened.
func (m Mark) String() string { return markNames[m] }

// Marks counts, for each mark, how often it was reached. The order is that of
// the marks.
type Marks [markEnd]uint64

// Add adds the counts of another run.
func (m *Marks) Add(other *Marks) {
	for i := range m {
		m[i] += other[i]
	}
}

// Missing returns the marks that were never reached.
func (m *Marks) Missing() []Mark {
	var missing []Mark
	for i, count := range m {
		if count == 0 {
			missing = append(missing, Mark(i))
		}
	}
	return missing
}

// mark notes what a step shows.
func (r *run) mark(slot int, out *core.Output) {
	for i := range out.Events {
		e := &out.Events[i]
		r.markEvent(slot, e)
		r.departures.note(slot, r.indexOf(e.ID), r.c.Now(), e)
		if r.over {
			r.flap(slot, e)
		}
	}
	for i := range out.Packets {
		p := &out.Packets[i]
		if p.Lane == core.Stream {
			r.marks[markStream]++
		}
		if len(p.Payload) > 0 && wire.Type(p.Payload[0]) == wire.TypePingReq {
			r.marks[markRelayed]++
		}
	}
}

func (r *run) markEvent(slot int, e *core.Event) {
	count := func(m Mark, when bool) {
		if when {
			r.marks[m]++
		}
	}
	own := e.ID == r.c.ID(slot)
	switch e.Kind {
	case effect.MemberRefuted:
		pair := [2]int{slot, r.indexOf(e.ID)}
		count(markRevived, r.dead[pair])
		delete(r.dead, pair)
		count(markSkipped, e.Claim.Incarnation > 1)
	case effect.MemberJoined:
		count(markRejoined, e.Claim.Epoch > 1)
	case effect.MemberDied:
		r.dead[[2]int{slot, r.indexOf(e.ID)}] = true
	case effect.SelfOutdated:
		r.marks[markOutdated]++
	case effect.NameConflict:
		r.marks[markNameConflict]++
	case effect.NameResolved:
		r.marks[markNameResolved]++
	case effect.Paused:
		r.marks[markPaused]++
	case effect.MemberForgotten:
		r.marks[markForgotten]++
	case effect.HealthChanged:
		count(markUnhealthy, e.Count > 0 && e.Count == r.s.config().timing.HealthMax)
	case effect.JoinFailed:
		r.marks[markJoinFailed]++
	case effect.JoinRefused:
		r.marks[markJoinRefused]++
	case effect.LeaveAcked:
		r.marks[markGoodbye]++
	case effect.MemberLeft:
		count(markRetired, e.By != e.ID)
	case effect.FactSet:
		count(markRepaired, !own && e.Hops == 0)
	case effect.FactDeleted:
		count(markDeleted, !own)
		g, _ := r.c.Machine(slot).FactVersion(e.ID)
		count(markGeneration, own && g > store.FirstGeneration(r.c.Machine(slot).Member(0).Claim.Epoch))
	}
}

func (r *run) indexOf(id member.NodeID) int {
	i, _ := r.c.Index(id)
	return i
}

// markDrops notes why nodes dropped what they did; counts of nodes that were
// killed are lost.
func (r *run) markDrops() {
	marks := map[string]Mark{
		"unproven": markUnproven, "not_member": markNotMember, "limit_members": markCapped, "void_generation": markVoid,
	}
	for slot := range r.c.Len() {
		if m := r.c.Machine(slot); m != nil {
			m.Drops(func(reason string, count uint64) {
				if mark, ok := marks[reason]; ok {
					r.marks[mark] += count
				}
			})
		}
	}
}

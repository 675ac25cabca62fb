package swarm

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim/check"
)

// liveness ends all faults but those of the leftovers, which last for ever, and
// holds the rest of the cluster, its core, to agree within a limit:
//
//	L1  every core member is alive to every core member
//	L2  leftovers are alive to none of them
//	L3  a new fact and new messages reach all of them
//	B6  what was kept of messages has reached them, or is missed aloud
//	L4  they hold the same of everybody, and the same facts
//	L5  once that is so they change their minds no more
//	L6  and have nothing left to say
//	L7  a goodbye is heard, and confirmed
//	E5  a cluster at rest sends its probes and nothing else
func (r *run) liveness() {
	r.over = true
	r.say("all faults end; left behind: %v", r.s.Leftovers)
	r.meddler.windows = nil
	r.c.SetNetwork(r.s.Network.calm())
	left := r.abandon()
	var core []int
	for i, slot := range r.slots {
		if !slices.ContainsFunc(r.s.Leftovers, func(l Leftover) bool { return l.Node == i+1 }) {
			core = append(core, slot)
		}
	}
	for slot := range r.spare { // identities that were wiped
		if !slices.Contains(r.slots, slot) {
			left = append(left, slot)
		}
	}
	for _, slot := range core {
		r.mend(slot)
	}
	r.tellSeeds()
	limit := r.s.healLimit()
	begun := r.c.Now()
	failed := check.Invariant(0)
	if !r.await(limit, func() bool { failed = r.disagreement(core, left); return failed == 0 }) {
		r.accuse(failed, core, left, limit)
		return
	}
	r.result.Healed = r.c.Now() - begun
	r.say("the core agrees")
	if r.keepsItsWord(core) {
		r.stays(core, left)
	}
}

// mend makes a node of the core well: it runs, in step with the others.
func (r *run) mend(slot int) {
	r.c.Slow(slot, 0)
	r.c.Drift(slot, 0)
	r.c.Resume(slot)
	if m := r.c.Machine(slot); m != nil && m.Member(0).Claim.State == member.Left {
		r.c.Kill(slot)
	}
	r.start(r.nodes[slot])
}

// abandon makes the leftovers what they will be for ever, and returns them.
func (r *run) abandon() []int {
	var left []int
	all := make([]int, r.c.Len())
	for i := range all {
		all[i] = i
	}
	for _, l := range r.s.Leftovers {
		slot := r.slots[l.Node-1]
		left = append(left, slot)
		if l.As == "crashed" || l.As == "paused" {
			continue
		}
		r.mend(slot)
		if l.As != "mute" {
			r.c.Cut(all, []int{slot})
		}
		if l.As != "deaf" {
			r.c.Cut([]int{slot}, all)
		}
	}
	for i, l := range r.s.Leftovers { // their last words are said
		switch l.As {
		case "crashed":
			r.c.Kill(left[i])
		case "paused":
			r.c.Pause(left[i])
		}
	}
	return left
}

// disagreement returns the first rule that the core does not meet yet, 0 if it
// meets all.
func (r *run) disagreement(core, left []int) check.Invariant {
	for _, a := range core {
		for _, b := range core {
			if r.c.StateOf(a, b) != member.Alive {
				return check.L1
			}
		}
	}
	for _, a := range core {
		for _, b := range left {
			if s := r.c.StateOf(a, b); s == member.Alive || s == member.Suspect {
				return check.L2
			}
		}
	}
	for _, slot := range core {
		if r.c.Machine(slot).Root() != r.c.Machine(core[0]).Root() || !r.sameView(slot, core[0]) {
			return check.L4
		}
	}
	if _, differ := r.facts.AgreedFacts(core); differ {
		return check.L4
	}
	return r.busy(core)
}

// sameView reports whether two nodes hold the same of everybody, whatever their
// roots say. A suspicion is of one node alone.
func (r *run) sameView(a, b int) bool {
	for slot := range r.c.Len() {
		x, _ := r.c.Machine(a).Lookup(r.c.ID(slot))
		y, _ := r.c.Machine(b).Lookup(r.c.ID(slot))
		for _, claim := range []*member.Claim{&x.Claim, &y.Claim} {
			if claim.State == member.Suspect {
				claim.State = member.Alive
			}
		}
		if x.Claim != y.Claim {
			return false
		}
	}
	return true
}

// busy returns L6 if a rumor is hot.
func (r *run) busy(core []int) check.Invariant {
	for _, slot := range core {
		if r.c.Machine(slot).Hot() > 0 {
			return check.L6
		}
	}
	return 0
}

// accuse says what the core failed to do in time. A run that something else
// ended is not accused.
func (r *run) accuse(rule check.Invariant, core, left []int, limit time.Duration) {
	if !r.goesOn() {
		return
	}
	switch rule {
	case check.L1, check.L2:
		for _, a := range core {
			for _, b := range slices.Concat(core, left) {
				s := r.c.StateOf(a, b)
				if well := s == member.Alive; well != slices.Contains(core, b) {
					r.checker.Fail(rule, a, "after %v without faults it holds node %d %v, which is in the core: %v",
						limit, r.nodes[b]+1, stateName(s), slices.Contains(core, b))
					return
				}
			}
		}
	case check.L4:
		if slot, differ := r.facts.AgreedFacts(core); differ {
			r.checker.Fail(rule, slot, "after %v without faults its facts are not those of others", limit)
			return
		}
		for _, slot := range core {
			if r.c.Machine(slot).Root() != r.c.Machine(core[0]).Root() || !r.sameView(slot, core[0]) {
				r.checker.Fail(rule, slot, "after %v without faults its view is not that of others", limit)
				return
			}
		}
	case check.L6:
		for _, slot := range core {
			if hot := r.c.Machine(slot).Hot(); hot > 0 {
				r.checker.Fail(rule, slot, "after %v without faults %d rumors are hot", limit, hot)
				return
			}
		}
	}
	r.checker.Fail(rule, core[0], "after %v without faults it came and went", limit)
}

// underWay is how long what was sent before the faults ended may still be on its
// way: clogged, or behind a frame that was sent again and again.
const underWay = 40 * time.Second

func stateName(s member.State) string {
	if s == 0 {
		return "unknown"
	}
	return s.String()
}

// stays holds a core that has agreed to staying so, while one of it writes.
func (r *run) stays(core, left []int) {
	for _, rule := range []check.Invariant{check.L1, check.L2, check.L4, check.L6} {
		r.checker.Noted(rule)
	}
	timing := r.s.config().timing
	rest := max(10*timing.ProbePeriod+2*timing.HealPeriod, underWay)
	writer := core[mix(uint64(r.s.Seed))%uint64(len(core))]
	value := r.put(writer, "last", 16)
	told := func() bool { return r.told(core, writer, value) }
	if !r.await(rest+20*timing.GossipInterval+4*timing.SyncInterval, told) {
		if r.goesOn() {
			r.checker.Fail(check.L3, writer, "what it wrote last did not reach the core")
		}
		return
	}
	r.checker.Noted(check.L3)
	if !r.calmsDown(rest) {
		return
	}
	// Those who died apart are forgotten apart, by everybody at its next heal
	// period: what lies in between is no disagreement.
	failed := check.Invariant(0)
	if !r.await(rest+r.s.healLimit(), func() bool { failed = r.disagreement(core, left); return failed == 0 }) {
		if r.goesOn() {
			r.checker.Fail(failed, core[0], "it was agreed, and is no more")
		}
		return
	}
	if r.hearsOfEverything(core) && r.keepsNobody(core) && r.rests(core, timing) {
		r.partsWithOne(core)
	}
}

// calmsDown waits until nobody in the core has changed its mind for a while. A
// probe that was under way or a record that nobody had seen may do so once.
func (r *run) calmsDown(while time.Duration) bool {
	limit := r.s.healLimit()
	for begun := r.c.Now(); r.c.Now()-begun < limit; {
		r.flaps = 0
		if !r.pass(while) {
			return false
		}
		if r.flaps == 0 {
			r.checker.Noted(check.L5)
			return true
		}
	}
	r.checker.Fail(check.L5, r.slots[0], "the core changed its mind %d times in %v, long after it had agreed", r.flaps, while)
	return false
}

func (r *run) goesOn() bool { return r.checker.Violation() == nil && !r.result.Unfinished() }

// told reports whether the core has learnt of a fact.
func (r *run) told(core []int, writer int, value string) bool {
	for _, slot := range core {
		if v, ok := r.c.Machine(slot).Fact(r.c.ID(writer), "last"); !ok || string(v) != value {
			return false
		}
	}
	return true
}

// rests holds a cluster that nobody is missing from to its probes: two packets a
// node and period. Those that hold somebody dead go on trying to reach them.
func (r *run) rests(core []int, timing core.Timing) bool {
	if len(r.s.Leftovers) > 0 || r.keepsForLong() { // pings that tell of different pasts have more to say
		return true
	}
	if r.s.uses(Replay) || r.s.uses(Slow) { // what arrives may be long out of date
		return true
	}
	for _, slot := range core {
		m := r.c.Machine(slot)
		if m.Health() > 0 {
			return true
		}
		for i := range m.Len() {
			if m.Member(i).Claim.State == member.Dead {
				return true
			}
		}
	}
	before := r.c.Stats()
	const periods = 20
	if !r.pass(periods * timing.ProbePeriod) {
		return false
	}
	after := r.c.Stats()
	r.checker.Noted(check.E5)
	if frames := after.Frames - before.Frames; frames > 0 {
		r.checker.Fail(check.E5, core[0], "%d frames sent by a cluster at rest", frames)
	}
	if packets, most := after.Packets-before.Packets, uint64(2*(periods+1)*len(core)); packets > most {
		r.checker.Fail(check.E5, core[0], "%d packets in %d periods of rest, at most %d", packets, periods, most)
	}
	return r.goesOn()
}

// flap counts a change of mind of the core about anybody.
func (r *run) flap(slot int, e *core.Event) {
	switch e.Kind {
	case effect.MemberSuspected, effect.MemberDied, effect.MemberRefuted, effect.MemberJoined:
		i := r.nodes[slot]
		if !slices.ContainsFunc(r.s.Leftovers, func(l Leftover) bool { return l.Node == i+1 }) && !r.newsAgain(e.ID) {
			r.flaps++
		}
	}
}

// newsAgain reports whether somebody is a leftover that still speaks, and the
// dead are forgotten within minutes: to whoever has forgotten it, what it says of
// itself is news each time.
func (r *run) newsAgain(id member.NodeID) bool {
	slot, known := r.c.Index(id)
	return known && r.s.buggified(shortRetention) && slices.ContainsFunc(r.s.Leftovers, func(l Leftover) bool {
		return l.As == "deaf" && r.slots[l.Node-1] == slot
	})
}

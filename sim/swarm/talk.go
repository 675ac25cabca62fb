package swarm

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim/check"
)

// The acts of a workload that others hear of.
const (
	send = "send"
	ask  = "ask"
)

const (
	// largeMin and largeMax are what large messages have: two chunks to ten.
	largeMin, largeMax = 40 << 10, 300 << 10
	// burstMax bounds the messages of one act: a queue to a peer takes 2,048.
	burstMax = 4096
)

// lenMax bounds what an act writes.
func (w *Write) lenMax() int {
	if w.Do == send || w.Do == ask {
		return 4 << 20
	}
	return 1 << 16
}

// talk draws messages and queries for two schedules of three. All draws are of a
// dice of their own.
func (d *drawing) talk(sunny bool) {
	s := d.s
	if d.percent(33) {
		return
	}
	var acts []Write
	say := func(w Write) {
		w.Do = cmp.Or(w.Do, send)
		acts = append(acts, w)
	}
	ordered := d.below(101) // how many in a hundred
	for range 1 + d.below(40) {
		say(Write{At: d.at(), Node: d.node(), Len: d.below(200), Ordered: d.percent(ordered)})
	}
	if d.percent(40) { // a conversation in a short time, while something else goes on
		at, node := d.at(), d.node()
		for range 20 + d.below(60) {
			say(Write{At: at + d.between(0, 20*time.Second), Node: node, Len: d.below(1500), Ordered: d.percent(ordered)})
		}
	}
	if d.percent(50) {
		for range 1 + d.below(3) {
			say(Write{At: d.at(), Node: d.node(), Len: largeMin + d.below(largeMax-largeMin), Ordered: d.percent(ordered)})
		}
	}
	for range d.below(3) {
		say(Write{At: d.at(), Node: d.node(), Len: d.below(100), Count: 10 + d.below(200), Ordered: d.percent(ordered)})
	}
	for range d.below(4) {
		say(Write{At: d.at(), Node: d.node(), Do: ask, Len: d.below(100)})
	}
	if !sunny {
		d.talkSites()
	}
	if s.Nodes <= 8 && s.buggified(inFlightMany) {
		at, node := d.at(), d.node()
		for range 3 {
			say(Write{At: at, Node: node, Len: d.below(40), Count: 1000})
			at += Duration(300 * time.Millisecond)
		}
	}
	if s.buggified(windowBytes) { // more than a window holds
		at := d.at()
		for range 8 {
			say(Write{At: at + d.between(0, 10*time.Second), Node: d.node(), Len: largeMin + d.below(largeMax-largeMin)})
		}
	}
	acts = slices.DeleteFunc(acts, func(w Write) bool { return w.At > s.Horizon })
	s.Workload = append(s.Workload, acts...)
	slices.SortStableFunc(s.Workload, func(a, b Write) int { return cmp.Compare(a.At, b.At) })
}

func (d *drawing) talkSites() {
	s := d.s
	// Whoever is forgotten and learnt of again is told all that is kept once more.
	forgetful := s.buggified(shortRetention) || s.buggified(tightMembers)
	for _, b := range talkSites {
		switch chance := 15; {
		case b.name == windowLong && (forgetful || s.buggified(windowShort)):
		case b.name == windowLong && !d.percent(40), b.name != windowLong && !d.percent(chance):
		default:
			s.Buggify = append(s.Buggify, b.name)
		}
	}
}

// payload returns bytes that no other number has, at any place.
func payload(number uint64, size int) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, size+16), number)
	for i := uint64(0); len(b) < size; i++ {
		b = binary.BigEndian.AppendUint64(b, mix(number<<20+i))
	}
	return b[:max(size, 8)]
}

// send publishes one message, and returns its number, 0 if it was refused.
func (r *run) send(slot, size int, ordered bool) uint64 {
	r.sends++
	in := core.Publish{Topic: "t", Payload: payload(r.sends, size), Ordered: ordered}
	r.said.Publishing(slot)
	r.c.Step(slot, &in)
	r.said.Published(slot, in.Seq, in.Payload, ordered, false, in.Live)
	if errors.Is(in.Err, broadcast.ErrBackpressure) {
		r.marks[markRefused]++
	}
	return in.Seq
}

func (r *run) ask(slot, size int) {
	r.sends++
	in := core.Ask{Topic: "q", Payload: payload(r.sends, size), Timeout: 5 * time.Second, WantAck: r.sends%2 == 0}
	r.said.Publishing(slot)
	r.c.Step(slot, &in)
	r.said.Published(slot, in.Seq, in.Payload, false, true, in.Live)
}

// listen has nodes answer what they are asked, and marks what messages show.
func (r *run) listen(slot int, out *core.Output) {
	for i := range out.Events {
		e := &out.Events[i]
		switch e.Kind {
		case effect.QueryReceived:
			r.answer(slot, e.ID, e.Epoch, e.Seq)
		case effect.QueryAnswered:
			if e.Done {
				r.answered(slot, e)
			}
		case effect.MessageMissed:
			r.marks[markMissed]++
		case effect.MessageReceived:
			if pulled := r.c.Machine(slot).Broadcasts().Repaired; pulled > r.mended[slot] {
				r.mended[slot] = pulled
				r.marks[markPulled]++
				if len(e.Value) >= largeMin {
					r.marks[markPulledLarge]++
				}
			}
		}
	}
}

// answerOf returns what a node answers to a query: nothing half of the time, and
// sometimes more than a datagram holds.
func (r *run) answerOf(slot, asker int, epoch member.Epoch, seq uint64) []byte {
	l := luckOf(r.s.Seed, int(epoch), asker<<16|slot, uint32(seq))
	if l.hits(0.5) {
		return nil
	}
	size := l.below(100)
	if l.hits(0.1) {
		size = l.below(100 << 10)
	}
	return payload(l.next(), int(size))
}

func (r *run) answer(slot int, asker member.NodeID, epoch member.Epoch, seq uint64) {
	from, _ := r.c.Index(asker)
	text := r.answerOf(slot, from, epoch, seq)
	if text == nil {
		return
	}
	began := r.c.Epoch(slot)
	l := luckOf(r.s.Seed, 1, slot, uint32(seq))
	r.after(l.within(Duration(time.Second)), func() {
		if r.c.Machine(slot) != nil && r.c.Epoch(slot) == began && !r.c.Paused(slot) {
			r.c.Step(slot, &core.Answer{Asker: asker, Epoch: epoch, Seq: seq, Payload: text})
		}
	})
}

// reply is the one answer of a node to a query, in a life of its asker.
type reply struct {
	asker, who  int
	life, epoch member.Epoch
	seq         uint64
}

// answered checks what came back.
func (r *run) answered(slot int, e *core.Event) {
	r.marks[markAnswered]++
	who, _ := r.c.Index(e.ID)
	r.checker.Noted(check.B1)
	r.checker.Noted(check.B2)
	key := reply{slot, who, r.c.Epoch(slot), e.Epoch, e.Seq}
	if r.replies[key] {
		r.checker.Fail(check.B2, slot, "node %d answered its query %d once, and it has two answers", r.nodes[who]+1, e.Seq)
	}
	r.replies[key] = true
	if want := r.answerOf(who, slot, e.Epoch, e.Seq); string(want) != string(e.Value) {
		r.checker.Fail(check.B1, slot, "the answer to its query %d is not what node %d said", e.Seq, r.nodes[who]+1)
	}
}

// markTalk notes what the counters of a node show; it is called once in its life.
func (r *run) markTalk(slot int) {
	s := r.c.Machine(slot).Broadcasts()
	r.marks[markHeld] += s.Held
	r.marks[markPassedOn] += s.Redelegations
	r.marks[markLazy] += s.Lazy
}

// repairTime is what anti-entropy may take in a core that is well: some pings, and
// what was asked of somebody who is not there.
const repairTime = 30 * time.Second

// keepsItsWord holds a core that agrees to B6: what is still kept by an origin of
// it reaches all of it, or is reported as missed.
func (r *run) keepsItsWord(core []int) bool {
	if !r.said.Any() {
		return true
	}
	limit := repairTime + r.s.backlog()
	since := r.keptSince(core, limit)
	if r.s.buggified(windowBytes) {
		since = r.c.Now()
	}
	if !r.noLoss(core, since, false, "with its origin well for %v", limit) {
		return false
	}
	r.said.Losses(core, since, false, func(l *check.Loss) { r.result.Missed += min(l.Lacks, l.Missed) })
	return true
}

// leap is by how much a clock got ahead at once.
type leap struct {
	slot   int
	at, by time.Duration
}

// keptSince returns from when on every node of a core still keeps what it said,
// and does for some time to come. An origin keeps it for so long by its own
// clock: what it said before that leapt is gone earlier, and missed as silently
// as what is older than the window, until it says something more.
func (r *run) keptSince(core []int, limit time.Duration) time.Duration {
	since := r.c.Now() + limit - r.s.config().talk.Window
	latest := since
	for _, slot := range core {
		at := since
		for _, l := range slices.Backward(r.leaps) {
			if l.slot != slot {
				continue
			}
			if at > l.at {
				break
			}
			at = min(at+l.by, l.at+1)
		}
		latest = max(latest, at)
	}
	return latest
}

// noLoss waits for repairs to end, and fails what was lost in silence.
func (r *run) noLoss(core []int, since time.Duration, grown bool, format string, limit time.Duration) bool {
	var lost check.Loss
	silent := func() bool {
		found := false
		r.said.Losses(core, since, grown, func(l *check.Loss) {
			if l.Silent() && !found {
				lost, found = *l, true
			}
		})
		return found
	}
	if r.await(limit, func() bool { return !silent() }) {
		return true
	}
	if r.goesOn() {
		r.checker.Fail(check.B6, lost.Node, format+", it lacks %d messages of node %d, the first %d of epoch %d at %v, and has reported %d",
			limit, lost.Lacks, r.nodes[lost.Origin]+1, lost.Seq, lost.Epoch, lost.At, lost.Missed)
	}
	return false
}

// last is a message that has to reach the core.
type last struct {
	slot  int
	epoch member.Epoch
	seq   uint64
	large bool // in chunks
}

// hearsOfEverything has every node of a core that stays as it is publish once
// more, if it did before, and one of them an ordered and a large message. They
// reach all the core (L3), with receipts that say so; after them nothing that
// was lost before is unknown (B6); nothing is left to do (L6); and at last
// nothing is kept (B4).
func (r *run) hearsOfEverything(core []int) bool {
	if !r.said.Any() {
		return true
	}
	if left := r.s.caughtUp() - r.c.Now(); left > 0 && !r.pass(left) {
		return false
	}
	var all []last
	tell := func(slot, size int, ordered bool) {
		seq := r.send(slot, size, ordered)
		all = append(all, last{slot, r.c.Machine(slot).Member(0).Claim.Epoch, seq, size >= largeMin})
	}
	// A node in an epoch that it used before is not heard: its numbers are taken.
	speakers := slices.DeleteFunc(slices.Clone(core), r.said.Ambiguous)
	if len(speakers) == 0 {
		return true
	}
	speaker := speakers[mix(uint64(r.s.Seed)^1)%uint64(len(speakers))]
	tell(speaker, 10, true)
	tell(speaker, largeMin+int(uint64(r.s.Seed)%(100<<10)), false)
	for _, slot := range speakers {
		if slot == speaker || r.said.Spoke(slot) {
			tell(slot, 20, slot%2 == 0)
		}
	}
	const limit = time.Minute
	if !r.await(limit, func() bool { return r.unheard(core, all) == "" }) {
		if what := r.unheard(core, all); what != "" && r.goesOn() {
			r.checker.Fail(check.L3, speaker, "%v after its publication %s", limit, what)
		}
		return false
	}
	r.checker.Noted(check.L3)
	if !r.noLoss(core, 0, true, "%v after the last of all messages", repairTime+r.s.backlog()) {
		return false
	}
	r.idle(core)
	return r.goesOn()
}

// unheard says what lacks of the last messages and their receipts; "" if nothing.
func (r *run) unheard(core []int, all []last) string {
	for _, l := range all {
		if l.seq == 0 {
			return r.who(l.slot) + " refuses to publish"
		}
		if node, ok := r.said.Reached(core, l.slot, l.epoch, l.seq); !ok {
			return "it has not reached " + r.who(node) + ": " + r.describe(l)
		}
		reached, live, done := r.said.Receipt(l.slot, l.epoch, l.seq)
		// Who was slow has its inputs of that time to see to, and may be late. Of a
		// large one some may have asked for chunks that were still on their way:
		// whom repair completes is in no receipt.
		if !done || reached < len(core) && !r.s.uses(Slow) && !l.large {
			return r.describeReceipt(l, reached, live, done)
		}
	}
	return ""
}

func (r *run) who(slot int) string { return fmt.Sprintf("node %d", r.nodes[slot]+1) }

func (r *run) describe(l last) string {
	return fmt.Sprintf("message %d of %s in epoch %d", l.seq, r.who(l.slot), l.epoch)
}

func (r *run) describeReceipt(l last, reached, live int, done bool) string {
	return fmt.Sprintf("the receipt of %s says %d of %d, done: %v", r.describe(l), reached, live, done)
}

// idle waits until all that was published is put out of the windows, and checks
// that nothing is left.
func (r *run) idle(core []int) {
	busy := func() bool { _, _, _, busy := r.said.Backlog(core); return busy }
	if limit := repairTime + r.s.backlog(); !r.await(limit, func() bool { return !busy() }) {
		if node, inFlight, queued, busy := r.said.Backlog(core); busy && r.goesOn() {
			r.checker.Fail(check.L6, node, "%d own messages and %d bytes are under way, %v after all was said", inFlight, queued, limit)
		}
		return
	}
	r.checker.Noted(check.L6)
	if r.keepsForLong() {
		return
	}
	const slack = 5 * time.Second
	if r.pass(r.s.config().talk.Window + slack) {
		for _, slot := range core {
			r.said.AtRest(slot)
		}
	}
}

// keepsForLong reports whether windows outlast the run: to wait for their end
// would double it.
func (r *run) keepsForLong() bool { return r.said.Any() && r.s.buggified(windowLong) }

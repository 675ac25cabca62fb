package bakeoff

import (
	"cmp"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/member"
)

// held is an event that a node has.
type held struct {
	payload []byte
	hops    int
	from    int32 // who brought it first
}

// account is what a node has of one origin.
type account struct {
	base uint64          // all up to here
	more map[uint64]bool // above base
}

func (a *account) has(seq uint64) bool { return seq <= a.base || a.more[seq] }

func (a *account) add(seq uint64) {
	a.more[seq] = true
	for a.more[a.base+1] {
		delete(a.more, a.base+1)
		a.base++
	}
}

// want is an event that others have and this node has not.
type want struct {
	id          id
	advertisers []int32
	due         member.Time
	asked       int
}

// ledger is what the contenders share: who has what, and repair of what is
// missed. It is the machine's lazy side: digests, pulls, roots.
type ledger struct {
	host     host
	mail     mail
	accounts map[int32]*account
	origins  []int32 // of accounts, in the order in which they were heard of
	held     map[id]held
	root     uint64
	own      uint64 // the last number this node gave
	wants    []want
	heardAt  member.Time // when digests are due
	fresh    []int32     // origins to put into them
	tallied  Counts
	// onNew is what the protocol does with an event it did not have.
	onNew func(now member.Time, from int32, n *note)
	// onAsk, if any, is told of each request.
	onAsk func(now member.Time, to int32, m id)
	// pullNote is how it asks for one.
	pullNote noteKind
	// digests: it sends digests to random members after something new.
	digests bool
}

const (
	heardDelay = 20 * time.Millisecond
	pullDelay  = 60 * time.Millisecond
	heardPeers = 2
)

func newLedger(h host) ledger {
	return ledger{
		host: h, mail: mail{host: h}, accounts: make(map[int32]*account), held: make(map[id]held),
		heardAt: far, pullNote: notePull, digests: true,
	}
}

func (l *ledger) account(origin int32) *account {
	a := l.accounts[origin]
	if a == nil {
		a = &account{more: make(map[uint64]bool)}
		l.accounts[origin] = a
		l.origins = append(l.origins, origin)
	}
	return a
}

func (l *ledger) has(m id) bool {
	a := l.accounts[m.origin]
	return a != nil && a.has(m.seq)
}

// publish gives an own event its number.
func (l *ledger) publish(now member.Time, payload []byte) *note {
	l.own++
	n := &note{id: id{l.host.i, l.own}, payload: payload}
	l.keep(now, l.host.i, n)
	return n
}

// keep notes that this node has an event now.
func (l *ledger) keep(now member.Time, from int32, n *note) {
	l.account(n.id.origin).add(n.id.seq)
	l.held[n.id] = held{n.payload, n.hops, from}
	l.root ^= mix(uint64(n.id.origin)<<40 ^ n.id.seq)
	l.wants = slices.DeleteFunc(l.wants, func(w want) bool { return w.id == n.id })
	if !l.digests {
		return
	}
	if !slices.Contains(l.fresh, n.id.origin) {
		l.fresh = append(l.fresh, n.id.origin)
	}
	l.heardAt = min(l.heardAt, now.Add(heardDelay))
}

// knows reports whether the record of an origin is here: what comes of others is
// not taken, nor is it by the machine.
func (l *ledger) knows(origin int32) bool {
	return origin == l.host.i || l.host.w.views.sees(l.host.i, origin)
}

// onPayload delivers what is new, and reports whether it was.
func (l *ledger) onPayload(now member.Time, from int32, n *note) bool {
	if l.has(n.id) {
		l.tallied.Duplicates++
		return false
	}
	l.keep(now, from, n)
	l.host.deliver(n.id.origin, n.id.seq, n.hops)
	l.onNew(now, from, n)
	return true
}

// onNote handles the messages of repair, and reports whether it was one.
func (l *ledger) onNote(now member.Time, from int32, n *note) bool {
	switch n.kind {
	case noteHeard:
		l.onHeard(now, from, n.heard, n.asked)
	case notePull:
		l.answer(from, n.ids)
	case noteRoot:
		if n.root != l.root {
			all := l.vector(l.origins)
			all.asked = true
			l.mail.add(from, all)
		}
	default:
		return false
	}
	return true
}

// onHeard notes what a member has that this node has not; if it is the other way
// round, it is told. A vector of all origins also says which it never heard of.
func (l *ledger) onHeard(now member.Time, from int32, vector []heard, all bool) {
	var lacking []int32
	if all {
		lacking = slices.DeleteFunc(slices.Clone(l.origins), func(origin int32) bool {
			return slices.ContainsFunc(vector, func(h heard) bool { return h.origin == origin })
		})
	}
	for i := range vector {
		h := &vector[i]
		if !l.knows(h.origin) {
			continue
		}
		a := l.account(h.origin)
		for seq := a.base + 1; seq <= h.base; seq++ {
			l.miss(now, from, id{h.origin, seq})
		}
		for _, seq := range h.more {
			l.miss(now, from, id{h.origin, seq})
		}
		if a.base > h.base {
			lacking = append(lacking, h.origin)
		}
	}
	if len(lacking) > 0 {
		l.mail.add(from, l.vector(lacking))
	}
}

// miss notes who could give an event.
func (l *ledger) miss(now member.Time, from int32, m id) {
	if l.has(m) {
		return
	}
	k := slices.IndexFunc(l.wants, func(w want) bool { return w.id == m })
	if k < 0 {
		k = len(l.wants)
		l.wants = append(l.wants, want{id: m, due: now.Add(max(pullDelay, l.host.patience(from)/2))})
	}
	if w := &l.wants[k]; !slices.Contains(w.advertisers, from) {
		w.advertisers = append(w.advertisers, from)
	}
}

// ask pulls what is due: one open request an event, each from another
// advertiser than the last.
func (l *ledger) ask(now member.Time) {
	requests := make(map[int32][]id)
	var peers []int32
	for i := range l.wants {
		w := &l.wants[i]
		if w.due > now {
			continue
		}
		to := w.advertisers[w.asked%len(w.advertisers)]
		w.asked++
		w.due = now.Add(l.host.patience(to))
		if requests[to] == nil {
			peers = append(peers, to)
		}
		requests[to] = append(requests[to], w.id)
		l.tallied.Pulls++
		if l.onAsk != nil {
			l.onAsk(now, to, w.id)
		}
	}
	for _, to := range peers {
		for ids := range slices.Chunk(requests[to], pullsMax) {
			slices.SortFunc(ids, func(a, b id) int { return cmp.Or(cmp.Compare(a.origin, b.origin), cmp.Compare(a.seq, b.seq)) })
			l.mail.add(to, note{kind: l.pullNote, ids: ids})
		}
	}
}

// pullsMax is how many events one request names; it fits a datagram.
const pullsMax = 50

// answer sends what was asked for.
func (l *ledger) answer(to int32, ids []id) {
	for _, m := range ids {
		if h, ok := l.held[m]; ok {
			l.mail.add(to, note{kind: notePayload, id: m, hops: h.hops + 1, payload: h.payload, asked: true})
		}
	}
}

// vector says what this node has of some origins.
func (l *ledger) vector(origins []int32) note {
	n := note{kind: noteHeard}
	for _, origin := range origins {
		a := l.accounts[origin]
		h := heard{origin: origin, base: a.base}
		for seq := a.base + 1; len(h.more) < len(a.more); seq++ {
			if a.more[seq] {
				h.more = append(h.more, seq)
			}
		}
		n.heard = append(n.heard, h)
	}
	return n
}

// tick does what has come due.
func (l *ledger) tick(now member.Time) {
	l.ask(now)
	if now < l.heardAt {
		return
	}
	l.heardAt = far
	for range heardPeers {
		l.mail.add(l.random(), l.vector(l.fresh))
	}
	l.fresh = l.fresh[:0]
}

// random returns a member of the view.
func (l *ledger) random() int32 {
	r := l.host.w.nodes[l.host.i].rand
	return l.host.w.views.random(l.host.i, func(n int) int { return draw.Below(r, n) })
}

func (l *ledger) deadline() member.Time {
	at := l.heardAt
	for i := range l.wants {
		at = min(at, l.wants[i].due)
	}
	return at
}

// probe lets the root ride.
func (l *ledger) probe(to int32) {
	if l.root != 0 {
		l.mail.add(to, note{kind: noteRoot, root: l.root})
		l.mail.flush()
	}
}

func (l *ledger) probed(int32, time.Duration) {}

// adopt takes what another has heard for heard.
func (l *ledger) adopt(other *ledger) {
	for _, origin := range other.origins {
		a, theirs := l.account(origin), other.accounts[origin]
		a.base = theirs.base
		for seq := range theirs.more {
			a.more[seq] = true
		}
	}
	l.root = other.root
}

func (l *ledger) counts() Counts { return l.tallied }

package broadcast

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// delegation cuts the ring of IDs into spans and hands the event to one member
// of each, which answers for the others in it. Spans tile the ring: a member
// that the cutter does not know lies in one too, and its delegate may know it.
type delegation struct {
	m       *Machine
	version uint64
	plans   map[planKey][]target
	order   []int // of the members being cut; scratch
}

// planKey says what a plan depends on besides the members. Consecutive events
// share their plan, so that they go to the same delegates in the same packets.
type planKey struct {
	span   wire.Span
	stripe uint8
	depth  uint8 // 0 at the origin
	fanout int
}

type target struct {
	to       *link
	delegate bool
	span     wire.Span
	others   []*link // also members of the span; asked if to's queue is full
}

// The shape of the tree.
const (
	// starMax is up to how many members the origin reaches by itself: one hop,
	// and no more packets than a delegate of a thousand members sends.
	starMax = 24
	// leavesMax is up to how many members a delegate reaches by itself. Views
	// differ a little: a span of the square root of 4,096 must not become a
	// third level because somebody knows ten members more.
	leavesMax = 96
	// twoHopsMax is up to how many members two hops are few enough packets.
	twoHopsMax = 4096
	// fanoutBytes bounds what one event makes a node send at once.
	fanoutBytes = 64 << 10
	fanoutMin   = 3
	// stripes is among how many trees the load of interior nodes is spread, and
	// stripeEvents how many consecutive events share one, and so packets.
	stripes      = 4
	stripeEvents = 64
	// plansMax bounds the plans remembered.
	plansMax = 256
	// redelegations bounds how often a span is passed on: each time halves it at
	// least once in expectation, and repair finds who is left.
	redelegations = 6
)

// spread hands something on: this node's own event or chunk, for the whole ring
// (from is nil), or what from sent it for a span. All of it belongs to p's
// service. A push for which there is no room is left to repair.
func (d *delegation) spread(now member.Time, p push, span wire.Span, from *link) {
	if d.m.cfg.Hub && from == nil && d.toHub(now, p, span) {
		return
	}
	for _, t := range d.plan(p, span) {
		d.give(now, p, t, from)
	}
}

// give pushes to a target, or to another of its span if that one's queue is full
// or it has the event: who sent it, and the origin, lie in some span too.
func (d *delegation) give(now member.Time, p push, t target, from *link) {
	has := func(l *link) bool { return l == from || l.peer.ID == p.ev.origin.id }
	to := t.to
	if t.delegate && (has(to) || to.busy(p.chunk)) {
		for _, other := range t.others {
			if !has(other) && (has(to) || !other.busy(p.chunk)) {
				to = other
				break
			}
		}
	}
	if !has(to) {
		d.m.push(now, to, p, t.delegate, t.span)
	}
}

// toHub hands the whole ring to the hub. It reports false when that is this node.
func (d *delegation) toHub(now member.Time, p push, span wire.Span) bool {
	var hub *Peer
	best := scramble(position(d.m.cfg.ID))
	live := d.m.cfg.Members.Live()
	for i := range live {
		if h := scramble(position(live[i].ID)); h > best && live[i].ID != d.m.cfg.ID {
			hub, best = &live[i], h
		}
	}
	if hub == nil {
		return false
	}
	l := d.m.linkTo(*hub)
	d.m.push(now, l, p, true, span)
	d.m.wake(l, 0) // it batches for all; to wait twice would cost more than it saves
	return true
}

// failed hands a span whose delegate did not acknowledge it, less that one, to
// other members of it: nobody else should wait for it.
func (d *delegation) failed(now member.Time, p push, span wire.Span, to *link) {
	if p.depth >= redelegations {
		return
	}
	p.depth++
	d.m.stats.Redelegations++
	at := position(to.peer.ID)
	if before := (wire.Span{After: span.After, To: at - 1}); before.After != before.To {
		d.handOver(now, p, before)
	}
	if after := (wire.Span{After: at, To: span.To}); after.After != after.To {
		d.handOver(now, p, after)
	}
}

// handOver finds one delegate for a span.
func (d *delegation) handOver(now member.Time, p push, span wire.Span) {
	members := d.members(span)
	if len(members) == 0 {
		return
	}
	live := d.m.cfg.Members.Live()
	pick := choose(span, uint64(p.depth)+stripes, len(members))
	d.m.push(now, d.m.linkTo(live[members[pick]]), p, len(members) > 1, span)
}

// plan returns whom to push an event to for a span, in order of the ring.
func (d *delegation) plan(p push, span wire.Span) []target {
	if v := d.m.cfg.Members.Version(); v != d.version || d.plans == nil || len(d.plans) >= plansMax {
		d.version, d.plans = v, make(map[planKey][]target)
	}
	key := planKey{span: span, fanout: max(fanoutBytes/max(p.ev.chunkSize(p.chunk), 1), fanoutMin)}
	key.fanout = min(key.fanout, 2*leavesMax) // all small events alike
	if !p.own() {
		key.depth = 1
	}
	if key.stripe = uint8(p.ev.seq / stripeEvents % stripes); p.chunk != small {
		key.stripe = uint8(p.chunk % stripes)
	}
	plan, ok := d.plans[key]
	if !ok {
		plan = d.cut(key)
		d.plans[key] = plan
	}
	return plan
}

// fanout returns into how many pieces n members are cut.
func fanout(n, depth, limit int) int {
	star := starMax
	if depth > 0 {
		star = leavesMax
	}
	k := n
	switch {
	case n <= star:
	case n <= twoHopsMax:
		k = root(n, 2)
	default:
		k = root(n, 3)
	}
	return min(k, limit)
}

// root returns the smallest k with k^power >= n.
func root(n, power int) int {
	k := 1
	for pow(k, power) < n {
		k++
	}
	return k
}

func pow(k, power int) int {
	p := 1
	for range power {
		p *= k
	}
	return p
}

// cut makes a plan. The span is cut at this node's own place, too: no piece holds
// it, else a delegate further down would hand on to it what it has. Where nobody
// is known on one side of it, that side is left to repair.
func (d *delegation) cut(key planKey) []target {
	members := d.members(key.span)
	n := len(members)
	at := position(d.m.cfg.ID)
	before := d.before(members, key.span, at)
	left := wire.Span{After: key.span.After, To: at - 1}
	right := wire.Span{After: at, To: key.span.To}
	k := fanout(n, int(key.depth), key.fanout)
	plan := make([]target, 0, k+1)
	switch {
	case key.span.After == at, !inside(at, key.span):
		return d.pieces(plan, key, members, key.span, k)
	case before == 0:
		return d.pieces(plan, key, members, right, k)
	case before == n:
		return d.pieces(plan, key, members, left, k)
	}
	share := min(max((k*before+n/2)/n, 1), max(k-1, 1))
	plan = d.pieces(plan, key, members[:before], left, share)
	return d.pieces(plan, key, members[before:], right, max(k-share, 1))
}

// inside reports whether a place is in a span.
func inside(at uint64, span wire.Span) bool {
	return span.After == span.To || at-span.After-1 < span.To-span.After
}

// before returns how many of a span's members come before a place in it.
func (d *delegation) before(members []int, span wire.Span, at uint64) int {
	live := d.m.cfg.Members.Live()
	n, _ := slices.BinarySearchFunc(members, at-span.After-1, func(i int, distance uint64) int {
		return cmp.Compare(position(live[i].ID)-span.After-1, distance)
	})
	return n
}

// pieces appends k targets, which share some members and tile their span.
func (d *delegation) pieces(plan []target, key planKey, members []int, whole wire.Span, k int) []target {
	live := d.m.cfg.Members.Live()
	n := len(members)
	after := whole.After
	for i := range k {
		piece := members[i*n/k : (i+1)*n/k]
		span := wire.Span{After: after, To: position(live[piece[len(piece)-1]].ID)}
		if i == k-1 {
			span.To = whole.To
		}
		after = span.To
		pick := choose(span, uint64(key.stripe), len(piece))
		t := target{to: d.m.linkTo(live[piece[pick]]), delegate: len(piece) > 1 && span.After != span.To, span: span}
		if i == 0 && k == 1 { // the whole of it, be it the whole ring
			t.delegate = n > 1
		}
		for j := 1; t.delegate && j < len(piece) && j <= 2; j++ {
			t.others = append(t.others, d.m.linkTo(live[piece[(pick+j)%len(piece)]]))
		}
		plan = append(plan, t)
	}
	return plan
}

// members returns the indices among the live of those in a span, in the order of
// the ring, without this node. Valid until the next call.
func (d *delegation) members(span wire.Span) []int {
	live := d.m.cfg.Members.Live()
	d.order = d.order[:0]
	start, _ := slices.BinarySearchFunc(live, span.After, func(p Peer, at uint64) int {
		if position(p.ID) <= at {
			return -1
		}
		return 1
	})
	for i := range live {
		j := start + i
		if j >= len(live) {
			j -= len(live)
		}
		at := position(live[j].ID)
		if span.After != span.To && at-span.After-1 >= span.To-span.After {
			break
		}
		if live[j].ID != d.m.cfg.ID {
			d.order = append(d.order, j)
		}
	}
	return d.order
}

// position is where a member stands on the ring.
func position(id member.NodeID) uint64 { return binary.BigEndian.Uint64(id[:8]) }

// choose picks one of n, the same on every node.
func choose(span wire.Span, stripe uint64, n int) int {
	return int(scramble(scramble(scramble(span.After)^span.To)^stripe) % uint64(n))
}

// scramble is a bijection in which every input bit reaches every output bit
// (the finaliser of SplitMix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

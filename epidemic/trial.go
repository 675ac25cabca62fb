package epidemic

import (
	"context"
	"math/bits"
)

// trial is the state of one run. A worker keeps one and reuses its arrays, so
// that memory does not grow with the number of trials.
type trial struct {
	cfg     Config
	rand    stream
	pick    *sampler
	loss    chance
	quit    chance // of losing interest after a contact, for coins
	faulty  bool   // some nodes are down
	down    bitset // nodes that neither send nor receive in this round
	updates []update
	median  []medianState // one per update, median-counter only
	live    int
	all     uint64 // a bit per update
	round   int
	pushes  int // rounds in which Digest pushes before it pulls

	copies   uint64 // payloads sent, lost ones included
	requests uint64 // requests sent by nodes that lacked an update
	onSend   func(Contact)
	general  bool // never take the rounds of lone.go, for their test
}

// update is what all nodes know of one update.
//
// Invariant: active is a subset of known, and known of next; in turn order
// known and next are one array, for protocols that never stop known and active
// are.
type update struct {
	known    bitset  // who knew when the round began
	next     bitset  // who will know when it ends
	active   bitset  // who spreads it
	contacts []uint8 // counted contacts of each node, for counters
	reached  int     // live nodes in next
	last     int     // round in which somebody learnt it last
}

// Contact is a datagram that carried payloads.
type Contact struct {
	Round    int
	From, To int
	// Updates has bit u set for each update carried.
	Updates uint64
	// Fresh has those bits of Updates that the receiver did not know yet.
	Fresh uint64
	// Lost: the network dropped it, or the receiver is down.
	Lost bool
}

func newTrial(cfg Config) *trial {
	t := &trial{
		cfg:     cfg,
		loss:    chanceOf(cfg.Loss),
		faulty:  cfg.downCount() > 0,
		down:    newBitset(cfg.Nodes),
		updates: make([]update, cfg.Updates),
		live:    cfg.Live(),
		all:     ^uint64(0) >> (64 - cfg.Updates),
	}
	t.pick = newSampler(&t.rand, cfg.Nodes, cfg.Fanout)
	if cfg.Protocol.coin() && cfg.stop() > 1 {
		t.quit = chanceOf(1 / float64(cfg.stop()))
	}
	if cfg.Protocol == Digest {
		t.pushes = digestPushes(cfg)
	}
	for u := range t.updates {
		t.updates[u] = newUpdate(cfg)
	}
	if cfg.Protocol == MedianCounter {
		t.median = make([]medianState, cfg.Updates)
		for u := range t.median {
			t.median[u] = make(medianState, cfg.Nodes)
		}
	}
	return t
}

func newUpdate(cfg Config) update {
	up := update{known: newBitset(cfg.Nodes)}
	up.next, up.active = up.known, up.known
	if cfg.Order == Sync {
		up.next = newBitset(cfg.Nodes)
	}
	if cfg.Protocol.Stops() {
		up.active = newBitset(cfg.Nodes)
	}
	if cfg.Protocol.mongers() && !cfg.Protocol.coin() {
		up.contacts = make([]uint8, cfg.Nodes)
	}
	return up
}

// reset makes t the trial of that index, before its first round.
func (t *trial) reset(index int) {
	t.rand.reseed(t.cfg.Seed, index)
	t.pick.fanout = t.cfg.Fanout
	t.pick.reset()
	t.round, t.copies, t.requests = 0, 0, 0
	t.down.reset()
	if t.cfg.Outage == Forever {
		t.fell(t.cfg.Start+t.cfg.Updates, t.cfg.Nodes-t.cfg.Updates)
	}
	for u := range t.updates {
		up := &t.updates[u]
		up.known.reset()
		up.next.reset()
		up.active.reset()
		clear(up.contacts)
		up.reached, up.last = 0, 0
		origin := (t.cfg.Start + u) % t.cfg.Nodes
		if t.median != nil {
			clear(t.median[u])
		}
		t.learn(u, origin)
	}
	t.settle()
}

// fell draws the nodes that are down among count candidates from first on,
// around the end (Floyd's subset, as in sampler).
func (t *trial) fell(first, count int) {
	down := t.cfg.downCount()
	for top := count - down; top < count; top++ {
		pick := int(t.rand.below(uint64(top + 1)))
		if !t.down.add((first + pick) % t.cfg.Nodes) {
			t.down.set((first + top) % t.cfg.Nodes)
		}
	}
}

// learn tells node i of update u and reports whether that was news.
func (t *trial) learn(u, i int) bool {
	up := &t.updates[u]
	if !up.next.add(i) {
		return false
	}
	up.reached++
	up.last = t.round
	if t.cfg.Order == Turn && t.cfg.Protocol.Stops() {
		up.active.set(i)
	}
	if t.median != nil {
		t.median[u].enter(i)
	}
	return true
}

// settle ends a round: what reached a node in it, the node knows.
func (t *trial) settle() {
	if t.cfg.Order == Turn {
		return
	}
	stops := t.cfg.Protocol.Stops()
	for u := range t.updates {
		up := &t.updates[u]
		if stops {
			for w, next := range up.next {
				up.active[w] |= next &^ up.known[w]
			}
		}
		copy(up.known, up.next)
	}
}

// step plays one round.
func (t *trial) step() {
	t.round++
	if t.cfg.Outage == PerRound && t.cfg.Dead > 0 {
		t.down.reset()
		t.fell(0, t.cfg.Nodes)
	}
	switch t.cfg.Protocol {
	case Pull:
		t.pull()
	case PushPull:
		t.pushPull()
	case MedianCounter:
		t.medianRound()
	case Digest:
		if t.round <= t.pushes {
			t.push()
		} else {
			t.pick.fanout = 1
			t.pull()
		}
	default:
		t.push()
	}
	t.settle()
}

// run plays rounds until all know, nobody spreads, the limit or the context
// ends; each, if not nil, is called after every round. It reports whether it
// came to an end by itself.
func (t *trial) run(ctx context.Context, each func()) bool {
	for limit := t.cfg.roundLimit(); t.round < limit && !t.over(); {
		if ctx.Err() != nil {
			return false
		}
		t.step()
		if each != nil {
			each()
		}
	}
	return true
}

// over reports whether nothing can change any more. Nodes that stop by
// themselves go on after all know: what they still send is part of the cost.
func (t *trial) over() bool {
	if !t.cfg.Protocol.Stops() {
		return t.complete()
	}
	for u := range t.updates {
		for _, w := range t.updates[u].active {
			if w != 0 {
				return false
			}
		}
	}
	return true
}

// complete reports whether all live nodes know all updates.
func (t *trial) complete() bool {
	for u := range t.updates {
		if t.updates[u].reached < t.live {
			return false
		}
	}
	return true
}

// informed is the number of (live node, update) pairs in which the node knows.
func (t *trial) informed() int {
	n := 0
	for u := range t.updates {
		n += t.updates[u].reached
	}
	return n
}

// lastRound is the round in which somebody learnt something last.
func (t *trial) lastRound() int {
	last := 0
	for u := range t.updates {
		last = max(last, t.updates[u].last)
	}
	return last
}

// isDown reports whether node i is down in this round.
func (t *trial) isDown(i int) bool { return t.faulty && t.down.has(i) }

// holds returns the updates node i knew when the round began (in turn order:
// knows now), a bit each.
func (t *trial) holds(i int) uint64 {
	if len(t.updates) == 1 {
		return t.updates[0].known[i>>6] >> (i & 63) & 1
	}
	var mask uint64
	for u := range t.updates {
		mask |= t.updates[u].known[i>>6] >> (i & 63) & 1 << u
	}
	return mask
}

// spreads returns the updates node i spreads, a bit each.
func (t *trial) spreads(i int) uint64 {
	if len(t.updates) == 1 {
		return t.updates[0].active[i>>6] >> (i & 63) & 1
	}
	var mask uint64
	for u := range t.updates {
		mask |= t.updates[u].active[i>>6] >> (i & 63) & 1 << u
	}
	return mask
}

// nextSpreader returns the first node from i on that is up and spreads
// something, or -1. It reads the words afresh, so that in turn order a node
// that learnt in this round is found.
func (t *trial) nextSpreader(i int) int {
	for w := i >> 6; w < len(t.down); w++ {
		var set uint64
		for u := range t.updates {
			set |= t.updates[u].active[w]
		}
		if set = from(i, w, set&^t.down[w]); set != 0 {
			return w<<6 + bits.TrailingZeros64(set)
		}
	}
	return -1
}

// nextLacking returns the first node from i on that is up and lacks an update,
// or -1.
func (t *trial) nextLacking(i int) int {
	for w := i >> 6; w < len(t.down); w++ {
		var set uint64
		for u := range t.updates {
			set |= ^t.updates[u].known[w]
		}
		if set = from(i, w, set&^t.down[w]); set != 0 {
			if node := w<<6 + bits.TrailingZeros64(set); node < t.cfg.Nodes {
				return node
			}
		}
	}
	return -1
}

// from clears the bits of word w that stand for nodes before i.
func from(i, w int, set uint64) uint64 {
	if w == i>>6 {
		return set >> (i & 63) << (i & 63)
	}
	return set
}

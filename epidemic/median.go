package epidemic

import (
	"math"
	"math/bits"
)

// medianState is what the median counter keeps per node for one update (Karp,
// Schindelhauer, Shenker, Vöcking, FOCS 2000, section 3). A node is in state
//
//	A   does not know                       phase 0
//	B-m spreads, its counter is m           phase m, 1 to cap
//	C   spreads for cap more rounds, then   phase cap+1 to 2 cap
//	D   is silent                           phase 2 cap + 1
//
// Its counter rises when, in a round, more partners in B told it with a counter
// at least its own than with a smaller one; above the cap it is in C. Hearing
// from a partner in C puts it into C at once.
type medianState []medianNode

// medianNode is one node's state, in four bytes: at ten million nodes a round
// waits for memory, so what is read together lies together.
type medianNode struct {
	phase  uint8
	heardC bool // this round
	// balance is the number of partners with a counter of at least ours less
	// that of partners with a smaller one, this round.
	balance int16
}

// enter makes a node that just learnt B-1. In sync order it is not active
// before the next round, so nobody hears of the counter until then.
func (m medianState) enter(i int) { m[i].phase = 1 }

// hear notes that a partner in the given phase told this node.
func (n *medianNode) hear(partner uint8, limit int) {
	switch {
	case int(partner) > limit:
		n.heardC = true
	case int(n.phase) > limit:
		// In C or D no counter is left to raise.
	case partner >= n.phase:
		n.balance = min(n.balance, math.MaxInt16-1) + 1
	default:
		n.balance = max(n.balance, math.MinInt16+1) - 1
	}
}

// advance ends the round for this node and reports whether it goes on
// spreading.
func (n *medianNode) advance(limit int) bool {
	phase := int(n.phase)
	switch {
	case phase > limit:
		phase++
	case n.heardC:
		phase = limit + 1
	case n.balance > 0:
		phase++
	}
	// In D for long, the phase must not overflow its byte.
	phase = min(phase, 2*limit+1)
	*n = medianNode{phase: uint8(phase)}
	return phase <= 2*limit
}

// medianAge is the age in rounds at which every node drops the update. Karp et
// al. bound it by O(log n), since a lone node in B hears from nobody and would
// go on for ever; twice the time of push-pull plus the counters' phases is
// beyond what a healthy run needs.
func medianAge(cfg Config) int { return 2*(bits.Len(uint(cfg.Nodes))+2*cfg.stop()) + 2 }

// medianRound lets every node that is up call its targets; each side tells the
// other what it spreads, with its counter, known there or not.
func (t *trial) medianRound() {
	for i := range t.cfg.Nodes {
		if t.isDown(i) {
			continue
		}
		hot := t.spreads(i)
		targets := t.pick.targets(i)
		if t.holds(i) != t.all {
			t.requests += uint64(len(targets))
		}
		for _, to := range targets {
			t.tell(i, to, hot)
			if !t.isDown(to) {
				t.tell(to, i, t.spreads(to))
			}
		}
	}
	for u := range t.updates {
		t.medianSettle(u)
	}
}

// tell sends updates with their counters.
func (t *trial) tell(from, to int, hot uint64) {
	if hot == 0 {
		return
	}
	t.copies += uint64(bits.OnesCount64(hot))
	knew, arrived := t.send(from, to, hot)
	if !arrived {
		return
	}
	limit := t.cfg.stop()
	for left := hot; left != 0; left &= left - 1 {
		u := bits.TrailingZeros64(left)
		m := t.median[u]
		partner := m[from].phase
		// A node in D, which knew and is silent, cares for no counter; most
		// are, late in a run, and their memory is better left alone.
		counts := t.updates[u].active.has(to)
		if knew>>u&1 == 0 {
			counts = int(partner) > limit
		}
		if counts {
			m[to].hear(partner, limit)
		}
	}
}

// medianSettle applies the round to the counters of one update. Nodes that
// learnt in this round stay in B-1, or go to C if a partner in C told them.
func (t *trial) medianSettle(u int) {
	up, m, limit := &t.updates[u], t.median[u], t.cfg.stop()
	tooOld := t.round >= medianAge(t.cfg)
	for w := range up.next {
		for set := up.next[w] &^ t.down[w]; set != 0; set &= set - 1 {
			i := w<<6 + bits.TrailingZeros64(set)
			if !m[i].advance(limit) || tooOld {
				up.active.clear(i)
			}
		}
	}
}

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
type medianState struct {
	phase []uint8
	// balance is the number of partners with a counter of at least ours less
	// that of partners with a smaller one, this round.
	balance []int16
	heardC  bitset
}

func newMedianState(cfg Config) medianState {
	return medianState{
		phase:   make([]uint8, cfg.Nodes),
		balance: make([]int16, cfg.Nodes),
		heardC:  newBitset(cfg.Nodes),
	}
}

func (m *medianState) reset() {
	clear(m.phase)
	clear(m.balance)
	m.heardC.reset()
}

// enter makes a node that just learnt B-1. In sync order it is not active
// before the next round, so nobody hears of the counter until then.
func (m *medianState) enter(i int) { m.phase[i] = 1 }

// hear notes that a partner in the given phase told node i, which knew.
func (m *medianState) hear(i int, partner uint8, limit int) {
	switch own := m.phase[i]; {
	case int(partner) > limit:
		m.heardC.set(i)
	case int(own) > limit:
		// In C or D no counter is left to raise.
	case partner >= own:
		m.balance[i] = min(m.balance[i], math.MaxInt16-1) + 1
	default:
		m.balance[i] = max(m.balance[i], math.MinInt16+1) - 1
	}
}

// advance ends the round for node i and reports whether it goes on spreading.
func (m *medianState) advance(i, limit int) bool {
	phase := int(m.phase[i])
	switch {
	case phase > limit:
		phase++
	case m.heardC.has(i):
		phase = limit + 1
	case m.balance[i] > 0:
		phase++
	}
	m.phase[i] = uint8(phase)
	m.balance[i] = 0
	m.heardC.clear(i)
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
	for left := hot; left != 0; left &= left - 1 {
		u := bits.TrailingZeros64(left)
		m := &t.median[u]
		partner, limit := m.phase[from], t.cfg.stop()
		if knew>>u&1 != 0 || int(partner) > limit {
			m.hear(to, partner, limit)
		}
	}
}

// medianSettle applies the round to the counters of one update. Nodes that
// learnt in this round stay in B-1, or go to C if a partner in C told them.
func (t *trial) medianSettle(u int) {
	up, m, limit := &t.updates[u], &t.median[u], t.cfg.stop()
	tooOld := t.round >= medianAge(t.cfg)
	for w := range up.next {
		for set := up.next[w] &^ t.down[w]; set != 0; set &= set - 1 {
			i := w<<6 + bits.TrailingZeros64(set)
			if !m.advance(i, limit) || tooOld {
				up.active.clear(i)
			}
		}
	}
}

package epidemic

import (
	"math"
	"math/bits"
)

// byTurnMax is the size up to which the chain of turn order is computed, that of
// the toy: who knows, not how many, is its state, so that its work grows with
// 2^n times the 2^n sets of nodes that a sender may reach, and 3^n where nodes
// spread once.
const byTurnMax = 7

// byTurn is the Markov chain of the sets of nodes that know and that spread, of a
// few nodes that act one after another. A node's place in the round matters: it
// passes on what those before it told it, so nodes are not alike as in [chain].
type byTurn struct {
	*chain
	// arrive[s] is the chance that exactly a given set of s nodes gets what one
	// sender sends.
	arrive []float64
}

// newByTurn returns the chain of cfg and whether there is one small enough.
func newByTurn(cfg Config) (*byTurn, bool) {
	if cfg.Order != Turn || cfg.Nodes > byTurnMax {
		return nil, false
	}
	c, ok := newChain(cfg)
	if !ok {
		return nil, false
	}
	t := &byTurn{chain: c}
	others, k := cfg.Nodes-1, cfg.Fanout
	for s := range k + 1 {
		drawn := math.Exp(logChoose(others-s, k-s) - logChoose(others, k))
		t.arrive = append(t.arrive, drawn*math.Pow(1-cfg.Loss, float64(s))*math.Pow(cfg.Loss, float64(k-s)))
	}
	return t, true
}

// sets is who knows and, of them, who spreads: a bit a node.
type sets struct{ know, spread uint }

func (t *byTurn) index(s sets) int { return int(s.know<<t.cfg.Nodes | s.spread) }

func (t *byTurn) at(i int) sets {
	return sets{uint(i) >> t.cfg.Nodes, uint(i) & (1<<t.cfg.Nodes - 1)}
}

// over reports whether the run ends in s.
func (t *byTurn) over(s sets, live uint) bool {
	if t.cfg.Protocol == InfectAndDie {
		return s.spread == 0
	}
	return s.know == live
}

// learnt is s after some nodes, which may know, got the update.
func (s sets) learnt(who uint) sets {
	return sets{s.know | who, s.spread | who&^s.know}
}

// evolve follows the chain from the node that starts, for each set of nodes that
// may be dead alike. It returns what [meanField] does.
func (t *byTurn) evolve() (informed, allBy []float64, copies float64) {
	n, cases := t.cfg.Nodes, 0.0
	var shares, chances [][]float64
	for dead := range uint(1) << n {
		if bits.OnesCount(dead) != t.cfg.downCount() || dead>>t.cfg.Start&1 != 0 {
			continue
		}
		cases++
		share, all, sent := t.follow((1<<n - 1) &^ dead)
		shares, chances, copies = append(shares, share), append(chances, all), copies+sent
	}
	return meanOf(shares), meanOf(chances), copies / cases
}

// meanOf averages curves, each of which stays at its last value.
func meanOf(curves [][]float64) []float64 {
	var mean []float64
	for _, c := range curves {
		mean = append(mean, make([]float64, max(len(c)-len(mean), 0))...)
	}
	for i := range mean {
		for _, c := range curves {
			mean[i] += held(c, i) / float64(len(curves))
		}
	}
	return mean
}

// follow is evolve for one set of live nodes.
func (t *byTurn) follow(live uint) (informed, allBy []float64, copies float64) {
	now := make([]float64, 1<<(2*t.cfg.Nodes))
	now[t.index(sets{}.learnt(1<<t.cfg.Start))] = 1
	nodes := float64(bits.OnesCount(live))
	for round := 0; ; round++ {
		share, all, open := 0.0, 0.0, 0.0
		ended := make([]float64, len(now))
		for i, p := range now {
			if p == 0 {
				continue
			}
			s := t.at(i)
			share += p * float64(bits.OnesCount(s.know)) / nodes
			if s.know == live {
				all += p
			}
			if t.over(s, live) {
				ended[i], now[i] = p, 0
			} else {
				open += p
			}
		}
		informed, allBy = append(informed, share), append(allBy, all)
		if open < 1e-12 || round == t.cfg.roundLimit() {
			return informed, allBy, copies / nodes
		}
		for node := range t.cfg.Nodes {
			if live>>node&1 != 0 {
				var sent float64
				now, sent = t.act(now, node, live)
				copies += sent
			}
		}
		for i, p := range ended {
			now[i] += p
		}
	}
}

// act returns the distribution after a node's turn, and how many payloads are
// expected to be sent in it.
func (t *byTurn) act(now []float64, node int, live uint) (next []float64, copies float64) {
	next, own := make([]float64, len(now)), uint(1)<<node
	others := (uint(1)<<t.cfg.Nodes - 1) &^ own
	for i, p := range now {
		if p == 0 {
			continue
		}
		switch s := t.at(i); {
		case t.cfg.Protocol != Pull && s.spread&own != 0:
			copies += p * float64(t.cfg.Fanout)
			if t.cfg.Protocol == InfectAndDie {
				s.spread &^= own
			}
			t.reach(next, s, p, others, live)
		case (t.cfg.Protocol == Pull || t.cfg.Protocol == PushPull) && s.know&own == 0:
			know := bits.OnesCount(s.know)
			copies += p * float64(t.cfg.Fanout*know) / float64(t.cfg.Nodes-1)
			fail := min(t.silence(know), 1)
			next[i] += p * fail
			next[t.index(s.learnt(own))] += p * (1 - fail)
		default:
			next[i] += p
		}
	}
	return next, copies
}

// reach adds to a distribution what one sender makes of a state of chance p.
func (t *byTurn) reach(next []float64, s sets, p float64, others, live uint) {
	for got := others; ; got = (got - 1) & others { // all subsets, the empty one last
		if count := bits.OnesCount(got); count < len(t.arrive) {
			next[t.index(s.learnt(got&live))] += p * t.arrive[count]
		}
		if got == 0 {
			return
		}
	}
}

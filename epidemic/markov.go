package epidemic

import "math"

// Sizes up to which the exact chain is computed. Its work grows with the cube
// of n times the fanout (the fourth power where the nodes that just learnt are
// part of the state); at these sizes it takes well under a second.
const (
	chainMax     = 128
	chainMaxOnce = 32
)

// chain is the Markov chain of the number of informed nodes on a complete
// graph. All informed nodes are alike, so the number is the whole state; where
// nodes spread once, the number of those that just learnt belongs to it.
type chain struct {
	cfg  Config
	live int
	// hits[r][j] is the chance that one sender's datagrams reach j of r given
	// nodes.
	hits [][]float64
}

// newChain returns the chain of cfg and whether there is one small enough.
func newChain(cfg Config) (*chain, bool) {
	most := chainMax
	switch cfg.Protocol {
	case Push, Pull, PushPull:
	case InfectAndDie:
		most = chainMaxOnce
	default:
		return nil, false
	}
	if cfg.Nodes > most || cfg.Updates != 1 || cfg.Outage == PerRound && cfg.downCount() > 0 {
		return nil, false
	}
	c := &chain{cfg: cfg, live: cfg.Live()}
	for r := range c.live {
		c.hits = append(c.hits, c.hitsAmong(r))
	}
	return c, true
}

// drawn is the chance that l of a node's targets are among r given other nodes:
// hypergeometric.
func (c *chain) drawn(r, l int) float64 {
	others, k := c.cfg.Nodes-1, c.cfg.Fanout
	if l > r || k-l > others-r || l > k {
		return 0
	}
	return math.Exp(logChoose(r, l) + logChoose(others-r, k-l) - logChoose(others, k))
}

// hitsAmong is drawn, thinned by loss.
func (c *chain) hitsAmong(r int) []float64 {
	hits := make([]float64, min(r, c.cfg.Fanout)+1)
	for l := range hits {
		among := c.drawn(r, l)
		for j := 0; j <= l; j++ {
			hits[j] += among * binomial(l, j, 1-c.cfg.Loss)
		}
	}
	return hits
}

// pushed returns the distribution of the number of nodes reached, of lack, by
// the given number of senders.
func (c *chain) pushed(senders, lack int) []float64 {
	reached := make([]float64, lack+1)
	reached[0] = 1
	for range senders {
		next := make([]float64, lack+1)
		for m, p := range reached {
			if p == 0 {
				continue
			}
			for j, h := range c.hits[lack-m] {
				next[m+j] += p * h
			}
		}
		reached = next
	}
	return reached
}

// pulled adds to a distribution of nodes reached those that ask for themselves.
func (c *chain) pulled(reached []float64, know int) []float64 {
	fail := c.silence(know)
	lack := len(reached) - 1
	next := make([]float64, lack+1)
	for m, p := range reached {
		if p == 0 {
			continue
		}
		for j := 0; j <= lack-m; j++ {
			next[m+j] += p * binomial(lack-m, j, 1-min(fail, 1))
		}
	}
	return next
}

// silence is the chance that a node which asks gets nothing: no target knows, or
// every reply is lost.
func (c *chain) silence(know int) float64 {
	fail := 0.0
	for l := 0; l <= min(know, c.cfg.Fanout); l++ {
		fail += c.drawn(know, l) * math.Pow(c.cfg.Loss, float64(l))
	}
	return fail
}

// fresh returns the distribution of the number of nodes that learn in a round
// in which know nodes know, and of them senders push.
func (c *chain) fresh(know, senders int) []float64 {
	lack := c.live - know
	switch c.cfg.Protocol {
	case Pull:
		return c.pulled(c.pushed(0, lack), know)
	case PushPull:
		return c.pulled(c.pushed(senders, lack), know)
	default:
		return c.pushed(senders, lack)
	}
}

// sent is the expected number of payloads in such a round.
func (c *chain) sent(know, senders int) float64 {
	k := float64(c.cfg.Fanout)
	push := k * float64(senders)
	replies := k * float64(c.live-know) * float64(know) / float64(c.cfg.Nodes-1)
	switch c.cfg.Protocol {
	case Pull:
		return replies
	case PushPull:
		return push + replies
	default:
		return push
	}
}

// state is a number of informed nodes and, of them, of those that spread.
type state struct{ know, senders int }

// after is the state that follows when fresh nodes learnt.
func (c *chain) after(s state, fresh int) state {
	if c.cfg.Protocol == InfectAndDie {
		return state{s.know + fresh, fresh}
	}
	return state{s.know + fresh, s.know + fresh}
}

// final reports whether the run ends in s.
func (c *chain) final(s state) bool {
	if c.cfg.Protocol == InfectAndDie {
		return s.senders == 0
	}
	return s.know == c.live
}

// evolve follows the chain from one informed node. It returns what [meanField]
// does.
func (c *chain) evolve(cfg Config) (informed, allBy []float64, copies float64) {
	width := c.live + 1
	at := func(s state) int { return s.know*width + s.senders }
	moves := make(map[int][]float64) // read by key only
	now := make([]float64, width*width)
	now[at(state{1, 1})] = 1
	for round := 0; ; round++ {
		next := make([]float64, len(now))
		share, all, open := 0.0, 0.0, 0.0
		for i, p := range now {
			if p == 0 {
				continue
			}
			s := state{i / width, i % width}
			share += p * float64(s.know) / float64(c.live)
			if s.know == c.live {
				all += p
			}
			if c.final(s) {
				next[i] += p
				continue
			}
			open += p
			if cfg.Rounds == 0 || round < cfg.Rounds {
				copies += p * c.sent(s.know, s.senders)
			}
			move, ok := moves[i]
			if !ok {
				move = c.fresh(s.know, s.senders)
				moves[i] = move
			}
			for j, m := range move {
				next[at(c.after(s, j))] += p * m
			}
		}
		informed = append(informed, share)
		allBy = append(allBy, all)
		if open < 1e-12 || round == cfg.roundLimit() {
			return informed, allBy, copies / float64(c.live)
		}
		now = next
	}
}

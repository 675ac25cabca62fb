package epidemic

import "math"

// Prediction is what theory says about a Config. Numbers that theory does not
// give are NaN.
type Prediction struct {
	// Exact says that Informed, AllBy, Rounds and Copies come from the Markov
	// chain of the number of informed nodes. Otherwise they are mean-field:
	// the expected share moves as if it were certain, and the last nodes learn
	// independently.
	Exact bool
	// Order is the one that the figures describe: that of the Config where it is
	// Sync, or the cluster as small as the toy; else Sync.
	Order Order
	// Informed is the expected share of live nodes that know, per round from 0.
	Informed []float64
	// AllBy is the chance that all live nodes know all updates, per round.
	AllBy []float64
	// Rounds is the expected number of rounds until all know, given that all
	// do (within Config.Rounds, if that is set).
	Rounds float64
	// Copies is the expected number of payloads sent per live node and update
	// until the run ends.
	Copies float64
	// LowerBound is ceil(log_{k+1} n): with k sends per informed node and round
	// nothing is faster. It binds push; a node that is asked by many may beat it.
	LowerBound int
	// Leading is the leading order of Rounds for large n.
	Leading float64
	// Least and Most bound Rounds for push with fanout 1 and no faults (Doerr
	// and Künnemann, ANALCO 2014).
	Least, Most float64
	// Residue is the share never reached, in the limit of many nodes.
	Residue float64
}

// Quantile returns the round by which a share q of the runs that reach all have
// done so, or -1 if the prediction ends before.
func (p *Prediction) Quantile(q float64) int {
	if len(p.AllBy) == 0 {
		return -1
	}
	all := p.AllBy[len(p.AllBy)-1]
	for t, by := range p.AllBy {
		if all >= unheard && by >= q*all {
			return t
		}
	}
	return -1
}

// All is the chance that all live nodes learn everything.
func (p *Prediction) All() float64 { return p.AllBy[len(p.AllBy)-1] }

// InformedAt returns the expected share after a round; past its end the
// prediction stays as it was.
func (p *Prediction) InformedAt(round int) float64 { return held(p.Informed, round) }

// AllByAt returns the chance that all know after a round, as InformedAt.
func (p *Prediction) AllByAt(round int) float64 { return held(p.AllBy, round) }

func held(series []float64, i int) float64 { return series[min(i, len(series)-1)] }

// Predict returns what theory says about cfg, which must be valid. It describes
// synchronous rounds, and order [Turn] only of a cluster as small as the toy; for
// a larger one it is what the same run would do in step. LowerBound, Leading,
// Least and Most are of order [Sync] always.
func Predict(cfg Config) Prediction {
	p := Prediction{
		LowerBound: lowerBound(cfg.Live(), cfg.Fanout),
		Leading:    leading(cfg),
		Least:      math.NaN(),
		Most:       math.NaN(),
	}
	if turns, ok := newByTurn(cfg); ok {
		p.Exact, p.Order = true, Turn
		p.Informed, p.AllBy, p.Copies = turns.evolve()
	} else if chain, ok := newChain(cfg); ok {
		p.Exact = true
		p.Informed, p.AllBy, p.Copies = chain.evolve(cfg)
	} else {
		p.Informed, p.AllBy, p.Copies = meanField(cfg)
	}
	p.Rounds = expectedRounds(p.AllBy)
	p.Residue = residue(cfg)
	if cfg.Rounds > 0 {
		p.Residue = 1 - p.Informed[len(p.Informed)-1]
	}
	if cfg.Protocol == Push && cfg.Fanout == 1 && cfg.Loss == 0 && cfg.Dead == 0 && cfg.Updates == 1 {
		log2, ln := math.Log2(float64(cfg.Nodes)), math.Log(float64(cfg.Nodes))
		p.Least, p.Most = math.Floor(log2)+ln-1.116, math.Ceil(log2)+ln+2.765
	}
	return p
}

// unheard is the chance below which the rounds of runs that reach all are not
// given: they are averages over what never happens.
const unheard = 1e-9

// expectedRounds is the sum over t of P(T > t), given that T ends.
func expectedRounds(allBy []float64) float64 {
	all := allBy[len(allBy)-1]
	if all < unheard {
		return math.NaN()
	}
	sum := 0.0
	for _, by := range allBy {
		sum += 1 - by/all
	}
	return sum
}

// lowerBound is ceil(log_{k+1} n) in integers.
func lowerBound(live, fanout int) int {
	rounds, reach := 0, 1
	for reach < live {
		reach *= fanout + 1
		rounds++
	}
	return rounds
}

// leading is the leading order of the rounds until all know: the doubling phase
// plus the last nodes' phase, each in its limit (Frieze and Grimmett 1985,
// Pittel 1987 for push; Karp et al. 2000 for the rest).
func leading(cfg Config) float64 {
	if cfg.Outage == PerRound && cfg.Dead > 0 || cfg.Live() < 3 {
		return math.NaN()
	}
	k, n := float64(cfg.Fanout), float64(cfg.Live())
	q := (1 - cfg.Loss) * (1 - cfg.Dead)
	rate, logN := k*q, math.Log(n)
	last := math.Log(logN) / math.Log(k+1)
	switch cfg.Protocol {
	case Push:
		return logN/math.Log1p(rate) + logN/rate
	case Pull:
		if q < 1 {
			last = -logN / (k * math.Log1p(-q))
		}
		return logN/math.Log1p(rate) + last
	case PushPull:
		if q < 1 {
			last = logN / (rate - k*math.Log1p(-q))
		}
		return logN/math.Log1p(2*rate) + last
	default:
		return math.NaN()
	}
}

// residue is the share never reached where nodes stop by themselves: the
// smaller root of s = exp(-m(1-s)).
//
// For infect-and-die m is the number of copies a node lands on live nodes
// (Kermarrec, Massoulié, Ganesh 2003). Blind mongering lands Stop copies
// before it ends, coin or counter. With feedback only contacts that knew end
// it, which gives Stop+1 whatever is lost (Demers et al. 1987, section 1.4,
// from i(s) = (k+1)/k (1-s) + ln(s)/k).
func residue(cfg Config) float64 {
	q := (1 - cfg.Loss) * (1 - cfg.Dead)
	k := float64(cfg.stop())
	switch p := cfg.Protocol; {
	case p == InfectAndDie:
		return missed(float64(cfg.Fanout) * q)
	case p == BlindCounter:
		// Every round sends whole fanouts, so the count may overshoot Stop.
		return missed(float64(blindContacts(cfg)) * q)
	case p == BlindCoin:
		return missed(blindCoinContacts(cfg) * q)
	case p.feedback():
		return missed(k + 1)
	default:
		return 0
	}
}

// blindContacts is the number of contacts a blind counter makes: Stop, rounded
// up to whole rounds.
func blindContacts(cfg Config) int {
	rounds := (cfg.stop() + cfg.Fanout - 1) / cfg.Fanout
	return rounds * cfg.Fanout
}

// blindCoinContacts is the mean number of contacts of a blind coin, in whole
// rounds.
func blindCoinContacts(cfg Config) float64 {
	goOn := 1 - 1/float64(cfg.stop())
	return float64(cfg.Fanout) / (1 - math.Pow(goOn, float64(cfg.Fanout)))
}

// missed solves s = exp(-m(1-s)) for the smaller root; at m <= 1 it is 1.
func missed(m float64) float64 {
	if m <= 1 {
		return 1
	}
	s := 0.0 // below the root, from where the iteration rises to it
	for range 10_000 {
		next := math.Exp(-m * (1 - s))
		if next-s < 1e-15 {
			return next
		}
		s = next
	}
	return s
}

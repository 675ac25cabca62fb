package epidemic

import "math"

// field is the mean-field state: expected numbers of live nodes, moved as if
// they were certain.
type field struct {
	cfg    Config
	lack   float64 // U, live nodes that do not know
	know   float64 // I, live nodes that do
	up     float64 // share of live nodes up in a round
	pushes int     // Digest: rounds of push
	round  int
	// hot[j] is the number of nodes that spread and have counted j contacts;
	// protocols without a counter use hot[0]; those that never stop, none.
	hot []float64
}

func newField(cfg Config) *field {
	f := &field{cfg: cfg, lack: float64(cfg.Live() - 1), know: 1, up: 1}
	if cfg.Outage == PerRound {
		f.up = 1 - float64(cfg.downCount())/float64(cfg.Nodes)
	}
	switch {
	case cfg.Protocol == FeedbackCounter || cfg.Protocol == BlindCounter:
		f.hot = make([]float64, cfg.stop())
	case cfg.Protocol.Stops() && cfg.Protocol != MedianCounter:
		f.hot = make([]float64, 1)
	}
	if f.hot != nil {
		f.hot[0] = 1
	}
	if cfg.Protocol == Digest {
		f.pushes = digestPushes(cfg)
	}
	return f
}

// digestPushes is the number of rounds in which Digest pushes: until, in the
// mean, n/ln n live nodes know. Every copy carries its age, so all nodes switch
// in the same round.
func digestPushes(cfg Config) int {
	cfg.Protocol = Push
	f := newField(cfg)
	live := float64(cfg.Live())
	for f.know*math.Log(live) < live && f.round < MaxRounds {
		f.step()
	}
	return f.round
}

// pushMiss is the chance that a given live node gets nothing from senders that
// push: (1 - (1-p)k/(n-1))^senders.
func (f *field) pushMiss(senders float64) float64 {
	if senders <= 0 {
		return 1
	}
	hit := (1 - f.cfg.Loss) * float64(f.cfg.Fanout) / float64(f.cfg.Nodes-1)
	return math.Exp(senders * math.Log1p(-hit))
}

// pullMiss is the chance that a node that asks k others learns nothing:
// (1 - (1-p)I/(n-1))^k.
func (f *field) pullMiss(k int) float64 {
	hit := (1 - f.cfg.Loss) * f.up * f.know / float64(f.cfg.Nodes-1)
	return math.Pow(1-min(hit, 1), float64(k))
}

// replies is the expected number of answers with the update to nodes that lack
// it and ask k others.
func (f *field) replies(k int) float64 {
	return f.lack * f.up * float64(k) * f.know * f.up / float64(f.cfg.Nodes-1)
}

// step moves one round and returns the payloads sent in it.
func (f *field) step() float64 {
	f.round++
	k := f.cfg.Fanout
	senders := f.know * f.up
	if f.hot != nil {
		senders = f.hotCount() * f.up
	}
	pushed := senders * float64(k)
	var missed, sent float64
	switch {
	case f.cfg.Protocol == Pull:
		missed, sent = f.pullMiss(k), f.replies(k)
	case f.cfg.Protocol == PushPull || f.cfg.Protocol == MedianCounter:
		missed, sent = f.pushMiss(senders)*f.pullMiss(k), pushed+f.replies(k)
	case f.cfg.Protocol == Digest && f.round > f.pushes:
		missed, sent = f.pullMiss(1), f.replies(1)
	default:
		missed, sent = f.pushMiss(senders), pushed
	}
	fresh := f.lack * f.up * (1 - missed)
	if f.hot != nil {
		f.cool()
		f.hot[0] += fresh
	}
	f.lack -= fresh
	f.know += fresh
	return sent
}

func (f *field) hotCount() float64 {
	sum := 0.0
	for _, h := range f.hot {
		sum += h
	}
	return sum
}

// cool makes nodes that acted in this round lose interest.
func (f *field) cool() {
	k := f.cfg.Fanout
	event := 1.0 // chance that a contact counts
	if f.cfg.Protocol.feedback() {
		event = min(1, (1-f.cfg.Loss)*f.up*(f.know-1)/float64(f.cfg.Nodes-1))
	}
	switch p := f.cfg.Protocol; {
	case p == InfectAndDie:
		f.hot[0] *= 1 - f.up
	case p.coin():
		stay := math.Pow(1-event/float64(f.cfg.stop()), float64(k))
		f.hot[0] *= 1 - f.up + f.up*stay
	default:
		f.count(event)
	}
}

// count moves nodes up the counter by the contacts of one round that counted, a
// binomial number. From the highest down, so that nobody moves twice.
func (f *field) count(event float64) {
	k := f.cfg.Fanout
	for j := len(f.hot) - 1; j >= 0; j-- {
		acting := f.hot[j] * f.up
		f.hot[j] -= acting
		for c := 0; c <= k && j+c < len(f.hot); c++ {
			f.hot[j+c] += acting * binomial(k, c, event)
		}
	}
}

// settled is the mean-field's idea of never: less than this number of nodes
// expected to change moves no printed figure.
const settled = 1e-9

// over reports whether nothing more than settled can happen.
func (f *field) over() bool {
	if f.hot != nil {
		return f.hotCount() < settled || f.lack < settled
	}
	return f.lack*float64(f.cfg.Updates) < settled
}

// meanField returns the expected share of live nodes that know and the chance
// that all do, per round, and the payloads sent per live node and update.
//
// The chance that all know is exp(-U) per update, as if the last nodes were
// independent. Copies of protocols that never stop are weighted with the chance
// that the run still goes on; the median counter's cost has no mean field here.
func meanField(cfg Config) (informed, allBy []float64, copies float64) {
	f := newField(cfg)
	live := float64(cfg.Live())
	note := func() float64 {
		informed = append(informed, f.know/live)
		allBy = append(allBy, math.Exp(-f.lack*float64(cfg.Updates)))
		return 1 - allBy[len(allBy)-1]
	}
	for goesOn := note(); !f.over() && f.round < cfg.roundLimit(); {
		if f.hot != nil {
			goesOn = 1
		}
		copies += f.step() * goesOn
		goesOn = note()
	}
	for f.hot != nil && f.hotCount() >= settled && f.round < cfg.roundLimit() {
		copies += f.step() // all know, some still send
	}
	if cfg.Protocol == MedianCounter {
		return informed, allBy, math.NaN()
	}
	return informed, allBy, copies / live
}

// binomial is the chance of c successes in k tries.
func binomial(k, c int, p float64) float64 {
	if p <= 0 || p >= 1 {
		certain := 0
		if p >= 1 {
			certain = k
		}
		if c == certain {
			return 1
		}
		return 0
	}
	return math.Exp(logChoose(k, c) + float64(c)*math.Log(p) + float64(k-c)*math.Log1p(-p))
}

// logChoose is ln of k over c, for 0 <= c <= k.
func logChoose(k, c int) float64 {
	all, _ := math.Lgamma(float64(k + 1))
	in, _ := math.Lgamma(float64(c + 1))
	out, _ := math.Lgamma(float64(k - c + 1))
	return all - in - out
}

package main

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// joinPause lies between the joins of a cluster that is formed for a trial.
	joinPause = 5 * time.Millisecond
	// warmUp lets the rumors of the joins die out, and memberlist's timers spread.
	warmUp = time.Minute
	// formLimit bounds how long full views are waited for after that. memberlist
	// may need a push/pull of each node, every 180 s with 1,000 of them.
	formLimit = 15 * time.Minute
	// cooling is how long events are still watched after a fault that is over.
	cooling = 15 * time.Second
)

// errUnformed says that a cluster had no full views before the fault, which
// makes a trial void.
var errUnformed = errors.New("views did not become full before the fault")

// world is one trial: a cluster of one system, and the script that is played to
// it. Scripts draw from rand only, and never depend on what a system does, so
// that one random seed means one fault schedule for both.
type world struct {
	system
	net     *network
	journal *journal
	rand    *rand.Rand
	nodes   int
	faulty  []bool
	down    []bool
	began   time.Duration // of the fault
	before  traffic       // sent until then
	figures []figure
	errs    []error
}

func newWorld(s system, net *network, j *journal, random *rand.Rand) *world {
	return &world{
		system: s, net: net, journal: j, rand: random, nodes: net.nodes,
		faulty: make([]bool, net.nodes), down: make([]bool, net.nodes),
	}
}

// note keeps an error for the end of the trial, which it makes void.
func (w *world) note(err error) {
	if err != nil {
		w.errs = append(w.errs, err)
	}
}

// start and stop run and end nodes; see [system].
func (w *world) start(i int, contacts ...int) {
	w.net.setDown(i, false)
	w.down[i] = false
	w.note(w.Start(i, contacts...))
}

func (w *world) stop(i int) {
	w.net.setDown(i, true)
	w.down[i] = true
	w.note(w.Stop(i))
}

// form starts all nodes, which join through the first, and returns at a random
// phase of their timers with full views everywhere.
func (w *world) form() {
	phase := time.Duration(w.rand.Int64N(int64(time.Second)))
	w.start(0)
	for i := 1; i < w.nodes; i++ {
		w.Run(joinPause)
		w.start(i, 0)
	}
	w.Run(warmUp)
	if _, ok := w.steady(formLimit, 0); !ok {
		w.note(errUnformed)
	}
	w.Run(phase)
}

// pick draws k nodes that the fault is about.
func (w *world) pick(k int) []int {
	nodes := w.rand.Perm(w.nodes)[:min(k, w.nodes)]
	slices.Sort(nodes)
	for _, i := range nodes {
		w.faulty[i] = true
	}
	return nodes
}

// begin is called as a fault begins: what happened before does not count.
func (w *world) begin() { w.began, w.before = w.Now(), w.Sent() }

// missing counts the pairs of running nodes of which one does not list the
// other, up to a bound.
func (w *world) missing(most int) int {
	count := 0
	for observer := range w.nodes {
		for subject := range w.nodes {
			if observer == subject || w.down[observer] || w.down[subject] || w.Holds(observer, subject) {
				continue
			}
			if count++; count == most {
				return count
			}
		}
	}
	return count
}

// steady lets time pass until all views have been full for a while, and returns
// how long after the call that while began; at most limit.
func (w *world) steady(limit, still time.Duration) (time.Duration, bool) {
	const look = 100 * time.Millisecond
	called := w.Now()
	since := time.Duration(-1)
	for {
		now := w.Now() - called
		if w.missing(1) > 0 {
			since = -1
		} else if since < 0 {
			since = now
		}
		switch {
		case since >= 0 && now-since >= still:
			return since, true
		case since < 0 && now >= limit:
			return 0, false
		}
		w.Run(look)
	}
}

// addFalse adds the leave events since the fault began about nodes that it is
// not about: all of them, and those at observers that it is not about either.
func (w *world) addFalse() {
	all, healthy := 0, 0
	for _, s := range w.journal.since(w.began) {
		if !s.gone || w.faulty[s.subject] || w.down[s.subject] {
			continue
		}
		all++
		if !w.faulty[s.observer] {
			healthy++
		}
	}
	w.add(count, "FP", float64(all))
	w.add(count, "FP−", float64(healthy))
}

// addTraffic adds what nodes have sent since the fault began.
func (w *world) addTraffic() {
	w.add(rate, "packets/node/s", w.perNodeSecond(w.Sent().sub(w.before).packets))
}

func (w *world) perNodeSecond(amount uint64) float64 {
	return float64(amount) / float64(w.nodes) / (w.Now() - w.began).Seconds()
}

// addDetection adds when the first and the last of the healthy nodes told of the
// death of a node.
func (w *world) addDetection(subject int) {
	told := make(map[int]time.Duration)
	for _, s := range w.journal.since(w.began) {
		if _, again := told[s.observer]; s.gone && s.subject == subject && !w.faulty[s.observer] && !again {
			told[s.observer] = s.at - w.began
		}
	}
	var times []time.Duration
	for _, at := range told {
		times = append(times, at)
	}
	slices.Sort(times)
	healthy := w.nodes - w.faultyCount()
	if len(times) == 0 {
		w.addNever("first knows")
	} else {
		w.addSeconds("first knows", times[0])
	}
	if len(times) < healthy {
		w.addNever("everybody knows")
	} else {
		w.addSeconds("everybody knows", times[len(times)-1])
	}
}

func (w *world) faultyCount() int {
	total := 0
	for _, f := range w.faulty {
		if f {
			total++
		}
	}
	return total
}

// addRemoval adds for each faulty node when, for the first time, all healthy
// ones held it dead at once.
func (w *world) addRemoval(faulty []int) {
	healthy := w.nodes - w.faultyCount()
	for _, subject := range faulty {
		out := make(map[int]bool)
		removed := time.Duration(-1)
		for _, s := range w.journal.since(w.began) {
			if s.subject != subject || w.faulty[s.observer] {
				continue
			}
			if !s.gone {
				delete(out, s.observer)
				continue
			}
			if out[s.observer] = true; len(out) == healthy {
				removed = s.at - w.began
				break
			}
		}
		if removed < 0 {
			w.addNever("removed everywhere")
		} else {
			w.addSeconds("removed everywhere", removed)
		}
	}
}

// addFull adds how long it takes from now until views are full and stay so for
// a while.
func (w *world) addFull(limit, still time.Duration) {
	if after, ok := w.steady(limit, still); ok {
		w.addSeconds("full views", after)
	} else {
		w.addNever("full views")
	}
}

func (w *world) add(k kind, name string, v float64) {
	w.figures = append(w.figures, figure{Kind: k, Name: name, Value: &v})
}

func (w *world) addSeconds(name string, d time.Duration) { w.add(seconds, name, d.Seconds()) }

func (w *world) addNever(name string) {
	w.figures = append(w.figures, figure{Kind: seconds, Name: name})
}

// moment is one step of a schedule that is drawn before it is played.
type moment struct {
	at time.Duration
	do func()
}

// play lets time pass and does what is scheduled, in order of time.
func (w *world) play(schedule []moment) {
	slices.SortStableFunc(schedule, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	start := w.Now()
	for _, m := range schedule {
		if wait := m.at - (w.Now() - start); wait > 0 {
			w.Run(wait)
		}
		m.do()
	}
}

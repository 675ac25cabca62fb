package main

import "time"

const (
	// joinLimit is how long full views are waited for after joins.
	joinLimit = 5 * time.Minute
	// joinStill is how long they must last: a storm may make nodes suspect others.
	joinStill = 15 * time.Second
)

// storm lets all nodes join one at once.
func storm(w *world, _ variant) {
	w.begin()
	w.start(0)
	for i := 1; i < w.nodes; i++ {
		w.start(i, 0)
	}
	w.addFull(joinLimit, joinStill)
	w.addFalse()
}

// trickle lets them join one after another.
func trickle(w *world, _ variant) {
	w.begin()
	w.start(0)
	for i := 1; i < w.nodes; i++ {
		w.Run(joinPause)
		w.start(i, 0)
	}
	w.addFull(joinLimit, joinStill)
	w.addFalse()
}

// restart stops every node once at some time within a minute, without a goodbye.
// It comes back under its name and address after up to half a minute, and
// remembers nothing but what its library keeps; it joins through three others.
func restart(w *world, _ variant) {
	const (
		spread   = time.Minute
		downMax  = 30 * time.Second
		contacts = 3
	)
	var schedule []moment
	stops, backs := make([]time.Duration, w.nodes), make([]time.Duration, w.nodes)
	for i := range w.nodes {
		stops[i] = time.Duration(w.rand.Int64N(int64(spread)))
		backs[i] = stops[i] + time.Second + time.Duration(w.rand.Int64N(int64(downMax-time.Second)))
		var others []int
		for _, other := range w.rand.Perm(w.nodes) {
			if other != i && len(others) < contacts {
				others = append(others, other)
			}
		}
		schedule = append(schedule,
			moment{stops[i], func() { w.stop(i) }}, moment{backs[i], func() { w.start(i, others...) }})
	}
	w.form()
	w.begin()
	w.play(schedule)
	w.addRecovery()
	w.addStale(stops, backs)
}

// addRecovery adds what is not well a minute from now, and how long it takes
// until all is.
func (w *world) addRecovery() {
	const (
		recovery = time.Minute
		limit    = 10 * time.Minute
		still    = time.Minute
	)
	called := w.Now()
	after, ok := w.steady(recovery, still)
	w.add(count, "live not shown after 60 s", float64(w.missing(-1)))
	if !ok {
		waited := w.Now() - called
		after, ok = w.steady(limit, still)
		after += waited
	}
	if ok {
		w.addSeconds("full views", after)
	} else {
		w.addNever("full views")
	}
}

// addStale adds the leave events about nodes that were not down at that moment:
// verdicts that a restart has overtaken.
func (w *world) addStale(stops, backs []time.Duration) {
	stale := 0
	for _, s := range w.journal.since(w.began) {
		if at := s.at - w.began; s.gone && (at < stops[s.subject] || at >= backs[s.subject]) {
			stale++
		}
	}
	w.add(count, "told dead while live", float64(stale))
}

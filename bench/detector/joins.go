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
		limit    = 10 * time.Minute
		still    = time.Minute
		contacts = 3
	)
	var schedule []moment
	for i := range w.nodes {
		at := time.Duration(w.rand.Int64N(int64(spread)))
		back := at + time.Second + time.Duration(w.rand.Int64N(int64(downMax-time.Second)))
		var others []int
		for _, other := range w.rand.Perm(w.nodes) {
			if other != i && len(others) < contacts {
				others = append(others, other)
			}
		}
		schedule = append(schedule, moment{at, func() { w.stop(i) }}, moment{back, func() { w.start(i, others...) }})
	}
	w.form()
	w.begin()
	w.play(schedule)
	w.Run(spread)
	w.add(count, "live not shown 60 s later", float64(w.missing(-1)))
	w.addFull(limit, still)
}

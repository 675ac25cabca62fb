package main

import "time"

// interval is Lifeguard's experiment of that name: some nodes are held together
// for a span, run for a moment, and so on for two minutes at least.
func interval(w *world, v variant) {
	const least = 2 * time.Minute
	members := w.pick(v.members)
	w.form()
	w.begin()
	for w.Now()-w.began < least {
		w.Hold(members, v.span)
		w.Run(v.span + v.between)
	}
	w.Run(cooling)
	w.addFalse()
	w.addTraffic()
}

// threshold is Lifeguard's experiment of that name: one hold, which is a true
// failure if it lasts long enough.
func threshold(w *world, v variant) {
	pause(w, v, v.members, w.Hold)
}

// freeze stops a quarter of the nodes altogether, timers included.
func freeze(w *world, v variant) {
	pause(w, v, w.nodes/4, w.system.(freezer).Freeze)
}

// pause does something to nodes that lasts for a span, and tells what others saw
// and how long it took to heal.
func pause(w *world, v variant, members int, does func(nodes []int, d time.Duration)) {
	const (
		limit = 5 * time.Minute
		still = 30 * time.Second
	)
	held := w.pick(members)
	w.form()
	w.begin()
	does(held, v.span)
	w.Run(v.span)
	w.addFull(limit, still)
	w.addFalse()
	w.addHeldDead(held)
}

// addHeldDead adds how many of the held nodes were told dead by a healthy one,
// and when the first of them was.
func (w *world) addHeldDead(held []int) {
	first := time.Duration(-1)
	dead := make(map[int]bool)
	for _, s := range w.journal.since(w.began) {
		if s.gone && w.faulty[s.subject] && !w.faulty[s.observer] {
			if first < 0 {
				first = s.at - w.began
			}
			dead[s.subject] = true
		}
	}
	w.add(rate, "held nodes told dead, %", 100*float64(len(dead))/float64(len(held)))
	if first >= 0 {
		w.addSeconds("first told dead", first)
	} else {
		w.addNever("first told dead")
	}
}

package main

import "time"

// watched is how long a lasting fault is looked at.
const watched = 5 * time.Minute

// faultyLinks is how many nodes have bad links, of about a hundred: a rack with
// a broken switch port, not a partition.
const faultyLinks = 2

// crash takes the power from one node at a random time.
func crash(w *world, _ variant) {
	victim := w.pick(1)[0]
	w.form()
	w.begin()
	w.stop(victim)
	w.Run(90 * time.Second)
	w.addDetection(victim)
	w.addFalse()
}

// cut separates two halves for a while, and tells when all is well again.
func cut(w *world, v variant) {
	const (
		limit = 15 * time.Minute
		still = time.Minute // suspicions of the cut may yet run out
	)
	half := w.pick(w.nodes / 2)
	w.form()
	w.begin()
	w.net.setSide(half, true)
	w.Run(v.span)
	w.net.setSide(half, false)
	w.addFull(limit, still)
}

// egress makes two nodes lose a share of what they send.
func egress(w *world, v variant) {
	oneWay(w, func(faulty []int) { w.net.setEgress(faulty, v.share) })
}

// ingress makes two nodes lose a share of what is sent to them.
func ingress(w *world, v variant) {
	oneWay(w, func(faulty []int) { w.net.setIngress(faulty, v.share) })
}

func oneWay(w *world, breaks func(faulty []int)) {
	faulty := w.pick(faultyLinks)
	w.form()
	w.begin()
	breaks(faulty)
	w.Run(watched)
	w.addFalse()
	w.addRemoval(faulty)
	w.addTraffic()
}

// flipFlop lets all that is sent to two nodes fail for 20 s, and arrive for 20 s,
// again and again (Rapid, figure 9).
func flipFlop(w *world, _ variant) {
	const (
		cycles = 7
		phase  = 20 * time.Second
	)
	faulty := w.pick(faultyLinks)
	w.form()
	w.begin()
	for range cycles {
		w.net.setIngress(faulty, 1)
		w.Run(phase)
		w.net.setIngress(faulty, 0)
		w.Run(phase)
	}
	w.Run(phase)
	w.addFalse()
	w.addFlaps(faulty)
	w.addTraffic()
}

// addFlaps adds how often a healthy node told its application that a faulty one
// is gone, on average.
func (w *world) addFlaps(faulty []int) {
	leaves := 0
	for _, s := range w.journal.since(w.began) {
		if s.gone && w.faulty[s.subject] && !w.faulty[s.observer] {
			leaves++
		}
	}
	pairs := len(faulty) * (w.nodes - len(faulty))
	w.add(rate, "leaves a faulty node", float64(leaves)/float64(pairs))
}

// loss lets every link lose a share of packets.
func loss(w *world, v variant) {
	w.form()
	w.begin()
	w.net.setLoss(v.share)
	w.Run(watched)
	w.addFalse()
	w.addTraffic()
}

// idle costs what a cluster without faults sends.
func idle(w *world, _ variant) {
	w.form()
	w.begin()
	w.Run(watched)
	sent := w.Sent().sub(w.before)
	w.addTraffic()
	w.add(rate, "packet bytes/node/s", w.perNodeSecond(sent.packetBytes))
	w.add(rate, "stream bytes/node/s", w.perNodeSecond(sent.streamBytes))
	w.addFalse()
}

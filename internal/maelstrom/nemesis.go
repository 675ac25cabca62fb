package maelstrom

import (
	"math/rand/v2"
	"slices"
	"time"
)

// nemesis cuts and heals in turn until it is stopped.
type nemesis struct {
	loop    *loop
	rand    *rand.Rand
	net     *network
	names   []string
	stopped bool
	count   int // cuts so far
}

// start plans the first cut.
func (n *nemesis) start() { n.later(n.strike) }

func (n *nemesis) later(f func()) {
	gap := time.Duration(n.rand.Float64() * 2 * float64(nemesisInterval))
	n.loop.after(gap, func() {
		if !n.stopped {
			f()
		}
	})
}

func (n *nemesis) strike() {
	n.count++
	shape := shapes[n.rand.IntN(len(shapes))]
	for _, pair := range shape(shuffled(n.rand, n.names)) {
		n.net.cut(pair[0], pair[1])
	}
	n.later(n.relent)
}

func (n *nemesis) relent() {
	n.net.heal()
	n.later(n.strike)
}

// stop heals for good.
func (n *nemesis) stop() {
	n.stopped = true
	n.net.heal()
}

// shapes are what the original draws from. Each takes the nodes in random order
// and returns the pairs to be cut.
var shapes = []func([]string) [][2]string{
	func(names []string) [][2]string { return split(names, 1) },
	func(names []string) [][2]string { return split(names, (len(names)-1)/3) },
	func(names []string) [][2]string { return split(names, len(names)/2) },
	majoritiesRing,
}

// split parts the first k from the others.
func split(names []string, k int) [][2]string {
	var pairs [][2]string
	for _, a := range names[:k] {
		for _, b := range names[k:] {
			pairs = append(pairs, [2]string{a, b})
		}
	}
	return pairs
}

// majoritiesRing leaves every node the nearest of a ring: together with itself a
// majority, and each node a different one.
func majoritiesRing(names []string) [][2]string {
	n := len(names)
	reach := (n/2 + 1) / 2
	var pairs [][2]string
	for j := range names {
		for i := range j {
			if distance := min(j-i, n-(j-i)); distance > reach {
				pairs = append(pairs, [2]string{names[i], names[j]})
			}
		}
	}
	return pairs
}

func shuffled(r *rand.Rand, names []string) []string {
	names = slices.Clone(names)
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

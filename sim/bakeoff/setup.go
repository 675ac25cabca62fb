package bakeoff

import (
	"math/rand/v2"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/member"
)

// newWorld sets the stage: who is there, who dies, comes and goes, and who
// publishes when.
func newWorld(cell Cell, seed uint64, start func(w *world, i int32) contender) *world {
	cell.Senders = max(cell.Senders, 1)
	joiners := cell.moves()
	w := &world{
		cell: cell, seed: seed, start: start,
		links: links{seed: seed, sent: make(map[linkKey]uint32), pipes: make(map[linkKey]member.Time)},
		views: newViews(seed, cell.Nodes, joiners, cell.Stale),
	}
	w.links.cell = &w.cell
	w.nodes = make([]node, len(w.views.ids))
	for i := range w.nodes {
		f := fateOf(seed, aboutNode, i, i, 0)
		w.nodes[i].rand = rand.New(rand.NewPCG(f.next(), f.next()))
		w.nodes[i].wake = far
	}
	w.tally = newTally(w)
	victims := w.victims()
	w.planDeaths(victims)
	w.planChurn(victims[int(cell.Dead*float64(cell.Nodes)):])
	for i := range cell.Nodes {
		w.bear(int32(i))
	}
	w.planAgreement()
	w.planEvents()
	return w
}

// moves returns how many members join, and how many crash, during the run.
func (c *Cell) moves() int {
	return int(c.Churn * float64(c.Nodes) * (churnBefore + c.For + settle/2).Seconds())
}

// bear starts a node, and its probes at a phase of its own.
func (w *world) bear(i int32) {
	n := &w.nodes[i]
	n.runs = w.start(w, i)
	w.queue.Add(w.now.Add(draw.Within(n.rand, probePeriod)), event{kind: eventProbe, node: i})
	w.schedule(i)
}

// kill ends a node without a word.
func (w *world) kill(i int32) {
	w.tally.buried.add(w.nodes[i].runs.counts(), 1)
	w.nodes[i].runs = nil
}

// victims returns the nodes that may die, in random order: all but the senders.
func (w *world) victims() []int32 {
	var all []int32
	for i := w.cell.Senders; i < w.cell.Nodes; i++ {
		all = append(all, int32(i))
	}
	f := fateOf(w.seed, aboutVictim, 0, 0, 0)
	draw.Shuffle(rand.New(rand.NewPCG(f.next(), f.next())), all)
	return all
}

// planDeaths kills some nodes shortly before the events. Nobody notices.
func (w *world) planDeaths(victims []int32) {
	for _, i := range victims[:int(w.cell.Dead*float64(w.cell.Nodes))] {
		w.tally.absent[i] = true
		w.at(member.Time(diesAt), i, func() { w.kill(i) })
	}
}

// planChurn lets nodes crash and others join, evenly over the time of churn.
// Who joins asks a sender, which stays, for what it has heard.
func (w *world) planChurn(victims []int32) {
	moves := w.cell.moves()
	first := member.Time(begin - churnBefore)
	lasts := w.cell.end() - settle/2 - (begin - churnBefore)
	for k := range moves {
		at := first.Add(lasts * time.Duration(k) / time.Duration(moves))
		gone, born := victims[k], int32(w.cell.Nodes+k)
		w.views.move(int(gone), true)
		w.views.move(int(born), false)
		w.tally.absent[gone] = true
		w.at(at, gone, func() { w.kill(gone) })
		w.spread(at.Add(noticed), gone, false)
		w.at(at, born, func() {
			w.bear(born)
			w.nodes[born].runs.adopt(w.nodes[0].runs)
		})
		w.spread(at, born, true)
		w.tally.absent[born] = at.Add(newsSpread) > member.Time(begin)
	}
}

// spread changes every perspective of a member some time after at.
func (w *world) spread(at member.Time, j int32, here bool) {
	for angle := range w.views.angles {
		f := fateOf(w.seed, aboutNews, angle, int(j), 0)
		w.at(at.Add(f.within(newsSpread)), j, func() { w.views.learn(int32(angle), j, here) })
	}
}

// planAgreement ends the differences of views.
func (w *world) planAgreement() {
	if w.cell.Stale == 0 {
		return
	}
	for angle := range w.views.angles {
		f := fateOf(w.seed, aboutNews, angle, -1, 0)
		w.at(member.Time(begin+healFrom+f.within(healSpread)), 0, func() { w.views.agree(int32(angle)) })
	}
}

// planEvents lets the senders publish: warm-ups one after another, then the
// measured events.
func (w *world) planEvents() {
	payload := make([]byte, w.cell.Size)
	publish := func(at time.Duration, sender int) {
		w.at(member.Time(at), int32(sender), func() { w.publish(int32(sender), payload) })
	}
	for k := range warmups {
		for s := range w.cell.Senders {
			if !w.cell.Cold {
				publish(warmFrom+time.Duration(k)*warmEvery+time.Duration(s)*warmEvery/time.Duration(w.cell.Senders), s)
			}
		}
	}
	w.at(member.Time(begin), 0, w.tally.begin)
	if w.cell.Rate == 0 {
		for s := range w.cell.Senders {
			publish(begin, s)
		}
		return
	}
	for k := range w.cell.Rate * int(w.cell.For) / int(time.Second) {
		publish(begin+time.Duration(k)*time.Second/time.Duration(w.cell.Rate), k%w.cell.Senders)
	}
}

func (w *world) publish(sender int32, payload []byte) {
	w.tally.publishing(sender)
	seq := w.nodes[sender].runs.publish(w.now, payload, w.cell.Ordered)
	w.tally.published(sender, seq)
}

// host is what a contender may do to the world.
type host struct {
	w *world
	i int32
}

func (h host) send(to int32, p *packet) { h.w.send(h.i, to, p) }

func (h host) deliver(origin int32, seq uint64, hops int) {
	h.w.tally.delivered(h.i, origin, seq, hops)
}

// patience is how long an answer may take on the way to a member and back: the
// true time and half of it again. No real node knows it that well.
func (h host) patience(to int32) time.Duration {
	return max(10*time.Millisecond, 3*h.w.links.delay(h.i, to))
}

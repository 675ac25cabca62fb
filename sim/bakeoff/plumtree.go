package bakeoff

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// plumtree pushes along a tree: links on which an event came twice are pruned
// and carry only its id, and whoever hears of an event but does not get it
// grafts the link back (Leitão, Pereira, Rodrigues, SRDS 2007, section 3).
//
// Beyond the paper: a tree per origin, so that each is as quick as its first
// flood; pushes are acknowledged and sent again once, or 1 % loss breaks
// branches all the time; ids wait some milliseconds for company; the graft
// timer is learnt per tree; a link is not pruned soon after a graft; one open
// request an event; roots behind it all. Receipt does not optimise by hops:
// the first arrival made the tree already.
type plumtree struct {
	ledger
	seen   uint64 // version of the view that links are of
	links  []int32
	trees  map[int32]*tree
	awaits []await
	ihaves []ihave
	ihave  member.Time // when ids are due
}

// tree is what a node knows of one origin's.
type tree struct {
	lazy    map[int32]bool
	grafted map[int32]member.Time // when a link was grafted last
	digest  map[id]member.Time    // when an id came before its payload
	mean    time.Duration         // of how much later the payload comes
	dev     time.Duration
}

// await is a push that was not acknowledged yet.
type await struct {
	to    int32
	n     note
	due   member.Time
	again bool
}

// ihave are the ids that wait for a lazy link.
type ihave struct {
	to  int32
	ids []id
}

const (
	// rings make 2·rings links a node: each links to the next and the previous
	// member on so many shuffled rings, which both ends derive from the view. 16
	// links gave the lowest trees for the ids they cost.
	rings = 8
	// ids wait for ihaveDelay, or until ihavesMax are there.
	ihaveDelay = 10 * time.Millisecond
	ihavesMax  = 32
	// graftFirst is the graft timer before anything is learnt, on top of an
	// answer's time; too short grafts what is on its way.
	graftFirst = 60 * time.Millisecond
	graftFloor = 20 * time.Millisecond
	// pruneGrace is how long a grafted link is not pruned.
	pruneGrace = time.Second
)

func newPlumtree(w *world, i int32) contender {
	p := &plumtree{ledger: newLedger(host{w, i}), trees: make(map[int32]*tree), ihave: far}
	p.pullNote, p.digests = noteGraft, false
	p.onNew = p.spread
	p.onAsk = p.graft
	return p
}

func (p *plumtree) tree(origin int32) *tree {
	t := p.trees[origin]
	if t == nil {
		t = &tree{lazy: make(map[int32]bool), grafted: make(map[int32]member.Time), digest: make(map[id]member.Time)}
		p.trees[origin] = t
	}
	return t
}

// neighbours returns the links of the view as it is now.
func (p *plumtree) neighbours() []int32 {
	v := p.host.w.views
	if version := v.angle(p.host.i).version; version != p.seen {
		p.seen, p.links = version, nil
		for ring := range rings {
			next, previous := v.beside(p.host.i, uint64(ring))
			for _, j := range []int32{next, previous} {
				if j >= 0 && !slices.Contains(p.links, j) {
					p.links = append(p.links, j)
				}
			}
		}
	}
	return p.links
}

// beside returns the members before and after a node on a ring, -1 if there is
// nobody else.
func (v *views) beside(i int32, ring uint64) (next, previous int32) {
	place := func(j int32) uint64 { return mix(v.place[j] ^ ring<<56) }
	next, previous = -1, -1
	var up, down uint64
	here := place(i)
	for _, peer := range v.live(i) {
		j := number(peer.Addr)
		if j == i {
			continue
		}
		there := place(j)
		if next < 0 || there-here < up {
			next, up = j, there-here
		}
		if previous < 0 || here-there < down {
			previous, down = j, here-there
		}
	}
	return next, previous
}

// spread pushes an event that is new along the tree, and its id along the
// links that are not of it.
func (p *plumtree) spread(now member.Time, from int32, n *note) {
	t := p.tree(n.id.origin)
	if from != p.host.i {
		delete(t.lazy, from)
	}
	pushed := note{kind: notePayload, id: n.id, hops: n.hops + 1, payload: n.payload}
	for _, to := range p.neighbours() {
		switch {
		case to == from:
		case t.lazy[to]:
			p.tell(now, to, n.id)
		default:
			p.push(now, to, pushed)
		}
	}
}

func (p *plumtree) push(now member.Time, to int32, n note) {
	p.mail.add(to, n)
	p.awaits = append(p.awaits, await{to: to, n: n, due: now.Add(p.host.patience(to))})
}

// tell queues an id for a lazy link.
func (p *plumtree) tell(now member.Time, to int32, m id) {
	k := slices.IndexFunc(p.ihaves, func(h ihave) bool { return h.to == to })
	if k < 0 {
		k = len(p.ihaves)
		p.ihaves = append(p.ihaves, ihave{to: to})
	}
	p.ihaves[k].ids = append(p.ihaves[k].ids, m)
	p.ihave = min(p.ihave, now.Add(ihaveDelay))
	if len(p.ihaves[k].ids) >= ihavesMax {
		p.ihave = now
	}
}

// flush sends all, and with it ids for those who get something anyway.
func (p *plumtree) flush(now member.Time) {
	p.ihaves = slices.DeleteFunc(p.ihaves, func(h ihave) bool {
		ripe := now >= p.ihave || p.mail.pending(h.to)
		if ripe {
			p.mail.add(h.to, note{kind: noteIHave, ids: h.ids})
		}
		return ripe
	})
	if len(p.ihaves) == 0 {
		p.ihave = far
	}
	p.mail.flush()
}

func (p *plumtree) publish(now member.Time, payload []byte, _ bool) uint64 {
	n := p.ledger.publish(now, payload)
	p.spread(now, p.host.i, n)
	p.flush(now)
	return n.id.seq
}

func (p *plumtree) receive(now member.Time, from int32, packet *packet) {
	var acked []id
	for i := range packet.notes {
		n := &packet.notes[i]
		if n.kind == notePayload {
			if !p.knows(n.id.origin) {
				continue
			}
			acked = append(acked, n.id)
		}
		p.onNote(now, from, n)
	}
	if len(acked) > 0 {
		p.mail.add(from, note{kind: noteAck, ids: acked})
	}
	p.flush(now)
}

func (p *plumtree) onNote(now member.Time, from int32, n *note) {
	t := p.tree(n.id.origin)
	switch n.kind {
	case notePayload:
		p.learn(now, t, n)
		if !p.onPayload(now, from, n) {
			p.onDuplicate(now, from, t, n)
		}
	case noteAck:
		p.awaits = slices.DeleteFunc(p.awaits, func(a await) bool { return a.to == from && slices.Contains(n.ids, a.n.id) })
	case noteIHave:
		for _, m := range n.ids {
			p.onIHave(now, from, m)
		}
	case noteGraft:
		for _, m := range n.ids {
			t := p.tree(m.origin)
			delete(t.lazy, from)
			t.grafted[from] = now
		}
		p.answer(from, n.ids)
	case notePrune:
		t.lazy[from] = true
	default:
		p.ledger.onNote(now, from, n)
	}
}

// onDuplicate prunes the link, unless the copy came again from who brought the
// first, or somebody asked for it.
func (p *plumtree) onDuplicate(now member.Time, from int32, t *tree, n *note) {
	grafted, ever := t.grafted[from]
	if p.held[n.id].from == from || n.asked || ever && now.Sub(grafted) < pruneGrace {
		return
	}
	if !t.lazy[from] {
		p.tallied.Prunes++
	}
	t.lazy[from] = true
	p.mail.add(from, note{kind: notePrune, id: n.id})
}

// onIHave starts the graft timer of an event that is not here.
func (p *plumtree) onIHave(now member.Time, from int32, m id) {
	if p.has(m) || !p.knows(m.origin) {
		return
	}
	t := p.tree(m.origin)
	if _, before := t.digest[m]; !before {
		t.digest[m] = now
	}
	p.miss(now, from, m)
	if w := &p.wants[len(p.wants)-1]; w.id == m && w.asked == 0 && len(w.advertisers) == 1 {
		w.due = now.Add(t.timer(p.host.patience(from)))
	}
}

// timer is the mean of how much later payloads come than their first ids, and
// four deviations, as for round trips (RFC 6298).
func (t *tree) timer(patience time.Duration) time.Duration {
	if t.dev == 0 {
		return patience + graftFirst
	}
	return max(graftFloor, t.mean+4*t.dev)
}

// learn takes the sample that an arrival is.
func (p *plumtree) learn(now member.Time, t *tree, n *note) {
	at, ok := t.digest[n.id]
	if !ok {
		return
	}
	delete(t.digest, n.id)
	if n.asked {
		return
	}
	sample := now.Sub(at)
	if t.dev == 0 {
		t.mean, t.dev = sample, max(sample/2, 1)
		return
	}
	t.dev = max((3*t.dev+(t.mean-sample).Abs())/4, 1)
	t.mean = (7*t.mean + sample) / 8
}

// graft makes the link over which an event is asked for one of the tree.
func (p *plumtree) graft(now member.Time, to int32, m id) {
	p.tallied.Grafts++
	t := p.tree(m.origin)
	delete(t.lazy, to)
	t.grafted[to] = now
}

func (p *plumtree) tick(now member.Time) {
	p.ledger.tick(now)
	p.repeat(now)
	p.flush(now)
}

// repeat sends again, once, what was not acknowledged.
func (p *plumtree) repeat(now member.Time) {
	p.awaits = slices.DeleteFunc(p.awaits, func(a await) bool { return a.due <= now && a.again })
	for i := range p.awaits {
		a := &p.awaits[i]
		if a.due <= now {
			p.tallied.Retransmits++
			p.mail.add(a.to, a.n)
			a.again, a.due = true, now.Add(p.host.patience(a.to))
		}
	}
}

func (p *plumtree) deadline() member.Time {
	at := min(p.ledger.deadline(), p.ihave)
	for i := range p.awaits {
		at = min(at, p.awaits[i].due)
	}
	return at
}

func (p *plumtree) adopt(contact contender) { p.ledger.adopt(&contact.(*plumtree).ledger) }

package epidemic

import "math/bits"

// The rounds in this file are those of spread.go for the common case: one
// update, in step, nobody counting contacts or watching. They draw the same
// random integers and give the same result, two to three times faster.

// lone reports whether the common case holds.
func (t *trial) lone() bool {
	return len(t.updates) == 1 && t.cfg.Order == Sync && t.onSend == nil && !t.general
}

// hand gives the only update to a node that may or may not know it.
func (t *trial) hand(up *update, to int) {
	if !t.rand.hits(t.loss) && !t.isDown(to) && up.next.add(to) {
		up.reached++
		up.last = t.round
	}
}

// tellAll lets a node send the only update to its targets.
func (t *trial) tellAll(up *update, i int) {
	targets := t.pick.targets(i)
	t.copies += uint64(len(targets))
	for _, to := range targets {
		t.hand(up, to)
	}
}

// pushLone is push for protocols that do not count contacts.
func (t *trial) pushLone() {
	up := &t.updates[0]
	once := t.cfg.Protocol == InfectAndDie
	for w, word := range up.active {
		act := word &^ t.down[w]
		if once {
			up.active[w] &^= act
		}
		for ; act != 0; act &= act - 1 {
			t.tellAll(up, w<<6+bits.TrailingZeros64(act))
		}
	}
}

// pushPullLone is pushPull.
func (t *trial) pushPullLone() {
	up := &t.updates[0]
	for i := range t.cfg.Nodes {
		switch {
		case t.isDown(i):
		case up.known.has(i):
			t.tellAll(up, i)
		default:
			t.ask(up, i)
		}
	}
}

// pullLone is pull.
func (t *trial) pullLone() {
	up := &t.updates[0]
	for w, word := range up.known {
		ask := ^word &^ t.down[w]
		if rest := t.cfg.Nodes - w<<6; rest < 64 {
			ask &= 1<<rest - 1 // the last word has bits of no node
		}
		for ; ask != 0; ask &= ask - 1 {
			t.ask(up, w<<6+bits.TrailingZeros64(ask))
		}
	}
}

// ask lets a node that does not know the only update ask its targets.
func (t *trial) ask(up *update, i int) {
	targets := t.pick.targets(i)
	t.requests += uint64(len(targets))
	for _, from := range targets {
		if up.known.has(from) && !t.isDown(from) {
			t.copies++
			t.hand(up, i)
		}
	}
}

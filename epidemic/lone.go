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
			targets := t.pick.targets(w<<6 + bits.TrailingZeros64(act))
			t.copies += uint64(len(targets))
			for _, to := range targets {
				t.hand(up, to)
			}
		}
	}
}

// pushPullLone is pushPull.
func (t *trial) pushPullLone() {
	up := &t.updates[0]
	for i := range t.cfg.Nodes {
		if t.isDown(i) {
			continue
		}
		targets := t.pick.targets(i)
		if up.known.has(i) {
			t.copies += uint64(len(targets))
			for _, to := range targets {
				t.hand(up, to)
			}
			continue
		}
		t.requests += uint64(len(targets))
		for _, from := range targets {
			if up.known.has(from) && !t.isDown(from) {
				t.copies++
				t.hand(up, i)
			}
		}
	}
}

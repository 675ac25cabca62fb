package epidemic

import "math/bits"

// push lets every node that spreads something send it to its targets, and then
// asks whether it goes on.
func (t *trial) push() {
	if t.lone() && !t.cfg.Protocol.mongers() {
		t.pushLone()
		return
	}
	for i := t.nextSpreader(0); i >= 0; i = t.nextSpreader(i + 1) {
		hot := t.spreads(i)
		targets := t.pick.targets(i)
		t.copies += uint64(len(targets) * bits.OnesCount64(hot))
		if t.cfg.Protocol == InfectAndDie {
			t.drop(i, hot)
		}
		for _, to := range targets {
			knew, arrived := t.send(i, to, hot)
			if t.cfg.Protocol.mongers() {
				t.lose(i, hot, knew, arrived)
			}
		}
	}
}

// send carries payloads from i to another node. It returns what the receiver
// knew already and whether it got them.
func (t *trial) send(from, to int, carried uint64) (knew uint64, arrived bool) {
	arrived = !t.rand.hits(t.loss) && !t.isDown(to)
	if t.onSend != nil {
		t.onSend(Contact{t.round, from, to, carried, carried &^ t.holds(to), !arrived})
	}
	if !arrived {
		return 0, false
	}
	knew = carried & t.holds(to)
	if knew == carried {
		return knew, true
	}
	for left := carried &^ knew; left != 0; left &= left - 1 {
		t.learn(bits.TrailingZeros64(left), to)
	}
	return knew, true
}

// lose makes node i lose interest in updates after one contact (Demers et al.,
// PODC 1987, section 1.4). Without feedback every contact counts; with
// feedback only one that reports it knew, so a lost datagram does not.
func (t *trial) lose(i int, hot, knew uint64, arrived bool) {
	if !t.cfg.Protocol.feedback() {
		knew, arrived = hot, true
	}
	if !arrived {
		return
	}
	for ; knew != 0; knew &= knew - 1 {
		u := bits.TrailingZeros64(knew)
		if t.tired(&t.updates[u], i) {
			t.drop(i, 1<<u)
		}
	}
}

// tired counts a contact, or tosses the coin, and reports whether it was the
// last.
func (t *trial) tired(up *update, i int) bool {
	if t.cfg.Protocol.coin() {
		return t.cfg.stop() == 1 || t.rand.hits(t.quit)
	}
	// A fanout above one may overshoot; the node has stopped by then.
	up.contacts[i] = min(up.contacts[i]+1, MaxStop)
	return int(up.contacts[i]) >= t.cfg.stop()
}

// drop makes node i spread the given updates no more.
func (t *trial) drop(i int, which uint64) {
	for ; which != 0; which &= which - 1 {
		t.updates[bits.TrailingZeros64(which)].active.clear(i)
	}
}

// pull lets every node that lacks something ask its targets.
func (t *trial) pull() {
	if t.lone() {
		t.pullLone()
		return
	}
	for i := t.nextLacking(0); i >= 0; i = t.nextLacking(i + 1) {
		lack := t.all &^ t.holds(i)
		targets := t.pick.targets(i)
		t.requests += uint64(len(targets))
		for _, to := range targets {
			t.reply(to, i, lack)
		}
	}
}

// reply answers the request of a node that lacks something. A node that is
// down, or has nothing to offer, is silent.
func (t *trial) reply(from, to int, lack uint64) {
	if t.isDown(from) {
		return
	}
	if offer := lack & t.holds(from); offer != 0 {
		t.copies += uint64(bits.OnesCount64(offer))
		t.send(from, to, offer)
	}
}

// pushPull lets every node that is up call its targets: it sends what it has
// and gets what it lacks.
func (t *trial) pushPull() {
	if t.lone() {
		t.pushPullLone()
		return
	}
	for i := range t.cfg.Nodes {
		if t.isDown(i) {
			continue
		}
		have := t.holds(i)
		lack := t.all &^ have
		targets := t.pick.targets(i)
		t.copies += uint64(len(targets) * bits.OnesCount64(have))
		if lack != 0 {
			t.requests += uint64(len(targets))
		}
		for _, to := range targets {
			if have != 0 {
				t.send(i, to, have)
			}
			if lack != 0 {
				t.reply(to, i, lack)
			}
		}
	}
}

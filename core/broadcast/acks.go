package broadcast

import (
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// How often something is sent before its receiver is given up.
const (
	// delegateTries: the second loss in a row of a good network is rare, and a
	// whole span waits.
	delegateTries = 2
	// leafTries and leafPatience are how often, and for how long, a member is
	// tried that nobody waits for. Without its ack the receipt lacks it though it
	// has the event: at a loss of 5 % each way, 1 in 1,000. A fourth try would
	// cost a copy for each member that is dead, and double the time in which a
	// report waits for it. Where round trips are short, a process that stands
	// still for half a second should not be missed either: then the last of one
	// more try than leafTries is late, and its ack is awaited.
	leafTries    = 3
	leafPatience = 500 * time.Millisecond
	// controlTries is for reports and answers.
	controlTries = 6
	// backoffMax bounds the doubling of waits, to 64 times the first.
	backoffMax = 7
)

// timeoutOf returns how long an ack of a peer is awaited at first.
func (m *Machine) timeoutOf(l *link, which wire.Lane) time.Duration {
	if which == wire.LaneBulk {
		if d, ok := l.lanes[which].rtt.timeout(bulkTimeoutMin); ok {
			return min(d, bulkTimeoutMax)
		}
		return bulkTimeoutStart
	}
	if d, ok := l.lanes[wire.LaneSmall].rtt.timeout(m.cfg.Timing.RTOMin); ok {
		return min(d, timeoutMax)
	}
	return m.timeout()
}

// Waits for acks on streams, where a connection may have to be opened, a lost
// segment repeated, or a megabyte goes before.
const (
	bulkTimeoutMin   = 500 * time.Millisecond
	bulkTimeoutStart = 2 * time.Second
	bulkTimeoutMax   = 10 * time.Second
	// timeoutMax bounds a wait that a stall of our own has stretched.
	timeoutMax = 3 * time.Second
)

// timeout is the wait for a peer that nothing is known of.
func (m *Machine) timeout() time.Duration {
	if d, ok := m.rtt.timeout(m.cfg.Timing.RTOMin); ok {
		return min(d, timeoutMax)
	}
	return m.cfg.Timing.RTOStart
}

// OnProbe takes a round trip that somebody else has measured.
func (m *Machine) OnProbe(id member.NodeID, elapsed time.Duration) {
	m.rtt.sample(elapsed)
	if l, ok := m.links[id]; ok {
		l.lanes[wire.LaneSmall].rtt.sample(elapsed)
	}
}

// patience is how long a piece that was just sent may remain unacknowledged.
func (m *Machine) patience(l *link, which wire.Lane, p *piece) time.Duration {
	d := m.timeoutOf(l, which)
	if !p.delegate || p.orphan || p.tries > delegateTries {
		d <<= min(max(p.tries, 1)-1, backoffMax-1)
	}
	return d + m.cfg.Timing.AckDelay
}

// reportWait is how long a delegate's report may take once it has confirmed: its
// leaves may have to be tried leafTries times, which is 7 timeouts of paths that
// may be some times longer than this one, and a span passed on before. At 24 one
// report in 80 came too late on links of log-normal delay.
func (m *Machine) reportWait(l *link, which wire.Lane, ev *event) time.Duration {
	level := time.Duration(max(1, 4-int(ev.hops))) * 3 * leafPatience / 2
	return level + 24*max(m.timeoutOf(l, which), m.timeout()) + leafTries*m.cfg.Timing.AckDelay
}

// onAck takes acknowledgements.
func (m *Machine) onAck(now member.Time, l *link, a *wire.RelayAck) {
	lane := &l.lanes[a.Lane]
	for run := (wire.AckRun{}); a.Next(&run); {
		from, to := lane.clip(run.First, run.Length)
		for n := from; n != to; n++ {
			if p := lane.at(n); p.state == sent {
				m.acked(now, l, a.Lane, p, run.Kind)
			}
		}
	}
	lane.trim()
	if lane.blocked {
		m.wake(l, 0)
	}
}

func (m *Machine) acked(now member.Time, l *link, which wire.Lane, p *piece, kind wire.AckKind) {
	lane := &l.lanes[which]
	lane.inFlight -= int(p.bytes)
	lane.answered, lane.silent = now, false
	// Of a repetition nobody knows what was answered (Karn), nor how long an ack
	// that may have waited was on its way.
	if p.tries == 1 && m.cfg.Timing.AckDelay == 0 {
		d := now.Sub(p.sent)
		lane.rtt.sample(d)
		if which == wire.LaneSmall {
			m.rtt.sample(d)
		}
	}
	m.lapse(p)
	if p.kind == relayPiece {
		if kind == wire.AckCounted {
			m.count(p.svc, 1)
		}
		if p.delegate && !p.early {
			p.state = entrust
			p.due = now.Add(m.reportWait(l, which, p.ev))
			lane.due = min(lane.due, p.due)
			m.laneDue = min(m.laneDue, p.due)
			m.unhold(p) // only its report is to come
			return
		}
	}
	m.close(now, p)
}

// close ends a piece; the caller trims the lane.
func (m *Machine) close(now member.Time, p *piece) {
	svc := p.svc
	m.lapse(p)
	m.unhold(p)
	*p = piece{}
	m.closePiece(now, svc)
}

// lapse notes that a piece need not hold back the publisher any more: it was
// acknowledged, or its receiver is late.
func (m *Machine) lapse(p *piece) {
	if p.svc != nil && !p.lapsed {
		p.lapsed = true
		m.unblock(p.svc)
	}
}

// hush notes that a peer has acknowledged nothing on a lane since something was
// sent that is overdue: what is queued behind it holds back nobody either.
func (m *Machine) hush(lane *lane) {
	if lane.silent {
		return
	}
	lane.silent = true
	for n := lane.unsent; n != lane.next; n++ {
		m.lapse(lane.at(n))
	}
}

// onReport adds what delegates have reached.
func (m *Machine) onReport(now member.Time, l *link, r *wire.Report) {
	m.ack(l, wire.LaneControl, r.Number, wire.AckTaken)
	for run := (wire.ReportRun{}); r.Next(&run); {
		lane := &l.lanes[run.Lane]
		from, to := lane.clip(run.First, run.Length)
		for n := from; n != to; n++ {
			p := lane.at(n)
			if p.state == closed || p.kind != relayPiece || !p.delegate || p.early {
				continue // not entrusted to it, or reported before
			}
			m.count(p.svc, run.Reached)
			if p.state == entrust {
				m.close(now, p)
			} else {
				p.early = true
			}
		}
		lane.trim()
	}
}

// tickLanes repeats, or gives up, what was not acknowledged in time.
func (m *Machine) tickLanes(now member.Time) {
	if now < m.laneDue {
		return
	}
	m.laneDue = Never
	for _, l := range m.linkList {
		for which := range wire.LaneEnd {
			if lane := &l.lanes[which]; now >= lane.due {
				m.tickLane(now, l, which)
			}
			m.laneDue = min(m.laneDue, l.lanes[which].due)
		}
	}
}

func (m *Machine) tickLane(now member.Time, l *link, which wire.Lane) {
	lane := &l.lanes[which]
	lane.due = Never
	end := lane.unsent
	for n := lane.first; n != end; n++ {
		p := lane.at(n)
		switch {
		case p.state == closed || p.again:
			continue
		case now >= p.due:
			m.overdue(now, l, which, n)
			p = lane.at(n) // the ring may have grown
		}
		if p.state == sent || p.state == entrust {
			lane.due = min(lane.due, p.due)
		}
	}
	lane.trim()
	if lane.blocked {
		m.wake(l, 0)
	}
}

// overdue decides about a piece whose time is up.
func (m *Machine) overdue(now member.Time, l *link, which wire.Lane, n wire.Number) {
	lane := &l.lanes[which]
	p := lane.at(n)
	if p.state == entrust {
		m.close(now, p)
		return
	}
	m.lapse(p)
	if which == wire.LaneBulk && lane.answered <= p.sent {
		m.hush(lane)
	}
	hopeless := p.tries >= controlTries
	if p.kind == relayPiece {
		hopeless = p.tries > leafTries || p.tries == leafTries && now.Sub(p.first) >= leafPatience
	}
	if p.kind == relayPiece && p.delegate && !p.orphan && p.tries >= delegateTries {
		m.passOn(now, l, p)
		p = lane.at(n)
	}
	gone := m.livePeer(l.peer.ID) == nil
	if rest := p.first.Add(p.rest()); p.kind == relayPiece && !gone && now < rest {
		p.due = rest
		return
	}
	if hopeless || gone {
		m.stats.GivenUp++
		lane.inFlight -= int(p.bytes)
		m.close(now, p)
		return
	}
	m.stats.Retransmits++
	p.again = true
	p.due = Never // until it is sent
	lane.again = append(lane.again, n)
	m.wake(l, 0)
}

// rest is how long after it was first sent a relay is let alone, having been tried
// often enough.
func (p *piece) rest() time.Duration {
	switch {
	case p.tries < leafTries:
		return 0
	case p.tries == leafTries:
		return leafPatience * 2 / 3
	}
	return leafPatience
}

// passOn gives the span of a silent delegate to others. The delegate itself is
// tried on: it may have been reached, and count.
func (m *Machine) passOn(now member.Time, l *link, p *piece) {
	p.orphan = true
	again := push{ev: p.ev, chunk: int(p.chunk), svc: p.svc, depth: p.depth}
	m.tree.failed(now, again, p.span, l)
}

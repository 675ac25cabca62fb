package broadcast

import (
	"slices"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// service is a promise that an event, or one chunk of it, is handed on: to the
// whole ring by its origin, or to a span by a delegate. It counts the members
// reached by the pieces it consists of. When none is open any more it is a
// delegate's report or the origin's receipt.
//
// A node that has a whole event says so once, in the ack of one relay: so no
// count ever includes a member twice, however many relays it got.
type service struct {
	reached int
	open    int
	done    bool
	parent  receipt // to whom the report goes; zero: this is the origin's

	// of the origin's
	seq       uint64
	live      int
	bytes     int
	published member.Time
	changed   bool
	// prompt counts the pieces that were neither acknowledged nor late, nor are
	// queued for somebody silent, and one while pieces are added. At zero the
	// publisher is free to go on: it should not be held back for one silent
	// member.
	prompt   int
	released bool
	bulk     bool // of chunks, whose bytes count beyond the release
	holds    int  // pieces that were not acknowledged: they keep the content
}

// serve begins a service for a span that a peer entrusted to this node.
func (m *Machine) serve(now member.Time, ev *event, chunk int, span wire.Span, at receipt) {
	for i := range ev.served {
		if s := &ev.served[i]; s.receipt == at {
			return // sent twice; the report will come, or has
		}
	}
	known := false
	for i := range ev.served {
		s := &ev.served[i]
		known = known || s.chunk == chunk && within(span, s.span)
	}
	if len(ev.served) < servedMax {
		ev.served = append(ev.served, servedSpan{receipt: at, chunk: chunk, span: span})
	}
	svc := m.newService()
	svc.parent = at
	svc.open++ // until all are pushed
	if !known {
		m.tree.spread(now, push{ev: ev, chunk: chunk, svc: svc}, span, at.from)
	}
	m.closePiece(now, svc)
}

// servedMax bounds the spans noted for one event; more come only when members
// fail faster than they are passed over. It holds three chunk trees of a large
// event: beyond it, spans are served twice, which costs copies only.
const servedMax = 256

// within reports whether a span lies in another.
func within(inner, outer wire.Span) bool {
	if outer.After == outer.To {
		return true
	}
	if inner.After == inner.To {
		return false
	}
	return inner.After-outer.After <= inner.To-outer.After && inner.To-outer.After <= outer.To-outer.After
}

func (m *Machine) newService() *service {
	if n := len(m.services); n > 0 {
		svc := m.services[n-1]
		m.services = m.services[:n-1]
		*svc = service{}
		return svc
	}
	return new(service)
}

// recycle keeps a service that is over for reuse.
func (m *Machine) recycle(svc *service) {
	if len(m.services) < servicesKeep {
		m.services = append(m.services, svc)
	}
}

// servicesKeep bounds the services kept: as many as a batch of own messages.
const servicesKeep = 256

// count adds members that were reached.
func (m *Machine) count(svc *service, reached int) {
	if svc == nil || reached == 0 {
		return
	}
	svc.reached += reached
	m.touch(svc)
}

// touch lists a receipt to be reported at the next flush.
func (m *Machine) touch(svc *service) {
	if svc.seq != 0 && !svc.changed {
		svc.changed = true
		m.receipts = append(m.receipts, svc)
		m.flushAt = min(m.flushAt, m.now)
	}
}

// closePiece notes that one piece of a service is over.
func (m *Machine) closePiece(now member.Time, svc *service) {
	if svc == nil {
		return
	}
	svc.open--
	if svc.open > 0 {
		return
	}
	svc.done = true
	if svc.seq == 0 {
		m.report(svc)
		m.recycle(svc)
		return
	}
	m.free(svc)
	if svc.reached >= svc.live {
		m.stats.Latency.add(now.Sub(svc.published))
	}
	m.touch(svc)
}

// unblock notes that one piece less holds back the publisher.
func (m *Machine) unblock(svc *service) {
	if svc.prompt--; svc.prompt == 0 && svc.seq != 0 {
		m.free(svc)
	}
}

// free gives back an own message's share of what may be in flight. A large one
// is late from then on, while somebody silent has to be sent it.
func (m *Machine) free(svc *service) {
	if svc.released {
		return
	}
	svc.released = true
	m.own.count--
	m.own.bytes -= svc.bytes
	if svc.bulk && svc.holds > 0 {
		m.own.late += svc.bytes
		m.lagging = append(m.lagging, svc)
	}
}

// unhold notes that a piece needs no content any more: it was acknowledged, or is
// over.
func (m *Machine) unhold(p *piece) {
	if p.ev == nil {
		return
	}
	m.window.unref(p.ev)
	p.ev = nil
	svc := p.svc
	if svc == nil {
		return
	}
	if svc.holds--; svc.holds == 0 && svc.bulk && svc.released {
		m.caughtUp(svc)
	}
}

// caughtUp takes a large message off those that are late, if it is one of them.
func (m *Machine) caughtUp(svc *service) {
	if i := slices.Index(m.lagging, svc); i >= 0 {
		m.lagging = slices.Delete(m.lagging, i, i+1)
		m.own.late -= svc.bytes
	}
}

// report lists a finished service for the next report to its parent.
func (m *Machine) report(svc *service) {
	l := svc.parent.from
	l.reports = append(l.reports, wire.ReportRun{Lane: svc.parent.lane, First: svc.parent.number, Length: 1, Reached: svc.reached})
	if n := len(l.reports); n > 1 {
		last, now := &l.reports[n-2], &l.reports[n-1]
		if last.Lane == now.Lane && last.Reached == now.Reached && last.First+wire.Number(last.Length) == now.First && last.Length < runMax {
			last.Length++
			l.reports = l.reports[:n-1]
		}
	}
	m.wake(l, m.cfg.Timing.AckDelay)
}

// runMax bounds the numbers of one run in an ack or a report.
const runMax = 1 << 15

// showReceipts reports the receipts that have changed since the last flush.
func (m *Machine) showReceipts() {
	for i, svc := range m.receipts {
		svc.changed = false
		m.cfg.Out.Report(effect.Event{
			Kind: effect.ReceiptUpdated, Epoch: m.cfg.Epoch, Seq: svc.seq, Count: min(svc.reached, svc.live), Total: svc.live, Done: svc.done,
		})
		if svc.done {
			m.recycle(svc)
		}
		m.receipts[i] = nil
	}
	m.receipts = m.receipts[:0]
}

// own bounds what this node has published and not seen through: what holds back
// the publisher, and the bytes of large messages that do so no more, but are kept
// for members that were silent for longer than an ack takes.
type own struct{ count, bytes, late int }

// admits reports whether one more message may be on its way. The topics and
// filters of two of the largest do not count, so that two of those always may.
// While too much is kept for silent members, the oldest of it is left to repair:
// as much may be late as may be in flight.
func (m *Machine) admits(now member.Time, size int) bool {
	limit := m.cfg.Limits.InFlightBytes
	for i := 0; m.own.late > limit && i < len(m.lagging); {
		svc := m.lagging[i]
		m.abandon(now, svc)
		if i < len(m.lagging) && m.lagging[i] == svc {
			i++ // others serve its spans now
		}
	}
	return m.own.count < m.cfg.Limits.InFlight && m.own.late <= limit &&
		(m.own.count == 0 || m.own.bytes+size <= limit+contentOverhead)
}

// abandon leaves to repair who was silent about a large own message, and gives
// their spans to others.
func (m *Machine) abandon(now member.Time, svc *service) {
	for i := 0; i < len(m.linkList); i++ { // spans may go over new links
		l := m.linkList[i]
		lane := &l.lanes[wire.LaneBulk]
		for n, end := lane.first, lane.next; n != end; n++ {
			if p := lane.at(n); p.svc != svc || p.ev == nil || !p.lapsed {
				continue
			}
			m.leave(now, l, n)
		}
		lane.trim()
		if lane.blocked {
			m.wake(l, 0)
		}
	}
}

// leave ends a relay on a bulk lane that was queued, or not acknowledged.
func (m *Machine) leave(now member.Time, l *link, n wire.Number) {
	lane := &l.lanes[wire.LaneBulk]
	p := lane.at(n)
	if p.delegate && !p.orphan {
		m.passOn(now, l, p)
		p = lane.at(n) // the ring may have grown
	}
	if p.state == queued {
		m.stats.QueueBytes -= p.ev.chunkSize(int(p.chunk))
	} else {
		lane.inFlight -= int(p.bytes)
	}
	m.stats.Lazy++
	m.noteNews(now, p.ev.origin)
	m.close(now, p)
}

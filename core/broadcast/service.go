package broadcast

import (
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
	// prompt counts the pieces that were neither acknowledged nor late, and one
	// while pieces are added. At zero the publisher is free to go on: it should
	// not be held back for one silent member.
	prompt   int
	released bool
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
		ev.served = append(ev.served, service0{receipt: at, chunk: chunk, span: span})
	}
	svc := m.newService()
	svc.parent = at
	svc.open++ // until all are pushed
	if !known {
		m.strategy.spread(now, push{ev: ev, chunk: chunk, svc: svc}, span, at.from)
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

// free gives back an own message's share of what may be in flight.
func (m *Machine) free(svc *service) {
	if !svc.released {
		svc.released = true
		m.own.count--
		m.own.bytes -= svc.bytes
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

// own bounds what this node has published and not seen through.
type own struct{ count, bytes int }

package broadcast

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// strategy decides who gets an event from this node. See the package
// documentation for what it may do.
type strategy interface {
	// spread is called when this node has to hand something on: its own event or
	// chunk, for the whole ring (from is nil), or what from sent it for a span.
	// All pushes of the call carry p's service.
	spread(now member.Time, p push, span wire.Span, from *link)
	// received is called for each relay that came without a span: new here, or a
	// duplicate. A strategy of trees learns from it who sends too much.
	received(now member.Time, p push, from *link, duplicate bool)
	// acked is called when a peer acknowledged a push.
	acked(now member.Time, to *link, kind wire.AckKind)
	// failed is called when a peer did not acknowledge a push, p, of a span: it
	// may be pushed to others, for the same service.
	failed(now member.Time, p push, span wire.Span, to *link)
	// heard is called when a peer tells that it has events which this node lacks;
	// the machine pulls them by itself.
	heard(now member.Time, from *link, o *origin)
	// pulled is called when a peer asks for an event that it missed.
	pulled(now member.Time, by *link)
}

// push is what is handed on: an event, or one of its chunks ([small]: it has
// none), on behalf of a service; nil: nobody counts.
type push struct {
	ev    *event
	chunk int
	svc   *service
	depth uint8 // how often it was passed on from one that was silent
}

// hop0 reports whether the event is this node's own.
func (p push) hop0() bool { return p.ev.hops == 0 }

func (m *Machine) newStrategy() strategy {
	return &delegation{m: m}
}

// push hands something to a peer: for itself, or with delegate for a span. It
// reports whether there was room in the peer's queue; if not, the peer is left
// to repair.
func (m *Machine) push(now member.Time, l *link, p push, delegate bool, span wire.Span) bool {
	lane := &l.lanes[wire.LaneSmall]
	if p.chunk != small {
		lane = &l.lanes[wire.LaneBulk]
	}
	q := lane.add()
	if q == nil && m.shed(now, lane) {
		q = lane.add()
	}
	if q == nil {
		m.stats.Lazy++
		m.noteNews(now, p.ev.origin)
		return false
	}
	q.ev, q.svc, q.chunk, q.delegate, q.span, q.depth = p.ev, p.svc, int32(p.chunk), delegate, span, p.depth
	p.ev.refs++
	if p.svc != nil {
		p.svc.open++
		p.svc.holds++
		if q.lapsed = lane.silent; !q.lapsed {
			p.svc.prompt++
		}
	}
	m.stats.QueueBytes += p.ev.chunkSize(p.chunk)
	m.wake(l, m.cfg.Timing.BatchWindow)
	return true
}

// shed makes room on a full lane by not waiting for the oldest report any more:
// one silent leaf somewhere must not stop what its delegate can carry.
func (m *Machine) shed(now member.Time, l *lane) bool {
	p := l.at(l.first)
	if p.state != entrust {
		return false
	}
	m.close(now, p)
	l.trim()
	return true
}

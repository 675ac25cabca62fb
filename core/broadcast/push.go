package broadcast

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// push is what is handed on: an event, or one of its chunks ([small]: it has
// none), on behalf of a service; nil: nobody counts.
type push struct {
	ev    *event
	chunk int
	svc   *service
	depth uint8 // how often it was passed on from one that was silent
}

// own reports whether the event is this node's.
func (p push) own() bool { return p.ev.hops == 0 }

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

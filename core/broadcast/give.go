package broadcast

import (
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// What a peer is given for one pull.
const (
	repairBytes  = 64 << 10
	repairChunks = 16
	repairsMax   = 1024 // queued for one peer
	firstChunks  = 8    // of a large event of which it has nothing
)

// onPull answers with what is kept. What is not, the peer should know.
func (m *Machine) onPull(now member.Time, l *link, p *wire.Pull) {
	o := m.originOf(now, p.Origin, p.Epoch)
	if o == nil {
		return
	}
	give := giver{m: m, l: l, bytes: repairBytes, chunks: repairChunks}
	for run := (wire.Run{}); p.Runs.Next(&run); {
		if p.Chunks {
			give.chunksOf(m.find(o, p.Seq), run)
			continue
		}
		for seq := run.After + 1; seq <= min(run.To, o.top, run.After+pullEvents); seq++ {
			give.event(m.find(o, seq))
		}
		give.lacks = give.lacks || run.To > o.top
	}
	if give.lacks {
		m.msg.heard = wire.Heard{}
		m.entries = m.appendEntry(m.entries[:0], o)
		m.msg.heard.SetEntries(m.entries)
		m.tell(l, &m.msg.heard)
	}
	m.wake(l, 0)
}

// giver queues answers to one pull, within what a peer is given.
type giver struct {
	m      *Machine
	l      *link
	bytes  int
	chunks int
	lacks  bool // something that was asked for is not kept
}

func (g *giver) event(ev *event) {
	switch {
	case ev == nil || ev.content == nil:
		g.lacks = true
	case ev.chunked:
		for i := range min(firstChunks, wire.Chunks(ev.size)) {
			g.chunk(ev, i)
		}
	case g.bytes < ev.size || len(g.l.repairs) >= repairsMax:
		g.m.drops[dropPull]++
	default:
		g.bytes -= ev.size
		g.add(ev, small)
	}
}

func (g *giver) chunksOf(ev *event, run wire.Run) {
	if ev == nil || !ev.chunked {
		g.lacks = true
		return
	}
	for i := run.After; i < min(run.To, uint64(wire.Chunks(ev.size))); i++ {
		g.chunk(ev, int(i))
	}
}

func (g *giver) chunk(ev *event, i int) {
	switch {
	case ev.chunk(i) == nil:
		g.lacks = true
	case g.chunks == 0 || len(g.l.repairs) >= repairsMax:
		g.m.drops[dropPull]++
	default:
		g.chunks--
		g.add(ev, i)
	}
}

func (g *giver) add(ev *event, chunk int) {
	ev.refs++
	g.l.repairs = append(g.l.repairs, repairItem{ev, chunk})
}

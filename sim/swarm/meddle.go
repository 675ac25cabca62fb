package swarm

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/sim"
)

// window is a fault on links that is going on.
type window struct {
	*Fault
	from, to []bool   // by node, from 0
	packets  []uint32 // so far, by link
	ends     time.Duration
}

func newWindow(f *Fault, nodes int, now time.Duration) *window {
	set := func(list []int) []bool {
		s := make([]bool, nodes)
		for i := range s {
			s[i] = len(list) == 0
		}
		for _, n := range list {
			s[n-1] = true
		}
		return s
	}
	return &window{
		Fault: f, from: set(f.From), to: set(f.To), packets: make([]uint32, nodes*nodes),
		ends: now + time.Duration(f.For),
	}
}

// meddler is what all windows together do to packets. It implements
// [sim.Meddler] for a run.
type meddler struct {
	r       *run
	windows []*window
	buffer  []byte // of a damaged payload
	copies  []time.Duration
}

func (m *meddler) open(f *Fault) {
	w := newWindow(f, m.r.s.Nodes, m.r.c.Now())
	m.windows = append(m.windows, w)
	m.r.after(time.Duration(f.For), func() {
		m.windows = slices.DeleteFunc(m.windows, func(other *window) bool { return other == w })
	})
}

// Meddle implements [sim.Meddler].
func (m *meddler) Meddle(from, to int, p *core.Packet) sim.Fate {
	var fate sim.Fate
	if len(m.windows) == 0 {
		return fate
	}
	m.copies = m.copies[:0]
	n := m.r.s.Nodes
	a, b := m.r.nodes[from], m.r.nodes[to]
	for _, w := range m.windows {
		back := w.from[b] && w.to[a] && p.Lane == core.Stream
		if !(w.from[a] && w.to[b]) {
			// A stream needs its acknowledgements.
			fate.Lost = fate.Lost || back && w.Op == Cut
			continue
		}
		link := a*n + b
		w.packets[link]++
		l := luckOf(m.r.s.Seed, w.ID, link, w.packets[link])
		m.apply(w, &l, p, &fate)
	}
	fate.Copies = m.copies
	return fate
}

const (
	// overhead is what IPv4, UDP and the seal of a running session add to a
	// payload.
	overhead = 20 + 8 + 35
	// resend is how much later the lost segment of a stream arrives, and
	// resends how often one may be lost before the stream breaks.
	resend  = 200 * time.Millisecond
	resends = 6
)

func (m *meddler) apply(w *window, l *luck, p *core.Packet, fate *sim.Fate) {
	datagram := p.Lane == core.Datagram
	switch w.Op {
	case Loss:
		if datagram {
			fate.Lost = fate.Lost || l.hits(w.Share)
			return
		}
		tries := 0
		for ; tries < resends && l.hits(w.Share); tries++ {
			fate.Delay += resend << tries
		}
		fate.Lost = fate.Lost || tries == resends
	case Slowness:
		fate.Delay += l.exponential(w.Delay)
	case Tail:
		if l.hits(w.Share) {
			fate.Delay += l.within(w.Delay)
		}
	case Duplicate, Replay:
		if datagram && l.hits(w.Share) {
			m.copies = append(m.copies, time.Duration(m.r.s.Network.Latency)+l.within(w.Delay))
		}
	case Damage:
		if datagram && l.hits(w.Share) {
			m.damage(l, p, fate)
		}
	case Clog:
		fate.Delay += max(w.ends-m.r.c.Now(), 0) + l.within(Duration(5*time.Millisecond))
	case Cut:
		fate.Lost = true
	case Hole:
		fate.Lost = fate.Lost || datagram && len(p.Payload)+overhead > w.Size
	case NoUDP:
		fate.Lost = fate.Lost || datagram
	case NoTCP:
		fate.Lost = fate.Lost || !datagram
	}
}

// damage cuts a payload short or flips a bit of it. The seal would notice; so
// what arrives is only what the codec must notice as well, and messages before
// the damage are as they were. Anything else is lost.
func (m *meddler) damage(l *luck, p *core.Packet, fate *sim.Fate) {
	if len(p.Payload) == 0 {
		return
	}
	at := int(l.below(uint64(len(p.Payload))))
	m.buffer = append(m.buffer[:0], p.Payload...)
	if l.hits(0.5) {
		m.buffer = m.buffer[:at]
	} else {
		m.buffer[at] ^= 1 << l.below(8)
	}
	if bad, ok := malformed(m.buffer); !ok || bad > at {
		fate.Lost = true
		return
	}
	fate.Payload = m.buffer
}

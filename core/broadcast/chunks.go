package broadcast

import (
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// parts are the chunks of an event that is not whole yet.
type parts struct {
	chunks [][]byte // nil where one lacks
	got    int
	bytes  int
	source *link       // who sent one last
	due    member.Time // when what lacks is pulled
	asked  int         // chunks asked for that have not come
	turn   int
}

// partialsMax bounds the events that are coming in by chunks; their bytes are
// bounded by the window.
const partialsMax = 256

// chunkSize returns how many bytes of content one push of an event carries.
func (ev *event) chunkSize(chunk int) int {
	if chunk == small {
		return ev.size
	}
	return min(wire.ChunkSize, ev.size-chunk*wire.ChunkSize)
}

// chunk returns a chunk of an event; nil if it is not here.
func (ev *event) chunk(i int) []byte {
	switch {
	case i < 0 || i >= wire.Chunks(ev.size):
		return nil
	case ev.content != nil:
		start := i * wire.ChunkSize
		return ev.content[start : start+ev.chunkSize(i)]
	case ev.parts != nil:
		return ev.parts.chunks[i]
	}
	return nil
}

// take stores what a relay brings. fresh: it was not here. ok is false if it was
// refused, which is counted: then it must not be acknowledged. ev is nil if the
// event is no longer kept.
func (m *Machine) take(now member.Time, o *origin, r *wire.Relay, from *link) (ev *event, fresh, ok bool) {
	if !m.informed {
		m.meet(now, o, r.Seq-1)
	}
	ev = m.find(o, r.Seq)
	size := len(r.Body)
	if r.Chunked {
		size = r.Size
	}
	switch {
	case o.has(r.Seq):
		return ev, false, true
	case r.Seq > o.base+aheadMax:
		m.drops[dropWindow]++
		return nil, false, false
	case size > m.cfg.Limits.EventSize+contentOverhead || ev != nil && (ev.size != size || !r.Chunked):
		m.drops[dropSize]++
		return nil, false, false
	case r.Chunked:
		return m.takeChunk(now, o, ev, r, from)
	}
	ev = m.keep(now, o, r.Seq, size)
	ev.born, ev.hops, ev.repaired = now.Add(-r.Age), r.Hops, r.Repair
	ev.content = append(make([]byte, 0, size), r.Body...)
	m.accept(now, ev)
	return ev, true, true
}

// contentOverhead is what a topic and a filter add to a payload at most.
const contentOverhead = 16 << 10

func (m *Machine) takeChunk(now member.Time, o *origin, ev *event, r *wire.Relay, from *link) (*event, bool, bool) {
	if ev == nil {
		if len(m.partials) >= partialsMax {
			m.drops[dropWindow]++
			return nil, false, false
		}
		ev = m.keep(now, o, r.Seq, 0)
		ev.size, ev.chunked, ev.hops, ev.born = r.Size, true, r.Hops, now.Add(-r.Age)
		ev.parts = &parts{chunks: make([][]byte, wire.Chunks(r.Size)), due: Never}
		m.partials = append(m.partials, ev)
		o.top = max(o.top, ev.seq)
		m.noteHoles(now, o, o.top)
	}
	p := ev.parts
	if p.chunks[r.Chunk] != nil {
		return ev, false, true
	}
	m.makeRoom(now, o, len(r.Body))
	if !ev.kept { // there is no room but its own
		m.drops[dropWindow]++
		return nil, false, false
	}
	p.chunks[r.Chunk] = append(make([]byte, 0, len(r.Body)), r.Body...)
	p.got++
	p.bytes += len(r.Body)
	p.source = from
	ev.repaired = ev.repaired || r.Repair
	m.hold(o, len(r.Body))
	p.due = now.Add(m.stallWait())
	if r.Repair && p.asked > 0 {
		if p.asked--; p.asked == 0 {
			p.due = now
		}
	}
	m.partialDue = min(m.partialDue, p.due)
	if p.got == len(p.chunks) {
		m.assemble(now, ev)
	}
	return ev, true, true
}

// assemble makes one content of all chunks.
func (m *Machine) assemble(now member.Time, ev *event) {
	content := make([]byte, 0, ev.size)
	for _, c := range ev.parts.chunks {
		content = append(content, c...)
	}
	ev.content, ev.parts = content, nil
	m.partials = without(m.partials, ev)
	m.accept(now, ev)
}

// stallWait is how long the next chunk may take before what lacks is pulled.
func (m *Machine) stallWait() time.Duration { return max(4*m.timeout(), bulkTimeoutMin) }

// tickPartials pulls chunks of what has stalled.
func (m *Machine) tickPartials(now member.Time) {
	if now < m.partialDue {
		return
	}
	m.partialDue = Never
	for _, ev := range m.partials {
		if now >= ev.parts.due {
			m.pullChunks(now, ev)
		}
		m.partialDue = min(m.partialDue, ev.parts.due)
	}
}

// pullChunks asks for some chunks: who sent one last, the origin, and those who
// say that they have the event, in turn.
func (m *Machine) pullChunks(now member.Time, ev *event) {
	p, o := ev.parts, ev.origin
	sources := m.sources[:0]
	if p.source != nil && m.livePeer(p.source.peer.ID) != nil {
		sources = append(sources, p.source)
	}
	if peer := m.livePeer(o.id); peer != nil {
		sources = append(sources, m.linkTo(*peer))
	}
	if r := o.repair; r != nil {
		for _, a := range r.ads[:r.adCount] {
			if a.top >= ev.seq && a.floor < ev.seq {
				sources = append(sources, a.from)
			}
		}
	}
	m.sources = sources
	p.due = now.Add(m.stallWait())
	if len(sources) == 0 {
		return
	}
	encoded, last, left := m.runs[:0], uint64(0), repairChunks
	for i := 0; i < len(p.chunks) && left > 0; i++ {
		if p.chunks[i] != nil {
			continue
		}
		end := i
		for end < len(p.chunks) && p.chunks[end] == nil && left > 0 {
			end++
			left--
		}
		run := wire.Run{After: uint64(i), To: uint64(end)}
		encoded, last = wire.AppendRun(encoded, last, run), run.To
		i = end
	}
	m.runs = encoded
	p.asked = repairChunks - left
	m.msg.pull = wire.Pull{Origin: o.id, Epoch: o.epoch, Chunks: true, Seq: ev.seq, Runs: wire.NewRuns(encoded, 0)}
	m.tell(sources[p.turn%len(sources)], &m.msg.pull)
	p.turn++
	m.stats.Pulls++
}

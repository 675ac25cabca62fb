package broadcast

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// link is what this node and one peer have to say to each other.
type link struct {
	peer    Peer
	checked uint64 // version of the members for which peer.Addr was right
	lanes   [wire.LaneEnd]lane

	// Waiting for the next flush, in the order in which it goes.
	acks    []ackRun
	reports []wire.ReportRun
	control []byte // encoded messages
	repairs []repairItem
	listed  bool        // among the machine's links that have something to send
	flushAt member.Time // while listed: when it goes at the latest
	unacked int         // bytes that came since the last acks went
}

// ackRun is a run of acks not yet sent.
type ackRun struct {
	lane wire.Lane
	wire.AckRun
}

// repairItem is a relay that answers a pull.
type repairItem struct {
	ev    *event
	chunk int
}

// busy reports whether a push should rather go to somebody else.
func (l *link) busy(chunk int) bool {
	lane := &l.lanes[wire.LaneSmall]
	if chunk != small {
		lane = &l.lanes[wire.LaneBulk]
	}
	return lane.silent || lane.waiting() >= busyQueue || lane.open() == piecesMax && lane.at(lane.first).state != entrust
}

// busyQueue is how many relays may wait for room before others are asked to
// serve a span: more than one full window of the smallest.
const busyQueue = 512

// idle reports whether the link could be forgotten without a loss.
func (l *link) idle() bool {
	for i := range l.lanes {
		if l.lanes[i].open() > 0 {
			return false
		}
	}
	return !l.listed
}

// linkTo returns the link to a peer, new if need be.
func (m *Machine) linkTo(p Peer) *link {
	l, ok := m.links[p.ID]
	if !ok {
		l = &link{peer: p, checked: m.cfg.Members.Version()}
		for i := range l.lanes {
			lane := &l.lanes[i]
			lane.first = wire.Number(m.cfg.Rand.Uint32()) // an ack to a former life matches nothing
			lane.unsent, lane.next, lane.due = lane.first, lane.first, Never
		}
		if m.links == nil {
			m.links = make(map[member.NodeID]*link)
		}
		m.links[p.ID] = l
		m.linkList = append(m.linkList, l)
	}
	return l
}

// linkFrom returns the link to whom a message came from.
func (m *Machine) linkFrom(from effect.Peer) *link {
	l, ok := m.links[from.ID]
	if !ok {
		l = m.linkTo(Peer{ID: from.ID, Addr: from.Addr})
		l.checked = 0
	}
	return l
}

// wake lists a link to be flushed, at the latest after a delay. Whatever has it
// flushed earlier takes all that waits along.
func (m *Machine) wake(l *link, delay time.Duration) {
	at := m.now.Add(delay)
	if !l.listed {
		l.listed, l.flushAt = true, at
		m.listed = append(m.listed, l)
	}
	l.flushAt = min(l.flushAt, at)
	m.flushAt = min(m.flushAt, at)
}

// ack notes that something came on a lane under a number.
func (m *Machine) ack(l *link, lane wire.Lane, n wire.Number, kind wire.AckKind) {
	delay := m.cfg.Timing.AckDelay
	if l.unacked > smallWindow/2 {
		delay = 0 // before the peer's window is full
	}
	if i := len(l.acks) - 1; i >= 0 {
		last := &l.acks[i]
		if last.lane == lane && last.Kind == kind && last.First+wire.Number(last.Length) == n && last.Length < runMax {
			last.Length++
			m.wake(l, delay)
			return
		}
	}
	l.acks = append(l.acks, ackRun{lane, wire.AckRun{First: n, Length: 1, Kind: kind}})
	m.wake(l, delay)
}

// tell queues a control message.
func (m *Machine) tell(l *link, msg wire.Message) {
	before := len(l.control)
	l.control = wire.Append(l.control, msg)
	m.stats.BytesControl += uint64(len(l.control) - before)
	m.wake(l, 0)
}

// address looks up where the peer is reached now.
func (m *Machine) address(l *link) {
	version := m.cfg.Members.Version()
	if l.checked == version {
		return
	}
	l.checked = version
	if p := m.livePeer(l.peer.ID); p != nil {
		l.peer.Addr = p.Addr
	}
}

// livePeer returns the live member of an ID; nil if there is none.
func (m *Machine) livePeer(id member.NodeID) *Peer {
	live := m.cfg.Members.Live()
	i, ok := slices.BinarySearchFunc(live, id, func(p Peer, id member.NodeID) int { return p.ID.Compare(id) })
	if !ok {
		return nil
	}
	return &live[i]
}

// flush sends what waits on the listed links whose time has come.
func (m *Machine) flush(now member.Time) {
	m.flushAt = Never
	kept := 0
	for i := 0; i < len(m.listed); i++ { // a link may be listed again meanwhile
		l := m.listed[i]
		if l.flushAt > now {
			m.flushAt = min(m.flushAt, l.flushAt)
			m.listed[kept] = l
			kept++
			continue
		}
		l.listed = false
		m.flushLink(now, l)
	}
	clear(m.listed[kept:])
	m.listed = m.listed[:kept]
	if len(m.linkList) > len(m.cfg.Members.Live())+linksSpare {
		m.reap()
	}
}

// linksSpare is how many links there may be to nodes that are not live before
// they are looked through.
const linksSpare = 64

// reap forgets the links to nodes that are not live, and with whom nothing is
// under way. A link that comes back counts from another random number.
func (m *Machine) reap() {
	n := 0
	for _, l := range m.linkList {
		if l.idle() && m.livePeer(l.peer.ID) == nil {
			delete(m.links, l.peer.ID)
			continue
		}
		m.linkList[n] = l
		n++
	}
	clear(m.linkList[n:])
	m.linkList = m.linkList[:n]
}

func (m *Machine) flushLink(now member.Time, l *link) {
	m.address(l)
	w := writer{m: m, l: l, lane: effect.Datagram}
	w.acks()
	w.control()
	m.queueReports(l)
	w.pieces(now, wire.LaneControl)
	w.pieces(now, wire.LaneSmall)
	w.repairs(now, false)
	w = writer{m: m, l: l, lane: effect.Stream}
	w.pieces(now, wire.LaneBulk)
	w.repairs(now, true)
	for _, r := range l.repairs {
		m.window.unref(r.ev)
	}
	clear(l.repairs)
	l.repairs = l.repairs[:0]
	if cap(l.control) > controlKeep {
		l.control = nil
	}
}

// controlKeep bounds the buffer that a link keeps.
const controlKeep = 2 << 10

// queueReports makes pieces of the reports that wait.
func (m *Machine) queueReports(l *link) {
	const most = 64 // of 8 bytes and more: half a datagram
	for len(l.reports) > 0 {
		n := min(len(l.reports), most)
		lane := &l.lanes[wire.LaneControl]
		p := lane.add()
		if p == nil {
			break // a peer that answers nothing; it will not miss them
		}
		p.kind = reportPiece
		p.body = nil
		for _, run := range l.reports[:n] {
			p.body = wire.AppendReportRun(p.body, run)
		}
		l.reports = l.reports[n:]
	}
	l.reports = l.reports[:0]
}

// writer fills packets to one peer.
type writer struct {
	m      *Machine
	l      *link
	lane   effect.Lane
	opened bool
	count  int
}

// messagesMax bounds the messages that one packet gets here. The rest of
// [wire.MessagesMax] is for what rides along.
const messagesMax = 32

// room makes sure that the packet under way has room for a message of size bytes.
func (w *writer) room(size int) {
	out := w.m.cfg.Out
	full := w.count >= messagesMax && w.lane == effect.Datagram
	limit := w.m.cfg.PayloadMax
	if w.lane == effect.Stream {
		limit = wire.FrameTarget
	}
	if !w.opened || full || out.Last().Size()+size > limit {
		out.Open(w.l.peer.ID, w.l.peer.Addr, w.lane)
		w.opened, w.count = true, 0
	}
	w.count++
}

// acks writes one message for each lane that has runs.
func (w *writer) acks() {
	m, l := w.m, w.l
	for lane := range wire.LaneEnd {
		encoded, n := m.scratch[:0], 0
		for i := range l.acks {
			if l.acks[i].lane != lane {
				continue
			}
			encoded = wire.AppendAckRun(encoded, l.acks[i].AckRun)
			if n++; n == acksPerMessage {
				w.ack(lane, encoded)
				encoded, n = encoded[:0], 0
			}
		}
		if n > 0 {
			w.ack(lane, encoded)
		}
		m.scratch = encoded
	}
	l.acks, l.unacked = l.acks[:0], 0
}

// acksPerMessage is what half a datagram holds.
const acksPerMessage = 64

func (w *writer) ack(lane wire.Lane, runs []byte) {
	m := w.m
	m.msg.ack.Lane = lane
	m.msg.ack.SetRuns(runs)
	size := wire.Size(1 + len(runs))
	w.room(size)
	m.cfg.Out.Add(&m.msg.ack)
	m.stats.Acks++
	m.stats.BytesControl += uint64(size)
}

// control passes on the encoded messages.
func (w *writer) control() {
	for rest := w.l.control; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil { // we have encoded it
			break
		}
		w.room(wire.Size(len(body)))
		w.m.cfg.Out.AddBody(t, body)
		rest = after
	}
	w.l.control = w.l.control[:0]
}

// pieces writes what is to be repeated on a lane, and then what is queued, as
// far as the window for what is not acknowledged allows.
func (w *writer) pieces(now member.Time, which wire.Lane) {
	lane := &w.l.lanes[which]
	for _, n := range lane.again {
		if p := lane.find(n); p != nil && p.state == sent && p.again {
			p.again = false
			w.piece(now, which, n, p)
		}
	}
	lane.again = lane.again[:0]
	window := smallWindow
	if which == wire.LaneBulk {
		window = bulkWindow
	}
	for lane.unsent != lane.next && lane.inFlight < window {
		n := lane.unsent
		lane.unsent++
		p := lane.at(n)
		if p.state != queued {
			lane.trim()
			continue
		}
		p.state = sent
		if p.kind == relayPiece {
			w.m.stats.QueueBytes -= p.ev.chunkSize(int(p.chunk))
		}
		w.piece(now, which, n, p)
	}
	lane.blocked = lane.unsent != lane.next
}

// piece writes one piece, and sets when its ack is due.
func (w *writer) piece(now member.Time, which wire.Lane, n wire.Number, p *piece) {
	m := w.m
	size := 0
	switch p.kind {
	case relayPiece:
		r := &m.msg.relay
		*r = wire.Relay{Number: n, Delegate: p.delegate, Span: p.span}
		size = w.relay(now, p.ev, int(p.chunk))
		m.stats.BytesEager += uint64(size)
	case reportPiece:
		m.msg.report.Number = n
		m.msg.report.SetRuns(p.body)
		size = wire.Size(4 + len(p.body))
		w.room(size)
		m.cfg.Out.Add(&m.msg.report)
		m.stats.Reports++
		m.stats.BytesControl += uint64(size)
	case answerPiece:
		a := &m.msg.answer
		*a = wire.Answer{Lane: which, Number: n, Epoch: p.answer.epoch, Seq: p.answer.seq, Index: p.answer.index, Payload: p.body}
		size = wire.Size(answerOverhead + len(p.body))
		w.room(size)
		m.cfg.Out.Add(a)
		m.stats.BytesControl += uint64(size)
	}
	lane := &w.l.lanes[which]
	lane.inFlight += size - int(p.bytes) // a repetition may be longer: its age is
	p.bytes = int32(size)
	if p.tries == 0 {
		p.first = now
	}
	p.tries++
	p.sent = now
	p.due = now.Add(m.patience(w.l, which, p))
	lane.due = min(lane.due, p.due)
	m.laneDue = min(m.laneDue, p.due)
}

// relay writes the relay that m.msg.relay was prepared for, and returns its size.
func (w *writer) relay(now member.Time, ev *event, chunk int) int {
	m := w.m
	r := &m.msg.relay
	r.EventID = wire.EventID{Origin: ev.origin.id, Epoch: ev.origin.epoch, Seq: ev.seq}
	r.Hops = min(ev.hops, 254) + 1
	r.Age = now.Sub(ev.born)
	r.Body = ev.content
	if chunk != small {
		r.Chunked, r.Chunk, r.Size = true, chunk, ev.size
		r.Body = ev.chunk(chunk)
	}
	size := relayOverhead + len(r.Body)
	w.room(size)
	before := m.cfg.Out.Last().Size()
	m.cfg.Out.Add(r)
	m.stats.Relays++
	return m.cfg.Out.Last().Size() - before
}

const (
	// relayOverhead is the most that a relay of a whole content adds to it: 4 of
	// envelope, flags, number, origin, epoch, seq, hops, age and span. A chunk
	// goes by stream, where a little more does no harm.
	relayOverhead = 4 + 1 + 4 + 16 + 10 + 9 + 1 + 4 + 16
	// answerOverhead is the same for an answer.
	answerOverhead = 1 + 4 + 10 + 9 + 10
)

// repairs writes the answers to pulls: small ones or chunks.
func (w *writer) repairs(now member.Time, bulk bool) {
	for _, r := range w.l.repairs {
		if r.ev.origin == nil || (r.chunk != small) != bulk {
			continue
		}
		if r.ev.content == nil && (r.chunk == small || r.ev.chunk(r.chunk) == nil) {
			continue // put out of the window meanwhile
		}
		w.m.msg.relay = wire.Relay{Repair: true}
		w.m.stats.BytesRepair += uint64(w.relay(now, r.ev, r.chunk))
	}
}

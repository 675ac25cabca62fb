package broadcast

import (
	"fmt"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Machine is one node's part in all broadcasts. Not for concurrent use. All
// effects go to Config.Out; payloads in events are shared and must not be
// changed, but may be kept.
type Machine struct {
	cfg      Config
	started  member.Time
	now      member.Time // as of the last call
	tree     delegation
	seq      uint64 // of the last own event
	joining  bool
	informed bool // it has joined, and knows of all that was said before

	origins   []*origin // in order of arrival
	index     map[member.NodeID]*origin
	window    window
	topics    topics
	partials  []*event
	news      []*origin // to be told of
	repairing []*origin // with holes
	gone      []*origin // forgotten by the member table, the first one first

	links    map[member.NodeID]*link
	linkList []*link
	listed   []*link // with something to send
	rtt      rtt     // over all peers

	receipts []*service // changed since the last flush
	services []*service // for reuse
	own      own
	lagging  []*service // own large messages that are late, the first one first
	asking   []asking
	asked    []asked

	// Deadlines; none is later than what it stands for.
	flushAt    member.Time
	laneDue    member.Time
	repairDue  member.Time
	partialDue member.Time
	heardAt    member.Time

	lastNews     member.Time
	lastExchange member.Time

	stats Stats
	drops [dropEnd]uint64

	stranger member.NodeID // origin of a relay that was refused for want of its record

	// Scratch and reused messages.
	scratch []byte
	entries []byte
	runs    []byte
	topic   []byte
	picked  []Peer
	sources []*link
	in      inbound
	msg     outbound
}

// inbound holds one decoded message of each type, reused.
type inbound struct {
	relay  wire.Relay
	ack    wire.RelayAck
	report wire.Report
	heard  wire.Heard
	root   wire.HeardRoot
	pull   wire.Pull
	answer wire.Answer
}

// outbound holds the messages to be written, reused.
type outbound struct {
	relay  wire.Relay
	ack    wire.RelayAck
	report wire.Report
	heard  wire.Heard
	pull   wire.Pull
	answer wire.Answer
}

// Never is a deadline of nothing.
const Never = member.Time(1<<63 - 1)

// New returns a machine that has heard nothing. It draws nothing from
// Config.Rand before there is something to send.
func New(now member.Time, cfg Config) *Machine {
	cfg.setDefaults()
	m := &Machine{
		cfg: cfg, started: now, now: now, index: make(map[member.NodeID]*origin),
		flushAt: Never, laneDue: Never, repairDue: Never, partialDue: Never, heardAt: Never,
	}
	m.tree.m = m
	m.lastExchange = now
	return m
}

// Deadline returns when the machine wants a Tick; [Never] when it waits for
// nothing. It is in the past while there is something to send: a driver hands
// in what else has arrived, and then the Tick, so that all of it shares packets.
func (m *Machine) Deadline() member.Time {
	return min(m.flushAt, m.laneDue, m.repairDue, m.partialDue, m.heardAt, m.expiresAt())
}

// Tick does what has come due, and sends what was collected.
func (m *Machine) Tick(now member.Time) {
	m.now = now
	m.expire(now)
	m.tickLanes(now)
	m.tickRepairs(now)
	m.tickPartials(now)
	m.tickHeard(now)
	m.Flush(now)
}

// Flush sends what was collected and is due, and judges nobody: for a driver that
// has not handed in yet all that has arrived.
func (m *Machine) Flush(now member.Time) {
	m.now = now
	if now >= m.flushAt {
		m.flush(now)
		m.showReceipts()
	}
}

// Message is what [Machine.Publish] tells. Those that Filter leaves out pass it on
// and keep it for repair, and do not report it.
type Message struct {
	Topic   string
	Payload []byte
	Ordered bool
	Filter  Filter
}

// Publish sends a message to all members. It returns its number in this epoch,
// and how many members carry it, this node included. Topic and payload are
// copied. The error is [ErrTopic], [ErrSize], [ErrFilter] or [ErrBackpressure],
// wrapped.
func (m *Machine) Publish(now member.Time, msg Message) (seq uint64, live int, err error) {
	if !msg.Filter.Valid() {
		return 0, 0, fmt.Errorf("publish: %w", ErrFilter)
	}
	c := wire.Content{Ordered: msg.Ordered}
	c.SetFilter(&msg.Filter)
	return m.publish(now, &c, msg.Topic, msg.Payload)
}

func (m *Machine) publish(now member.Time, c *wire.Content, topic string, payload []byte) (seq uint64, live int, err error) {
	m.now = now
	if len(topic) == 0 || len(topic) > wire.TopicMax {
		return 0, 0, fmt.Errorf("publish on topic of %d bytes: %w", len(topic), ErrTopic)
	}
	if len(payload) > m.cfg.Limits.EventSize {
		return 0, 0, fmt.Errorf("publish %d bytes, limit %d: %w", len(payload), m.cfg.Limits.EventSize, ErrSize)
	}
	if !m.admits(now, len(payload)) {
		return 0, 0, fmt.Errorf("publish: %d messages of %d bytes, %d bytes for the silent: %w", m.own.count, m.own.bytes, m.own.late, ErrBackpressure)
	}
	m.topic = append(m.topic[:0], topic...)
	c.Topic, c.Payload = m.topic, payload
	content := c.Append(make([]byte, 0, len(payload)+len(topic)+contentHead(c)))
	m.seq++
	m.stats.Published++
	o := m.originOf(now, m.cfg.ID, m.cfg.Epoch)
	ev := m.keep(now, o, m.seq, len(content))
	ev.content, ev.born, ev.delivered = content, now, true
	ev.chunked = len(content)+relayOverhead > m.cfg.PayloadMax
	o.mark(m.seq)
	m.advance(now, o)
	m.noteNews(now, o)
	return m.seq, m.send(now, ev), nil
}

// contentHead is about how long a content is without its topic and payload.
func contentHead(c *wire.Content) int {
	if c.Query {
		return 128
	}
	return 2
}

// send begins the service of an own event and returns for how many it is.
func (m *Machine) send(now member.Time, ev *event) (live int) {
	svc := m.newService()
	svc.seq, svc.bytes, svc.published, svc.reached, svc.open, svc.prompt = ev.seq, ev.size, now, 1, 1, 1
	svc.bulk = ev.chunked
	svc.live = len(m.cfg.Members.Live()) + 1
	if m.livePeer(m.cfg.ID) != nil {
		svc.live--
	}
	live = svc.live
	m.own.count++
	m.own.bytes += ev.size
	at := position(m.cfg.ID)
	p := push{ev: ev, chunk: small, svc: svc}
	if ev.chunked {
		for p.chunk = range wire.Chunks(ev.size) {
			m.tree.spread(now, p, wire.Span{After: at, To: at}, nil)
		}
	} else {
		m.tree.spread(now, p, wire.Span{After: at, To: at}, nil)
	}
	m.unblock(svc)
	m.closePiece(now, svc)
	return live
}

// SetEpoch begins a new epoch of this node: its events are numbered anew.
func (m *Machine) SetEpoch(now member.Time, epoch member.Epoch) {
	if epoch != m.cfg.Epoch {
		m.cfg.Epoch, m.seq = epoch, 0
		if o := m.index[m.cfg.ID]; o != nil {
			m.clear(now, o)
			m.drop(o)
		}
	}
}

// Receive takes one message of a peer and does what it says. The error is that
// of the decoder. A type of another package is ignored.
func (m *Machine) Receive(now member.Time, from effect.Peer, t wire.Type, body []byte) (err error) {
	m.now = now
	in := &m.in
	switch t {
	case wire.TypeRelay:
		if err = in.relay.Decode(body); err == nil {
			m.onRelay(now, m.linkFrom(from), &in.relay)
		}
	case wire.TypeRelayAck:
		if err = in.ack.Decode(body); err == nil {
			m.onAck(now, m.linkFrom(from), &in.ack)
		}
	case wire.TypeReport:
		if err = in.report.Decode(body); err == nil {
			m.onReport(now, m.linkFrom(from), &in.report)
		}
	case wire.TypeHeard:
		if err = in.heard.Decode(body); err == nil {
			m.onHeard(now, m.linkFrom(from), &in.heard)
		}
	case wire.TypeHeardRoot:
		if err = in.root.Decode(body); err == nil {
			m.onRoot(now, m.linkFrom(from), &in.root)
		}
	case wire.TypePull:
		if err = in.pull.Decode(body); err == nil {
			m.onPull(now, m.linkFrom(from), &in.pull)
		}
	case wire.TypeAnswer:
		if err = in.answer.Decode(body); err == nil {
			m.onAnswer(now, m.linkFrom(from), &in.answer)
		}
	}
	return err
}

// onRelay takes an event, or a chunk of one, and hands it on if it is asked to.
func (m *Machine) onRelay(now member.Time, l *link, r *wire.Relay) {
	m.stats.Copies++
	o := m.originOf(now, r.Origin, r.Epoch)
	if o == nil {
		if life, known := m.life(r.Origin); !known || life < r.Epoch {
			m.stranger = r.Origin
		}
		return
	}
	lane, chunk := wire.LaneSmall, small
	if r.Chunked {
		lane, chunk = wire.LaneBulk, r.Chunk
	}
	if o.id == m.cfg.ID { // our own came back
		m.stats.Duplicates++
		if !r.Repair {
			m.ack(l, lane, r.Number, wire.AckDuplicate)
		}
		return
	}
	ev, fresh, ok := m.take(now, o, r, l)
	if !ok {
		return
	}
	if !fresh {
		m.stats.Duplicates++
	}
	if r.Repair {
		return
	}
	o.source = l
	l.unacked += relayOverhead + len(r.Body)
	at := receipt{from: l, lane: lane, number: r.Number}
	m.ack(l, lane, r.Number, m.verdict(ev, fresh, at))
	if ev == nil {
		return
	}
	if r.Delegate {
		m.serve(now, ev, chunk, r.Span, at)
	}
}

// Stranger returns whose record it takes to believe the relay that was received
// last, once; false if it needs none. The relay was not acknowledged and comes
// again.
func (m *Machine) Stranger() (id member.NodeID, ok bool) {
	id, m.stranger = m.stranger, member.NodeID{}
	return id, !id.IsZero()
}

// verdict says what to acknowledge a relay with. The first relay that finds the
// event whole counts this node; should it be sent again, so it does again.
func (m *Machine) verdict(ev *event, fresh bool, at receipt) wire.AckKind {
	switch {
	case ev != nil && ev.content != nil && (!ev.credited || ev.credit == at):
		ev.credited, ev.credit = true, at
		return wire.AckCounted
	case fresh:
		return wire.AckTaken
	}
	return wire.AckDuplicate
}

// gauge fills in what is true at the moment.
func (m *Machine) gauge(s *Stats) {
	s.WindowBytes, s.InFlight, s.Origins = m.window.bytes, m.own.count, len(m.origins)
	s.Window = len(m.window.events)
	for _, o := range m.origins {
		s.Ahead += 8 * len(o.above)
	}
}

package check

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// Messages holds messages and queries to their invariants. It is told what was
// published, by [Messages.Publishing] and [Messages.Published], and sees what
// nodes report.
//
//	B1  what is delivered is what its origin published under that number
//	B2  a node delivers a message at most once in its life, and nothing that it
//	    has said it missed
//	B3  after an ordered message nothing earlier of its origin is delivered
//	B4  what is kept is bounded, and gone when its time is over
//	B5  a receipt never counts more than have the message, nor goes back
//	B6  a message whose origin goes on reaches whoever stays, or is missed aloud
type Messages struct {
	*Checker
	limits  broadcast.Limits
	window  time.Duration
	sent    map[messageID]*message
	order   []*message
	spoken  map[source]uint64 // how many each has published
	inboxes []inbox           // by node
	highest []member.Epoch
	again   [][2]member.Epoch // the first and last epochs that a node may have used twice
	asking  *pending          // the node that publishes now
}

// source is a node in one of its epochs: it numbers its messages from 1.
type source struct {
	origin int
	epoch  member.Epoch
}

type messageID struct {
	source
	seq uint64
}

// message is what is true of one.
type message struct {
	messageID
	hashes  []uint64 // of the payload; several if its epoch was used twice
	at      time.Duration
	life    int // of its origin
	ordered bool
	query   bool
	got     int // lives of other nodes that delivered it
	reached int
	live    int
	done    bool
	// members holds the life of each node that knew its origin's epoch when it was
	// published, 0 for others.
	members []int
}

// inbox is what a node has seen in its present life.
type inbox struct {
	life    int // 0: never ran
	running bool
	began   time.Duration
	stood   bool // its clock stood still: it is younger by that
	got     map[messageID]struct{}
	from    map[source]*record
}

// record is what a node has of one source.
type record struct {
	count   uint64 // delivered
	ordered uint64 // highest ordered
	missed  uint64
	met     time.Duration // since when it knows the origin without having forgotten it
}

// pending keeps the receipts that came before their number was known.
type pending struct {
	node   int
	events []core.Event
}

// NewMessages returns a checker of messages that reports to a checker that is
// attached. Limits and window are those of all nodes.
func NewMessages(c *Checker, limits broadcast.Limits, window time.Duration) *Messages {
	return &Messages{
		Checker: c, limits: limits, window: window, sent: make(map[messageID]*message), spoken: make(map[source]uint64),
		inboxes: make([]inbox, len(c.subjects)), highest: make([]member.Epoch, len(c.subjects)),
		again: make([][2]member.Epoch, len(c.subjects)),
	}
}

// Started says that a node runs in a new epoch: it has seen nothing.
func (m *Messages) Started(node int, now time.Duration, epoch member.Epoch) {
	m.inboxes[node] = inbox{
		life: m.inboxes[node].life + 1, running: true, began: now,
		got: make(map[messageID]struct{}), from: make(map[source]*record),
	}
	if again := &m.again[node]; epoch <= m.highest[node] {
		if again[0] == 0 {
			again[0] = epoch
		}
		again[0], again[1] = min(again[0], epoch), m.highest[node]
	}
	m.highest[node] = max(m.highest[node], epoch)
}

// Stopping says that a node is about to be killed.
func (m *Messages) Stopping(node int) {
	m.inboxes[node].running = false
	m.highest[node] = max(m.highest[node], m.cluster.Machine(node).Member(0).Claim.Epoch)
}

// Stood says that the clock of a node has stood still in its present life.
func (m *Messages) Stood(node int) { m.inboxes[node].stood = true }

// Publishing says that a node is about to publish.
func (m *Messages) Publishing(node int) { m.asking = &pending{node: node} }

// Published says what Publishing came to; seq 0 stands for nothing.
func (m *Messages) Published(node int, seq uint64, payload []byte, ordered, query bool, live int) {
	early := m.asking.events
	m.asking = nil
	if seq == 0 {
		return
	}
	self := m.cluster.Machine(node).Member(0)
	id := messageID{source{node, self.Claim.Epoch}, seq}
	if again := m.sent[id]; again != nil {
		again.hashes = append(again.hashes, hashOf(payload))
		again.life = -1 // of two lives: nothing more can be said of it
		return
	}
	msg := &message{
		messageID: id, hashes: []uint64{hashOf(payload)}, at: m.cluster.Now(), life: m.inboxes[node].life,
		ordered: ordered, query: query, reached: 1, live: live, members: make([]int, len(m.inboxes)),
	}
	for other := range m.inboxes {
		if machine := m.cluster.Machine(other); machine != nil && other != node {
			v, known := machine.Lookup(m.cluster.ID(node))
			if known && v.Claim.Epoch == id.epoch && v.Claim.State != member.Left {
				msg.members[other] = m.inboxes[other].life
			}
		}
	}
	m.sent[id] = msg
	m.spoken[id.source] = max(m.spoken[id.source], seq)
	m.order = append(m.order, msg)
	for i := range early {
		m.onReceipt(node, m.cluster.Now(), &early[i])
	}
}

// Any reports whether anything was published.
func (m *Messages) Any() bool { return len(m.order) > 0 }

// Spoke reports whether a node has published in its present life and epoch.
func (m *Messages) Spoke(node int) bool {
	epoch := m.cluster.Machine(node).Member(0).Claim.Epoch
	msg := m.sent[messageID{source{node, epoch}, 1}]
	return msg != nil && msg.life == m.inboxes[node].life
}

func hashOf(payload []byte) uint64 {
	h := fnv.New64a()
	h.Write(payload)
	return h.Sum64()
}

// Stepped looks at what a node reports.
func (m *Messages) Stepped(node int, now time.Duration, out *core.Output) {
	changed := false
	for i := range out.Events {
		e := &out.Events[i]
		switch e.Kind {
		case effect.MessageReceived, effect.QueryReceived:
			m.onDelivery(node, now, e)
		case effect.MessageMissed:
			m.onMissed(node, now, e)
		case effect.ReceiptUpdated:
			m.onReceipt(node, now, e)
		case effect.MemberForgotten:
			m.forgotten(node, now, e.ID)
			continue
		default:
			continue
		}
		changed = true
	}
	if changed {
		m.checkBounds(node, now)
	}
}

// recordOf returns what a node has of a source.
func (m *Messages) recordOf(node int, s source) *record {
	box := &m.inboxes[node]
	r := box.from[s]
	if r == nil {
		r = &record{met: box.began}
		box.from[s] = r
	}
	return r
}

// forgotten notes that what a node knew of another is void.
func (m *Messages) forgotten(node int, now time.Duration, id member.NodeID) {
	origin, known := m.cluster.Index(id)
	if !known {
		return
	}
	for epoch := member.Epoch(1); epoch <= m.highest[origin]; epoch++ {
		m.recordOf(node, source{origin, epoch}).met = now
	}
}

func (m *Messages) onDelivery(node int, now time.Duration, e *core.Event) {
	origin, known := m.cluster.Index(e.ID)
	if !known || origin == node {
		return
	}
	id := messageID{source{origin, e.Epoch}, e.Seq}
	msg := m.sent[id]
	m.counts[B1]++
	otherKind := msg != nil && msg.query != (e.Kind == effect.QueryReceived) && !m.reused(id.source)
	if msg == nil || !slices.Contains(msg.hashes, hashOf(e.Value)) || otherKind {
		m.fail(B1, node, now, "message %d of node %d in epoch %d is not what was published", e.Seq, origin+1, e.Epoch)
		return
	}
	box, r := &m.inboxes[node], m.recordOf(node, id.source)
	if m.reused(id.source) {
		return // two histories under one epoch: neither number nor order says anything
	}
	m.counts[B2]++
	if _, twice := box.got[id]; twice {
		m.fail(B2, node, now, "message %d of node %d in epoch %d is delivered again", e.Seq, origin+1, e.Epoch)
		return
	}
	box.got[id] = struct{}{}
	r.count++
	msg.got++
	if e.Kind == effect.MessageReceived {
		m.counts[B3]++
		if e.Seq < r.ordered {
			m.fail(B3, node, now, "message %d of node %d follows message %d, which is ordered", e.Seq, origin+1, r.ordered)
		}
		if e.Ordered {
			r.ordered = e.Seq
		}
	}
	m.checkSum(node, now, id.source, r)
}

// onMissed counts what a node has given up.
func (m *Messages) onMissed(node int, now time.Duration, e *core.Event) {
	origin, known := m.cluster.Index(e.ID)
	if !known || origin == node {
		m.fail(B6, node, now, "it has missed messages of its own, or of nobody")
		return
	}
	s := source{origin, e.Epoch}
	r := m.recordOf(node, s)
	r.missed += uint64(e.Count)
	m.checkSum(node, now, s, r)
}

// checkSum holds a node to missing nothing that it has, or that never was.
func (m *Messages) checkSum(node int, now time.Duration, s source, r *record) {
	if m.reused(s) || r.met > m.inboxes[node].began {
		return
	}
	m.counts[B2]++
	if published := m.spoken[s]; r.count+r.missed > published {
		m.fail(B2, node, now, "of %d messages of node %d in epoch %d it has delivered %d, and missed %d",
			published, s.origin+1, s.epoch, r.count, r.missed)
	}
}

// reused reports whether a node may be in an epoch for the second time: its
// numbers then have two meanings, and others may have heard them before.
func (m *Messages) reused(s source) bool {
	again := m.again[s.origin]
	return s.epoch >= again[0] && s.epoch <= again[1]
}

// Ambiguous reports whether a node is in an epoch that it used before, after its
// disk was rolled back.
func (m *Messages) Ambiguous(node int) bool {
	return m.reused(source{node, m.cluster.Machine(node).Member(0).Claim.Epoch})
}

func (m *Messages) onReceipt(node int, now time.Duration, e *core.Event) {
	if p := m.asking; p != nil && p.node == node {
		if m.sent[messageID{source{node, e.Epoch}, e.Seq}] == nil {
			p.events = append(p.events, *e)
			return
		}
	}
	msg := m.sent[messageID{source{node, e.Epoch}, e.Seq}]
	if msg == nil || msg.life != m.inboxes[node].life || m.reused(msg.source) {
		return // of an epoch that was used twice
	}
	m.counts[B5]++
	switch {
	case msg.done:
		m.fail(B5, node, now, "the receipt of message %d changes after its end", e.Seq)
	case e.Count < msg.reached || e.Count > e.Total || e.Total != msg.live:
		m.fail(B5, node, now, "the receipt of message %d goes from %d of %d to %d of %d", e.Seq, msg.reached, msg.live, e.Count, e.Total)
	case !msg.query && !msg.ordered && e.Count > 1+msg.got:
		m.fail(B5, node, now, "the receipt of message %d says %d, and %d have it", e.Seq, e.Count, 1+msg.got)
	}
	msg.reached, msg.done = e.Count, e.Done
}

// slack is how far clocks may differ over the time that payloads are kept.
const slack = 5 * time.Second

// goneMax bounds the origins that a node remembers though it has forgotten them as
// members.
const goneMax = 1024

// aheadMax bounds what a node remembers of one origin: core/broadcast takes
// messages up to 65,536 ahead of the first that lacks, one bit each.
const aheadMax = 1<<16/8 + 16

// checkBounds compares what a machine keeps with its limits.
func (m *Messages) checkBounds(node int, now time.Duration) {
	machine := m.cluster.Machine(node)
	s := machine.Broadcasts()
	m.counts[B4]++
	switch {
	case s.WindowBytes > m.limits.WindowBytes:
		m.fail(B4, node, now, "%d bytes are kept, at most %d", s.WindowBytes, m.limits.WindowBytes)
	case s.InFlight > m.limits.InFlight:
		m.fail(B4, node, now, "%d messages in flight, at most %d", s.InFlight, m.limits.InFlight)
	case s.Ahead > aheadMax*s.Origins:
		m.fail(B4, node, now, "%d bytes for what came out of order, of %d origins", s.Ahead, s.Origins)
	}
}

// AtRest checks B4 for a node to which nothing has been said for longer than
// payloads are kept.
func (m *Messages) AtRest(node int) {
	now, s := m.cluster.Now(), m.cluster.Machine(node).Broadcasts()
	m.counts[B4]++
	machine := m.cluster.Machine(node)
	const word = 16 // two words of an origin's bitmap: the numbers about its base
	switch {
	case s.Window > 0 || s.WindowBytes > 0:
		m.fail(B4, node, now, "%d messages of %d bytes are kept though their time is over", s.Window, s.WindowBytes)
	case s.Origins > machine.Len()+goneMax:
		m.fail(B4, node, now, "%d origins of %d members are remembered", s.Origins, machine.Len())
	case s.Ahead > word*s.Origins:
		m.fail(B4, node, now, "%d bytes for what came out of order of %d origins, when all has come", s.Ahead, s.Origins)
	}
}

// Backlog returns the first node that still has something of its own under way,
// and what; false if there is none.
func (m *Messages) Backlog(nodes []int) (node int, inFlight, queued int, busy bool) {
	for _, n := range nodes {
		if s := m.cluster.Machine(n).Broadcasts(); s.InFlight > 0 || s.QueueBytes > 0 {
			return n, s.InFlight, s.QueueBytes, true
		}
	}
	return 0, 0, 0, false
}

// Loss is what a node lacks of a source.
type Loss struct {
	Node, Origin int
	Epoch        member.Epoch
	Seq          uint64        // the first that lacks
	At           time.Duration // when that was published
	Lacks        uint64        // messages that it should have
	Missed       uint64        // of the source, reported as missed
}

// Silent reports whether some of a loss was not reported.
func (l *Loss) Silent() bool { return l.Lacks > l.Missed }

// Losses calls visit for what some nodes lack of what others of them have
// published, since some time, in a life that goes on. A node should have what
// was published while it knew the origin in that epoch, and since then. With
// grown, only what was published when the node had been up for longer than
// payloads are kept: it may be told of what is kept no more, and cannot know
// whether that was before its time.
func (m *Messages) Losses(nodes []int, since time.Duration, grown bool, visit func(*Loss)) {
	losses := make(map[[2]int]*Loss)
	for _, msg := range m.order {
		if msg.at < since || msg.query || !slices.Contains(nodes, msg.origin) || !m.goesOn(msg) {
			continue
		}
		for _, node := range nodes {
			if node == msg.origin || !m.should(msg, node, grown) {
				continue
			}
			m.counts[B6]++
			if _, got := m.inboxes[node].got[msg.messageID]; got {
				continue
			}
			key := [2]int{node, msg.origin}
			l := losses[key]
			if l == nil {
				l = &Loss{Node: node, Origin: msg.origin, Epoch: msg.epoch, Seq: msg.seq, At: msg.at, Missed: m.recordOf(node, msg.source).missed}
				losses[key] = l
			}
			l.Lacks++
		}
	}
	for _, node := range nodes {
		for _, origin := range nodes {
			if l := losses[[2]int{node, origin}]; l != nil {
				visit(l)
			}
		}
	}
}

// goesOn reports whether a message is of the life and epoch that its origin is in.
func (m *Messages) goesOn(msg *message) bool {
	machine := m.cluster.Machine(msg.origin)
	return machine != nil && !m.reused(msg.source) && msg.life == m.inboxes[msg.origin].life && machine.Member(0).Claim.Epoch == msg.epoch
}

// should reports whether a node should have a message.
func (m *Messages) should(msg *message, node int, grown bool) bool {
	box := &m.inboxes[node]
	if !box.running || msg.members[node] != box.life || m.recordOf(node, msg.source).met > msg.at {
		return false
	}
	return !grown || msg.at-box.began > m.window+slack && !m.warped[node] && !box.stood
}

// Receipt returns how far a message came, by its receipt.
func (m *Messages) Receipt(node int, epoch member.Epoch, seq uint64) (reached, live int, done bool) {
	if msg := m.sent[messageID{source{node, epoch}, seq}]; msg != nil {
		return msg.reached, msg.live, msg.done
	}
	return 0, 0, false
}

// Reached reports whether all of some nodes but its origin have delivered a
// message, and the first that has not.
func (m *Messages) Reached(nodes []int, origin int, epoch member.Epoch, seq uint64) (lacks int, ok bool) {
	for _, node := range nodes {
		if _, got := m.inboxes[node].got[messageID{source{origin, epoch}, seq}]; !got && node != origin {
			return node, false
		}
	}
	return 0, true
}

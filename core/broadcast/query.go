package broadcast

import (
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Query is what [Machine.Ask] asks. Timeout is at most an hour, in whole
// milliseconds.
type Query struct {
	Topic   string
	Payload []byte
	Filter  Filter
	Timeout time.Duration
	WantAck bool
}

// Bounds of queries.
const (
	// queriesMax bounds the own queries that wait, and those of others that may
	// be answered.
	queriesMax = 1024
	// answersMax bounds the answers taken to one query: some for each member of a
	// large cluster.
	answersMax = 1 << 16
)

// asking is an own query that waits for answers.
type asking struct {
	seq     uint64
	expires member.Time
	answers map[answerKey]struct{}
}

// answerKey tells answers apart, since one may come twice.
type answerKey struct {
	who   member.NodeID
	index uint64
}

// asked is a query of another member that may still be answered here.
type asked struct {
	origin  member.NodeID
	epoch   member.Epoch
	seq     uint64
	expires member.Time
	given   uint64
}

// answerID is which answer to which query a piece is.
type answerID struct {
	epoch      member.Epoch
	seq, index uint64
}

// Ask sends a query to the members that match the filter, this node included:
// each reports QueryReceived. It returns the query's number among this node's
// messages, and how many members there are. The error is [ErrFilter] or one of
// those of [Machine.Publish].
func (m *Machine) Ask(now member.Time, q Query) (seq uint64, live int, err error) {
	m.expireQueries(now)
	switch {
	case !q.Filter.Valid():
		return 0, 0, fmt.Errorf("ask: %w", ErrFilter)
	case len(m.asking) >= queriesMax:
		return 0, 0, fmt.Errorf("ask: %d queries: %w", len(m.asking), ErrBackpressure)
	}
	q.Timeout = min(q.Timeout, wire.QueryTimeoutMax*time.Millisecond)
	c := wire.Content{Query: true, WantAck: q.WantAck, Timeout: q.Timeout}
	c.SetFilter(&q.Filter)
	seq, live, err = m.publish(now, &c, q.Topic, q.Payload)
	if err != nil {
		return 0, 0, err
	}
	m.asking = append(m.asking, asking{seq: seq, expires: now.Add(q.Timeout), answers: make(map[answerKey]struct{})})
	if m.Matches(&q.Filter) {
		m.pose(now, m.cfg.ID, m.cfg.Epoch, seq, &c, q.Timeout)
	}
	return seq, live, nil
}

// question takes another's query, if it is for this node and still waits.
func (m *Machine) question(now member.Time, ev *event, c *wire.Content) {
	left := c.Timeout - now.Sub(ev.born)
	if f := c.Filter(); left <= 0 || !m.Matches(&f) {
		return
	}
	m.pose(now, ev.origin.id, ev.origin.epoch, ev.seq, c, left)
}

// pose reports a query to the application, if it may still be answered.
func (m *Machine) pose(now member.Time, asker member.NodeID, epoch member.Epoch, seq uint64, c *wire.Content, left time.Duration) {
	m.expireQueries(now)
	if len(m.asked) >= queriesMax {
		m.drops[dropQueries]++
		return
	}
	m.stats.Queries++
	m.asked = append(m.asked, asked{origin: asker, epoch: epoch, seq: seq, expires: now.Add(left)})
	if c.WantAck {
		_ = m.answer(now, &m.asked[len(m.asked)-1], 0, nil) // without room it is not confirmed
	}
	m.cfg.Out.Report(effect.Event{
		Kind: effect.QueryReceived, ID: asker, Epoch: epoch, Seq: seq, Key: m.topics.name(c.Topic), Value: c.Payload, Elapsed: left,
	})
}

// expireQueries forgets the queries whose time is over.
func (m *Machine) expireQueries(now member.Time) {
	n := 0
	for i := range m.asked {
		if now < m.asked[i].expires {
			m.asked[n] = m.asked[i]
			n++
		}
	}
	m.asked = m.asked[:n]
	n = 0
	for i := range m.asking {
		if now < m.asking[i].expires {
			m.asking[n] = m.asking[i]
			n++
		}
	}
	clear(m.asking[n:])
	m.asking = m.asking[:n]
}

// Answer answers a query that was reported here; several answers are allowed.
// The payload is kept until it has arrived. The error is [ErrSize], or
// [ErrExpired] if the asker waits no more.
func (m *Machine) Answer(now member.Time, asker member.NodeID, epoch member.Epoch, seq uint64, payload []byte) error {
	m.now = now
	if len(payload) > AnswerSizeMax {
		return fmt.Errorf("answer of %d bytes, limit %d: %w", len(payload), AnswerSizeMax, ErrSize)
	}
	for i := range m.asked {
		a := &m.asked[i]
		if a.origin == asker && a.epoch == epoch && a.seq == seq && now < a.expires {
			a.given++
			return m.answer(now, a, a.given, payload)
		}
	}
	return fmt.Errorf("answer query %d of %s: %w", seq, asker.Short(), ErrExpired)
}

func (m *Machine) answer(now member.Time, a *asked, index uint64, payload []byte) error {
	if a.origin == m.cfg.ID {
		m.answered(now, m.cfg.ID, a.seq, index, payload)
		return nil
	}
	peer := m.livePeer(a.origin)
	if peer == nil {
		return fmt.Errorf("answer %s, who is not there: %w", a.origin.Short(), ErrExpired)
	}
	l := m.linkTo(*peer)
	lane := &l.lanes[wire.LaneSmall]
	if wire.Size(answerOverhead+len(payload)) > m.cfg.PayloadMax {
		lane = &l.lanes[wire.LaneBulk]
	}
	p := lane.add()
	if p == nil {
		return fmt.Errorf("answer: %w", ErrBackpressure)
	}
	p.kind, p.body, p.answer = answerPiece, payload, answerID{a.epoch, a.seq, index}
	m.wake(l, 0)
	return nil
}

// onAnswer takes an answer to an own query.
func (m *Machine) onAnswer(now member.Time, l *link, a *wire.Answer) {
	if a.Lane == wire.LaneControl {
		m.drops[dropAnswer]++
		return
	}
	m.ack(l, a.Lane, a.Number, wire.AckTaken)
	if a.Epoch != m.cfg.Epoch || len(a.Payload) > AnswerSizeMax {
		m.drops[dropAnswer]++
		return
	}
	m.answered(now, l.peer.ID, a.Seq, a.Index, a.Payload)
}

func (m *Machine) answered(now member.Time, who member.NodeID, seq, index uint64, payload []byte) {
	for i := range m.asking {
		q := &m.asking[i]
		if q.seq != seq || now >= q.expires {
			continue
		}
		key := answerKey{who, index}
		if _, known := q.answers[key]; known {
			return
		}
		if len(q.answers) >= answersMax {
			break
		}
		q.answers[key] = struct{}{}
		m.stats.Answers++
		e := effect.Event{Kind: effect.QueryAnswered, ID: who, Epoch: m.cfg.Epoch, Seq: seq, Done: index > 0}
		if index > 0 {
			e.Value = append([]byte{}, payload...)
		}
		m.cfg.Out.Report(e)
		return
	}
	m.drops[dropAnswer]++ // late, or to none of ours
}

// Matches reports whether a filter includes this node.
func (m *Machine) Matches(f *Filter) bool {
	named := len(f.Names) == 0
	for _, pattern := range f.Names {
		named = named || glob(pattern, string(m.cfg.Name))
	}
	fact := func(key, pattern string) bool {
		if m.cfg.Fact == nil {
			return false
		}
		value, ok := m.cfg.Fact(key)
		return ok && glob(pattern, string(value))
	}
	for _, t := range f.Tags {
		named = named && fact(t.Key, t.Value)
	}
	return named && (f.Zone == "" || fact(ZoneKey, f.Zone))
}

// ZoneKey is the fact that holds a member's zone.
const ZoneKey = "zone"

// glob reports whether text matches a pattern in which * stands for any bytes.
// It takes time proportional to the product of their lengths at worst.
func glob(pattern, text string) bool {
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0: // let the last * take one more
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

package broadcast

import (
	"fmt"
	"math"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Machine is one node's part in all broadcasts. Not for concurrent use. All
// effects go to Config.Out.
type Machine struct {
	cfg   Config
	seq   uint64
	stats Stats
	drops [dropEnd]uint64
}

// Never is a deadline of nothing.
const Never = member.Time(math.MaxInt64)

// New returns a machine that has heard nothing.
func New(_ member.Time, cfg Config) *Machine {
	cfg.setDefaults()
	return &Machine{cfg: cfg}
}

// Deadline returns when the machine wants a Tick; [Never] when it waits for
// nothing. It is in the past while there is something to send: a driver hands
// in what else has arrived, and then the Tick, so that all of it shares packets.
func (m *Machine) Deadline() member.Time { return Never }

// Tick sends what has been collected and does what has come due.
func (m *Machine) Tick(member.Time) {}

// Publish sends a message to all members, and returns its number and how many
// members it is for, this node included. The payload is copied.
func (m *Machine) Publish(_ member.Time, topic string, payload []byte, _ bool) (seq uint64, live int, err error) {
	if err := m.check(topic, payload); err != nil {
		return 0, 0, err
	}
	return m.alone()
}

// Ask sends a query to the members that match the filter.
func (m *Machine) Ask(_ member.Time, q Query) (seq uint64, live int, err error) {
	if !q.Filter.Valid() {
		return 0, 0, ErrFilter
	}
	if err := m.check(q.Topic, q.Payload); err != nil {
		return 0, 0, err
	}
	return m.alone()
}

// Query is what [Machine.Ask] asks. Timeout is at most an hour.
type Query struct {
	Topic   string
	Payload []byte
	Filter  Filter
	Timeout time.Duration
	WantAck bool
}

// Answer answers a query of another member.
func (m *Machine) Answer(_ member.Time, _ member.NodeID, _ member.Epoch, _ uint64, payload []byte) error {
	if len(payload) > AnswerSizeMax {
		return fmt.Errorf("answer of %d bytes: %w", len(payload), ErrSize)
	}
	return ErrExpired
}

// Receive takes one message of a peer apart and does what it says. The error is
// that of the decoder. Types that are not of this package are not its concern.
func (m *Machine) Receive(_ member.Time, _ effect.Peer, _ wire.Type, _ []byte) error { return nil }

func (m *Machine) check(topic string, payload []byte) error {
	if len(topic) == 0 || len(topic) > wire.TopicMax {
		return fmt.Errorf("publish on topic of %d bytes: %w", len(topic), ErrTopic)
	}
	if len(payload) > m.cfg.Limits.EventSize {
		return fmt.Errorf("publish %d bytes, limit %d: %w", len(payload), m.cfg.Limits.EventSize, ErrSize)
	}
	return nil
}

// alone is a publication for which there is nobody else.
func (m *Machine) alone() (uint64, int, error) {
	m.seq++
	m.cfg.Out.Report(effect.Event{Kind: effect.ReceiptUpdated, Epoch: m.cfg.Epoch, Seq: m.seq, Count: 1, Total: 1, Done: true})
	return m.seq, 1, nil
}

func (m *Machine) gauge(*Stats) {}

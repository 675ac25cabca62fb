package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/hearsay-gossip/hearsay/member"
)

// Join asks a node for everything it knows; the sender's record goes before it
// in the same payload. The answer is records, accusations and deltas in as many
// frames as they need, closed by a [JoinAck].
type Join struct{ Seq Seq }

// Type implements [Message].
func (*Join) Type() Type { return TypeJoin }

// AppendBody implements [Message].
func (m *Join) AppendBody(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(m.Seq))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Join) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq = Seq(r.u32("join seq"))
	return r.done()
}

// Describe implements [Message].
func (m *Join) Describe() string { return fmt.Sprintf("join seq=%d", m.Seq) }

// JoinStatus is the outcome of a join.
type JoinStatus uint8

// The outcomes of a join.
const (
	// JoinAccepted: the joiner is a member, and the view before this message
	// was complete as of its sending.
	JoinAccepted JoinStatus = iota + 1
	// JoinFull: the contact's member table is full.
	JoinFull
	joinStatusEnd
)

// JoinAck ends the answer to a [Join].
type JoinAck struct {
	Seq    Seq
	Status JoinStatus
}

// Type implements [Message].
func (*JoinAck) Type() Type { return TypeJoinAck }

// AppendBody implements [Message].
func (m *JoinAck) AppendBody(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(m.Seq)), byte(m.Status))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *JoinAck) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq = Seq(r.u32("join-ack seq"))
	m.Status = JoinStatus(r.u8("join-ack status"))
	if m.Status == 0 || m.Status >= joinStatusEnd {
		r.fail("join-ack status")
	}
	return r.done()
}

// Describe implements [Message].
func (m *JoinAck) Describe() string {
	if m.Status == JoinFull {
		return fmt.Sprintf("join-ack seq=%d full", m.Seq)
	}
	return fmt.Sprintf("join-ack seq=%d", m.Seq)
}

// Leave says goodbye and asks for a [LeaveAck]; the sender's record, which says
// that it has left, goes before it in the same payload.
type Leave struct {
	Seq Seq
	ID  member.NodeID // who leaves: the sender
}

// Type implements [Message].
func (*Leave) Type() Type { return TypeLeave }

// AppendBody implements [Message].
func (m *Leave) AppendBody(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(m.Seq)), m.ID[:]...)
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Leave) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq = Seq(r.u32("leave seq"))
	m.ID = r.id("leave id")
	return r.done()
}

// Describe implements [Message].
func (m *Leave) Describe() string { return fmt.Sprintf("leave seq=%d %s", m.Seq, m.ID.Short()) }

// LeaveAck confirms that the sender holds the leaver as left.
type LeaveAck struct{ Seq Seq }

// Type implements [Message].
func (*LeaveAck) Type() Type { return TypeLeaveAck }

// AppendBody implements [Message].
func (m *LeaveAck) AppendBody(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(m.Seq))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *LeaveAck) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq = Seq(r.u32("leave-ack seq"))
	return r.done()
}

// Describe implements [Message].
func (m *LeaveAck) Describe() string { return fmt.Sprintf("leave-ack seq=%d", m.Seq) }

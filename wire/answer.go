package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/hearsay-gossip/hearsay/member"
)

// Answer goes straight to who asked a query: its payload, or only word that the
// sender is asked. It bears a number of its link, in Lane, and is repeated until acknowledged.
type Answer struct {
	Number Number
	Lane   Lane
	Epoch  member.Epoch // of the asker
	Seq    uint64       // of the query
	Index  uint64       // which of the sender's answers it is, from 1; 0: only word
	// Payload is empty for index 0.
	Payload []byte
}

// Type implements [Message].
func (*Answer) Type() Type { return TypeAnswer }

// AppendBody implements [Message].
func (m *Answer) AppendBody(b []byte) []byte {
	b = append(b, byte(m.Lane))
	b = binary.BigEndian.AppendUint32(b, uint32(m.Number))
	b = binary.AppendUvarint(b, uint64(m.Epoch))
	b = binary.AppendUvarint(b, m.Seq)
	b = binary.AppendUvarint(b, m.Index)
	return append(b, m.Payload...)
}

// Decode reads a body, which the message then aliases; the error is a
// [*DecodeError].
func (m *Answer) Decode(body []byte) error {
	r := reader{b: body}
	m.Lane = r.lane("answer lane")
	m.Number = Number(r.u32("answer number"))
	m.Epoch = member.Epoch(r.uvarint("answer epoch"))
	if m.Seq = r.uvarint("answer seq"); r.err == nil && (m.Seq == 0 || m.Seq > EventSeqMax) {
		r.fail("answer seq")
	}
	if m.Index = r.uvarint("answer index"); r.err != nil {
		return r.err
	}
	m.Payload = nil
	if m.Index > 0 {
		m.Payload, r.off = body[r.off:len(body):len(body)], len(body)
	}
	return r.done()
}

// Describe implements [Message].
func (m *Answer) Describe() string {
	if m.Index == 0 {
		return fmt.Sprintf("answer number=%d %d.%d asked", m.Number, m.Epoch, m.Seq)
	}
	return fmt.Sprintf("answer number=%d %d.%d #%d %q", m.Number, m.Epoch, m.Seq, m.Index, m.Payload)
}

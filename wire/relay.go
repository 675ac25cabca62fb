package wire

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// EventID names an event for ever: its origin counts its events from 1 in each
// epoch.
type EventID struct {
	Origin member.NodeID
	Epoch  member.Epoch
	Seq    uint64
}

func (id *EventID) describe() string {
	return fmt.Sprintf("%s/%d.%d", id.Origin.Short(), id.Epoch, id.Seq)
}

func (id *EventID) append(b []byte) []byte {
	b = append(b, id.Origin[:]...)
	b = binary.AppendUvarint(b, uint64(id.Epoch))
	return binary.AppendUvarint(b, id.Seq)
}

func (r *reader) eventID(id *EventID, what string) {
	id.Origin = r.id(what)
	id.Epoch = member.Epoch(r.uvarint(what))
	if id.Seq = r.uvarint(what); r.err == nil && (id.Seq == 0 || id.Seq > EventSeqMax) {
		r.fail(what)
	}
}

// Span is the interval (After, To] on the ring of the first 8 bytes of IDs, big
// endian. Equal bounds mean the whole ring.
type Span struct{ After, To uint64 }

// Number counts what is sent on one link in one lane, from a random start. An
// ack and a report name it.
type Number uint32

// Relay hands an event on: to its receiver alone, or for all members of a span,
// for whom the receiver then answers.
type Relay struct {
	EventID
	// Repair: an answer to a pull, which bears no Number and wants no ack.
	Repair bool
	Number Number
	Hops   uint8         // members that it has come through
	Age    time.Duration // since it was published, whole milliseconds on the wire
	// Delegate: the receiver is to hand it on to the members of Span.
	Delegate bool
	Span     Span
	// Chunked: Body is one chunk of a content of Size bytes, which is cut every
	// [ChunkSize] bytes. Else Body is a whole content.
	Chunked bool
	Chunk   int
	Size    int
	Body    []byte
}

const (
	relayDelegate = 1 << iota
	relayChunked
	relayRepair
)

// ageMaxMillis bounds the age that can be told: an hour is longer than any
// payload is kept.
const ageMaxMillis = 3_600_000

// Chunks returns into how many chunks a content is cut.
func Chunks(size int) int { return (size + ChunkSize - 1) / ChunkSize }

// Type implements [Message].
func (*Relay) Type() Type { return TypeRelay }

// AppendBody implements [Message].
func (m *Relay) AppendBody(b []byte) []byte {
	b = append(b, flag(m.Delegate)*relayDelegate|flag(m.Chunked)*relayChunked|flag(m.Repair)*relayRepair)
	if !m.Repair {
		b = binary.BigEndian.AppendUint32(b, uint32(m.Number))
	}
	b = m.EventID.append(b)
	b = append(b, m.Hops)
	b = binary.AppendUvarint(b, uint64(min(max(m.Age/time.Millisecond, 0), ageMaxMillis)))
	if m.Delegate {
		b = binary.BigEndian.AppendUint64(b, m.Span.After)
		b = binary.BigEndian.AppendUint64(b, m.Span.To)
	}
	if m.Chunked {
		b = binary.AppendUvarint(b, uint64(m.Chunk))
		b = binary.AppendUvarint(b, uint64(m.Size))
	}
	return append(b, m.Body...)
}

// Decode reads a body, which the relay then aliases; the error is a
// [*DecodeError].
func (m *Relay) Decode(body []byte) error {
	r := reader{b: body}
	flags := r.u8("relay flags")
	if flags > relayDelegate|relayChunked|relayRepair || flags&relayRepair != 0 && flags&relayDelegate != 0 {
		r.fail("relay flags")
	}
	*m = Relay{Delegate: flags&relayDelegate != 0, Chunked: flags&relayChunked != 0, Repair: flags&relayRepair != 0}
	if !m.Repair {
		m.Number = Number(r.u32("relay number"))
	}
	r.eventID(&m.EventID, "relay event")
	m.Hops = r.u8("relay hops")
	m.Age = time.Duration(r.length(ageMaxMillis, "relay age")) * time.Millisecond
	if m.Delegate {
		m.Span = Span{After: r.u64("relay span"), To: r.u64("relay span")}
	}
	if !m.Chunked {
		start := r.off
		var c Content
		r.content(&c)
		if r.err != nil {
			return r.err
		}
		m.Body = body[start:len(body):len(body)]
		return nil
	}
	m.Chunk = r.length(Chunks(ContentMax), "relay chunk")
	m.Size = r.length(ContentMax, "relay size")
	if r.err == nil && m.Chunk >= Chunks(m.Size) {
		r.fail("relay chunk")
	}
	m.Body = r.take(min(ChunkSize, max(m.Size-m.Chunk*ChunkSize, 0)), "relay chunk")
	return r.done()
}

// Describe implements [Message].
func (m *Relay) Describe() string {
	s := "relay " + m.EventID.describe()
	if m.Repair {
		s += " repair"
	} else {
		s += fmt.Sprintf(" number=%d", m.Number)
	}
	s += fmt.Sprintf(" hops=%d", m.Hops)
	if m.Delegate {
		s += fmt.Sprintf(" span=%08x..%08x", m.Span.After>>32, m.Span.To>>32)
	}
	if m.Chunked {
		return s + fmt.Sprintf(" chunk=%d/%d", m.Chunk, Chunks(m.Size))
	}
	var c Content
	if c.Decode(m.Body) == nil { // else it was not decoded either
		s += " " + c.describe()
	}
	return s
}

package wire

import "encoding/binary"

// Type says what a message is. The numbers are on the wire and are never
// reused.
type Type uint8

// The messages.
const (
	TypePing Type = iota + 1
	TypeAck
	TypePingReq
	TypeNack
	TypeRecord
	TypeAccuse
	TypeFact
	TypeAdvert
	TypeDelta
	TypeDigest
	TypeEntries
	TypeWant
	TypeJoin
	TypeJoinAck
	TypeLeave
	TypeLeaveAck
	TypeRelay
	TypeRelayAck
	TypeReport
	TypeHeard
	TypePull
	TypeAnswer
	TypeHeardRoot
	typeEnd
)

var typeNames = [...]string{
	TypePing: "ping", TypeAck: "ack", TypePingReq: "ping-req", TypeNack: "nack",
	TypeRecord: "record", TypeAccuse: "accuse",
	TypeFact: "fact", TypeAdvert: "advert", TypeDelta: "delta",
	TypeDigest: "digest", TypeEntries: "entries", TypeWant: "want",
	TypeJoin: "join", TypeJoinAck: "join-ack", TypeLeave: "leave", TypeLeaveAck: "leave-ack",
	TypeRelay: "relay", TypeRelayAck: "relay-ack", TypeReport: "report", TypeHeard: "heard", TypePull: "pull",
	TypeAnswer: "answer", TypeHeardRoot: "heard-root",
}

// Known reports whether this version can decode messages of the type.
func (t Type) Known() bool { return t >= TypePing && t < typeEnd }

// String returns the name of the type, "unknown" for one of a later version.
func (t Type) String() string {
	if !t.Known() {
		return "unknown"
	}
	return typeNames[t]
}

// Message is one message that can write its body. A body is decoded by the
// Decode method of the concrete type, which aliases the bytes it was given.
type Message interface {
	Type() Type
	// AppendBody appends the body to b; it never fails, since limits are
	// checked where values enter the system.
	AppendBody(b []byte) []byte
	// Describe returns one line for conversation tests and traces.
	Describe() string
}

// Append appends a message with its envelope: type u8, length uvarint, body.
// The length lets a reader skip a type that it does not know.
//
// A message passed here escapes to the heap: the hot paths keep theirs in a
// long-lived struct and reuse it.
func Append(b []byte, m Message) []byte {
	b = append(b, byte(m.Type()), 0)
	start := len(b)
	b = m.AppendBody(b)
	return sealLength(b, start)
}

// sealLength writes the body's length into the byte before start, moving the
// body up when the varint needs more than that one byte.
func sealLength(b []byte, start int) []byte {
	n := len(b) - start
	if n < 0x80 {
		b[start-1] = byte(n)
		return b
	}
	var length [binary.MaxVarintLen64]byte
	w := binary.PutUvarint(length[:], uint64(n))
	b = append(b, length[:w-1]...) // make room; contents are overwritten
	copy(b[start-1+w:], b[start:start+n])
	copy(b[start-1:], length[:w])
	return b
}

// Size returns the length of a message of bodyLen bytes with its envelope.
func Size(bodyLen int) int {
	n := 2
	for l := bodyLen; l >= 0x80; l >>= 7 {
		n++
	}
	return n + bodyLen
}

// Next splits the first message off a payload: the type, the body aliasing the
// payload, and the rest. An empty payload is the
// caller's to notice. The error is a [*DecodeError].
func Next(payload []byte) (t Type, body, rest []byte, err error) {
	r := reader{b: payload}
	t = Type(r.u8("type"))
	n := r.length(FrameMax, "length")
	body = r.take(n, "body")
	if r.err != nil {
		return 0, nil, nil, r.err
	}
	return t, body, payload[r.off:], nil
}

// AppendBody appends a message whose body is already encoded.
func AppendBody(b []byte, t Type, body []byte) []byte {
	b = append(b, byte(t))
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...)
}

package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Seq matches an answer to what it answers. It starts at a random number, so
// that an answer to a former life of the asker matches nothing.
type Seq uint32

// Root is the hash of all that a node knows of members and facts: equal roots
// mean that there is nothing to reconcile.
type Root uint64

// Ping asks the receiver to answer with an [Ack] (SWIM section 3.1).
type Ping struct {
	Seq  Seq
	Root Root // the sender's; a receiver with another one may reconcile
}

// Type implements [Message].
func (*Ping) Type() Type { return TypePing }

// AppendBody implements [Message].
func (m *Ping) AppendBody(b []byte) []byte { return appendSeqRoot(b, m.Seq, m.Root) }

// Decode reads a body; the error is a [*DecodeError].
func (m *Ping) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq, m.Root = Seq(r.u32("ping seq")), Root(r.u64("ping root"))
	return r.done()
}

// Describe implements [Message].
func (m *Ping) Describe() string { return fmt.Sprintf("ping seq=%d", m.Seq) }

// Ack answers a [Ping], to the asker or, through the helper, to the one that
// sent a [PingReq] (SWIM section 3.1).
type Ack struct {
	Seq     Seq // of the ping or ping-req that it answers
	Root    Root
	Relayed bool // sent on by a helper: proves the subject alive, not the path
}

// Type implements [Message].
func (*Ack) Type() Type { return TypeAck }

// AppendBody implements [Message].
func (m *Ack) AppendBody(b []byte) []byte {
	return append(appendSeqRoot(b, m.Seq, m.Root), flag(m.Relayed))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Ack) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq, m.Root = Seq(r.u32("ack seq")), Root(r.u64("ack root"))
	m.Relayed = r.flag("ack relayed")
	return r.done()
}

// Describe implements [Message].
func (m *Ack) Describe() string {
	if m.Relayed {
		return fmt.Sprintf("ack seq=%d relayed", m.Seq)
	}
	return fmt.Sprintf("ack seq=%d", m.Seq)
}

// PingReq asks a helper to probe Target on the sender's behalf (SWIM section
// 3.1).
type PingReq struct {
	Seq    Seq
	Target member.NodeID
	Addr   netip.AddrPort // where the asker would reach it
	// Budget is how long the asker will still wait, whole milliseconds on the
	// wire. The helper sends its [Nack] within it; without it a nack leaves
	// too late to be of use.
	Budget time.Duration
}

// Type implements [Message].
func (*PingReq) Type() Type { return TypePingReq }

// AppendBody implements [Message].
func (m *PingReq) AppendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(m.Seq))
	b = append(b, m.Target[:]...)
	b = appendAddr(b, m.Addr)
	return binary.AppendUvarint(b, uint64(min(max(m.Budget/time.Millisecond, 0), budgetMaxMillis)))
}

// budgetMaxMillis bounds a stranger's hold on a helper: one minute is longer
// than any probe period.
const budgetMaxMillis = 60_000

// Decode reads a body; the error is a [*DecodeError].
func (m *PingReq) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq = Seq(r.u32("ping-req seq"))
	m.Target = r.id("ping-req target")
	m.Addr = r.addr("ping-req address")
	m.Budget = time.Duration(r.length(budgetMaxMillis, "ping-req budget")) * time.Millisecond
	return r.done()
}

// Describe implements [Message].
func (m *PingReq) Describe() string {
	return fmt.Sprintf("ping-req seq=%d target=%s budget=%s", m.Seq, m.Target.Short(), m.Budget)
}

// Nack tells the asker of a [PingReq] that the helper is well but has not heard
// from the target in time (Lifeguard section IV-A).
type Nack struct{ Seq Seq }

// Type implements [Message].
func (*Nack) Type() Type { return TypeNack }

// AppendBody implements [Message].
func (m *Nack) AppendBody(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(m.Seq))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Nack) Decode(body []byte) error {
	r := reader{b: body}
	m.Seq = Seq(r.u32("nack seq"))
	return r.done()
}

// Describe implements [Message].
func (m *Nack) Describe() string { return fmt.Sprintf("nack seq=%d", m.Seq) }

func appendSeqRoot(b []byte, seq Seq, root Root) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(seq))
	return binary.BigEndian.AppendUint64(b, uint64(root))
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// flag reads a byte that must be 0 or 1.
func (r *reader) flag(what string) bool {
	v := r.u8(what)
	if v > 1 {
		r.off--
		r.fail(what)
	}
	return v == 1
}

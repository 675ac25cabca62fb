package wire

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Record is what a node says about itself, signed by its own key: its name, its
// addresses, and that it is alive or has left. Others pass it on as it is.
type Record struct {
	ID        member.NodeID
	PublicKey [PublicKeySize]byte
	Protocol  uint8 // the newest protocol version the node speaks
	Claim     member.Claim
	Name      member.Name
	Addrs     []netip.AddrPort // in order of preference, 1..AddrsMax
	// Anchor lets others recognise the node's sealed sessions of this epoch
	// without a signature each; zero if it has none. It is opaque here.
	Anchor    [AnchorSize]byte
	Signature [SignatureSize]byte
}

// ProtocolVersion is what this code puts in [Record.Protocol].
const ProtocolVersion = 1

// Type implements [Message].
func (*Record) Type() Type { return TypeRecord }

// AppendSigned appends the part of the body that the signature covers.
func (m *Record) AppendSigned(b []byte) []byte {
	b = append(b, m.ID[:]...)
	b = append(b, m.PublicKey[:]...)
	b = append(b, m.Protocol)
	b = appendClaim(b, m.Claim)
	b = binary.AppendUvarint(b, uint64(len(m.Name)))
	b = append(b, m.Name...)
	b = binary.AppendUvarint(b, uint64(len(m.Addrs)))
	for _, a := range m.Addrs {
		b = appendAddr(b, a)
	}
	return append(b, m.Anchor[:]...)
}

// AppendBody implements [Message].
func (m *Record) AppendBody(b []byte) []byte {
	return append(m.AppendSigned(b), m.Signature[:]...)
}

// Decode reads a body; the error is a [*DecodeError]. It reuses m.Addrs and
// allocates the name only when it differs from the one m held.
func (m *Record) Decode(body []byte) error {
	r := reader{b: body}
	m.ID = r.id("record id")
	copy(m.PublicKey[:], r.take(PublicKeySize, "record public key"))
	m.Protocol = r.u8("record protocol")
	m.Claim = r.claim("record claim")
	if s := m.Claim.State; r.err == nil && s != member.Alive && s != member.Left {
		r.fail("record claim") // a node does not call itself suspect or dead
	}
	name := r.take(r.length(member.NameMax, "record name"), "record name")
	if string(name) != string(m.Name) {
		m.Name = member.Name(name)
	}
	if r.err == nil && m.Name.Validate() != nil {
		r.fail("record name")
	}
	n := r.length(AddrsMax, "record addresses")
	m.Addrs = m.Addrs[:0]
	for range n {
		m.Addrs = append(m.Addrs, r.addr("record address"))
		if r.err != nil {
			break
		}
	}
	if n == 0 {
		r.fail("record addresses")
	}
	copy(m.Anchor[:], r.take(AnchorSize, "record anchor"))
	copy(m.Signature[:], r.take(SignatureSize, "record signature"))
	return r.done()
}

// SignedPart returns the part of an encoded body that the signature covers; the
// body must have been decoded without error.
func SignedPart(body []byte) []byte { return body[:len(body)-SignatureSize] }

// Describe implements [Message].
func (m *Record) Describe() string {
	var addrs strings.Builder
	for i, a := range m.Addrs {
		if i > 0 {
			addrs.WriteByte(',')
		}
		addrs.WriteString(a.String())
	}
	return fmt.Sprintf("record %s %s name=%s addr=%s", m.ID.Short(), m.Claim, m.Name, addrs.String())
}

// Accuse is what one member says of another: that it suspects it, or holds it
// dead, or that an operator retired a dead one (State Left). It is not signed:
// it kills nobody who can still answer, since the subject refutes it with a
// higher incarnation (SWIM section 4.2).
type Accuse struct {
	Subject member.NodeID
	Claim   member.Claim
	Accuser member.NodeID
	// Age is how long the sender has held the claim, whole seconds on the wire.
	// It travels so that a forgotten death is not learnt anew for ever.
	Age time.Duration
}

// ageMaxSeconds bounds the age: a year, longer than any retention.
const ageMaxSeconds = 366 * 24 * 3600

// Type implements [Message].
func (*Accuse) Type() Type { return TypeAccuse }

// AppendBody implements [Message].
func (m *Accuse) AppendBody(b []byte) []byte {
	b = append(b, m.Subject[:]...)
	b = appendClaim(b, m.Claim)
	b = append(b, m.Accuser[:]...)
	return binary.AppendUvarint(b, wholeSeconds(m.Age))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Accuse) Decode(body []byte) error {
	r := reader{b: body}
	m.Subject = r.id("accuse subject")
	m.Claim = r.claim("accuse claim")
	if r.err == nil && m.Claim.State == member.Alive {
		r.fail("accuse claim")
	}
	m.Accuser = r.id("accuse accuser")
	m.Age = r.age("accuse age")
	return r.done()
}

// Describe implements [Message].
func (m *Accuse) Describe() string {
	s := fmt.Sprintf("accuse %s %s by %s", m.Subject.Short(), m.Claim, m.Accuser.Short())
	if m.Age >= time.Second {
		s += fmt.Sprintf(" age=%s", m.Age.Truncate(time.Second))
	}
	return s
}

func appendClaim(b []byte, c member.Claim) []byte {
	b = append(b, byte(c.State))
	b = binary.AppendUvarint(b, uint64(c.Epoch))
	return binary.AppendUvarint(b, uint64(c.Incarnation))
}

func (r *reader) claim(what string) member.Claim {
	s := r.state(what)
	return member.Claim{
		State:       s,
		Epoch:       member.Epoch(r.uvarint(what)),
		Incarnation: member.Incarnation(r.uvarint(what)),
	}
}

func wholeSeconds(d time.Duration) uint64 {
	return uint64(min(max(d/time.Second, 0), ageMaxSeconds))
}

func (r *reader) age(what string) time.Duration {
	return time.Duration(r.length(ageMaxSeconds, what)) * time.Second
}

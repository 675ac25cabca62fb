package wire

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/hearsay-gossip/hearsay/member"
)

// Generation numbers the lives of an owner's facts: all of an older generation
// is void once a newer one is seen. It grows with every start of the owner.
type Generation uint64

// Version numbers the writes of one owner within a generation: 1, 2, 3 …
// (Scuttlebutt section 3).
type Version uint64

// Entry is one owned fact: the newest write of its key.
type Entry struct {
	Version   Version
	Tombstone bool   // the key was deleted; Value is empty
	Key       []byte // 1..KeyMax
	Value     []byte // 0..ValueMax
	Signature [SignatureSize]byte
}

// AppendSigned appends what the owner's signature covers.
func (e *Entry) AppendSigned(b []byte, owner member.NodeID, g Generation) []byte {
	b = append(b, owner[:]...)
	b = binary.AppendUvarint(b, uint64(g))
	return e.appendContent(b)
}

func (e *Entry) appendContent(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(e.Version))
	b = append(b, flag(e.Tombstone))
	b = binary.AppendUvarint(b, uint64(len(e.Key)))
	b = append(b, e.Key...)
	b = binary.AppendUvarint(b, uint64(len(e.Value)))
	return append(b, e.Value...)
}

// Append appends the entry with its signature.
func (e *Entry) Append(b []byte) []byte {
	return append(e.appendContent(b), e.Signature[:]...)
}

func (r *reader) entry(e *Entry) {
	e.Version = Version(r.uvarint("entry version"))
	if e.Version == 0 {
		r.fail("entry version")
	}
	e.Tombstone = r.flag("entry tombstone")
	e.Key = r.take(r.length(KeyMax, "entry key"), "entry key")
	if len(e.Key) == 0 {
		r.fail("entry key")
	}
	e.Value = r.take(r.length(ValueMax, "entry value"), "entry value")
	if e.Tombstone && len(e.Value) > 0 {
		r.fail("entry value")
	}
	copy(e.Signature[:], r.take(SignatureSize, "entry signature"))
}

func (e *Entry) describe() string {
	if e.Tombstone {
		return fmt.Sprintf("%s@%d deleted", plain(e.Key), e.Version)
	}
	return fmt.Sprintf("%s@%d=%q", plain(e.Key), e.Version, e.Value)
}

// plain returns the key as it is, or quoted if it would break the line or hide
// in it: a key is any bytes, and a peer chose them.
func plain(key []byte) string {
	quoted := strconv.Quote(string(key))
	if bare := quoted[1 : len(quoted)-1]; bare == string(key) && !strings.ContainsRune(bare, ' ') {
		return bare
	}
	return quoted
}

// Fact is one new entry on its way as a rumor.
type Fact struct {
	Owner      member.NodeID
	Generation Generation
	Hops       uint8 // how many members it passed through; for observation only
	Entry      Entry
}

// Type implements [Message].
func (*Fact) Type() Type { return TypeFact }

// AppendBody implements [Message].
func (m *Fact) AppendBody(b []byte) []byte {
	b = append(b, m.Owner[:]...)
	b = binary.AppendUvarint(b, uint64(m.Generation))
	b = append(b, m.Hops)
	return m.Entry.Append(b)
}

// Decode reads a body, which the entry then aliases; the error is a
// [*DecodeError].
func (m *Fact) Decode(body []byte) error {
	r := reader{b: body}
	m.Owner = r.id("fact owner")
	m.Generation = Generation(r.uvarint("fact generation"))
	m.Hops = r.u8("fact hops")
	r.entry(&m.Entry)
	return r.done()
}

// Describe implements [Message].
func (m *Fact) Describe() string {
	return fmt.Sprintf("fact %s/%d %s hops=%d", m.Owner.Short(), m.Generation, m.Entry.describe(), m.Hops)
}

// Advert announces that an owner's facts have reached a version, in place of a
// [Fact] too large for a datagram. Who lacks it asks the sender by [Want].
type Advert struct {
	Owner      member.NodeID
	Generation Generation
	Version    Version
}

// Type implements [Message].
func (*Advert) Type() Type { return TypeAdvert }

// AppendBody implements [Message].
func (m *Advert) AppendBody(b []byte) []byte {
	b = append(b, m.Owner[:]...)
	b = binary.AppendUvarint(b, uint64(m.Generation))
	return binary.AppendUvarint(b, uint64(m.Version))
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Advert) Decode(body []byte) error {
	r := reader{b: body}
	m.Owner = r.id("advert owner")
	m.Generation = Generation(r.uvarint("advert generation"))
	m.Version = Version(r.uvarint("advert version"))
	return r.done()
}

// Describe implements [Message].
func (m *Advert) Describe() string {
	return fmt.Sprintf("advert %s/%d@%d", m.Owner.Short(), m.Generation, m.Version)
}

// Delta carries all current entries of an owner with versions in (From, To], in
// ascending order (Scuttlebutt section 3). Versions that are missing were
// superseded by later writes of the same key.
type Delta struct {
	Owner      member.NodeID
	Generation Generation
	From, To   Version
	Latest     Version // the sender's; To == Latest means that nothing is left
	entries    []byte  // encoded entries, aliasing the body
}

// Type implements [Message].
func (*Delta) Type() Type { return TypeDelta }

// SetEntries gives the delta its entries in encoded form ([Entry.Append]).
func (m *Delta) SetEntries(encoded []byte) { m.entries = encoded }

// AppendBody implements [Message].
func (m *Delta) AppendBody(b []byte) []byte {
	b = append(b, m.Owner[:]...)
	b = binary.AppendUvarint(b, uint64(m.Generation))
	b = binary.AppendUvarint(b, uint64(m.From))
	b = binary.AppendUvarint(b, uint64(m.To))
	b = binary.AppendUvarint(b, uint64(m.Latest))
	return append(b, m.entries...)
}

// Decode reads a body and checks every entry of it, their order and range
// included; the error is a [*DecodeError]. [Delta.Next] walks them.
func (m *Delta) Decode(body []byte) error {
	r := reader{b: body}
	m.Owner = r.id("delta owner")
	m.Generation = Generation(r.uvarint("delta generation"))
	m.From = Version(r.uvarint("delta from"))
	m.To = Version(r.uvarint("delta to"))
	m.Latest = Version(r.uvarint("delta latest"))
	if r.err == nil && (m.To < m.From || m.Latest < m.To) {
		r.fail("delta range")
	}
	start := r.off
	previous := m.From
	for r.err == nil && r.off < len(r.b) {
		var e Entry
		r.entry(&e)
		if r.err == nil && (e.Version <= previous || e.Version > m.To) {
			r.fail("delta order")
		}
		previous = e.Version
	}
	if r.err != nil {
		return r.err
	}
	m.entries = body[start:]
	return nil
}

// Next takes the first entry off the delta; false when none is left.
func (m *Delta) Next(e *Entry) bool {
	if len(m.entries) == 0 {
		return false
	}
	r := reader{b: m.entries}
	r.entry(e)
	m.entries = m.entries[r.off:]
	if r.err != nil { // not what Decode has checked: stop rather than stall
		m.entries = nil
	}
	return r.err == nil
}

// Describe implements [Message].
func (m *Delta) Describe() string {
	s := fmt.Sprintf("delta %s/%d (%d,%d] of %d", m.Owner.Short(), m.Generation, m.From, m.To, m.Latest)
	walk := *m
	for e := (Entry{}); walk.Next(&e); {
		s += " " + e.describe()
	}
	return s
}

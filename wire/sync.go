package wire

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Digest opens an anti-entropy exchange: one hash a bucket over all that the
// sender knows (Demers 1987 section 1.3, the checksum refined by slices). The
// receiver answers with the [Entries] of the buckets that differ.
type Digest struct {
	hashes []byte // 8 bytes each, big endian; a power of two of them
}

// Type implements [Message].
func (*Digest) Type() Type { return TypeDigest }

// SetHashes gives the digest its encoded bucket hashes.
func (m *Digest) SetHashes(encoded []byte) { m.hashes = encoded }

// Buckets returns the number of buckets, a power of two.
func (m *Digest) Buckets() int { return len(m.hashes) / 8 }

// Hash returns the hash of bucket i.
func (m *Digest) Hash(i int) uint64 { return binary.BigEndian.Uint64(m.hashes[8*i:]) }

// AppendBody implements [Message].
func (m *Digest) AppendBody(b []byte) []byte {
	b = append(b, byte(bits.TrailingZeros(uint(m.Buckets()))))
	return append(b, m.hashes...)
}

// Decode reads a body, which the digest then aliases; the error is a
// [*DecodeError].
func (m *Digest) Decode(body []byte) error {
	r := reader{b: body}
	n := r.buckets("digest buckets")
	m.hashes = r.take(8*n, "digest hashes")
	return r.done()
}

// Describe implements [Message].
func (m *Digest) Describe() string { return fmt.Sprintf("digest buckets=%d", m.Buckets()) }

// Stamp says how much the sender knows of one member: the newest claim and the
// newest version of its facts.
type Stamp struct {
	ID         member.NodeID
	Claim      member.Claim
	Age        time.Duration // of a claim that the member is gone; else 0
	Generation Generation
	Version    Version
}

func (s *Stamp) append(b []byte) []byte {
	b = append(b, s.ID[:]...)
	b = appendClaim(b, s.Claim)
	if s.Claim.State.Gone() {
		b = binary.AppendUvarint(b, wholeSeconds(s.Age))
	}
	b = binary.AppendUvarint(b, uint64(s.Generation))
	return binary.AppendUvarint(b, uint64(s.Version))
}

func (r *reader) stamp(s *Stamp) {
	s.ID = r.id("stamp id")
	s.Claim = r.claim("stamp claim")
	s.Age = 0
	if s.Claim.State.Gone() {
		s.Age = r.age("stamp age")
	}
	s.Generation = Generation(r.uvarint("stamp generation"))
	s.Version = Version(r.uvarint("stamp version"))
}

func (s *Stamp) describe() string {
	return fmt.Sprintf("%s:%s/%d@%d", s.ID.Short(), s.Claim, s.Generation, s.Version)
}

// Entries lists the stamps of all members in some buckets. The receiver answers
// with what the sender lacks, and a [Want] for what it lacks itself.
type Entries struct {
	covered []byte // bitmap of the buckets, least significant bit first
	stamps  []byte
	count   int // buckets
}

// Type implements [Message].
func (*Entries) Type() Type { return TypeEntries }

// StartEntries begins an Entries over the given number of buckets, none of them
// covered; scratch is reused for the bitmap.
func StartEntries(buckets int, scratch []byte) Entries {
	scratch = append(scratch[:0], make([]byte, (buckets+7)/8)...)
	return Entries{count: buckets, covered: scratch}
}

// Cover marks a bucket as listed in full.
func (m *Entries) Cover(i int) { m.covered[i/8] |= 1 << (i % 8) }

// Covers reports whether a bucket is listed in full.
func (m *Entries) Covers(i int) bool { return m.covered[i/8]&(1<<(i%8)) != 0 }

// Buckets returns the number of buckets, a power of two.
func (m *Entries) Buckets() int { return m.count }

// SetStamps gives the message its encoded stamps ([AppendStamp]).
func (m *Entries) SetStamps(encoded []byte) { m.stamps = encoded }

// AppendStamp appends one stamp in the form that [Entries.SetStamps] takes.
func AppendStamp(b []byte, s *Stamp) []byte { return s.append(b) }

// AppendBody implements [Message].
func (m *Entries) AppendBody(b []byte) []byte {
	b = append(b, byte(bits.TrailingZeros(uint(m.count))))
	b = append(b, m.covered...)
	return append(b, m.stamps...)
}

// Decode reads a body, which the message then aliases, and checks every stamp
// of it; the error is a [*DecodeError]. [Entries.Next] walks them.
func (m *Entries) Decode(body []byte) error {
	r := reader{b: body}
	m.count = r.buckets("entries buckets")
	m.covered = r.take((m.count+7)/8, "entries bitmap")
	if r.err == nil && m.count < 8 && m.covered[0]>>m.count != 0 {
		r.fail("entries bitmap") // bits of no bucket: not canonical
	}
	start := r.off
	for r.err == nil && r.off < len(r.b) {
		var s Stamp
		r.stamp(&s)
	}
	if r.err != nil {
		return r.err
	}
	m.stamps = body[start:]
	return nil
}

// Next takes the first stamp off the message; false when none is left.
func (m *Entries) Next(s *Stamp) bool {
	if len(m.stamps) == 0 {
		return false
	}
	r := reader{b: m.stamps}
	r.stamp(s)
	m.stamps = m.stamps[r.off:]
	if r.err != nil { // not what Decode has checked: stop rather than stall
		m.stamps = nil
	}
	return r.err == nil
}

// Describe implements [Message].
func (m *Entries) Describe() string {
	covered := 0
	for _, b := range m.covered {
		covered += bits.OnesCount8(b)
	}
	s := fmt.Sprintf("entries buckets=%d/%d", covered, m.count)
	walk := *m
	for st := (Stamp{}); walk.Next(&st); {
		s += " " + st.describe()
	}
	return s
}

func (r *reader) buckets(what string) int {
	shift := r.u8(what)
	if r.err != nil {
		return 0
	}
	if int(shift) > bits.Len(BucketsMax)-1 {
		r.off--
		r.fail(what)
		return 0
	}
	return 1 << shift
}

// Want asks for what the sender lacks of one member: its record, its facts above
// a version, or both.
type Want struct {
	ID         member.NodeID
	Record     bool
	Facts      bool
	Generation Generation // with Facts: what the asker has
	From       Version
}

const (
	wantRecord = 1 << iota
	wantFacts
)

// Type implements [Message].
func (*Want) Type() Type { return TypeWant }

// AppendBody implements [Message].
func (m *Want) AppendBody(b []byte) []byte {
	b = append(b, m.ID[:]...)
	b = append(b, flag(m.Record)*wantRecord|flag(m.Facts)*wantFacts)
	if m.Facts {
		b = binary.AppendUvarint(b, uint64(m.Generation))
		b = binary.AppendUvarint(b, uint64(m.From))
	}
	return b
}

// Decode reads a body; the error is a [*DecodeError].
func (m *Want) Decode(body []byte) error {
	r := reader{b: body}
	m.ID = r.id("want id")
	flags := r.u8("want flags")
	if flags == 0 || flags > wantRecord|wantFacts {
		r.fail("want flags")
	}
	m.Record, m.Facts = flags&wantRecord != 0, flags&wantFacts != 0
	m.Generation, m.From = 0, 0
	if m.Facts {
		m.Generation = Generation(r.uvarint("want generation"))
		m.From = Version(r.uvarint("want from"))
	}
	return r.done()
}

// Describe implements [Message].
func (m *Want) Describe() string {
	s := "want " + m.ID.Short()
	if m.Record {
		s += " record"
	}
	if m.Facts {
		s += fmt.Sprintf(" facts above %d@%d", m.Generation, m.From)
	}
	return s
}

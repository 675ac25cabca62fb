package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/member"
)

// ErrMalformed is what every [DecodeError] unwraps to.
var ErrMalformed = errors.New("malformed message")

// DecodeError says what could not be decoded, and at which byte of the payload
// or message body it was.
type DecodeError struct {
	What   string // the field, from a fixed vocabulary; never a peer's text
	Offset int
}

// Error implements error.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("malformed %s at byte %d", e.What, e.Offset)
}

// Unwrap returns [ErrMalformed].
func (e *DecodeError) Unwrap() error { return ErrMalformed }

// reader walks a message body. The first failure sticks and every later read
// returns zero values, so that decoders read straight down and check once.
type reader struct {
	b   []byte
	off int
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = &DecodeError{What: what, Offset: r.off}
	}
}

// take returns the next n bytes, aliasing the input, or nil after a failure.
func (r *reader) take(n int, what string) []byte {
	if r.err != nil || n > len(r.b)-r.off {
		r.fail(what)
		return nil
	}
	b := r.b[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

func (r *reader) u8(what string) uint8 {
	if b := r.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16(what string) uint16 {
	if b := r.take(2, what); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32(what string) uint32 {
	if b := r.take(4, what); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64(what string) uint64 {
	if b := r.take(8, what); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a base-128 varint of at most 64 bits. Only the shortest form is
// accepted: one value has one encoding, so signatures and hashes are stable.
func (r *reader) uvarint(what string) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b[r.off:])
	if n <= 0 || (n > 1 && r.b[r.off+n-1] == 0) {
		r.fail(what)
		return 0
	}
	r.off += n
	return v
}

// length reads a varint that must not exceed limit.
func (r *reader) length(limit int, what string) int {
	v := r.uvarint(what)
	if v > uint64(limit) {
		r.fail(what)
		return 0
	}
	return int(v)
}

func (r *reader) id(what string) (id member.NodeID) {
	copy(id[:], r.take(member.NodeIDSize, what))
	return id
}

func (r *reader) state(what string) member.State {
	s := member.State(r.u8(what))
	if r.err == nil && !s.Valid() {
		r.off--
		r.fail(what)
	}
	return s
}

// addr reads a family byte (4 or 6), the address and the port.
func (r *reader) addr(what string) netip.AddrPort {
	var ip netip.Addr
	switch family := r.u8(what); {
	case r.err != nil:
	case family == 4:
		if b := r.take(4, what); b != nil {
			ip = netip.AddrFrom4([4]byte(b))
		}
	case family == 6:
		if b := r.take(16, what); b != nil {
			ip = netip.AddrFrom16([16]byte(b))
			if ip.Is4In6() { // has a shorter form: not canonical
				r.fail(what)
			}
		}
	default:
		r.off--
		r.fail(what)
	}
	port := r.u16(what)
	if r.err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip, port)
}

// done returns the first failure, or one if bytes are left over.
func (r *reader) done() error {
	if r.err == nil && r.off != len(r.b) {
		r.fail("end")
	}
	return r.err
}

func appendAddr(b []byte, a netip.AddrPort) []byte {
	if ip := a.Addr().Unmap(); ip.Is4() {
		v4 := ip.As4()
		b = append(append(b, 4), v4[:]...)
	} else {
		v6 := ip.As16() // the zone is ours alone and does not travel
		b = append(append(b, 6), v6[:]...)
	}
	return binary.BigEndian.AppendUint16(b, a.Port())
}

package seal

import (
	"encoding/binary"

	"github.com/hearsay-gossip/hearsay/member"
)

// The first byte of a packet: the format version in the high four bits, the
// kind in the low four.
const (
	version = 1

	// kindPeer is sealed for one node, whose ID is in the authenticated data.
	kindPeer = 0
	// kindBare is sealed for whoever of the cluster has the address.
	kindBare = 1
	// kindWanted asks the sender of an unproven session for its claim.
	kindWanted = 2
	// kindPlain is not sealed at all: only insecure boxes speak it.
	kindPlain = 3
)

// Sizes of the parts of a sealed packet, in bytes.
const (
	sessionIDSize = 12
	counterSize   = 6
	headerSize    = 1 + keyIDSize + sessionIDSize + counterSize // 23
	tagSize       = 16
	ackSize       = 4
	preludeMax    = 1 + ackSize + claimSize
	wantedSize    = member.NodeIDSize

	// plaintextMin makes every packet at least as long as the answer to an
	// unproven one, which must never exceed what caused it.
	plaintextMin = wantedSize
)

// MaxPacket is the longest packet that is looked at: a jumbo frame. Peers send
// far shorter ones by default.
const MaxPacket = 9216

// MaxOverhead is the most that [Box.Seal] adds to a payload, in bytes: header,
// tag, flags, an acknowledgement and a session claim. Between peers that know
// each other's sessions it is 40.
const MaxOverhead = headerSize + preludeMax + tagSize

// MaxPayload is the longest payload that [Box.Seal] takes.
const MaxPayload = MaxPacket - MaxOverhead

// sessionID names a sender's session: 96 bits that look random and follow from
// its claim (sessionOf). It is also the salt of the session's key.
type sessionID [sessionIDSize]byte

// header is the readable part of a sealed packet.
type header struct {
	kind    byte
	key     KeyID
	session sessionID
	counter uint64 // 48 bits, from 1 up.
}

func (h header) append(dst []byte) []byte {
	dst = append(dst, version<<4|h.kind)
	dst = append(dst, h.key[:]...)
	dst = append(dst, h.session[:]...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.counter>>32))
	return binary.BigEndian.AppendUint32(dst, uint32(h.counter))
}

// parseHeader checks what can be checked without a key. The reason is 0 when
// nothing is wrong.
func parseHeader(packet []byte) (h header, why Reason) {
	if why := checkKind(packet); why != 0 {
		return header{}, why
	}
	h.kind = packet[0] & 0x0f
	if h.kind == kindPlain {
		return header{}, BadMagic
	}
	if len(packet) < headerSize+plaintextMin+tagSize {
		return header{}, Malformed
	}
	h.key = KeyID(packet[1:])
	h.session = sessionID(packet[1+keyIDSize:])
	h.counter = uint64(binary.BigEndian.Uint16(packet[17:]))<<32 | uint64(binary.BigEndian.Uint32(packet[19:]))
	if h.counter == 0 {
		return header{}, Malformed
	}
	return h, 0
}

// checkKind is what both modes ask first of any packet.
func checkKind(packet []byte) Reason {
	switch {
	case len(packet) == 0:
		return Malformed
	case len(packet) > MaxPacket:
		return Oversize
	case packet[0]>>4 != version:
		return BadVersion
	case packet[0]&0x0f > kindPlain:
		return BadMagic
	}
	return 0
}

// Flags of the prelude, the first byte of the plaintext. The others are zero:
// what an old build cannot understand comes with a new version.
const (
	flagAck   = 1 << 0
	flagClaim = 1 << 1
	flagPad   = 1 << 2
	flagsAll  = flagAck | flagClaim | flagPad
)

// prelude is what precedes the payload within the plaintext. Its slices point
// into the packet; nil means absent.
type prelude struct {
	ack   []byte // The first bytes of the session of ours that the peer has proven.
	claim []byte
}

// append writes the prelude of a payload of the given length, and padding
// where the two together would be too short.
func (p prelude) append(dst []byte, payload int) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if p.ack != nil {
		dst[at] |= flagAck
		dst = append(dst, p.ack...)
	}
	if p.claim != nil {
		dst[at] |= flagClaim
		dst = append(dst, p.claim...)
	}
	if short := plaintextMin - (len(dst) - at) - payload; short > 0 {
		dst[at] |= flagPad
		dst = append(dst, byte(short))
		dst = append(dst, make([]byte, short-1)...)
	}
	return dst
}

// parsePrelude splits a plaintext. It accepts only what append writes.
func parsePrelude(plain []byte) (p prelude, payload []byte, ok bool) {
	if len(plain) == 0 || plain[0]&^flagsAll != 0 {
		return prelude{}, nil, false
	}
	flags, rest := plain[0], plain[1:]
	if flags&flagAck != 0 {
		if len(rest) < ackSize {
			return prelude{}, nil, false
		}
		p.ack, rest = rest[:ackSize], rest[ackSize:]
	}
	if flags&flagClaim != 0 {
		if len(rest) < claimSize {
			return prelude{}, nil, false
		}
		p.claim, rest = rest[:claimSize], rest[claimSize:]
	}
	if flags&flagPad != 0 {
		if len(plain) != plaintextMin || len(rest) == 0 || rest[0] == 0 || int(rest[0]) > len(rest) {
			return prelude{}, nil, false
		}
		pad := rest[1:rest[0]]
		for _, b := range pad {
			if b != 0 {
				return prelude{}, nil, false
			}
		}
		rest = rest[rest[0]:]
	}
	return p, rest, true
}

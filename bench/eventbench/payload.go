package main

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
)

const (
	// sizeMin is the smallest payload: the sequence number alone.
	sizeMin = 8
	// sizeMax keeps the noise below many times larger than a payload. It is far
	// above what memberlist and Serf take.
	sizeMax = 1 << 16

	noiseSize = 1 << 20
	// noiseStride separates the noise of consecutive payloads. It is odd, so that
	// all offsets are used, and larger than the payloads of the default plan, so
	// that what is sent together does not share bytes.
	noiseStride = 7919
)

// noise is what payloads are filled with. It does not compress: memberlist and
// Serf squeeze packets by default, and zeros would flatter them.
var noise = func() []byte {
	b := make([]byte, noiseSize)
	r := rand.NewChaCha8([32]byte{})
	_, _ = r.Read(b) // never fails
	return b
}()

// filler is what follows the sequence number in a payload of a size.
func filler(seq uint64, size int) []byte {
	from := int(seq * noiseStride % (noiseSize - sizeMax))
	return noise[from : from+size-sizeMin]
}

// newPayload returns the payload with a sequence number. All are different, and
// the receiver can check every byte.
func newPayload(seq uint64, size int) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, size), seq), filler(seq, size)...)
}

// parsePayload returns the sequence number, or false if anything is wrong.
func parsePayload(payload []byte, size int) (seq uint64, ok bool) {
	if len(payload) != size {
		return 0, false
	}
	seq = binary.BigEndian.Uint64(payload)
	return seq, bytes.Equal(payload[sizeMin:], filler(seq, size))
}

package sim

import (
	"encoding/binary"

	"github.com/hearsay-gossip/hearsay/member"
)

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// hash64 folds bytes into an FNV-1a hash, eight at a time: the trace is for
// telling runs apart, not for strangers to check.
func hash64(h uint64, b []byte) uint64 {
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.LittleEndian.Uint64(b)) * fnvPrime
		h ^= h >> 32
	}
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}

// trace is the hash of everything that happened.
type trace struct{ hash uint64 }

func (t *trace) note(at member.Time, node int, kind byte, content []byte) {
	var head [17]byte
	binary.LittleEndian.PutUint64(head[:], uint64(at))
	binary.LittleEndian.PutUint64(head[8:], uint64(node))
	head[16] = kind
	t.hash = hash64(hash64(t.hash, head[:]), content)
}

package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"time"
)

// stream returns the generator of one name under a random seed. Each purpose
// has its own, so that taking one fault away leaves the luck of the others
// alone.
func stream(seed uint64, name string) *rand.Rand {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], seed)
	sum := sha256.Sum256(append(b[:], name...))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))
}

// fate is the luck of one packet: a hash of the seed, the link and the packet's
// number on it, read off in pieces. It is no shared stream: what happens on one
// link does not depend on the traffic of another.
type fate struct{ state uint64 }

func fateOf(seed uint64, from, to int, packet uint64) fate {
	return fate{mix(mix(seed^uint64(from)<<32^uint64(to)) ^ packet)}
}

func (f *fate) next() uint64 {
	f.state += 0x9e3779b97f4a7c15
	return mix(f.state)
}

// hits reports true with probability p, in millionths.
func (f *fate) hits(millionths uint32) bool {
	if millionths == 0 {
		return false
	}
	hi, _ := bits.Mul64(f.next(), 1_000_000)
	return hi < uint64(millionths)
}

// within returns a duration in [0, d).
func (f *fate) within(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(f.next(), uint64(d))
	return time.Duration(hi)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

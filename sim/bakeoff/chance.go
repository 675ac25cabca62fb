package bakeoff

import (
	"math"
	"math/bits"
	"time"
)

// fate is luck read off a hash: of the run's seed and of what it is about. What
// happens on one link does not depend on the traffic of another.
type fate struct{ state uint64 }

// Purposes keep the luck of one thing apart from that of another about the
// same pair of nodes.
const (
	aboutPacket = iota + 1
	aboutLink
	aboutID
	aboutView
	aboutNews
	aboutVictim
	aboutNode
)

func fateOf(seed uint64, about, a, b int, k uint64) fate {
	return fate{mix(mix(mix(seed^uint64(about)<<56)^uint64(a)<<32^uint64(b)) ^ k)}
}

func (f *fate) next() uint64 {
	f.state += 0x9e3779b97f4a7c15
	return mix(f.state)
}

// share returns a number in [0, 1).
func (f *fate) share() float64 { return float64(f.next()>>11) / (1 << 53) }

// hits reports true with probability p.
func (f *fate) hits(p float64) bool { return p > 0 && f.share() < p }

// within returns a duration in [0, d).
func (f *fate) within(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(f.next(), uint64(d))
	return time.Duration(hi)
}

// normal returns a standard normal deviate (Box and Muller 1958).
func (f *fate) normal() float64 {
	radius := math.Sqrt(-2 * math.Log(1-f.share()))
	return radius * math.Cos(2*math.Pi*f.share())
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

package swarm

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
)

// dice is the generator of one purpose under a random seed.
type dice struct{ *rand.Rand }

func newDice(seed Seed, purpose string) dice {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("swarm "+purpose+" "), uint64(seed)))
	return dice{rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])))}
}

func (d dice) below(n int) int { return draw.Below(d.Rand, n) }

// percent reports true with so many in a hundred.
func (d dice) percent(p int) bool { return d.below(100) < p }

// share returns a share between two, in hundredths of a percent.
func (d dice) share(from, to float64) float64 {
	const parts = 10_000
	return (from*parts + float64(d.below(int((to-from)*parts)+1))) / parts
}

// between returns a duration between two, in milliseconds if they allow it.
func (d dice) between(from, to time.Duration) Duration {
	v := from + draw.Within(d.Rand, to-from+1)
	if v > time.Second {
		v = v.Round(time.Millisecond)
	}
	return Duration(v)
}

// scale returns a duration between two whose logarithm is even.
func (d dice) scale(from, to time.Duration) Duration {
	steps := bits.Len64(uint64(to / from))
	low := from << d.below(max(steps, 1))
	return d.between(min(low, to), min(2*low, to))
}

// some returns so many distinct nodes of n, from 1, ascending.
func (d dice) some(count, n int) []int {
	var chosen []int
	for i := 1; i <= n && count > 0; i++ {
		if d.below(n-i+1) < count {
			chosen = append(chosen, i)
			count--
		}
	}
	return chosen
}

// luck is the fate of one packet inside one fault, read off in pieces.
type luck struct{ state uint64 }

func luckOf(seed Seed, fault, link int, packet uint32) luck {
	return luck{mix(mix(mix(uint64(seed)+uint64(fault)*0x9e3779b97f4a7c15)^uint64(link)) ^ uint64(packet))}
}

func (l *luck) next() uint64 {
	l.state += 0x9e3779b97f4a7c15
	return mix(l.state)
}

func (l *luck) below(n uint64) uint64 {
	hi, _ := bits.Mul64(l.next(), n)
	return hi
}

// hits reports true with a probability.
func (l *luck) hits(share float64) bool {
	return share > 0 && l.below(1_000_000) < uint64(share*1_000_000+0.5)
}

func (l *luck) within(d Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(l.below(uint64(d)))
}

// exponential returns about an exponential duration of some mean, in integers: a
// geometric number of means' ln 2, and an even part of one more.
func (l *luck) exponential(mean Duration) time.Duration {
	half := mean * 693 / 1000
	return time.Duration(bits.TrailingZeros64(l.next()|1<<40))*time.Duration(half) + l.within(half)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

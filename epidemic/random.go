package epidemic

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// stream is the randomness of one trial: a PCG whose seed is a hash of the
// random seed and the trial's index, so that no trial depends on which core
// ran it or on what ran before.
type stream struct{ pcg rand.PCG }

// streamDomain keeps these streams apart from any other use of the same random
// seed.
const streamDomain = "hearsay epidemic trial"

// reseed starts the stream of a trial.
func (s *stream) reseed(seed uint64, trial int) {
	var name [len(streamDomain) + 16]byte
	n := copy(name[:], streamDomain)
	binary.LittleEndian.PutUint64(name[n:], seed)
	binary.LittleEndian.PutUint64(name[n+8:], uint64(trial))
	sum := sha256.Sum256(name[:])
	s.pcg.Seed(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16]))
}

// below returns a uniform integer in [0, n), n > 0, by Lemire's multiply-shift
// with rejection (ACM TOMACS 29(1), 2019, algorithm 5). It is ours, not
// math/rand's, so that a random seed means the same in every Go release.
func (s *stream) below(n uint64) uint64 {
	hi, lo := bits.Mul64(s.pcg.Uint64(), n)
	if lo < n {
		for floor := -n % n; lo < floor; {
			hi, lo = bits.Mul64(s.pcg.Uint64(), n)
		}
	}
	return hi
}

// chance is a probability in [0, 1) as a threshold on a uniform 64-bit integer.
type chance uint64

func chanceOf(p float64) chance { return chance(p * (1 << 64)) }

// hits draws once; a chance of zero draws nothing, so that a run without loss
// costs no randomness for it.
func (s *stream) hits(c chance) bool { return c != 0 && s.pcg.Uint64() < uint64(c) }

// scanMax is the largest fanout whose targets are told apart by scanning those
// chosen so far. At 32 the scan still costs less than the cache misses of a
// permutation; beyond it a node's choice would grow with the square.
const scanMax = 32

// sampler chooses the targets of a node: distinct, uniform, never itself.
type sampler struct {
	rand   *stream
	nodes  int
	fanout int
	chosen []int
	// deck is a permutation of [0, nodes-1), kept between draws, for fanouts
	// above scanMax. Shuffling the front of any permutation gives a uniform
	// choice.
	deck []uint32
}

func newSampler(rand *stream, nodes, fanout int) *sampler {
	s := &sampler{rand: rand, nodes: nodes, fanout: fanout, chosen: make([]int, 0, fanout)}
	if fanout > scanMax {
		s.deck = make([]uint32, nodes-1)
	}
	return s
}

// reset makes the next draws independent of earlier trials.
func (s *sampler) reset() {
	for i := range s.deck {
		s.deck[i] = uint32(i)
	}
}

// targets returns fanout nodes for self. The slice is valid until the next call.
func (s *sampler) targets(self int) []int {
	others := s.nodes - 1
	s.chosen = s.chosen[:s.fanout]
	switch {
	case s.fanout == 1:
		other := int(s.rand.below(uint64(others)))
		if other >= self {
			other++
		}
		s.chosen[0] = other
		return s.chosen
	case s.deck == nil:
		s.floyd(others)
	default:
		s.shuffle(others)
	}
	for i, other := range s.chosen {
		if other >= self {
			s.chosen[i] = other + 1
		}
	}
	return s.chosen
}

// floyd draws a subset of [0, others) with one random integer per element
// (Bentley and Floyd, CACM 30(9), 1987).
func (s *sampler) floyd(others int) {
	for n := range s.chosen {
		top := others - len(s.chosen) + n
		pick := int(s.rand.below(uint64(top + 1)))
		for _, c := range s.chosen[:n] {
			if c == pick {
				pick = top
				break
			}
		}
		s.chosen[n] = pick
	}
}

// shuffle draws by the first steps of a Fisher-Yates shuffle.
func (s *sampler) shuffle(others int) {
	for i := range s.chosen {
		j := i + int(s.rand.below(uint64(others-i)))
		s.deck[i], s.deck[j] = s.deck[j], s.deck[i]
		s.chosen[i] = int(s.deck[i])
	}
}

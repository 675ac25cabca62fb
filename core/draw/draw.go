// Package draw turns a handed-in generator into bounded choices whose sequence
// depends on nothing but the generator: not on the Go release, not on the
// width of int. A random seed recorded today replays in any later year.
package draw

import (
	"math/bits"
	"math/rand/v2"
	"time"
)

// Below returns a number in [0, n), by Lemire's multiply-shift without the
// rejection step: the bias is below n/2^64. It panics if n <= 0.
func Below(r *rand.Rand, n int) int {
	if n <= 0 {
		panic("draw: no choice in an empty range")
	}
	hi, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(hi)
}

// Within returns a duration in [0, d); 0 for d <= 0.
func Within(r *rand.Rand, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(r.Uint64(), uint64(d))
	return time.Duration(hi)
}

// Chance reports true with probability num/den; always for num >= den.
func Chance(r *rand.Rand, num, den int) bool {
	return num >= den || Below(r, den) < num
}

// Shuffle permutes s in place (Fisher and Yates).
func Shuffle[T any](r *rand.Rand, s []T) {
	for i := len(s) - 1; i > 0; i-- {
		j := Below(r, i+1)
		s[i], s[j] = s[j], s[i]
	}
}

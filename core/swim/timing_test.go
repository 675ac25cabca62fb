package swim

import (
	"math"
	"strings"
	"testing"
	"time"
)

func log10(n int) float64 { return math.Log10(float64(n)) }

// chordMax is how far a straight line between log10 m and log10 (m+1) falls
// below the curve, at most: between 1 and 2, at 1/ln 2.
const chordMax = 26

func TestMilliLog10IsTheLogarithmInIntegers(t *testing.T) {
	last := -1
	for n := 1; n <= 10_000; n++ {
		got := milliLog10(n)
		if diff := float64(got) - 1000*log10(n); diff > 0.5 || diff < -chordMax-1 {
			t.Fatalf("milliLog10(%d) = %d, the logarithm is %.1f", n, got, 1000*log10(n))
		}
		if got < last {
			t.Fatalf("milliLog10(%d) = %d, less than before", n, got)
		}
		last = got
	}
	for power := 1; power <= 100_000; power *= 10 {
		for lead := 1; lead <= 10; lead++ {
			if got, want := milliLog10(lead*power), math.Round(1000*log10(lead*power)); float64(got) != want {
				t.Errorf("milliLog10(%d) = %d, want %v", lead*power, got, want)
			}
		}
	}
}

// Lifeguard section IV-B: Min = α·log10 n·period, Max = β·Min,
// timeout = max(Min, Max − (Max−Min)·log(C+1)/log(K+1)).
func TestSuspicionTimeoutIsLifeguards(t *testing.T) {
	timing := LAN()
	for n := 1; n <= 10_000; n++ {
		scale := max(1, log10(n))
		lo := float64(timing.ProbePeriod) * float64(timing.SuspicionMultiplier) * scale
		hi := lo * float64(timing.SuspicionStretch)
		for k := range 9 {
			for c := range k + 3 {
				want := lo
				if c < k {
					want = hi - (hi-lo)*log10(c+1)/log10(k+1)
				}
				// One part from the chord of log n, one from rounding the other two
				// logarithms, the smallest divisor being log 2.
				tolerance := want*(chordMax+1)/1000/scale + (hi-lo)*0.5*2/301
				if got := timing.suspicionTimeout(n, c, k); math.Abs(float64(got)-want) > tolerance {
					t.Fatalf("n=%d c=%d k=%d: %v, want %v ± %v", n, c, k, got, time.Duration(want), time.Duration(tolerance))
				}
			}
		}
	}
}

func TestSuspicionTimeoutOfExactLogarithms(t *testing.T) {
	for _, tt := range []struct {
		n, c, k int
		want    time.Duration
	}{
		{1, 0, 0, 4 * time.Second}, // nobody to confirm: at once the shortest
		{10, 0, 3, 24 * time.Second},
		{10, 1, 3, 14 * time.Second}, // log 2 / log 4 is a half
		{10, 3, 3, 4 * time.Second},
		{10, 9, 3, 4 * time.Second},
		{100, 0, 3, 48 * time.Second},
		{100, 1, 3, 28 * time.Second},
		{1000, 3, 3, 12 * time.Second},
		{10_000, 0, 3, 96 * time.Second},
	} {
		if got := LAN().suspicionTimeout(tt.n, tt.c, tt.k); got != tt.want {
			t.Errorf("n=%d c=%d k=%d: %v, want %v", tt.n, tt.c, tt.k, got, tt.want)
		}
	}
}

func TestConfirmationsOnlyShortenASuspicion(t *testing.T) {
	for n := 1; n <= 1000; n++ {
		for k := range 17 {
			for c := range k {
				if a, b := LAN().suspicionTimeout(n, c, k), LAN().suspicionTimeout(n, c+1, k); b >= a {
					t.Fatalf("n=%d k=%d: %v after %d confirmations, %v after one more", n, k, a, c, b)
				}
			}
		}
	}
}

func TestPresetsAreValid(t *testing.T) {
	for name, timing := range map[string]Timing{"LAN": LAN(), "WAN": WAN(), "Local": Local()} {
		if err := timing.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTimingReturnsAllProblemsInOrder(t *testing.T) {
	bad := Timing{ProbeTimeout: time.Second, Helpers: 17, Confirmations: -1, HealthMax: 99}
	const want = `timing: probe period must be positive
timing: suspicion multiplier must be positive
timing: suspicion stretch must be positive
timing: heal period must be positive
timing: dead retention must be positive
timing: left retention must be positive
timing: probe timeout 1s exceeds a quarter of the probe period 0s
timing: helpers must be within 0 and 16
timing: confirmations must be within 0 and 16
timing: health max must be within 0 and 16`
	for range 20 { // an order that a map decided would differ
		if err := bad.Validate(); err == nil || err.Error() != want {
			t.Fatalf("Validate() =\n%v\nwant\n%s", err, want)
		}
	}
	good := LAN()
	good.ProbeTimeout = good.ProbePeriod/4 + 1
	if err := good.Validate(); err == nil || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("one problem: %v", err)
	}
}

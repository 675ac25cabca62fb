package seal

import (
	"testing"

	"pgregory.net/rapid"
)

// The edges of RFC 6479: each row is fed to a fresh window in order.
func TestWindowEdges(t *testing.T) {
	const top = 100_000
	type step struct {
		counter uint64
		fresh   bool
	}
	tests := []struct {
		why   string
		steps []step
	}{
		{"counters begin at one", []step{{0, false}, {1, true}, {1, false}}},
		{"within the first word", []step{{63, true}, {62, true}, {63, false}, {1, true}, {0, false}}},
		{"across a word", []step{{64, true}, {63, true}, {65, true}, {64, false}, {63, false}}},
		{"the oldest still told apart", []step{{top, true}, {top - windowSpan + 1, true}, {top - windowSpan + 1, false}, {top - windowSpan, false}}},
		{"a full turn clears all", []step{{1, true}, {windowWords*wordBits + 1, true}, {1, false}, {windowWords * wordBits, true}}},
		{"a leap over many turns", []step{{5, true}, {1<<48 - 1, true}, {5, false}, {1<<48 - 2, true}, {1<<48 - 1, false}}},
		{"the word that comes round is clean", []step{{3, true}, {3 + windowWords*wordBits, true}, {4 + windowWords*wordBits, true}}},
		{"exactly one span ahead", []step{{1, true}, {1 + windowSpan, true}, {1, false}, {2, true}}},
	}
	for _, tt := range tests {
		var w window
		for i, s := range tt.steps {
			if got := w.admit(s.counter); got != s.fresh {
				t.Errorf("%s: step %d, counter %d: %t, want %t", tt.why, i, s.counter, got, s.fresh)
			}
		}
	}
}

func TestFloorRefusesAllUpToIt(t *testing.T) {
	for _, top := range []uint64{1, 62, 63, 64, 65, 127, 128, 2047, 2048, 2049, 99_999} {
		for c := top - min(top, windowWords*wordBits); c <= top; c++ {
			if w := floor(top); w.admit(c) {
				t.Fatalf("floor %d admits %d", top, c)
			}
		}
		for c := top + 1; c <= top+2*windowWords*wordBits; c++ {
			w := floor(top)
			if !w.admit(c) || w.admit(c) {
				t.Fatalf("floor %d does not admit %d once", top, c)
			}
		}
		w := floor(top)
		for c := top + 1; c < top+300; c++ {
			if !w.admit(c) {
				t.Fatalf("floor %d does not admit the run to %d", top, c)
			}
		}
	}
}

// The window against a set that remembers everything.
func TestWindowAgreesWithASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		seen, top := map[uint64]bool{}, uint64(0)
		step := rapid.OneOf(
			rapid.Int64Range(-3, 3),
			rapid.Int64Range(-windowSpan-wordBits, windowSpan+wordBits),
			rapid.Int64Range(-1<<20, 1<<20),
		)
		for range 200 {
			counter := uint64(max(0, int64(top)+step.Draw(t, "step")))
			want := counter > 0 && counter+windowSpan > top && !seen[counter]
			if got := w.admit(counter); got != want {
				t.Fatalf("counter %d, newest %d: %t, want %t", counter, top, got, want)
			}
			if want {
				seen[counter] = true
				top = max(top, counter)
			}
		}
	})
}

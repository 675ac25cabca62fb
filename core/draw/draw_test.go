package draw

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// The golden numbers are the promise: a change here orphans every recorded
// random seed.
func TestSequencesAreGolden(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var got []int
	for range 8 {
		got = append(got, Below(r, 100))
	}
	if want := []int{76, 61, 78, 79, 23, 4, 49, 44}; !slices.Equal(got, want) {
		t.Errorf("Below sequence = %v, want %v", got, want)
	}
	s := []int{0, 1, 2, 3, 4, 5, 6}
	Shuffle(r, s)
	if want := []int{4, 6, 2, 5, 3, 1, 0}; !slices.Equal(s, want) {
		t.Errorf("Shuffle = %v, want %v", s, want)
	}
	if d, want := Within(r, time.Second), 396336665*time.Nanosecond; d != want {
		t.Errorf("Within = %d, want %d", d, want)
	}
}

func TestBelowCoversItsRangeEvenly(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var count [7]int
	for range 70_000 {
		count[Below(r, 7)]++
	}
	for v, c := range count {
		if c < 9_500 || c > 10_500 { // 5 standard deviations are 463
			t.Errorf("%d drawn %d times of 70000", v, c)
		}
	}
}

func TestChanceIsCertainAtAndAboveOne(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		if !Chance(r, 3, 3) || !Chance(r, 4, 3) || Chance(r, 0, 3) {
			t.Fatal("a certain outcome was drawn")
		}
	}
}

func TestWithinNothingIsNothing(t *testing.T) {
	if d := Within(nil, 0); d != 0 {
		t.Errorf("Within(0) = %v", d)
	}
}

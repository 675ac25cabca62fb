package broadcast

import (
	"math"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/wire"
)

func laneAt(first wire.Number) *lane { return &lane{first: first, unsent: first, next: first} }

func TestALaneCountsAcrossTheEndOfItsNumbers(t *testing.T) {
	l := laneAt(math.MaxUint32 - 5)
	var numbers []wire.Number
	for range 20 {
		numbers = append(numbers, l.next)
		l.add().state = sent
		l.unsent++
	}
	if l.open() != 20 || l.next != 14 {
		t.Fatalf("%d open, next %d", l.open(), l.next)
	}
	for i, n := range numbers {
		if p := l.find(n); p == nil || p != l.at(n) {
			t.Fatalf("number %d is not found", n)
		}
		from, to := l.clip(n, 3)
		if want := min(3, 20-i); from != n || int(to-from) != want {
			t.Fatalf("clip(%d, 3) = %d, %d", n, from, to)
		}
	}
	if from, to := l.clip(numbers[0]-10, 15); from != l.first || int(to-from) != 5 {
		t.Errorf("a run that begins before: %d, %d", from, to)
	}
	for _, n := range []wire.Number{numbers[0] - 1, l.next, l.next + 1<<31} {
		if from, to := l.clip(n, 1); from != to || l.find(n) != nil {
			t.Errorf("number %d, which was not sent, is found", n)
		}
	}
	for _, n := range numbers[1:] {
		*l.at(n) = piece{}
	}
	if l.trim(); l.first != numbers[0] {
		t.Error("trimmed over what is open")
	}
	*l.at(numbers[0]) = piece{}
	if l.trim(); l.first != l.next || l.open() != 0 {
		t.Error("closed pieces are still counted")
	}
}

func TestALaneIsBounded(t *testing.T) {
	l := laneAt(7)
	for i := range piecesMax {
		if l.add() == nil {
			t.Fatalf("full at %d", i)
		}
	}
	if l.add() != nil || len(l.ring) != piecesMax {
		t.Errorf("%d pieces taken, ring of %d", l.open(), len(l.ring))
	}
}

// Constant round trips leave a margin of a quarter; varying ones more.
func TestTheTimeoutFollowsRoundTrips(t *testing.T) {
	const least = 10 * time.Millisecond
	var r rtt
	if _, ok := r.timeout(least); ok {
		t.Error("an estimate from nothing")
	}
	for range 50 {
		r.sample(100 * time.Millisecond)
	}
	if d, _ := r.timeout(least); d < 120*time.Millisecond || d > 130*time.Millisecond {
		t.Errorf("%v after constant 100 ms", d)
	}
	for i := range 50 {
		r.sample(time.Duration(50+100*(i%2)) * time.Millisecond)
	}
	if d, _ := r.timeout(least); d < 200*time.Millisecond || d > 400*time.Millisecond {
		t.Errorf("%v after 50 and 150 ms in turn", d)
	}
	r = rtt{}
	r.sample(0)
	if d, ok := r.timeout(least); !ok || d != least {
		t.Errorf("%v, %v after no time at all", d, ok)
	}
}

package rumor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/core/effect"
)

func key(n uint64) effect.RumorKey { return effect.RumorKey{Detail: n} }

func fill(q *Queue, room, most, budget int) string {
	out, n := q.Fill(nil, room, most, budget)
	return fmt.Sprintf("%s/%d", out, n)
}

func TestBudgetGrowsWithTheLogarithm(t *testing.T) {
	for n, want := range map[int]int{1: 6, 2: 6, 7: 9, 10: 9, 32: 15, 100: 15, 1000: 21, 10_000: 30} {
		if got := Budget(n); got != want {
			t.Errorf("Budget(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestLeastSentGoesFirst(t *testing.T) {
	var q Queue
	q.Push(key(1), []byte("a"))
	q.Push(key(2), []byte("b"))
	if got := fill(&q, 1, 9, 3); got != "a/1" {
		t.Fatalf("first packet = %s", got)
	}
	q.Push(key(3), []byte("c"))
	for i, want := range []string{"bc/2", "ab/2", "ca/2"} {
		if got := fill(&q, 2, 9, 9); got != want {
			t.Fatalf("packet %d = %s, want %s", i, got, want)
		}
	}
}

func TestRumorCoolsAfterItsBudget(t *testing.T) {
	var q Queue
	q.Push(key(1), []byte("a"))
	for i := range 3 {
		if got := fill(&q, 10, 9, 3); got != "a/1" {
			t.Fatalf("send %d = %s", i, got)
		}
	}
	if got := fill(&q, 10, 9, 3); got != "/0" || q.Len() != 0 {
		t.Errorf("after the budget: %s, %d hot", got, q.Len())
	}
}

func TestNewerRumorReplacesTheOlder(t *testing.T) {
	for _, sent := range []int{0, 1} {
		var q Queue
		q.Push(key(1), []byte("old"))
		for range sent {
			fill(&q, 10, 9, 3)
		}
		q.Push(key(1), []byte("new"))
		if got := fill(&q, 10, 9, 3); got != "new/1" || q.Len() != 1 {
			t.Errorf("after %d sends: %s, %d hot", sent, got, q.Len())
		}
	}
}

func TestSmallRumorsFillWhatALargeOneLeaves(t *testing.T) {
	var q Queue
	q.Push(key(1), []byte(strings.Repeat("x", 50)))
	q.Push(key(2), []byte("small"))
	if got := fill(&q, 10, 9, 3); got != "small/1" {
		t.Errorf("packet = %s", got)
	}
	if q.Len() != 2 {
		t.Errorf("%d hot, want 2", q.Len())
	}
}

func TestCountLimit(t *testing.T) {
	var q Queue
	for i := range uint64(10) {
		q.Push(key(i), []byte{byte('0' + i)})
	}
	if got := fill(&q, 100, 4, 3); got != "0123/4" {
		t.Errorf("packet = %s", got)
	}
}

func TestForgottenRumorsAreNotSent(t *testing.T) {
	var q Queue
	q.Push(key(1), []byte("a"))
	q.Push(key(2), []byte("b"))
	q.Forget(func(k effect.RumorKey) bool { return k.Detail == 1 })
	if got := fill(&q, 10, 9, 3); got != "b/1" {
		t.Errorf("packet = %s", got)
	}
}

func TestFullQueueDropsTheMostSent(t *testing.T) {
	var q Queue
	q.Push(key(0), []byte("first"))
	fill(&q, 100, 9, 9)
	for i := range uint64(Capacity) {
		q.Push(key(i+1), []byte("x"))
	}
	if q.Len() != Capacity || q.Evicted() != 1 {
		t.Fatalf("%d hot, %d evicted", q.Len(), q.Evicted())
	}
	if _, ok := q.index[key(0)]; ok {
		t.Error("the rumor sent before survived the fresh ones")
	}
}

func TestReplacedRumorsDoNotPileUp(t *testing.T) {
	var q Queue
	q.Push(key(1), []byte("blocker")) // keeps level 0 busy: room is never left
	for i := range uint64(10 * Capacity) {
		q.Push(key(2+i%2), []byte("churn"))
		fill(&q, 5, 1, 100)
	}
	entries := 0
	for _, level := range q.levels {
		entries += len(level)
	}
	if entries > 2*Capacity {
		t.Errorf("%d entries for %d rumors", entries, q.Len())
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	var q Queue
	message := []byte(strings.Repeat("m", 100))
	packet := make([]byte, 0, 1200)
	var n uint64
	run := func() {
		n++
		q.Push(key(n%8), message)
		packet, _ = q.Fill(packet[:0], 1000, 10, 4)
	}
	for range 1000 {
		run()
	}
	if got := testing.AllocsPerRun(1000, run); got != 0 {
		t.Errorf("%v allocations per push and packet", got)
	}
}

func TestAnEmptyQueueKeepsNothingOfABurst(t *testing.T) {
	for name, cool := range map[string]func(*Queue){
		"sent":      func(q *Queue) { fill(q, 1<<20, 1<<10, 1) },
		"forgotten": func(q *Queue) { q.Forget(func(effect.RumorKey) bool { return true }) },
	} {
		t.Run(name, func(t *testing.T) {
			var q Queue
			for n := range uint64(2 * freeMax) {
				q.Push(key(n), []byte("news"))
			}
			cool(&q)
			if q.Len() != 0 || q.levels != nil || q.free != nil || q.index != nil {
				t.Errorf("%d hot, %d levels and %d entries kept, want none", q.Len(), len(q.levels), len(q.free))
			}
			q.Push(key(1), []byte("a"))
			if got := fill(&q, 10, 9, 3); got != "a/1" {
				t.Errorf("first rumor after the burst = %s", got)
			}
		})
	}
}

func TestAQuietQueueKeepsItsEntries(t *testing.T) {
	var q Queue
	q.Push(key(1), []byte("a"))
	fill(&q, 10, 9, 1)
	if len(q.free) != 1 {
		t.Errorf("%d entries kept for the next rumor, want 1", len(q.free))
	}
}

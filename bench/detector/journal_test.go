package main

import (
	"slices"
	"testing"
	"time"
)

func TestAJournalTellsReturnsFromFirstJoins(t *testing.T) {
	j := newJournal(3)
	j.joined(1, 0, 1)
	j.left(2, 0, 1)
	j.left(3, 0, 1)
	j.joined(4, 0, 1)
	j.joined(5, 0, 1)
	want := []sighting{{2, 0, 1, true}, {3, 0, 1, true}, {4, 0, 1, false}}
	if got := j.since(0); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := j.since(3); !slices.Equal(got, want[1:]) {
		t.Errorf("since 3: %v", got)
	}
	if !j.holds(0, 1) || j.holds(1, 0) {
		t.Error("views")
	}
	j.restart(0)
	if j.holds(0, 1) {
		t.Error("a restarted node remembers")
	}
}

// still is a system in which nothing happens by itself.
type still struct {
	system
	now  time.Duration
	full func(now time.Duration) bool
}

func (s *still) Now() time.Duration  { return s.now }
func (s *still) Run(d time.Duration) { s.now += d }
func (s *still) Holds(int, int) bool { return s.full(s.now) }

func TestFullViewsMustLast(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		full  func(now time.Duration) bool
		after time.Duration
		ok    bool
	}{
		{func(time.Duration) bool { return true }, 0, true},
		{func(now time.Duration) bool { return now < second || now >= 7*second }, 7 * second, true},
		{func(now time.Duration) bool { return now >= 20*second }, 0, false},
		{func(time.Duration) bool { return false }, 0, false},
	} {
		w := newWorld(&still{full: c.full}, newNetwork(1, 4), newJournal(4), nil)
		if after, ok := w.steady(10*second, 3*second); after != c.after || ok != c.ok {
			t.Errorf("%v, %v, want %v, %v", after, ok, c.after, c.ok)
		}
	}
}

// Of events about healthy nodes, those at healthy observers count apart; the
// removal of a faulty one is complete when all healthy ones hold it at once.
func TestFiguresTellHealthyObserversApart(t *testing.T) {
	w := newWorld(&still{}, newNetwork(1, 4), newJournal(4), nil)
	w.faulty[3] = true
	for _, s := range []struct {
		at                time.Duration
		observer, subject int
		gone              bool
	}{
		{1, 3, 0, true}, {2, 1, 0, true},
		{3, 0, 3, true}, {4, 1, 3, true}, {5, 0, 3, false}, {6, 2, 3, true}, {7, 0, 3, true},
	} {
		if s.gone {
			w.journal.left(s.at*time.Second, s.observer, s.subject)
		} else {
			w.journal.joined(s.at*time.Second, s.observer, s.subject)
		}
	}
	w.addFalse()
	w.addRemoval([]int{3})
	w.addDetection(3)
	want := []float64{2, 1, 7, 3, 6}
	for i, f := range w.figures {
		if f.Value == nil || *f.Value != want[i] {
			t.Errorf("%s is %v, want %v", f.Name, f.Value, want[i])
		}
	}
	w.addFlaps([]int{3})
	if got := w.figures[5]; *got.Value != 4.0/3 {
		t.Errorf("%v leaves a faulty node", *got.Value)
	}
}

package simcmd

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// apart is ten minutes of two nodes: wrong for 20 s, quiet for long, wrong for 5 s.
func apart() *scenario.Result {
	const s = time.Second
	return &scenario.Result{Nodes: 2, Length: 700 * s, Timeline: &scenario.Timeline{Nodes: 2, Changes: []scenario.Change{
		{At: -9 * s, Node: 0, Status: scenario.Right},
		{At: -9 * s, Node: 1, Status: scenario.Right},
		{At: 10 * s, Node: 0, Status: scenario.Behind},
		{At: 30 * s, Node: 0, Status: scenario.Right},
		{At: 600 * s, Node: 1, Status: scenario.Mistaken},
		{At: 605 * s, Node: 1, Status: scenario.Right},
	}}}
}

func TestQuietTimesAreFoldedAndBurstsAreNot(t *testing.T) {
	r := apart()
	axis := newTimeAxis(r, shown(r))
	width := func(from, to time.Duration) float64 { return axis.place(to) - axis.place(from) }
	if quiet := width(60*time.Second, 590*time.Second); quiet > foldWidth {
		t.Errorf("530 quiet seconds take %.3f of the width", quiet)
	}
	if burst := width(600*time.Second, 605*time.Second); burst < .15 {
		t.Errorf("the last burst takes %.3f of the width", burst)
	}
	if burst := width(10*time.Second, 30*time.Second); burst < .3 || burst > .7 {
		t.Errorf("the first burst takes %.3f of the width", burst)
	}
	last := -1.
	for at := time.Duration(0); at <= 700*time.Second; at += time.Second / 2 {
		x := axis.place(at)
		if x < last || x < 0 || x > 1 {
			t.Fatalf("%v stands at %v, after %v", at, x, last)
		}
		last = x
	}
	if end := axis.place(605 * time.Second); end < .85 {
		t.Errorf("the last that happens stands at %.3f: the rest is empty", end)
	}
}

// A moment alone between quiet times is a burst like others: it stands in a stretch,
// and so does all that comes after it.
func TestWhatHappensStandsOutsideOfBreaks(t *testing.T) {
	r := apart()
	r.Timeline.Learnt = []scenario.Moment{{At: 60 * time.Second}, {At: 120 * time.Second}, {At: 120*time.Second + time.Millisecond}}
	axis := newTimeAxis(r, shown(r))
	if len(axis.stretches) != 5 {
		t.Errorf("%d stretches, want the beginning and four bursts: %+v", len(axis.stretches), axis.stretches)
	}
	last := -1.
	for _, at := range []time.Duration{10 * time.Second, 30 * time.Second, 60 * time.Second, 120 * time.Second, 600 * time.Second, 605 * time.Second} {
		inside := false
		for _, s := range axis.stretches {
			inside = inside || s.from <= at && at <= s.to
		}
		if x := axis.place(at); !inside || x <= last+foldWidth {
			t.Errorf("%v stands at %.3f, after %.3f, in a stretch: %v", at, x, last, inside)
		} else {
			last = x
		}
	}
}

// While somebody is wrong nothing is folded, however long nothing changes.
func TestTimeInWhichSomebodyIsWrongIsShown(t *testing.T) {
	r := apart()
	r.Timeline.Changes[3].At = 580 * time.Second
	axis := newTimeAxis(r, shown(r))
	for _, s := range axis.stretches {
		if s.from <= 10*time.Second && s.to >= 580*time.Second {
			return
		}
	}
	t.Errorf("%+v", axis.stretches)
}

func TestEveryStretchHasATick(t *testing.T) {
	r := apart()
	axis := newTimeAxis(r, shown(r))
	ticks := axis.Ticks(0, 1)
	for _, s := range axis.stretches {
		found := false
		for _, tick := range ticks {
			found = found || tick.Value >= s.left-1e-9 && tick.Value <= s.right+1e-9 && tick.Label != ""
		}
		if !found {
			t.Errorf("no tick from %v to %v: %+v", s.from, s.to, ticks)
		}
	}
	if axis.name != "s" {
		t.Errorf("unit %s, want s: what is shown is half a minute", axis.name)
	}
}

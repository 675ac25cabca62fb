package demo

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

func TestNoticesOfOneThingAreOneRow(t *testing.T) {
	r := newRows()
	died := func(node int, after time.Duration) {
		r.add(notice{node, about(hearsay.Died, idX, member.Dead, after)}, 1)
	}
	died(3, 20*time.Millisecond)
	died(4, 10*time.Millisecond) // its events came later
	died(5, 30*time.Millisecond)
	if len(r.all) != 1 {
		t.Fatalf("%d rows, want 1", len(r.all))
	}
	got := r.all[0]
	if got.first != 4 || len(got.nodes) != 3 || got.about != 1 || got.to.Sub(got.from) != 20*time.Millisecond {
		t.Errorf("row is %+v, want node 4 first of three, within 20 ms", got)
	}
	died(4, 40*time.Millisecond) // again: another occurrence
	died(3, 50*time.Millisecond)
	died(3, time.Hour)
	if len(r.all) != 3 || len(r.all[1].nodes) != 2 {
		t.Errorf("%d rows, want 3, the second by two nodes", len(r.all))
	}
	r.add(notice{3, about(hearsay.Died, idY, member.Dead, time.Hour)}, 2)
	r.add(notice{3, about(hearsay.Suspected, idX, member.Suspect, time.Hour)}, 1)
	if len(r.all) != 5 {
		t.Errorf("%d rows, want 5: other subjects and kinds are apart", len(r.all))
	}
}

func TestWhoIsNewIsTheNews(t *testing.T) {
	r := newRows()
	r.start(1)
	r.start(2)
	joined := func(node, who int) {
		r.add(notice{node, about(hearsay.Joined, member.NodeID{byte(who)}, member.Alive, 0)}, who)
	}
	joined(2, 1)
	if len(r.all) != 0 {
		t.Error("a newcomer reports the old")
	}
	joined(1, 2)
	if len(r.all) != 1 {
		t.Error("the old do not report a newcomer")
	}
	r.start(1) // again
	joined(2, 1)
	if len(r.all) != 2 {
		t.Error("a node that is back is not reported")
	}
}

func TestWhatInterestsNobodyMakesNoRow(t *testing.T) {
	r := newRows()
	for _, kind := range []hearsay.EventKind{hearsay.HealthChanged, hearsay.Resync, hearsay.Updated} {
		r.add(notice{0, about(kind, idX, member.Alive, 0)}, 1)
	}
	own := about(hearsay.Left, idX, member.Left, 0)
	own.Member.Self = true
	r.add(notice{1, own}, 1)
	if len(r.all) != 0 {
		t.Errorf("%d rows", len(r.all))
	}
}

func TestRowsAreBounded(t *testing.T) {
	r := newRows()
	for i := range 2 * rowsMax {
		r.add(notice{0, about(hearsay.Died, member.NodeID{byte(i), byte(i >> 8)}, member.Dead, time.Duration(i))}, 1)
	}
	if len(r.all) != rowsMax || len(r.open) != rowsMax {
		t.Errorf("%d rows, %d open, want %d", len(r.all), len(r.open), rowsMax)
	}
	if last := r.last(2); len(last) != 2 || !last[1].from.Equal(t0.Add(2*rowsMax-1)) {
		t.Errorf("last is %+v", last)
	}
	if len(r.last(-1)) != 0 || len(r.last(10*rowsMax)) != rowsMax {
		t.Error("last does not keep to what there is")
	}
}

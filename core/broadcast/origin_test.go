package broadcast

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/wire"
)

// The bitmap against a set, through random marks and steps.
func TestTheBitmapIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &origin{}
		start := rapid.Uint64Range(0, 200).Draw(t, "start")
		o.startAt(start)
		heard := map[uint64]bool{}
		for range rapid.IntRange(0, 300).Draw(t, "actions") {
			if rapid.IntRange(0, 3).Draw(t, "action") == 0 {
				o.step()
				heard[o.base] = true
			} else if seq := o.base + 1 + rapid.Uint64Range(0, 300).Draw(t, "ahead"); !o.has(seq) {
				o.mark(seq)
				heard[seq] = true
			}
		}
		for seq := start + 1; seq < o.base+400; seq++ {
			if o.has(seq) != (heard[seq] || seq <= o.base) {
				t.Fatalf("has(%d) = %v, base %d", seq, o.has(seq), o.base)
			}
		}
		checkRuns(t, o, heard)
	})
}

// checkRuns walks runs and holes and compares them, number by number.
func checkRuns(t *rapid.T, o *origin, heard map[uint64]bool) {
	limit := o.base + 400
	covered := map[uint64]int{}
	last := o.base
	for run, ok := o.nextHeard(last); ok; run, ok = o.nextHeard(last) {
		if run.After < last || run.To <= run.After {
			t.Fatalf("run %v after %d", run, last)
		}
		for seq := run.After + 1; seq <= run.To; seq++ {
			covered[seq]++
		}
		last = run.To
	}
	last = o.base
	for hole, ok := o.nextHole(last, limit); ok; hole, ok = o.nextHole(last, limit) {
		for seq := hole.After + 1; seq <= hole.To; seq++ {
			covered[seq] += 2
		}
		last = hole.To
	}
	for seq := o.base + 1; seq <= limit; seq++ {
		want := 2
		if heard[seq] {
			want = 1
		}
		if covered[seq] != want {
			t.Fatalf("number %d: %d, want %d", seq, covered[seq], want)
		}
	}
}

func TestSpansWithinSpans(t *testing.T) {
	for _, tt := range []struct {
		inner, outer wire.Span
		want         bool
	}{
		{wire.Span{After: 2, To: 5}, wire.Span{After: 1, To: 9}, true},
		{wire.Span{After: 1, To: 9}, wire.Span{After: 1, To: 9}, true},
		{wire.Span{After: 1, To: 9}, wire.Span{After: 2, To: 9}, false},
		{wire.Span{After: 1, To: 9}, wire.Span{After: 1, To: 8}, false},
		{wire.Span{After: 9, To: 1}, wire.Span{After: 8, To: 2}, true}, // around the end
		{wire.Span{After: 9, To: 1}, wire.Span{After: 1, To: 9}, false},
		{wire.Span{After: 7, To: 7}, wire.Span{After: 1, To: 9}, false}, // the whole ring
		{wire.Span{After: 1, To: 9}, wire.Span{After: 7, To: 7}, true},
	} {
		if within(tt.inner, tt.outer) != tt.want {
			t.Errorf("%v within %v: not %v", tt.inner, tt.outer, tt.want)
		}
	}
}

// Pieces of a plan tile their span, whoever cuts it: also a member that is not
// known lies in exactly one.
func TestPlansTileTheRing(t *testing.T) {
	for _, n := range []int{26, 100, 1000, 5000} {
		w := newWorld(t, 1, 1)
		m := w.nodes[0]
		m.cfg.Members = viewOf(n)
		d := &m.tree
		at := position(m.id)
		plan := d.cut(planKey{span: wire.Span{After: at, To: at}, fanout: 1000})
		after := at
		reached := 0
		for _, p := range plan {
			if p.span.After != after {
				t.Fatalf("n=%d: a gap at %x", n, after)
			}
			after = p.span.To
			reached += len(d.members(p.span))
			if !within(wire.Span{After: position(p.to.peer.ID) - 1, To: position(p.to.peer.ID)}, p.span) {
				t.Fatalf("n=%d: the delegate is not of its span", n)
			}
		}
		if after != at || reached != n-1 {
			t.Errorf("n=%d: %d pieces of %d members, the last ends at %x", n, len(plan), reached, after)
		}
	}
}

func TestFanouts(t *testing.T) {
	for _, tt := range []struct{ n, depth, limit, want int }{
		{0, 0, 100, 0},
		{24, 0, 100, 24},
		{25, 0, 100, 5},
		{1000, 0, 100, 32},
		{4096, 0, 100, 64},
		{4097, 0, 100, 17},
		{96, 1, 100, 96},
		{97, 1, 100, 10},
		{24, 0, 3, 3},
		{1000, 1, 3, 3},
	} {
		if got := fanout(tt.n, tt.depth, tt.limit); got != tt.want {
			t.Errorf("fanout%v = %d", tt, got)
		}
	}
}

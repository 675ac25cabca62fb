package demo

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// stuckAfter ends a test that waits for what never comes. It decides nothing
// else.
const stuckAfter = time.Minute

// up returns a cluster of real nodes that all see each other.
func up(t *testing.T) (context.Context, *cluster) {
	t.Helper()
	if testing.Short() {
		t.Skip("real sockets")
	}
	ctx, cancel := context.WithTimeout(t.Context(), stuckAfter)
	t.Cleanup(cancel)
	c, err := newCluster(NodesMin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	all := []int{0, 1, 2, 3}
	whole := c.journal.expect(all, c.seesAlive(all))
	for _, i := range all {
		if err := c.start(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	reach(ctx, t, whole)
	return ctx, c
}

func reach(ctx context.Context, t *testing.T, g *goal) {
	t.Helper()
	if _, missing, err := g.wait(ctx); err != nil {
		t.Fatalf("not reached at %v: %v", missing, err)
	}
}

func TestANodeThatLeftComesBack(t *testing.T) {
	ctx, c := up(t)
	others, id := []int{0, 1, 3}, c.places[2].identity.ID()
	left := c.journal.expect(others, func(_ int, v *view) bool { return v.states[id] == member.Left })
	report, err := c.leave(ctx, 2)
	if err != nil || report.Acked == 0 || report.Acked > report.Asked {
		t.Fatalf("leave = %+v, %v", report, err)
	}
	reach(ctx, t, left)
	if !slices.Equal(c.running(), others) || c.node(2) != nil {
		t.Errorf("running %v", c.running())
	}
	if _, err := c.set(ctx, 2, "k", "v"); !errors.Is(err, hearsay.ErrClosed) {
		t.Errorf("set at a node that is down = %v, want ErrClosed", err)
	}
	addr := c.addr(2)
	back := c.journal.expect([]int{0, 1, 2, 3}, c.seesAlive([]int{0, 1, 2, 3}))
	if err := c.start(ctx, 2); err != nil {
		t.Fatal(err)
	}
	reach(ctx, t, back)
	if c.addr(2) != addr {
		t.Errorf("it is at %v now, and was at %v", c.addr(2), addr)
	}
}

func TestAKilledNodeIsSeenDeadAndCounted(t *testing.T) {
	ctx, c := up(t)
	id := c.places[1].identity.ID()
	gone := c.journal.expect([]int{0, 2, 3}, seesDead([]member.NodeID{id}))
	if err := c.kill(1); err != nil {
		t.Fatal(err)
	}
	reach(ctx, t, gone)
	f := c.look(fact{})
	if state, _ := f.nodes[1].state(); f.nodes[1].running || state != member.Dead || f.nodes[1].votes[member.Dead] != 3 {
		t.Errorf("it is looked at as %+v", f.nodes[1])
	}
	if got := c.traffic(); len(got.sent) != 3 || got.agree == 0 || got.sent[0].packets == 0 || got.sent[0].bytes == 0 {
		t.Errorf("traffic is %+v", got)
	}
	if err := c.kill(1); err != nil { // is down already
		t.Error(err)
	}
}

func TestNoNodeStartsInAClosedCluster(t *testing.T) {
	ctx, c := up(t)
	if err := errors.Join(c.kill(3), c.close()); err != nil {
		t.Fatal(err)
	}
	if err := c.start(ctx, 3); !errors.Is(err, hearsay.ErrClosed) || c.node(3) != nil {
		t.Errorf("start = %v, want ErrClosed", err)
	}
}

func TestAFrameCountsEachSideForItself(t *testing.T) {
	c, err := newCluster(NodesMin)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.places {
		c.places[i].node = new(hearsay.Node) // only whether there is one counts
	}
	c.side = []int{0, 0, 1, 1}
	id := c.places[0].identity.ID()
	f := fact{id, "k"}
	for i, state := range []member.State{member.Alive, member.Suspect, member.Dead, member.Dead} {
		c.journal.views[i].states[id] = state
	}
	c.journal.views[3].facts[f] = arrival{"v", t0, 2}
	got := c.look(f)
	if n := got.nodes[0]; n.votes != [member.Left + 1]int{member.Suspect: 1} || n.lost != 2 || !got.cut {
		t.Errorf("seen as %+v, want one vote of its side and two that lost it", n)
	}
	if len(got.arrivals) != 1 || got.arrivals[3].hops != 2 {
		t.Errorf("arrivals %v", got.arrivals)
	}
}

func TestNodesHaveDifferentNames(t *testing.T) {
	names := make(map[string]bool)
	for i := range NodesMax {
		names[nameOf(i)] = true
		if err := member.Name(nameOf(i)).Validate(); err != nil || len(nameOf(i)) > cellNarrow-3 {
			t.Errorf("name %q: %v", nameOf(i), err)
		}
	}
	if len(names) != NodesMax || nameOf(0) != "ada" || nameOf(26) != "ada2" {
		t.Errorf("%d names for %d nodes", len(names), NodesMax)
	}
}

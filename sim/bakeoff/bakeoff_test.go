package bakeoff

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

func outcome(t *testing.T, cell Cell, strategy string, seeds int) Outcome {
	t.Helper()
	o, err := Run(cell, strategy, 1, seeds)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// everything is a cell with every fault at once.
var everything = Cell{
	Nodes: 40, Links: WAN, Size: 64, Loss: 0.05, Dead: 0.05, Stale: 0.05, Churn: 0.02,
	Senders: 3, Rate: 20, For: time.Second,
}

func TestTheSameSeedGivesTheSameOutcome(t *testing.T) {
	for _, strategy := range Strategies() {
		first, second := outcome(t, everything, strategy, 2), outcome(t, everything, strategy, 2)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%s: %+v, then %+v", strategy, first, second)
		}
		if other, err := Run(everything, strategy, 3, 2); err != nil || reflect.DeepEqual(first, other) {
			t.Errorf("%s: other seeds, the same outcome (%v)", strategy, err)
		}
	}
}

func TestUnknownStrategyIsRefused(t *testing.T) {
	if _, err := Run(everything, "telepathy", 1, 1); err == nil {
		t.Error("telepathy took part")
	}
}

// Whatever the faults, anti-entropy brings every event to all that live, once;
// and the machine that nodes run keeps order, and counts no node that has not
// got it.
func TestEveryStrategyReachesAllInTheEnd(t *testing.T) {
	for _, s := range Quick() {
		rows, err := Play(s, Strategies(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			r, o := &rows[i], &rows[i].Whole
			if o.AtEnd != 1 || o.Incomplete != 0 {
				t.Errorf("%v, %v, %s: %v of the live nodes served, %v of the events missed one", r.Cell.Links, r.Cell.String(), o.Strategy, o.AtEnd, o.Incomplete)
			}
			if o.Twice+o.Refused > 0 {
				t.Errorf("%v, %v, %s: %d delivered twice, %d refused", r.Cell.Links, r.Cell.String(), o.Strategy, o.Twice, o.Refused)
			}
			if o.Strategy == "delegation" && (o.Disorder > 0 || o.Over > 0) {
				t.Errorf("%v, %v: %d out of order, receipts say %v too many", r.Cell.Links, r.Cell.String(), o.Disorder, o.Over)
			}
		}
		if text := s.Table(rows); strings.Count(text, "\n") != len(rows)+2 {
			t.Errorf("%d rows make\n%s", len(rows), text)
		}
	}
}

// Among two the delay is that of the link and of two turns of the processor.
func TestAmongTwoNodesTimeIsTheLink(t *testing.T) {
	for _, strategy := range Strategies() {
		o := outcome(t, Cell{Nodes: 2, Links: Far, Size: 64}, strategy, 4)
		least, most := 50*time.Millisecond+2*cost, 51*time.Millisecond+2*cost
		if strategy == "eager" { // its ⌈ln 2⌉+1 copies go one after another, and a processor sees both
			most += 2 * cost
		}
		if o.T100 < least || o.T100 > most || o.Live != 2 || o.Hop != 1 {
			t.Errorf("%s: %v, hop %d of %d nodes; want %v to %v", strategy, o.T100, o.Hop, o.Live, least, most)
		}
	}
}

// Without faults the tree, once it has formed, carries one copy to each node;
// the first event is flooded over all links.
func TestPlumtreeFormsATree(t *testing.T) {
	cell := Cell{Nodes: 60, Links: Far, Size: 64}
	if o := outcome(t, cell, "plumtree", 3); o.Copies != 59.0/60 || o.Duplicates != 0 || o.Grafts != 0 {
		t.Errorf("%v copies, %v duplicates, %v grafts", o.Copies, o.Duplicates, o.Grafts)
	}
	cell.Cold = true
	if o := outcome(t, cell, "plumtree", 3); o.Copies < rings || o.Prunes == 0 {
		t.Errorf("the first event: %v copies, %v prunes", o.Copies, o.Prunes)
	}
}

func TestEagerPushesToItsFanout(t *testing.T) {
	o := outcome(t, Cell{Nodes: 60, Links: Far, Size: 64}, "eager", 3)
	if k := float64(fanout(60)); o.Copies < k-0.1 || o.Copies > k+0.1 || k != 6 {
		t.Errorf("%v copies a node, fanout %v", o.Copies, k)
	}
}

func TestViewsDifferAsToldAndAgreeInTheEnd(t *testing.T) {
	const nodes = 400
	v := newViews(7, nodes, 0, 0.05)
	wrong := func() (missing, ghosts int) {
		for i := range int32(nodes) {
			for j := range int32(len(v.ids)) {
				switch {
				case j < nodes && !v.sees(i, j):
					missing++
				case j >= nodes && v.sees(i, j):
					ghosts++
				}
			}
		}
		return missing, ghosts
	}
	missing, ghosts := wrong()
	for what, n := range map[string]int{"missing": missing, "ghosts": ghosts} {
		if share := float64(n) / (nodes * nodes); share < 0.022 || share > 0.028 {
			t.Errorf("%s: %v of the pairs, want 2.5 %%", what, share)
		}
	}
	before := v.angle(3).version
	for angle := range v.angles {
		v.agree(int32(angle))
	}
	if missing, ghosts := wrong(); missing+ghosts > 0 || v.angle(3).version == before {
		t.Errorf("after agreement %d are missing and %d gone ones there", missing, ghosts)
	}
	if list := v.live(3); len(list) != nodes || &list[0] != &v.live(3)[0] {
		t.Errorf("%d listed, or listed anew while nothing changed", len(list))
	}
}

func TestNewsOfMembersChangesTheView(t *testing.T) {
	v := newViews(7, 10, 1, 0)
	v.move(2, true)
	v.move(10, false)
	if !v.sees(0, 2) || v.sees(0, 10) {
		t.Fatal("the view begins wrong")
	}
	v.learn(0, 2, false)
	v.learn(0, 10, true)
	if v.sees(0, 2) || !v.sees(0, 10) || !v.sees(1, 2) || v.sees(1, 10) {
		t.Error("news came to the wrong node, or not at all")
	}
	if n := len(v.live(0)); n != 10 {
		t.Errorf("%d members, want 10", n)
	}
}

func TestAddressesNameNodes(t *testing.T) {
	for _, i := range []int32{0, 255, 256, 70_000} {
		if got := number(address(i)); got != i {
			t.Errorf("%d became %d", i, got)
		}
	}
}

func TestLinksKeepTheirDelaysAndLoseAsTold(t *testing.T) {
	cell := Cell{Links: WAN, Loss: 0.2}
	l := links{cell: &cell, seed: 5, sent: make(map[linkKey]uint32), pipes: make(map[linkKey]member.Time)}
	var delays []time.Duration
	for i := range int32(2001) {
		there, back := l.delay(i, i+1), l.delay(i+1, i)
		if there != back {
			t.Fatalf("%v there, %v back", there, back)
		}
		delays = append(delays, there)
	}
	if m := median(delays); m < 38*time.Millisecond || m > 42*time.Millisecond {
		t.Errorf("median %v, want 40 ms", m)
	}
	lost := 0
	for range 10_000 {
		if _, ok := l.carry(0, 1, 2, effect.Datagram); !ok {
			lost++
		}
	}
	if lost < 1850 || lost > 2150 {
		t.Errorf("%d of 10,000 lost, want a fifth", lost)
	}
	last := member.Time(0)
	for range 1000 { // a stream loses nothing and keeps order
		at, ok := l.carry(0, 1, 2, effect.Stream)
		if !ok || at <= last {
			t.Fatalf("a frame came at %v after one at %v (%v)", at, last, ok)
		}
		last = at
	}
}

func TestAMissIsNeverRoundedAway(t *testing.T) {
	for share, want := range map[float64]string{1: "100", 0: "0", 0.99999: ">99.99", 0.99995: ">99.99", 0.99951: "99.95", 0.5: "50.00"} {
		if got := percent(share); got != want {
			t.Errorf("%v prints as %s, want %s", share, got, want)
		}
	}
	if got := milliseconds(time.Duration(far)); got != "∞" {
		t.Errorf("never prints as %s", got)
	}
}

func TestTargetsAreLookedUpInTheirCells(t *testing.T) {
	rows := []Row{
		{Cell: Cell{Nodes: 1000, Size: size, Links: Far}, Whole: Outcome{Strategy: "eager", T99: 250 * time.Millisecond, Copies: 8}},
		{Cell: Cell{Nodes: 100, Size: size, Links: LAN}, Whole: Outcome{Strategy: "eager", T99: time.Millisecond}},
	}
	lines := strings.Split(Targets(rows), "\n")
	for i, want := range map[int]string{
		2: "| t99, 50 ms links | ≤ 120 ms | – | 250 ms | – |",
		3: "| t99, 0.5 ms links | ≤ 5 ms | – | – | – |",
		4: "| copies a node, 50 ms | ≤ 1.02 | – | 8.000 | – |",
	} {
		if lines[i] != want {
			t.Errorf("line %d: %s, want %s", i, lines[i], want)
		}
	}
}

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
)

// labNode makes a sim.Node a Node; compare liveNode.
type labNode struct {
	*sim.Node
	*sim.Meta
}

// Owners implements Node.
func (n labNode) Owners() []member.NodeID {
	var ids []member.NodeID
	for _, m := range n.Members() {
		if m.Live() {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// boards is the application on each node of a lab, and all that they reported.
type boards struct {
	t   *testing.T
	lab *sim.Lab
	of  []*Board
	log []string
}

func newBoards(t *testing.T, opts sim.Options) *boards {
	lab := sim.New(t, opts)
	b := &boards{t: t, lab: lab, of: make([]*Board, lab.Len())}
	lab.OnStart(func(n *sim.Node) {
		board := NewBoard(labNode{n, n.Meta()}, func(name string, now Flag) {
			b.log = append(b.log, fmt.Sprintf("%v %s: %s is %q", lab.Now(), n.Name(), name, now.Value))
		})
		n.OnEvent(func(sim.Event) { board.Update() })
		board.Update()
		b.of[n.Index()] = board
	})
	return b
}

func (b *boards) set(node int, name, value string) {
	b.t.Helper()
	if err := b.of[node].Set(b.t.Context(), name, value); err != nil {
		b.t.Fatal(err)
	}
}

// show reports whether all of some nodes have a value; "" stands for none.
func (b *boards) show(nodes []int, name, value string) bool {
	return !slices.ContainsFunc(nodes, func(i int) bool {
		f, _ := b.of[i].Get(name)
		return f.Value != value
	})
}

// until lets time pass until all of some nodes show a value.
func (b *boards) until(limit time.Duration, nodes []int, name, value string) {
	b.t.Helper()
	b.lab.AdvanceUntil(limit, name+" is "+value, func() bool { return b.show(nodes, name, value) })
}

// Both halves of a cut cluster change one flag. Each believes itself, and after
// the cut all believe the same one of the two.
func TestAllAgreeAfterAPartition(t *testing.T) {
	if first, again := partition(t, 1), partition(t, 1); !slices.Equal(first, again) {
		t.Error("one random seed, two orders of changes")
	}
}

// partition returns the changes that all nodes saw, in order.
func partition(t *testing.T, seed uint64) []string {
	t.Helper()
	b := newBoards(t, sim.Options{Nodes: 50, Seed: seed})
	lab, all, left, right := b.lab, sim.Span(0, 50), sim.Span(0, 25), sim.Span(25, 50)
	b.set(3, "banner", "white")
	b.until(2*time.Second, all, "banner", "white")

	lab.Cut(left, right)
	b.set(3, "banner", "blue")
	b.set(40, "banner", "green")
	lab.Advance(time.Minute)
	if !b.show(left, "banner", "blue") || !b.show(right, "banner", "green") {
		t.Fatalf("a half does not believe itself\n%s", lab.Dump())
	}

	lab.Heal()
	want := "blue"
	if lab.Node(40).ID().Compare(lab.Node(3).ID()) > 0 {
		want = "green"
	}
	b.until(30*time.Second, all, "banner", want)
	lab.AdvanceUntil(30*time.Second, "everybody knows everything again", lab.Converged)
	lab.Advance(10 * time.Second)
	if !b.show(all, "banner", want) {
		t.Errorf("the nodes did not stay with %s\n%s", want, lab.Dump())
	}
	return b.log
}

// A flag goes with its owner: the value before counts again, and an owner that
// comes back has nothing to say.
func TestFlagEndsWithItsOwner(t *testing.T) {
	b := newBoards(t, sim.Options{Nodes: 10, Seed: 1})
	all, others := sim.Span(0, 10), sim.Span(0, 9)
	b.set(2, "banner", "white")
	b.until(2*time.Second, all, "banner", "white")
	b.set(9, "banner", "red")
	b.until(2*time.Second, all, "banner", "red")

	b.lab.Kill(9)
	b.until(20*time.Second, others, "banner", "white")
	b.lab.Restart(9)
	b.until(20*time.Second, all, "banner", "white")
	b.lab.AdvanceUntil(20*time.Second, "full views", b.lab.Full)
	if !b.show(all, "banner", "white") {
		t.Errorf("the flag of a former life is back\n%s", b.lab.Dump())
	}
}

// A lossy network makes it later and not wrong.
func TestFlagsSpreadThroughALossyNetwork(t *testing.T) {
	b := newBoards(t, sim.Options{Nodes: 20, Seed: 1, Network: sim.Network{
		Latency: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.2, Duplicate: 0.05,
	}})
	for i := range 20 {
		b.set(i, fmt.Sprint("flag-", i), "on")
	}
	for i := range 20 {
		b.until(20*time.Second, sim.Span(0, 20), fmt.Sprint("flag-", i), "on")
	}
}

// One flag may drag another along: a handler sets it.
func TestChangeMaySetAnotherFlag(t *testing.T) {
	lab := sim.New(t, sim.Options{Nodes: 5, Seed: 1})
	n := lab.Node(1)
	var follower *Board
	follower = NewBoard(labNode{n, n.Meta()}, func(name string, now Flag) {
		if name == "sale" && now.Value == "on" {
			if err := follower.Set(t.Context(), "banner", "sale!"); err != nil {
				t.Error(err)
			}
		}
	})
	n.OnEvent(func(sim.Event) { follower.Update() })
	leader := NewBoard(labNode{lab.Node(4), lab.Node(4).Meta()}, func(string, Flag) {})
	lab.Node(4).OnEvent(func(sim.Event) { leader.Update() })
	if err := leader.Set(t.Context(), "sale", "on"); err != nil {
		t.Fatal(err)
	}
	lab.AdvanceUntil(2*time.Second, "the banner of the sale", func() bool {
		f, _ := leader.Get("banner")
		return f == Flag{"sale!", 1, n.ID()}
	})
}

// Facts that are no flags, or not in the format, are not shown.
func TestForeignFactsAreNoFlags(t *testing.T) {
	b := newBoards(t, sim.Options{Nodes: 3, Seed: 1})
	for key, value := range map[string]string{
		"banner": "1 on", prefix + "none": "", prefix + "words": "on off", prefix + "bare": "7",
		prefix + "huge": "18446744073709551616 on", prefix + "good": "7 on fire",
	} {
		if err := b.lab.Node(0).Meta().Set(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	b.lab.AdvanceUntil(2*time.Second, "agreement", b.lab.Converged)
	if got := b.of[2].gather(); len(got) != 1 || got["good"] != (Flag{"on fire", 7, b.lab.Node(0).ID()}) {
		t.Errorf("flags are %v, want one: good", got)
	}
}

// The same board over real nodes.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out strings.Builder
	if err := demo(ctx, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{
		"  carol sees dark-mode on, version 1\n", "  carol sees dark-mode off, version 2\n", "  alice sees dark-mode off, version 2\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the demo does not print %q:\n%s", line, out.String())
		}
	}
}

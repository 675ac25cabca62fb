package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// recorder is a test that may fail.
type recorder struct {
	name     string
	failure  string
	log      string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Name() string     { return r.name }
func (r *recorder) Failed() bool     { return r.failure != "" }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Logf(format string, args ...any) { r.log += fmt.Sprintf(format, args...) }

// Fatalf ends the test as that of package testing does, but by a panic.
func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	panic(r)
}

// failing runs a test that must fail, and returns it after its cleanup.
func failing(t *testing.T, test func(TB)) *recorder {
	t.Helper()
	r := &recorder{name: "TestOf/a+b"}
	func() {
		defer func() {
			if p := recover(); p != nil && p != r {
				panic(p)
			}
		}()
		test(r)
	}()
	if !r.Failed() {
		t.Fatal("the test did not fail")
	}
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	return r
}

// contains reports every part that is missing in a text.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("missing: %q in\n%s", part, text)
		}
	}
}

func TestNewFormsACluster(t *testing.T) {
	for _, n := range []int{1, 2, 3, 50} {
		l := New(t, Options{Nodes: n, Seed: 1})
		l.RequireFull()
		if !l.Converged() || len(l.Running()) != n || l.Len() != n {
			t.Errorf("%d nodes: %d run, converged %v", n, len(l.Running()), l.Converged())
		}
		if s := l.Stats(); s.Deaths != 0 {
			t.Errorf("%d nodes: %d deaths while forming", n, s.Deaths)
		}
	}
}

func TestNodesStartByHand(t *testing.T) {
	l := Prepare(t, Options{Nodes: 4, Seed: 1})
	l.Rename(0, "alice")
	l.Rename(1, "bob")
	if l.Node(0) != nil || len(l.Running()) != 0 {
		t.Fatal("a node runs before it was started")
	}
	var started []string
	l.OnStart(func(n *Node) { started = append(started, n.Name()) })
	alice := l.Start(0)
	l.Start(1, 0)
	l.AdvanceUntil(5*time.Second, "two views", l.Full)
	l.OnStart(func(n *Node) { started = append(started, n.Name()+" too") })
	if m, known := alice.Lookup("bob"); !known || m.ID != l.Node(1).ID() || len(alice.Members()) != 2 {
		t.Errorf("alice finds bob as %v, %v among %d members", m, known, len(alice.Members()))
	}
	l.Start(3)
	l.AdvanceUntil(5*time.Second, "three views", l.Full)
	if want := []string{"alice", "bob", "alice too", "bob too", "n3", "n3 too"}; !slices.Equal(started, want) {
		t.Errorf("starts seen: %v, want %v", started, want)
	}
}

// The condition is looked at when something happens, not every so often.
func TestAdvanceUntilIsExact(t *testing.T) {
	l := New(t, Options{Nodes: 20, Seed: 3})
	start := l.Now()
	var heard time.Duration
	l.Node(7).OnEvent(func(e Event) {
		if e.Kind == FactSet {
			heard = l.Now() - start
		}
	})
	set(t, l.Node(2), "k", "v")
	took := l.AdvanceUntil(time.Second, "the fact at node 7", func() bool {
		return string(l.Node(7).MetaOf(l.Node(2).ID())["k"]) == "v"
	})
	if took != heard || took == 0 || took%time.Microsecond == 0 {
		t.Errorf("it took %v, node 7 heard after %v", took, heard)
	}
	if took := l.AdvanceUntil(0, "what is so already", l.Full); took != 0 {
		t.Errorf("what is so already took %v", took)
	}
	end := l.Now() + 5*time.Second
	if took := l.AdvanceUntil(5*time.Second, "the limit", func() bool { return l.Now() == end }); took != 5*time.Second {
		t.Errorf("the limit came after %v", took)
	}
}

func TestAgreementIsNoticedWithoutAnEvent(t *testing.T) {
	l := New(t, Options{Nodes: 10, Seed: 1})
	l.Cut(Span(0, 5), Span(5, 10))
	l.Advance(time.Minute)
	l.Heal()
	took := l.AdvanceUntil(time.Minute, "agreement", l.Converged)
	again := New(t, Options{Nodes: 10, Seed: 1})
	again.Cut(Span(0, 5), Span(5, 10))
	again.Advance(time.Minute)
	again.Heal()
	again.Advance(took - 1)
	if again.Converged() {
		t.Error("the nodes agreed earlier than AdvanceUntil said")
	}
	if again.Advance(1); !again.Converged() || again.Hash() != l.Hash() {
		t.Error("the nodes agree later than AdvanceUntil said")
	}
}

func TestFailureShowsTheClusterAndHowToReplayIt(t *testing.T) {
	r := failing(t, func(tb TB) {
		l := New(tb, Options{Nodes: 6, Seed: 77})
		l.Cut(Span(0, 3), Span(3, 6))
		set(t, l.Node(1), "colour", "red")
		set(t, l.Node(1), "long", strings.Repeat("x", 100))
		set(t, l.Node(2), "size", "9")
		l.Kill(5)
		l.Pause(4)
		l.AdvanceUntil(time.Minute, "the impossible", func() bool { return false })
	})
	contains(t, r.failure,
		"not within 1m0s: the impossible\n", "random seed 77",
		"\tn0..n3: running\n\tn4: paused\n\tn5: down\n",
		"\tn0..n2: to n3..n5\n\tn3..n5: to n0..n2\n",
		"\tn0..n2: alive n0..n2; dead n3..n5\n", "\tn3: alive n3; dead n0..n2, n4, n5\n",
		"\tn1 colour: \"red\" at n0..n2; nothing at n3, n4\n",
		"\tn1 long: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"… (100 bytes) at n0..n2;",
	)
	contains(t, r.log, "random seed 77, 6 nodes, failed at 1m0.", "HEARSAY_SEED=77 go test -run '^TestOf$/^a\\+b$'")
}

func TestPassingTestLogsNothing(t *testing.T) {
	r := &recorder{}
	New(r, Options{Nodes: 2, Seed: 1})
	for _, f := range r.cleanups {
		f()
	}
	if r.log != "" {
		t.Errorf("logged %q", r.log)
	}
}

func TestDumpIsBounded(t *testing.T) {
	l := New(t, Options{Nodes: 2, Seed: 1})
	for i := range 3 * factsShown {
		set(t, l.Node(0), fmt.Sprintf("k%03d", i), "v")
	}
	l.AdvanceUntil(10*time.Second, "agreement", l.Converged)
	dump := l.Dump()
	contains(t, dump, "\tn0 k000: \"v\" everywhere\n", "\tn0 k049: ", "\tand 100 more\n")
	if strings.Contains(dump, "k050") {
		t.Error("more facts than announced")
	}
}

func TestVariableReplacesTheRandomSeed(t *testing.T) {
	five := New(t, Options{Nodes: 3, Seed: 5}).Hash()
	t.Setenv(SeedVariable, "5")
	if New(t, Options{Nodes: 3, Seed: 6}).Hash() != five {
		t.Error("the variable did not replace the random seed")
	}
	t.Setenv(SeedVariable, "five")
	contains(t, failing(t, func(tb TB) { New(tb, Options{}) }).failure, `HEARSAY_SEED="five"`)
}

func TestMisuseFailsTheTest(t *testing.T) {
	for _, misuse := range []struct {
		name string
		do   func(*Lab)
		want string
	}{
		{"node that does not exist", func(l *Lab) { l.Node(3) }, "there is no node 3, want 0 to 2"},
		{"negative node", func(l *Lab) { l.Cut([]int{0}, []int{-1}) }, "there is no node -1, want 0 to 2"},
		{"second start", func(l *Lab) { l.Start(1) }, "it runs"},
		{"rename while it runs", func(l *Lab) { l.Rename(1, "bob") }, "it runs"},
		{"no name", func(l *Lab) { l.Kill(1); l.Rename(1, "two words") }, "rename of node 1"},
		{"time going back", func(l *Lab) { l.Advance(-1) }, "cannot be advanced by -1ns"},
		{"views", func(l *Lab) { l.Kill(1); l.RequireFull() }, "views are not full\nat "},
		{"state", func(l *Lab) { l.RequireState(1, member.Dead) }, "n0 does not hold n1 to be dead\nat "},
		{"fact", func(l *Lab) { l.RequireFact(1, "k", []byte("v")) }, `n0 sees k of n1 as nothing, want "v"`},
	} {
		r := failing(t, func(tb TB) { misuse.do(New(tb, Options{Nodes: 3, Seed: 1})) })
		if !strings.Contains(r.failure, misuse.want) {
			t.Errorf("%s: failed with %q, want %q", misuse.name, r.failure, misuse.want)
		}
	}
	contains(t, failing(t, func(tb TB) { New(tb, Options{Nodes: -1}) }).failure, "-1 nodes")
}

func TestWithoutATestFailuresPanic(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "there is no node 9, want 0 to 1") {
			t.Errorf("panicked with %v", p)
		}
	}()
	New(nil, Options{Nodes: 2, Seed: 1}).Kill(9)
}

func TestOneWayCutOfALabKillsNobody(t *testing.T) {
	l := New(t, Options{Nodes: 8, Seed: 1})
	l.CutOneWay([]int{3}, []int{4})
	if l.cluster.Open(3, 4) || !l.cluster.Open(4, 3) {
		t.Error("the cut is not one way")
	}
	l.Advance(2 * time.Minute)
	l.RequireFull()
}

func TestNetworkChangesOnTheFly(t *testing.T) {
	l := New(t, Options{Nodes: 2, Seed: 1, Network: Network{Latency: time.Millisecond}})
	for _, latency := range []time.Duration{time.Millisecond, 50 * time.Millisecond} {
		l.Advance(10 * time.Second) // the first push after a rest waits for nothing
		l.SetNetwork(Network{Latency: latency})
		set(t, l.Node(0), "latency", latency.String())
		if took := l.AdvanceUntil(time.Second, "agreement", l.Agreed); took != latency {
			t.Errorf("a fact took %v, want the latency of %v", took, latency)
		}
	}
}

// A restarted node finds a contact as soon as there is one.
func TestRestartBehindACutJoinsWhenItHeals(t *testing.T) {
	l := New(t, Options{Nodes: 8, Seed: 1})
	l.Cut([]int{5}, append(Span(0, 5), 6, 7))
	l.Restart(5)
	l.Advance(5 * time.Minute)
	if live := l.Node(5).machine.Live(); live != 1 {
		t.Fatalf("node 5 holds %d alive behind a cut", live)
	}
	l.Heal()
	l.AdvanceUntil(time.Minute, "full views", l.Converged)
}

func TestSpanNamesAGroup(t *testing.T) {
	if got := Span(2, 5); !slices.Equal(got, []int{2, 3, 4}) {
		t.Errorf("Span(2, 5) = %v", got)
	}
	if got := Span(3, 3); len(got) != 0 {
		t.Errorf("Span(3, 3) = %v", got)
	}
	defer func() {
		if said := recover(); said != "sim: Span(5, 2) goes down" {
			t.Errorf("Span(5, 2) panics with %v", said)
		}
	}()
	Span(5, 2)
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

func set(t testing.TB, n *Node, key, value string) {
	t.Helper()
	if err := n.Meta().Set(context.Background(), key, []byte(value)); err != nil {
		t.Fatalf("%s: %v", n.Name(), err)
	}
}

func TestMetadataIsThatOfTheRootPackage(t *testing.T) {
	ctx := context.Background()
	l := New(t, Options{Nodes: 3, Seed: 1})
	n, other := l.Node(1), l.Node(2)
	value := []byte("red")
	if err := n.Meta().Set(ctx, "colour", value); err != nil {
		t.Fatal(err)
	}
	value[0] = 'b' // it was copied
	set(t, n, "age", "")
	if v, ok := n.Meta().Get("colour"); !ok || string(v) != "red" {
		t.Errorf("colour is %q, %v", v, ok)
	}
	if v, ok := n.Meta().Get("age"); !ok || v == nil || len(v) != 0 {
		t.Errorf("age is %v, %v", v, ok)
	}
	if v, ok := n.Meta().Get("size"); ok || v != nil {
		t.Errorf("size is %v, %v", v, ok)
	}
	var keys []string
	for key := range n.Meta().All() {
		keys = append(keys, key)
	}
	if want := []string{"age", "colour"}; !slices.Equal(keys, want) {
		t.Errorf("keys are %v, want %v", keys, want)
	}
	if all := other.MetaOf(n.ID()); all == nil || len(all) != 0 {
		t.Errorf("before time passed, another node sees %v, want an empty map", all)
	}
	l.AdvanceUntil(time.Second, "agreement", l.Converged)
	l.RequireFact(1, "colour", []byte("red"))
	if err := n.Meta().Delete(ctx, "colour"); err != nil {
		t.Fatal(err)
	}
	l.AdvanceUntil(time.Second, "agreement", l.Converged)
	l.RequireFact(1, "colour", nil)
	if all := other.MetaOf(member.NodeID{1}); all != nil {
		t.Errorf("a stranger publishes %v", all)
	}
	l.Kill(1)
	l.Advance(20 * time.Second)
	if all := other.MetaOf(n.ID()); all != nil {
		t.Errorf("the dead publish %v", all)
	}
}

func TestMetadataErrors(t *testing.T) {
	l := New(t, Options{Nodes: 5, Seed: 1})
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	l.Kill(1)
	l.Pause(2)
	if err := l.Node(3).Leave(); err != nil {
		t.Fatal(err)
	}
	for i := range 1024 {
		set(t, l.Node(4), fmt.Sprint(i), "v")
	}
	write := func(ctx context.Context, node int, key string, size int) error {
		return l.Node(node).Meta().Set(ctx, key, make([]byte, size))
	}
	ctx := context.Background()
	for _, c := range []struct {
		name      string
		got, want error
	}{
		{"no key", write(ctx, 0, "", 1), ErrKey},
		{"large value", write(ctx, 0, "k", 64<<10+1), ErrValue},
		{"key 1025", write(ctx, 4, "k", 1), ErrKeys},
		{"unknown key", l.Node(0).Meta().Delete(ctx, "k"), ErrUnknownKey},
		{"context", write(canceled, 0, "k", 1), context.Canceled},
		{"killed", write(ctx, 1, "k", 1), ErrClosed},
		{"paused", write(ctx, 2, "k", 1), ErrPaused},
		{"left", write(ctx, 3, "k", 1), ErrLeft},
		{"delete after leaving", l.Node(3).Meta().Delete(ctx, "k"), ErrLeft},
		{"leave after the end", l.Node(1).Leave(), ErrClosed},
		{"leave while frozen", l.Node(2).Leave(), ErrPaused},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestMembersAreThoseOfTheRootPackage(t *testing.T) {
	l := New(t, Options{Nodes: 4, Seed: 1})
	n := l.Node(0)
	members := n.Members()
	if len(members) != 4 || !members[0].Self || members[0].ID != n.ID() || members[0].Name != "n0" {
		t.Fatalf("members are %v", members)
	}
	if self := n.Self(); self.Epoch != 1 || self.State != member.Alive || !self.Live() || self.Addr != l.cluster.Addr(0) {
		t.Errorf("self is %+v", self)
	}
	killed := l.Now()
	l.Kill(3)
	l.AdvanceUntil(20*time.Second, "its death", func() bool { return l.cluster.All(member.Dead, 3) })
	m, known := n.Lookup("n3")
	if !known || m.State != member.Dead || m.Live() || m.Accuser.IsZero() {
		t.Errorf("the dead member is %+v", m)
	}
	if since := m.Since.Sub(Birth()); since <= killed || since > l.Now() {
		t.Errorf("dead since %v, killed at %v, now %v", since, killed, l.Now())
	}
	if _, known := n.Lookup("nobody"); known {
		t.Error("nobody is known")
	}
	if _, known := n.LookupID(member.NodeID{1}); known {
		t.Error("a stranger is known")
	}
}

func TestNameMeansItsHolder(t *testing.T) {
	l := Prepare(t, Options{Nodes: 4, Seed: 1})
	l.Rename(3, "n2")
	for i := range 3 {
		l.Start(i)
	}
	l.AdvanceUntil(5*time.Second, "three views", l.Full)
	l.Start(3)
	l.AdvanceUntil(5*time.Second, "four views", l.Full)
	n := l.Node(0)
	if m, _ := n.Lookup("n2"); m.ID != l.Node(2).ID() {
		t.Error("the name does not mean who had it first")
	}
	if m, _ := n.LookupID(l.Node(3).ID()); !m.NameConflict {
		t.Error("the rival is not marked")
	}
	l.Kill(2)
	l.Advance(20 * time.Second)
	if m, _ := n.Lookup("n2"); m.ID != l.Node(3).ID() || m.NameConflict {
		t.Errorf("after the death of the holder the name means %+v", m)
	}
}

func TestGoodbyeIsConfirmedWhileTimePasses(t *testing.T) {
	l := New(t, Options{Nodes: 8, Seed: 1})
	n := l.Node(5)
	n.Events()
	if err := n.Leave(); err != nil {
		t.Fatal(err)
	}
	if err := n.Leave(); err != nil {
		t.Errorf("leaving again: %v", err)
	}
	if events := n.Events(); len(events) != 1 || events[0].Kind != Left || !events[0].Member.Self || events[0].Reason != "goodbye" {
		t.Errorf("its own events are %v", events)
	}
	l.AdvanceUntil(5*time.Second, "all confirmations", func() bool {
		r := n.LeaveReport()
		return r.Asked > 0 && r.Acked == r.Asked
	})
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	l.AdvanceUntil(5*time.Second, "the goodbye everywhere", func() bool { return l.cluster.All(member.Left, 5) })
	l.RequireFull()
	if r := l.Node(0).LeaveReport(); r != (LeaveReport{}) {
		t.Errorf("a node that stays reports %v", r)
	}
	l.Advance(time.Minute)
	if s := l.Stats(); s.Deaths != 0 {
		t.Errorf("%d deaths after a goodbye", s.Deaths)
	}
}

// A life that ended stays readable and does nothing; the next one is another.
func TestRestartIsANewLife(t *testing.T) {
	l := New(t, Options{Nodes: 4, Seed: 1})
	old := l.Node(2)
	set(t, old, "k", "v")
	heard := 0
	old.OnEvent(func(Event) { heard++ })
	fired := false
	old.After(time.Second, func() { fired = true })
	l.AdvanceUntil(500*time.Millisecond, "agreement", l.Converged)
	heard = 0

	n := l.Restart(2)
	l.AdvanceUntil(5*time.Second, "full views", l.Converged)
	l.Advance(2 * time.Second)
	l.RequireFact(2, "k", nil)
	if n == old || l.Node(2) != n || n.ID() != old.ID() || n.Self().Epoch != old.Self().Epoch+1 {
		t.Errorf("epoch %d follows %d, the same node: %v", n.Self().Epoch, old.Self().Epoch, n == old)
	}
	if v, ok := old.Meta().Get("k"); !ok || string(v) != "v" || len(old.Members()) != 4 {
		t.Error("the old life cannot be read")
	}
	if heard != 0 || fired {
		t.Errorf("the old life heard %d events, its timer fired: %v", heard, fired)
	}
	if err := old.Close(); err != nil || n.closed {
		t.Errorf("closing the old life: %v, ends the new one: %v", err, n.closed)
	}
}

func TestFrozenApplicationCatchesUp(t *testing.T) {
	l := New(t, Options{Nodes: 4, Seed: 1})
	n := l.Node(1)
	var log []string
	n.OnEvent(func(e Event) { log = append(log, e.Kind.String()) })
	l.Pause(1)
	n.After(time.Second, func() { log = append(log, "first") })
	n.After(2*time.Second, func() { log = append(log, "second") })
	set(t, l.Node(0), "k", "v")
	l.Advance(3 * time.Second)
	if len(log) != 0 {
		t.Fatalf("while frozen: %v", log)
	}
	l.Resume(1)
	l.Resume(1)
	l.AdvanceUntil(time.Second, "the fact", func() bool { return slices.Contains(log, "fact-set") })
	if !slices.Equal(log[:2], []string{"first", "second"}) {
		t.Errorf("after the pause: %v", log)
	}
}

// transcript runs an application on every node through faults, and returns all
// that its handlers were told, in order.
func transcript(t *testing.T, seed uint64) (log []string, hash uint64) {
	t.Helper()
	l := Prepare(t, Options{Nodes: 20, Seed: seed, Network: Network{
		Latency: time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.1, Duplicate: 0.05,
	}})
	l.OnStart(func(n *Node) {
		n.OnEvent(func(e Event) {
			log = append(log, fmt.Sprintf("%v %s: %s %s %s=%q %d", l.Now(), n.Name(), e.Kind, e.Member.Name, e.Key, e.Value, e.Hops))
			if e.Kind == FactSet && e.Key == "ping" && n.Index()%5 == 0 {
				set(t, n, "pong", string(e.Value))
			}
		})
		n.After(time.Duration(n.Index())*time.Second, func() { set(t, n, "ping", n.Name()) })
	})
	for i := range l.Len() {
		l.Start(i)
	}
	l.Advance(10 * time.Second)
	l.Cut(Span(0, 8), Span(8, 20))
	l.Pause(9)
	l.Advance(30 * time.Second)
	l.Restart(3)
	l.Heal()
	l.Resume(9)
	l.AdvanceUntil(2*time.Minute, "agreement", l.Converged)
	return log, l.Hash()
}

func TestSameSeedSameOrderOfCallbacks(t *testing.T) {
	log, hash := transcript(t, 7)
	again, hashAgain := transcript(t, 7)
	if !slices.Equal(log, again) || hash != hashAgain {
		t.Errorf("one seed, two runs: %d and %d callbacks, hashes %x and %x", len(log), len(again), hash, hashAgain)
	}
	if other, _ := transcript(t, 8); slices.Equal(log, other) {
		t.Error("two seeds, one order")
	}
	if pongs := strings.Count(strings.Join(log, "\n"), "pong="); pongs < 20 {
		t.Errorf("%d pongs heard in %d callbacks: the handlers did too little", pongs, len(log))
	}
}

// A handler may do all but advance time. What it causes comes after what is
// waiting, in the same instant, and never inside of it.
func TestHandlerMayCallBack(t *testing.T) {
	l := New(t, Options{Nodes: 4, Seed: 1})
	n := l.Node(0)
	var log []string
	inside := 0
	n.OnEvent(func(e Event) {
		if inside++; inside > 1 {
			t.Error("a handler was called inside of a handler")
		}
		log = append(log, fmt.Sprintf("%s=%s at %v", e.Key, e.Value, l.Now()))
		if v := string(e.Value); len(v) < 3 {
			set(t, n, e.Key, v+"+")
			if got, _ := n.Meta().Get(e.Key); string(got) != v+"+" {
				t.Errorf("the write of a handler reads %q", got)
			}
		}
		inside--
	})
	set(t, n, "a", "1")
	set(t, n, "b", "2")
	if len(log) != 0 {
		t.Errorf("handlers ran inside of Set: %v", log)
	}
	at := l.Now()
	l.Advance(0)
	var want []string
	for _, fact := range []string{"a=1", "b=2", "a=1+", "b=2+", "a=1++", "b=2++"} {
		want = append(want, fmt.Sprintf("%s at %v", fact, at))
	}
	if !slices.Equal(log, want) {
		t.Errorf("events came as\n%v, want\n%v", log, want)
	}
}

func TestHandlerMayEndItsNode(t *testing.T) {
	l := New(t, Options{Nodes: 4, Seed: 1})
	n := l.Node(1)
	heard := map[string]int{}
	n.OnEvent(func(e Event) {
		heard["first"]++
		switch e.Key {
		case "kill":
			l.Kill(1)
			l.Kill(2)
		case "restart":
			t.Error("an event reached a handler after the end of its node")
		}
	})
	n.OnEvent(func(Event) { heard["second"]++ })
	n.OnEvent(func(Event) {
		n.OnEvent(func(Event) { heard["late"]++ })
	})
	set(t, n, "a", "1")
	l.Advance(0)
	set(t, n, "b", "1")
	set(t, n, "kill", "1")
	set(t, n, "restart", "1")
	l.Advance(time.Second)
	if want := map[string]int{"first": 3, "second": 2, "late": 1}; !maps.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
	if n.closed != true || l.Node(2).closed != true {
		t.Error("a node that a handler killed runs")
	}
	l.Node(0).OnEvent(func(e Event) {
		if e.Kind == Died && l.Node(1).closed {
			l.Restart(1)
			l.Restart(2)
		}
	})
	l.AdvanceUntil(time.Minute, "a full view, restored by a handler", func() bool { return len(l.Running()) == 4 && l.Full() })
}

func TestHandlerMustNotAdvanceTime(t *testing.T) {
	for name, within := range map[string]func(*Lab){
		"handler": func(l *Lab) {
			l.Node(0).OnEvent(func(Event) { l.Advance(1) })
			set(t, l.Node(0), "k", "v")
			l.Advance(0)
		},
		"timer":     func(l *Lab) { l.After(0, func() { l.AdvanceUntil(1, "", l.Full) }); l.Advance(1) },
		"condition": func(l *Lab) { l.AdvanceUntil(1, "", func() bool { l.Advance(1); return true }) },
	} {
		r := failing(t, func(tb TB) { within(New(tb, Options{Nodes: 2, Seed: 1})) })
		if !strings.Contains(r.failure, "cannot be advanced") {
			t.Errorf("%s: failed with %q", name, r.failure)
		}
	}
}

func TestHandlerThatCausesItselfEndsTheTest(t *testing.T) {
	r := failing(t, func(tb TB) {
		l := New(tb, Options{Nodes: 1, Seed: 1})
		count := 0
		l.Node(0).OnEvent(func(Event) {
			count++
			set(t, l.Node(0), "k", fmt.Sprint(count))
		})
		set(t, l.Node(0), "k", "v")
		l.Advance(time.Second)
	})
	contains(t, r.failure, "over 100000 handlers and timers", "causes itself", "n0 k: ")
}

func TestHandlerHearsWhatHappensAfterItWasGiven(t *testing.T) {
	l := New(t, Options{Nodes: 2, Seed: 1})
	n := l.Node(0)
	var first, second []string
	n.OnEvent(func(e Event) { first = append(first, e.Key) })
	set(t, n, "a", "1")
	n.OnEvent(func(e Event) { second = append(second, e.Key) })
	set(t, n, "b", "1")
	l.Advance(0)
	if !slices.Equal(first, []string{"a", "b"}) || !slices.Equal(second, []string{"b"}) {
		t.Errorf("the first heard %v, the second %v", first, second)
	}
}

func TestEventsAreDrainedInOrder(t *testing.T) {
	l := New(t, Options{Nodes: 3, Seed: 1})
	n := l.Node(1)
	joined := 0
	for _, e := range n.Events() {
		if e.Kind == Joined {
			joined++
		}
	}
	if joined != 2 {
		t.Errorf("%d joined while forming, want 2", joined)
	}
	set(t, n, "a", "1")
	set(t, l.Node(0), "b", "2")
	l.AdvanceUntil(time.Second, "agreement", l.Converged)
	events := n.Events()
	if len(events) != 2 || events[0].Key != "a" || events[0].Hops != 0 || events[1].Key != "b" || events[1].Hops == 0 ||
		!events[0].Member.Self || events[1].Member.Name != "n0" || events[1].Time.Before(events[0].Time) {
		t.Errorf("events are %v", events)
	}
	if events := n.Events(); len(events) != 0 {
		t.Errorf("drained twice: %v", events)
	}
	for i := range unreadMax + 10 {
		set(t, n, "c", fmt.Sprint(i))
	}
	events = n.Events()
	if last := events[unreadMax-1]; len(events) != unreadMax || last.Kind != Resync || last.Count != 11 {
		t.Errorf("%d events after an overflow, the last %v", len(events), last)
	}
	set(t, n, "c", "after")
	if events := n.Events(); len(events) != 1 || string(events[0].Value) != "after" {
		t.Errorf("after the overflow: %v", events)
	}
}

func TestEventsSayWhoAndWhy(t *testing.T) {
	l := New(t, Options{Nodes: 5, Seed: 1})
	n := l.Node(0)
	n.Events()
	l.Kill(4)
	if err := l.Node(3).Leave(); err != nil {
		t.Fatal(err)
	}
	l.Advance(20 * time.Second)
	seen := make(map[EventKind]Event)
	for _, e := range n.Events() {
		seen[e.Kind] = e
	}
	if e := seen[Died]; e.Member.Name != "n4" || e.Member.State != member.Dead || e.Reason == "" || e.By.IsZero() {
		t.Errorf("the death is told as %+v", e)
	}
	if e := seen[Left]; e.Member.Name != "n3" || e.Reason != "goodbye" || e.By != l.Node(3).ID() {
		t.Errorf("the goodbye is told as %+v", e)
	}
	if e := seen[Suspected]; e.Member.Name != "n4" || e.Time.Before(Birth()) {
		t.Errorf("the suspicion is told as %+v", e)
	}
}

package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func send(t testing.TB, n *Node, m Message) *Receipt {
	t.Helper()
	r, err := n.Broadcast(context.Background(), m)
	if err != nil {
		t.Fatalf("%s: %v", n.Name(), err)
	}
	return r
}

func TestAMessageReachesEveryNodeOnce(t *testing.T) {
	const latency = 3 * time.Millisecond
	l := New(t, Options{Nodes: 20, Seed: 1, Network: Network{Latency: latency}})
	var log []string
	l.OnStart(func(n *Node) {
		n.OnMessage(func(m Message) {
			log = append(log, fmt.Sprintf("%s %s %s hops=%d", n.Name(), m.OriginName, m.Payload, m.Hops))
		}, "greeting")
	})
	begun := l.Now()
	payload := []byte("hello")
	r := send(t, l.Node(7), Message{Topic: "greeting", Payload: payload})
	payload[0] = 'j' // it was copied
	if len(log) != 0 {
		t.Errorf("before time passed, handlers saw %v", log)
	}
	took := l.AdvanceUntil(time.Second, "receipt", func() bool { return r.Progress().Done })
	if p := r.Progress(); p.Reached != 20 || p.Live != 20 || p.Elapsed != took || took != 2*latency {
		t.Errorf("after %v: %+v", took, p)
	}
	l.Advance(time.Minute)
	if len(log) != 20 || log[0] != "n7 n7 hello hops=0" {
		t.Errorf("handlers saw %v", log)
	}
	for i := range 20 {
		hops := 1
		if i == 7 {
			hops = 0
		}
		if want := fmt.Sprintf("n%d n7 hello hops=%d", i, hops); !slices.Contains(log, want) {
			t.Errorf("%q is missing in %v", want, log)
		}
		got := l.Node(i).Messages()
		if len(got) != 1 || got[0].ID() != r.ID() || got[0].Time.Sub(Birth())-begun != time.Duration(hops)*latency {
			t.Errorf("node %d has %+v", i, got)
		}
	}
	if s := l.Stats(); s.Published != 1 || s.Delivered != 19 || s.Missed != 0 {
		t.Errorf("the lab counts %+v", s)
	}
}

func TestALargeMessageReachesALab(t *testing.T) {
	l := New(t, Options{Nodes: 10, Seed: 1})
	large := bytes.Repeat([]byte("0123456789abcdef"), 32<<10)
	r := send(t, l.Node(0), Message{Topic: "block", Payload: large})
	l.AdvanceUntil(20*time.Second, "receipt", func() bool { return r.Progress().Done })
	if p := r.Progress(); p.Reached != 10 {
		t.Errorf("progress %+v", p)
	}
	for _, n := range l.Running() {
		if got := n.Messages(); len(got) != 1 || !bytes.Equal(got[0].Payload, large) {
			t.Errorf("%s has %d messages", n.Name(), len(got))
		}
	}
}

// Loss delays and repairs; order is that of the origin.
func TestOrderedMessagesArriveInOrderUnderLoss(t *testing.T) {
	l := New(t, Options{Nodes: 8, Seed: 1})
	l.SetNetwork(Network{Latency: 5 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.2, Duplicate: 0.05})
	const count = 300
	for i := range count {
		send(t, l.Node(2), Message{Topic: "t", Payload: fmt.Append(nil, i), Ordered: true})
		l.Advance(2 * time.Millisecond)
	}
	l.Advance(30 * time.Second)
	for _, n := range l.Running() {
		got := n.Messages()
		if len(got) != count {
			t.Fatalf("%s has %d messages, want %d", n.Name(), len(got), count)
		}
		for i, m := range got {
			if string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("%s: message %d is %s", n.Name(), i, m.Payload)
			}
		}
	}
}

func TestMessageErrors(t *testing.T) {
	l := New(t, Options{Nodes: 5, Seed: 1, MaxEventSize: 1000})
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	l.Kill(1)
	l.Pause(2)
	if err := l.Node(3).Leave(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	broadcast := func(ctx context.Context, node int, topic string, size int) error {
		_, err := l.Node(node).Broadcast(ctx, Message{Topic: topic, Payload: make([]byte, size)})
		return err
	}
	ask := func(node int, q Query) error {
		_, err := l.Node(node).Query(ctx, q)
		return err
	}
	for _, c := range []struct {
		name      string
		got, want error
	}{
		{"no topic", broadcast(ctx, 0, "", 1), ErrTopic},
		{"large", broadcast(ctx, 0, "t", 1001), ErrSize},
		{"good", broadcast(ctx, 0, "t", 1000), nil},
		{"context", broadcast(canceled, 0, "t", 1), context.Canceled},
		{"killed", broadcast(ctx, 1, "t", 1), ErrClosed},
		{"paused", broadcast(ctx, 2, "t", 1), ErrPaused},
		{"left", broadcast(ctx, 3, "t", 1), ErrLeft},
		{"query without topic", ask(0, Query{}), ErrTopic},
		{"query of one that left", ask(3, Query{Topic: "t"}), ErrLeft},
		{"filter", ask(0, Query{Topic: "t", Filter: Filter{Names: make([]string, 10_000)}}), ErrFilter},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	l.Cut([]int{0}, []int{4})
	for i := 0; ; i++ {
		if err := broadcast(ctx, 0, "t", 1); err != nil {
			if !errors.Is(err, ErrBackpressure) || i < 1000 {
				t.Errorf("after %d messages: %v, want ErrBackpressure", i, err)
			}
			break
		}
	}
}

func TestMessagesThatNobodyReadsAreCounted(t *testing.T) {
	l := New(t, Options{Nodes: 1, Seed: 1})
	n := l.Node(0)
	for range unreadMax + 10 {
		send(t, n, Message{Topic: "t"})
	}
	got := n.Messages()
	if len(got) != unreadMax || got[unreadMax-1].Lagged != 11 || got[unreadMax-2].Seq != unreadMax-1 {
		t.Errorf("%d messages, the last %+v", len(got), got[len(got)-1])
	}
	if again := n.Messages(); len(again) != 0 {
		t.Errorf("read twice: %v", again)
	}
}

// A handler may publish: what it causes comes after what is waiting.
func TestAHandlerMayAnswerWithAMessage(t *testing.T) {
	l := New(t, Options{Nodes: 3, Seed: 1})
	ctx, cancel := context.WithCancel(context.Background())
	l.Node(2).Handle(ctx, "ping", func(ctx context.Context, m Message) {
		send(t, l.Node(2), Message{Topic: "pong", Payload: m.Payload})
	})
	var pongs []string
	l.Node(0).OnMessage(func(m Message) { pongs = append(pongs, string(m.Payload)) }, "pong")
	send(t, l.Node(0), Message{Topic: "ping", Payload: []byte("1")})
	l.Advance(time.Second)
	cancel()
	send(t, l.Node(0), Message{Topic: "ping", Payload: []byte("2")})
	l.Advance(time.Second)
	if !slices.Equal(pongs, []string{"1"}) {
		t.Errorf("answers %v, want one", pongs)
	}
}

func TestAQueryIsAnsweredByThoseItIsFor(t *testing.T) {
	l := New(t, Options{Nodes: 6, Seed: 1})
	for i, n := range l.Running() {
		set(t, n, "zone", fmt.Sprint("eu-", i%2))
		n.HandleQueries(context.Background(), "who", func(_ context.Context, q Question) ([]byte, error) {
			if n.Index() == 5 {
				return nil, errors.New("declined")
			}
			return []byte(n.Name() + " to " + q.AskerName), nil
		})
	}
	a, err := l.Node(0).Query(context.Background(), Query{
		Topic: "who", Filter: Filter{Zone: "eu-1"}, Timeout: time.Second, WantAck: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Advance(time.Second / 2)
	var got []string
	for answer := range a.All() {
		got = append(got, answer.Name+": "+string(answer.Payload))
	}
	slices.Sort(got)
	if want := []string{"n1: n1 to n0", "n3: n3 to n0"}; !slices.Equal(got, want) {
		t.Errorf("answers %q, want %q", got, want)
	}
	if s := a.Stats(); s.Done || s.Elapsed != time.Second/2 {
		t.Errorf("before its end: %+v", s)
	}
	l.Advance(time.Second)
	if s := a.Stats(); s != (QueryStats{Live: 6, Reached: 6, Acks: 3, Answers: 2, Elapsed: time.Second, Done: true}) {
		t.Errorf("%+v", s)
	}
}

// One random seed, one run, events and all.
func TestRunsWithMessagesAreRepeatable(t *testing.T) {
	run := func(seed uint64) uint64 {
		l := New(t, Options{Nodes: 12, Seed: seed, Network: Network{Latency: time.Millisecond, Jitter: time.Millisecond, Loss: 0.1}})
		for i := range 100 {
			send(t, l.Node(i%12), Message{Topic: "t", Payload: make([]byte, 50*i)})
			l.Advance(7 * time.Millisecond)
		}
		l.Advance(5 * time.Second)
		return l.Hash()
	}
	if first, again, other := run(3), run(3), run(4); first != again || first == other {
		t.Errorf("trace hashes %x, %x, and %x for another seed", first, again, other)
	}
}

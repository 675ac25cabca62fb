package hearsay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answering makes all nodes answer with their names to questions about a topic.
func answering(ctx context.Context, topic string, nodes ...*Node) {
	for _, n := range nodes {
		n.HandleQueries(ctx, topic, func(_ context.Context, q Question) ([]byte, error) {
			return fmt.Appendf(nil, "%s to %s", n.Self().Name, q.Payload), nil
		})
	}
}

// answersTo returns what members answered, as "name: answer", in order.
func answersTo(t *testing.T, n *Node, q Query) ([]string, QueryStats) {
	t.Helper()
	a, err := n.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for answer := range a.All() {
		if m, known := n.LookupID(answer.ID); !known || m.Name != answer.Name {
			t.Errorf("%s answers as %s", m.Name, answer.Name)
		}
		all = append(all, answer.Name+": "+string(answer.Payload))
	}
	slices.Sort(all)
	return all, a.Stats()
}

func TestAQueryIsAnsweredByThoseItIsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(5)
		ctx := t.Context()
		for i, n := range nodes {
			for key, value := range map[string]string{"zone": fmt.Sprint("eu-", i%2), "role": "db"} {
				if err := n.Meta().Set(ctx, key, []byte(value)); err != nil {
					t.Fatal(err)
				}
			}
		}
		answering(ctx, "who", nodes...)
		for name, c := range map[string]struct {
			filter Filter
			want   string
		}{
			"all":   {Filter{}, "node-1 node-2 node-3 node-4 node-5"},
			"names": {Filter{Names: []string{"node-2", "*-5"}}, "node-2 node-5"},
			"zone":  {Filter{Zone: "eu-1"}, "node-2 node-4"},
			"tags":  {Filter{Tags: []Tag{{Key: "role", Value: "d*"}, {Key: "zone", Value: "eu-0"}}}, "node-1 node-3 node-5"},
			"none":  {Filter{Names: []string{"node-6"}}, ""},
		} {
			begun := time.Now()
			got, stats := answersTo(t, nodes[0], Query{
				Topic: "who", Payload: []byte("me"), Filter: c.filter, Timeout: time.Second, WantAck: true,
			})
			var want []string
			for who := range strings.FieldsSeq(c.want) {
				want = append(want, who+": "+who+" to me")
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
			if took := time.Since(begun); took != time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
			if stats != (QueryStats{Live: 5, Reached: 5, Acks: len(want), Answers: len(want), Elapsed: time.Second, Done: true}) {
				t.Errorf("%s: %+v", name, stats)
			}
		}
	})
}

func TestAnAnswerMayBeLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		large := bytes.Repeat([]byte("answer"), 100_000)
		for _, n := range nodes[1:] {
			n.HandleQueries(t.Context(), "dump", func(context.Context, Question) ([]byte, error) { return large, nil })
		}
		a, err := nodes[0].Query(t.Context(), Query{Topic: "dump"})
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for answer := range a.All() {
			if !bytes.Equal(answer.Payload, large) {
				t.Errorf("%s answered %d other bytes", answer.Name, len(answer.Payload))
			}
			count++
		}
		if s := a.Stats(); count != 2 || s.Elapsed != QueryTimeout {
			t.Errorf("%d answers in %v", count, s.Elapsed)
		}
	})
}

func TestAQueryEndsWithItsContextOrItsNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n := v.start(1)
		ask := func(ctx context.Context) *Answers {
			a, err := n.Query(ctx, Query{Topic: "t", Timeout: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		first, second := ask(ctx), ask(t.Context())
		for range first.All() {
			t.Error("somebody answered")
		}
		if took := time.Since(begun); took != time.Minute || !first.Stats().Done {
			t.Errorf("it ended after %v, %+v", took, first.Stats())
		}
		synctest.Wait()
		n.read(func(d *driver) {
			if _, found := d.queries[first.receipt.id.Seq]; found || len(d.queries) != 1 {
				t.Errorf("%d queries are kept, one of them ended", len(d.queries))
			}
		})
		closeNode(t, n)
		for range second.All() {
			t.Error("somebody answered")
		}
		if took := time.Since(begun); took != time.Minute {
			t.Errorf("it ended after %v", took)
		}
		if _, err := n.Query(t.Context(), Query{Topic: "t"}); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestAHandlerMayDecline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		logs := &recorder{}
		n := v.start(1, func(c *Config) { c.Logger = logs.logger() })
		n.HandleQueries(t.Context(), "t", func(ctx context.Context, q Question) ([]byte, error) {
			if deadline, ok := ctx.Deadline(); !ok || !deadline.Equal(q.Deadline) {
				t.Errorf("the context ends at %v, the question at %v", deadline, q.Deadline)
			}
			return []byte("no"), errors.New("busy")
		})
		got, stats := answersTo(t, n, Query{Topic: "t", WantAck: true})
		if len(got) != 0 || stats.Acks != 1 {
			t.Errorf("answers %v, %+v", got, stats)
		}
		if lines := logs.all("query not answered"); len(lines) != 1 {
			t.Errorf("logged %v", lines)
		}
	})
}

func TestAQueryIsRefusedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		for want, q := range map[error]Query{
			ErrTopic:  {},
			ErrSize:   {Topic: "t", Payload: make([]byte, 4<<20+1)},
			ErrFilter: {Topic: "t", Filter: Filter{Names: make([]string, 10_000)}},
		} {
			if _, err := n.Query(t.Context(), q); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	})
}

package broadcast

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

func TestGlob(t *testing.T) {
	for pattern, texts := range map[string]map[string]bool{
		"":        {"": true, "a": false},
		"*":       {"": true, "anything": true},
		"web*":    {"web": true, "web1": true, "we": false, "aweb": false},
		"*-eu":    {"web-eu": true, "-eu": true, "web-eu1": false},
		"a*b*c":   {"abc": true, "aXbYc": true, "abcbc": true, "acb": false},
		"a**b":    {"ab": true, "aXb": true},
		"node1":   {"node1": true, "node11": false},
		"*a*a*a*": {"aaa": true, "aa": false},
	} {
		for text, want := range texts {
			if glob(pattern, text) != want {
				t.Errorf("glob(%q, %q) is not %v", pattern, text, want)
			}
		}
	}
}

// asked returns which nodes a query of node 0 was reported at.
func (w *world) asked(seq uint64) (nodes []int) {
	for _, n := range w.nodes {
		for _, e := range n.events {
			if e.Kind == effect.QueryReceived && e.ID == idOf(0) && e.Seq == seq {
				nodes = append(nodes, n.n)
			}
		}
	}
	return nodes
}

func (w *world) answers(node int, seq uint64) (answers, acks int) {
	for _, e := range w.nodes[node].events {
		switch {
		case e.Kind != effect.QueryAnswered || e.Seq != seq:
		case e.Done:
			answers++
		default:
			acks++
		}
	}
	return answers, acks
}

func TestAFilterPicksByNameTagAndZone(t *testing.T) {
	w := newWorld(t, 6, 1)
	for i, n := range w.nodes {
		facts := map[string]string{"zone": []string{"east", "west"}[i%2], "role": []string{"web", "db", "web-cache"}[i%3]}
		n.cfg.Fact = func(key string) ([]byte, bool) {
			value, ok := facts[key]
			return []byte(value), ok
		}
	}
	for _, tt := range []struct {
		filter Filter
		want   string
	}{
		{Filter{}, "[0 1 2 3 4 5]"},
		{Filter{Names: []string{"node2", "node[x", "*4"}}, "[2 4]"},
		{Filter{Zone: "west"}, "[1 3 5]"},
		{Filter{Tags: []Tag{{Key: "role", Value: "web*"}}}, "[0 2 3 5]"},
		{Filter{Tags: []Tag{{Key: "role", Value: "web*"}, {Key: "zone", Value: "east"}}}, "[0 2]"},
		{Filter{Tags: []Tag{{Key: "none", Value: "*"}}}, "[]"},
		{Filter{Names: []string{"node*"}, Zone: "w*", Tags: []Tag{{Key: "role", Value: "db"}}}, "[1]"},
	} {
		seq, live, err := w.nodes[0].Ask(w.now, Query{Topic: "t", Filter: tt.filter, Timeout: time.Second})
		if err != nil || live != 6 {
			t.Fatal(live, err)
		}
		w.after(w.nodes[0])
		w.runFor(2 * time.Second)
		if got := fmt.Sprint(w.asked(seq)); got != tt.want {
			t.Errorf("%s: asked %s, want %s", tt.filter.String(), got, tt.want)
		}
		if e := w.nodes[0].receipts[seq]; !e.Done || e.Count != 6 {
			t.Errorf("%s: the receipt says %d of 6: it counts who has the query, asked or not", tt.filter.String(), e.Count)
		}
	}
}

func TestAnswersArriveOnceWhateverTheNetworkDoes(t *testing.T) {
	w := newWorld(t, 30, 2)
	w.delay, w.loss, w.doubled = milliseconds(5, 10), 200, 100
	w.acquainted(20 * time.Millisecond)
	seq, _, err := w.nodes[0].Ask(w.now, Query{Topic: "t", Payload: []byte("?"), Timeout: time.Minute, WantAck: true})
	if err != nil {
		t.Fatal(err)
	}
	w.after(w.nodes[0])
	w.probeFor(5)
	large := strings.Repeat("x", 300_000)
	for i, n := range w.nodes {
		for _, payload := range []string{"yes", "", large} {
			if err := n.Answer(w.now, idOf(0), 1, seq, []byte(payload)); err != nil {
				t.Fatalf("node %d: %v", i, err)
			}
		}
		w.after(n)
	}
	w.runFor(30 * time.Second)
	if answers, acks := w.answers(0, seq); answers != 90 || acks != 30 {
		t.Errorf("%d answers and %d acks of 30 nodes, want 90 and 30", answers, acks)
	}
}

func TestAnswersHaveADeadlineAndASize(t *testing.T) {
	w := newWorld(t, 3, 1)
	seq, _, _ := w.nodes[0].Ask(w.now, Query{Topic: "t", Timeout: time.Second})
	w.after(w.nodes[0])
	w.runFor(500 * time.Millisecond)
	n := w.nodes[1]
	for _, tt := range []struct {
		asker int
		epoch member.Epoch
		seq   uint64
		size  int
		want  error
	}{
		{0, 1, seq, AnswerSizeMax, nil},
		{0, 1, seq, AnswerSizeMax + 1, ErrSize},
		{0, 1, seq + 1, 1, ErrExpired},
		{0, 2, seq, 1, ErrExpired},
		{2, 1, seq, 1, ErrExpired},
	} {
		if err := n.Answer(w.now, idOf(tt.asker), tt.epoch, tt.seq, make([]byte, tt.size)); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	w.after(n)
	w.runFor(time.Second)
	if err := n.Answer(w.now, idOf(0), 1, seq, nil); !errors.Is(err, ErrExpired) {
		t.Errorf("after the deadline: %v", err)
	}
	if answers, _ := w.answers(0, seq); answers != 1 {
		t.Errorf("%d answers, want the one of the largest size", answers)
	}
}

func TestAQueryRepairedTooLateIsNotAsked(t *testing.T) {
	w := newWorld(t, 3, 1)
	w.cut = func(_, to *node) bool { return to.n == 2 }
	seq, _, _ := w.nodes[0].Ask(w.now, Query{Topic: "t", Timeout: time.Second})
	w.after(w.nodes[0])
	w.runFor(5 * time.Second)
	w.cut = nil
	w.probeFor(5)
	if got := fmt.Sprint(w.asked(seq)); got != "[0 1]" || w.nodes[2].index[idOf(0)].base != seq {
		t.Errorf("asked %s, base %d", got, w.nodes[2].index[idOf(0)].base)
	}
}

func TestAskRefusesWhatIsOutOfRange(t *testing.T) {
	n := newWorld(t, 1, 1).nodes[0]
	long := strings.Repeat("x", 129)
	for _, tt := range []struct {
		query Query
		want  error
	}{
		{Query{Topic: ""}, ErrTopic},
		{Query{Topic: "t", Payload: make([]byte, 4<<20+1)}, ErrSize},
		{Query{Topic: "t", Filter: Filter{Names: make([]string, 17)}}, ErrFilter},
		{Query{Topic: "t", Filter: Filter{Names: []string{long}}}, ErrFilter},
		{Query{Topic: "t", Filter: Filter{Tags: []Tag{{Key: long}}}}, ErrFilter},
		{Query{Topic: "t", Filter: Filter{Zone: long}}, ErrFilter},
		{Query{Topic: "t", Timeout: 100 * time.Hour}, nil},
	} {
		if _, _, err := n.Ask(1, tt.query); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.query.Filter, err, tt.want)
		}
	}
	for range queriesMax - 1 {
		if _, _, err := n.Ask(1, Query{Topic: "t", Timeout: time.Hour, Filter: Filter{Names: []string{"nobody"}}}); err != nil {
			t.Fatal(err)
		}
		n.Tick(1)
		n.out.Reset()
	}
	if _, _, err := n.Ask(1, Query{Topic: "t", Timeout: time.Hour}); !errors.Is(err, ErrBackpressure) {
		t.Errorf("query %d: %v", queriesMax+1, err)
	}
}

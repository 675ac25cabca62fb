package maelstrom

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// wires is a network between a, b and c0 that writes down what arrives when.
type wires struct {
	*network
	log []string
}

func newWires(opts Options) *wires {
	w := &wires{network: newNetwork(&loop{}, rand.New(rand.NewPCG(1, 1)), opts)}
	for _, name := range []string{"a", "b", "c0"} {
		w.join(name, func(m Message) {
			w.log = append(w.log, fmt.Sprintf("%v %s>%s", w.loop.now, m.Src, m.Dest))
		})
	}
	return w
}

func (w *wires) put(t *testing.T, src, dest string) {
	t.Helper()
	if err := w.send(Message{Src: src, Dest: dest}); err != nil {
		t.Fatal(err)
	}
}

func TestClientsHaveNoLatencyAndAreNotCounted(t *testing.T) {
	w := newWires(Options{Latency: 100 * ms})
	w.put(t, "a", "b")
	w.put(t, "c0", "b")
	w.put(t, "a", "c0")
	w.loop.runVirtual()
	// b sleeps for the message that it took up first; see take.
	if want := []string{"0s a>c0", "100ms a>b", "100ms c0>b"}; !reflect.DeepEqual(w.log, want) {
		t.Errorf("%q, want %q", w.log, want)
	}
	if w.servers != 1 || w.count != 3 {
		t.Errorf("%d between servers of %d", w.servers, w.count)
	}
	if err := w.send(Message{Src: "a", Dest: "z"}); err == nil || w.count != 3 {
		t.Errorf("a message to nobody: %v, %d messages", err, w.count)
	}
}

// A cut counts when a message is taken up: one that was arrives, one that waits
// behind it does not, and after the heal all do.
func TestACutIsLookedAtWhenAMessageIsTakenUp(t *testing.T) {
	w := newWires(Options{Latency: 100 * ms})
	w.put(t, "a", "b")
	w.loop.at(10*ms, func() { w.put(t, "a", "b") })
	w.loop.at(50*ms, func() { w.cut("b", "a") })
	w.loop.at(150*ms, w.heal)
	w.loop.at(160*ms, func() { w.put(t, "a", "b") })
	w.loop.runVirtual()
	if want := []string{"100ms a>b", "260ms a>b"}; !reflect.DeepEqual(w.log, want) {
		t.Errorf("%q, want %q", w.log, want)
	}
	if w.servers != 3 {
		t.Errorf("%d counted, want all 3", w.servers)
	}
}

func TestLostMessagesAreCounted(t *testing.T) {
	w := newWires(Options{Loss: .5})
	for range 1000 {
		w.put(t, "a", "b")
	}
	w.put(t, "c0", "b")
	w.loop.runVirtual()
	if w.servers != 1000 || len(w.log) < 400 || len(w.log) > 600 {
		t.Errorf("%d counted, %d arrived", w.servers, len(w.log))
	}
}

func TestMeanOfDelays(t *testing.T) {
	for _, dist := range []string{"constant", "uniform", "exponential"} {
		w := newWires(Options{Latency: 100 * ms, Dist: dist})
		var sum, longest time.Duration
		for range 10000 {
			d := w.delay()
			sum, longest = sum+d, max(longest, d)
		}
		if mean := sum / 10000; mean < 97*ms || mean > 103*ms {
			t.Errorf("%s: mean %v", dist, mean)
		}
		if most := map[string]time.Duration{"constant": 100 * ms, "uniform": 200 * ms, "exponential": 2 * time.Second}[dist]; longest > most {
			t.Errorf("%s: up to %v", dist, longest)
		}
	}
}

// The four shapes: one node, a minority of a third, halves, and a ring in which
// each node sees a majority, no two the same.
func TestShapesOfCuts(t *testing.T) {
	names := strings.Fields("a b c d e")
	for i, want := range []int{1 * 4, 1 * 4, 2 * 3, 5} {
		if pairs := shapes[i](names); len(pairs) != want {
			t.Errorf("shape %d cuts %v, want %d pairs", i, pairs, want)
		}
	}
	for _, n := range []int{3, 4, 5, 6, 25, 26} {
		var ring []string
		for i := range n {
			ring = append(ring, fmt.Sprint(i))
		}
		pairs := majoritiesRing(ring)
		seen := make(map[string]bool)
		for _, name := range ring {
			sees := slices.DeleteFunc(slices.Clone(ring), func(other string) bool {
				return slices.Contains(pairs, [2]string{name, other}) || slices.Contains(pairs, [2]string{other, name})
			})
			if len(sees) <= n/2 || n > 4 && len(sees) == n {
				t.Errorf("%d nodes: %s sees %d", n, name, len(sees))
			}
			if key := strings.Join(sees, " "); len(sees) < n && seen[key] {
				t.Errorf("%d nodes: two see %s", n, key)
			} else {
				seen[key] = true
			}
		}
	}
}

func TestTopologies(t *testing.T) {
	names := strings.Fields("a b c d e")
	for kind, want := range map[string]string{
		"line":  "map[a:[b] b:[a c] c:[b d] d:[c e] e:[d]]",
		"grid":  "map[a:[b d] b:[a c e] c:[b] d:[a e] e:[b d]]",
		"tree2": "map[a:[b c] b:[a d e] c:[a] d:[b] e:[b]]",
		"tree3": "map[a:[b c d] b:[a e] c:[a] d:[a] e:[b]]",
		"tree4": "map[a:[b c d e] b:[a] c:[a] d:[a] e:[a]]",
		"total": "map[a:[b c d e] b:[a c d e] c:[a b d e] d:[a b c e] e:[a b c d]]",
	} {
		if got := fmt.Sprint(topology(kind, names)); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}

func TestLinesThatAreNoMessages(t *testing.T) {
	for _, line := range []string{
		``, `[]`, `hello`, `{"src":"a","dest":"b"}`, `{"src":"a","dest":"b","body":7}`, `{"src":"a","dest":"b","body":{}}`,
		`{"src":"a","dest":"b","body":{"type":"x"},"more":1}`, `{"src":"a","dest":"b","body":{"type":"x"}} {}`,
		`{"src":"a","dest":"b","body":{"type":"x","msg_id":"one"}}`,
	} {
		if m, err := parseMessage([]byte(line)); err == nil {
			t.Errorf("%q is %+v", line, m)
		}
	}
	m, err := parseMessage([]byte(`{"src":"a","dest":"b","body":{"type":"x","y":[1]}}`))
	if err != nil || m.Src != "a" || m.Dest != "b" || string(m.Body) != `{"type":"x","y":[1]}` {
		t.Errorf("%+v, %v", m, err)
	}
}

package maelstrom

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func simulate(t *testing.T, opts Options, f fault) *Result {
	t.Helper()
	r, err := Simulate(opts, func(i int) Node {
		if i > 0 && f == babbles {
			return &star{}
		}
		return &star{fault: f}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// On links that keep all, the star is valid, costs a message for each other node
// and broadcast, and reaches the last node after the latency.
func TestStarCostsOneMessageANode(t *testing.T) {
	r := simulate(t, Options{Nodes: 25, Rate: 100, TimeLimit: 10 * time.Second, Latency: 100 * time.Millisecond, Seed: 1}, none)
	if !r.Valid() {
		t.Fatal(r.Problems)
	}
	if r.Requests < 950 || r.Requests > 1100 || r.OK != r.Requests {
		t.Errorf("%d requests, %d ok", r.Requests, r.OK)
	}
	if want := 24 * r.Set.Attempted; r.Messages != want {
		t.Errorf("%d messages, want %d", r.Messages, want)
	}
	if r.Set.Stable != r.Set.Attempted || len(r.Set.NeverRead) != 0 {
		t.Errorf("%d of %d stable", r.Set.Stable, r.Set.Attempted)
	}
	if r.Spread.P50 != 100*time.Millisecond || r.Spread.Max != 100*time.Millisecond || r.Spread.Count != r.Set.Attempted {
		t.Errorf("spread %v of %d", r.Spread, r.Spread.Count)
	}
	if r.Set.Latency.P50 == 0 || r.Set.Latency.Max >= 100*time.Millisecond {
		t.Errorf("clients saw %v of a true 100 ms", r.Set.Latency)
	}
}

func TestARandomSeedReplays(t *testing.T) {
	opts := Options{Nodes: 7, Rate: 20, TimeLimit: 30 * time.Second, Latency: 20 * time.Millisecond, Dist: "exponential", Loss: .1, Partitions: true, Seed: 4}
	a, b := simulate(t, opts, none), simulate(t, opts, none)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("two runs differ:\n%+v\n%+v", a, b)
	}
	if opts.Seed++; reflect.DeepEqual(a.Set, simulate(t, opts, none).Set) {
		t.Error("another random seed does the same")
	}
}

// Hope does not survive faults: the star loses elements to a lossy network and to
// cuts, and that is found.
func TestFaultsMakeTheStarLoseElements(t *testing.T) {
	for name, opts := range map[string]Options{
		"loss":       {Rate: 20, TimeLimit: 10 * time.Second, Loss: .05, Seed: 1},
		"partitions": {Rate: 20, TimeLimit: 60 * time.Second, Partitions: true, Seed: 1},
	} {
		r := simulate(t, opts, none)
		if r.Valid() || len(r.Set.Lost) == 0 || len(r.Set.Missing) <= len(r.Set.Lost) {
			t.Errorf("%s: %d lost, %d missing", name, len(r.Set.Lost), len(r.Set.Missing))
		}
		if (r.Cuts > 0) != opts.Partitions {
			t.Errorf("%s: %d cuts", name, r.Cuts)
		}
		if r.Spread.Count != r.Set.Attempted-len(r.Set.Missing) {
			t.Errorf("%s: %d of %d reached all, %d missing", name, r.Spread.Count, r.Set.Attempted, len(r.Set.Missing))
		}
	}
}

func TestMisconductIsFound(t *testing.T) {
	opts := Options{Nodes: 3, Rate: 20, TimeLimit: 10 * time.Second, Seed: 2}
	for f, want := range map[fault]string{
		forgets: "elements missing at the end: [7 17 27",
		repeats: "1 elements twice in one read: [5]",
		invents: "1 elements added by nobody: [1000000]",
		chats:   "answer to read with a key of its own: mood",
		babbles: `n0 wrote "read what?": not a message`,
	} {
		r := simulate(t, opts, f)
		if r.Valid() || !strings.Contains(strings.Join(r.Problems, "\n"), want) {
			t.Errorf("fault %d: no %q in %q", f, want, r.Problems)
		}
	}
}

// A request without an answer is indefinite after its time, one that was refused
// has failed, and neither must turn up.
func TestOutcomesOfRequests(t *testing.T) {
	opts := Options{Nodes: 2, Rate: 10, TimeLimit: 30 * time.Second, Seed: 3}
	r := simulate(t, opts, mute)
	if r.Indefinite == 0 || r.Indefinite != r.Set.Attempted || r.Set.Acknowledged != 0 || len(r.Set.NeverRead) != r.Set.Attempted {
		t.Errorf("mute: %d indefinite of %+v", r.Indefinite, r.Set)
	}
	if r.Valid() || len(r.Problems) > 0 {
		t.Errorf("mute: valid, or problems %q: want neither", r.Problems)
	}
	r = simulate(t, opts, refuses)
	if r.Failed != r.Set.Attempted || r.Indefinite != 0 {
		t.Errorf("refuses: %d failed, %d indefinite of %d", r.Failed, r.Indefinite, r.Set.Attempted)
	}
}

func TestOtherWorkloads(t *testing.T) {
	for _, workload := range []string{"echo", "unique-ids"} {
		r := simulate(t, Options{Workload: workload, Nodes: 3, Rate: 50, Seed: 5}, none)
		if !r.Valid() || r.OK != r.Requests || r.Requests < 2500 {
			t.Errorf("%s: %d of %d ok, problems %q", workload, r.OK, r.Requests, r.Problems)
		}
	}
	r := simulate(t, Options{Workload: "unique-ids", Nodes: 3, Seed: 5}, copies)
	if r.Valid() || !strings.Contains(r.Problems[0], `id "n`) {
		t.Errorf("an ID was given twice, problems %q", r.Problems)
	}
}

func TestOptionsAreCheckedAtOnce(t *testing.T) {
	_, err := Simulate(Options{Workload: "kafka", Topology: "star", Dist: "wild", Loss: 1, Latency: -1}, nil)
	if !errors.Is(err, ErrOptions) || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("%v, want five problems", err)
	}
}

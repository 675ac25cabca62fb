package benchcluster

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestResultHasOneJSONFieldForEveryMetric(t *testing.T) {
	encoded, err := json.Marshal(Result{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(encoded, &fields); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range Metrics() {
		if _, ok := fields[m.Name]; !ok {
			t.Errorf("metric %s is no field of a result", m.Name)
		}
		names = append(names, m.Name)
	}
	for _, name := range []string{
		"library", "version", "sealed", "nodes", "full_ok", "full_after_idle", "settle_s", "idle_s",
	} {
		if _, ok := fields[name]; !ok {
			t.Errorf("result has no field %s", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) || len(names) != len(fields) {
		t.Errorf("a result has %d fields, tables and keys name %d, %d of them different", len(fields), len(names), len(unique))
	}
}

func TestMedianIsTheMiddle(t *testing.T) {
	for _, c := range []struct {
		sorted []float64
		want   float64
	}{
		{[]float64{5}, 5},
		{[]float64{1, 4}, 2.5},
		{[]float64{1, 2, 90}, 2},
		{[]float64{1, 2, 4, 90}, 3},
	} {
		if got := median(c.sorted); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.sorted, got, c.want)
		}
	}
}

// someResults come in the order of turns, larger cluster first.
func someResults() []Result {
	of := func(library string, nodes int, full float64, ok bool) Result {
		return Result{
			Library: library, Version: "v1", Sealed: true, Nodes: nodes,
			FullSeconds: full, FullOK: ok, RSSBytes: 1000,
		}
	}
	return []Result{
		of("old", 32, 4, true), of("new", 32, 1, true),
		of("old", 32, 120, false), of("new", 32, 2, true),
		of("old", 32, 6, true), of("new", 32, 3, true),
		of("old", 8, 2, true), of("new", 8, 1, true),
	}
}

func TestSummarizeKeepsRunsThatFailed(t *testing.T) {
	s := Summarize(someResults())
	if len(s) != 4 {
		t.Fatalf("%d summaries, want 4", len(s))
	}
	for i, want := range []struct {
		library    string
		nodes      int
		runs, full int
		seconds    Spread
	}{
		{"old", 8, 1, 1, Spread{2, 2, 2}},
		{"new", 8, 1, 1, Spread{1, 1, 1}},
		{"old", 32, 3, 2, Spread{6, 4, 120}},
		{"new", 32, 3, 3, Spread{2, 1, 3}},
	} {
		got := s[i]
		if got.Library != want.library || got.Nodes != want.nodes || got.Runs != want.runs || got.Full != want.full {
			t.Errorf("summary %d is of %s with %d nodes, %d of %d runs full; want %+v",
				i, got.Library, got.Nodes, got.Full, got.Runs, want)
		}
		if got.Metrics["full_s"] != want.seconds {
			t.Errorf("summary %d: full_s %+v, want %+v", i, got.Metrics["full_s"], want.seconds)
		}
	}
}

func TestTableHasMediansAndRatio(t *testing.T) {
	var out strings.Builder
	if err := WriteTable(&out, Summarize(someResults())); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	var head, full, views, death []string
	for _, line := range lines {
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "32 nodes"):
			head = fields
		case head == nil:
		case strings.HasPrefix(line, "full views"):
			views = fields
		case strings.HasPrefix(line, "full_s"):
			full = fields
		case strings.HasPrefix(line, "false_deaths"):
			death = fields
		}
	}
	for _, c := range []struct {
		got  []string
		want string
	}{
		{head, "32 nodes old v1 new v1 new/old"},
		{views, "full views, runs 2 of 3 3 of 3"},
		{full, "full_s, s 6.000 (4.000–120.000) 2.000 (1.000–3.000) 0.333"},
		{death, "false_deaths 0 0 –"},
	} {
		if got := strings.Join(c.got, " "); got != c.want {
			t.Errorf("row %q, want %q", got, c.want)
		}
	}
	if !strings.HasPrefix(lines[0], "8 nodes") {
		t.Errorf("first row %q, want that of 8 nodes", lines[0])
	}
}

func TestTableOfOneLibraryHasNoRatio(t *testing.T) {
	var out strings.Builder
	alone := Result{Library: "old", Version: "v1", Nodes: 8}
	if err := WriteTable(&out, Summarize([]Result{alone})); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(out.String(), "\n")
	if got := strings.Join(strings.Fields(head), " "); got != "8 nodes old v1 unsealed" {
		t.Errorf("head %q, want one column that says unsealed", got)
	}
}

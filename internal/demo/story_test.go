package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTheStoryIsTrueOfRealNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("real sockets")
	}
	const nodes = 6
	var out bytes.Buffer
	report, err := Story(t.Context(), nodes, &out, false)
	if err != nil {
		t.Fatalf("%v, after\n%s", err, &out)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("there are colours where none were asked for")
	}
	for line := range strings.Lines(out.String()) {
		if utf8.RuneCountInString(line) > 81 { // with its end
			t.Errorf("too long for a terminal of 80: %s", line)
		}
	}
	told := out.String()
	for _, title := range []string{
		"1. A cluster forms", "2. A fact spreads", "3. A node crashes", "4. The network is cut", "5. The network heals", "Measured",
	} {
		at := strings.Index(told, "\n"+title+"\n")
		if at < 0 {
			t.Fatalf("the story lacks %q, or has it too early:\n%s", title, &out)
		}
		told = told[at:]
	}
	checkReport(t, &report, nodes)
}

func checkReport(t *testing.T, r *Report, nodes int) {
	t.Helper()
	if r.Nodes != nodes || r.Killed != "cleo" || r.Sides != [2]int{2, 3} {
		t.Errorf("nodes %d, killed %q, sides %v, want %d, cleo, [2 3]", r.Nodes, r.Killed, r.Sides, nodes)
	}
	reached := 0
	for i, h := range r.FactBy {
		reached += h.Nodes
		if h.FirstS > h.LastS || h.Hop > r.FactHops || h.LastS > r.FactAllS {
			t.Errorf("hop %+v exceeds the whole: %d hops, %v s", h, r.FactHops, r.FactAllS)
		}
		if i > 0 && h.Hop <= r.FactBy[i-1].Hop {
			t.Errorf("hops are out of order: %+v", r.FactBy)
		}
	}
	writers := slices.DeleteFunc(slices.Clone(r.FactBy), func(h Hop) bool { return h.Hop != 0 })
	if reached != nodes || len(writers) != 1 || writers[0].Nodes != 1 {
		t.Errorf("the fact reached %d nodes, want %d, one of them the writer: %+v", reached, nodes, r.FactBy)
	}
	for what, pair := range map[string][2]float64{
		"suspected before dead":      {r.SuspectedS, r.DetectedFirstS},
		"first before all":           {r.DetectedFirstS, r.DetectedAllS},
		"each part before the whole": {max(r.FormedS, r.DetectedAllS, r.SplitSeenS, r.HealedS, r.MergedS), r.TookS},
		"formed before calm":         {r.FormedS, r.CalmS},
	} {
		if pair[0] <= 0 || pair[0] > pair[1] {
			t.Errorf("%s: %v, %v", what, pair[0], pair[1])
		}
	}
	if r.SuspectedBy == "" || r.SuspectedBy == r.Killed || r.DetectedBy == "" || r.DetectedBy == r.Killed {
		t.Errorf("the crash of %q was noticed by %q and declared by %q", r.Killed, r.SuspectedBy, r.DetectedBy)
	}
	if r.Dropped == 0 {
		t.Error("not one packet met the cut")
	}
}

func TestTheReportHasItsKeys(t *testing.T) {
	text, err := json.Marshal(&Report{})
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"nodes", "formed_s", "calm_s", "fact_all_s", "fact_hops", "fact_by_hop", "killed", "suspected_first_s", "suspected_by",
		"detected_first_s", "detected_by", "detected_all_s", "sides", "split_seen_s", "dropped", "healed_s", "merged_s", "took_s",
	} {
		if _, ok := object[key]; !ok {
			t.Errorf("key %q is missing", key)
		}
		delete(object, key)
	}
	if len(object) > 0 {
		t.Errorf("unexpected keys: %v", object)
	}
}

func TestAStoryNeedsAFewNodes(t *testing.T) {
	for _, nodes := range []int{-1, 0, NodesMin - 1, NodesMax + 1} {
		if _, err := Story(t.Context(), nodes, io.Discard, false); !errors.Is(err, ErrNodes) {
			t.Errorf("Story of %d nodes = %v, want ErrNodes", nodes, err)
		}
	}
}

func TestAnInterruptedStoryLeavesNoNode(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if _, err := Story(ctx, NodesMin, io.Discard, false); !errors.Is(err, context.Canceled) {
		t.Errorf("Story = %v, want context.Canceled", err)
	} // that nothing is left is checked by goleak
}

var errFull = errors.New("no space left")

// full is a writer that has no room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAStoryNobodyCanReadEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("real sockets")
	}
	if _, err := Story(t.Context(), NodesMin, full{}, false); !errors.Is(err, errFull) {
		t.Errorf("Story = %v, want the writer's error", err)
	}
}

func TestALateChapterSaysWhoIsMissing(t *testing.T) {
	c, err := newCluster(NodesMin)
	if err != nil {
		t.Fatal(err)
	}
	s := &story{cluster: c}
	never := c.journal.expect([]int{2, 0}, func(int, *view) bool { return false })
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, err = s.await(ctx, never, "waiting")
	if !errors.Is(err, ErrLate) || !strings.Contains(err.Error(), "not at 2 of 2 nodes (ada, cleo)") {
		t.Errorf("await = %v, want ErrLate with the names", err)
	}
	if len(c.journal.goals) != 0 {
		t.Error("the goal is still waited for")
	}
}

func TestHopsAreDrawnToScale(t *testing.T) {
	began := time.Unix(1000, 0)
	arrivals := map[int]arrival{
		0: {at: began, hops: 0},
		1: {at: began.Add(2 * time.Millisecond), hops: 1},
		2: {at: began.Add(1500 * time.Microsecond), hops: 1},
		3: {at: began.Add(2 * time.Second), hops: compared},
	}
	var out bytes.Buffer
	tell := teller{w: &out}
	tell.hops(byHop(began, arrivals))
	bar := func(n int) string { return strings.Repeat("█", n) + strings.Repeat(" ", barWidth-n) }
	want := "   repair " + bar(13) + "   1 node  at 2.00 s\n" +
		"   hop 0  " + bar(13) + "   1 node  the writer\n" +
		"   hop 1  " + bar(26) + "   2 nodes at 1.50 ms to 2.00 ms\n"
	if got := out.String(); got != want {
		t.Errorf("drew\n%swant\n%s", got, want)
	}
}

func TestSpansHaveThreeDigitsOrSo(t *testing.T) {
	for seconds, want := range map[float64]string{0: "0.00 ms", 0.00123: "1.23 ms", 0.0104: "10 ms", 0.25: "250 ms", 1: "1.00 s", 12.345: "12.35 s"} {
		if got := span(seconds); got != want {
			t.Errorf("span(%v) = %q, want %q", seconds, got, want)
		}
	}
}

func TestColoursChangeNoWord(t *testing.T) {
	var plain, coloured bytes.Buffer
	for w, colour := range map[*bytes.Buffer]bool{&plain: false, &coloured: true} {
		tell := teller{w: w, colour: colour}
		tell.begin("Title", "text")
		tell.at(1, "%s happens", "it")
		tell.hops([]Hop{{Hop: 1, Nodes: 2}})
	}
	if coloured.Len() == plain.Len() || strip(coloured.String()) != plain.String() {
		t.Errorf("with colours %q, without %q", &coloured, &plain)
	}
}

package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/check"
)

// options are those of a script on its own terms.
func options(t *testing.T, text string) Options {
	t.Helper()
	s := parse(t, text)
	return Options{Script: s, Seed: 1, Timing: s.Profile().Timing(), Network: s.Network(s.Profile())}
}

// play runs a script that meets all of its own expectations.
func play(t *testing.T, text string) *Result {
	t.Helper()
	res, err := Run(t.Context(), options(t, text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return res
}

// said reports whether the script did what begins with a text, and when.
func said(res *Result, text string) (time.Duration, bool) {
	for _, e := range res.Log {
		if strings.HasPrefix(e.Text, text) {
			return e.At, true
		}
	}
	return 0, false
}

// Each word does what it says: the script itself looks.
func TestEveryWordWorks(t *testing.T) {
	used := make(map[string]bool)
	for _, script := range []string{
		"nodes 6\nbegin empty\nat 0s start 1\nat 1s start {2..n} over 2s\nafter 5s expect converged\nthen expect alive all",
		"nodes 8\nat 1s kill 3\nthen expect converged within 1m\nthen expect dead 3\nthen expect verdicts >= 7\nthen start down\nthen expect converged within 5s",
		"nodes 8\nat 1s kill {3, 4} for 30s\nafter 25s expect dead {3, 4}\nat 31s expect converged within 5s",
		"nodes 8\nat 1s pause 3\nat 40s expect dead 3\nthen resume frozen\nthen expect alive all within 20s",
		"nodes 8\nat 1s pause 3 for 2s\nat 20s expect verdicts = 0",
		"nodes 8\nat 1s leave 3\nat 3s expect left 3\nat 20s expect converged\nthen expect verdicts = 0",
		"nodes 8\nat 1s cut first 4 | last 4\nat 1m expect converged\nthen expect dead {5..8} within 0s\nthen end",
		"nodes 8\nat 1s cut 1 -> rest for 4s\nat 20s expect converged\nat 30s isolate {1, 2}\nat 2m expect converged\nthen heal\nthen expect converged within 1m\nthen expect false-positives = 0",
		"nodes 8\nat 1s slow 3 by 2s for 1m\nat 1m10s expect suspicions > 0\nthen expect converged within 2m",
		"nodes 8\nat 1s loss 100% for 20s\nat 10s loss 30% 1 -> {2, 3} for 5s\nat 21s expect suspicions > 0\nthen expect converged within 1m",
		"nodes 8\nat 1s latency 3s jitter 1ms\nat 20s expect suspicions > 0\nthen latency 1ms\nthen expect converged within 1m",
		"nodes 8\nat 1s churn any 1 of {2..8} every 10s down 2s until 35s\nat 45s expect converged within 5s",
		"nodes 8\nat 1s let bad = any 2\nthen kill bad\nthen expect dead bad within 1m",
		"nodes 8\nat 1s set {1, 2} colour \"deep red\"\nthen expect reached 100% within 5s\nthen expect agreed within 5s\nthen delete 1 colour\nafter 5s expect agreed",
		"nodes 8\nat 1s write 100B from any 1\nthen expect reached 100% within 5s\nthen expect copies > 0.8\nafter 5s expect copies < 30",
		"nodes 8\ncost 20us\nat 1s broadcast 100B from all\nthen expect reached 100% within 5s\nafter 5s expect copies <= 0.875\nthen expect missed = 0\nthen expect refused = 0",
		"nodes 8\nat 1s write 10B from all\nthen expect reached 50% within 5s\nthen expect reached 100% within 5s",
		"nodes 8\nat 0s mark quiet\nat 20s expect packets < 2.1\nthen expect bytes < 35\nthen expect bytes > 25\nthen mark later\nat 30s end",
		"nodes 8\nat 1s every 10s until 35s pause 3 for 1s\nat 5s expect suspicions <= 5",
	} {
		play(t, script)
		for row := range strings.Lines(script) {
			for _, word := range strings.Fields(row) {
				used[word] = true
			}
		}
	}
	for _, word := range append(wordNames(), sortedKeys(figures)...) {
		if !used[word] {
			t.Errorf("%s is not tried", word)
		}
	}
}

func TestTimesAreKept(t *testing.T) {
	res := play(t, "nodes 8\nat 2s kill 3\nthen expect dead 3 within 1m\nafter 3s set 1 k v\nat 3s set 1 k w\nat 1h end")
	dead, _ := said(res, "as expected: dead 3")
	if at, _ := said(res, "kill 3"); at != 2*time.Second {
		t.Errorf("killed at %v", at)
	}
	if at, _ := said(res, "set 1 k v"); at != dead+3*time.Second {
		t.Errorf("set at %v, 3 s after %v", at, dead)
	}
	if at, _ := said(res, "set 1 k w"); at != dead+3*time.Second {
		t.Errorf("a line whose time has passed is run at %v", at)
	}
	if res.Length != time.Hour {
		t.Errorf("the run ended at %v", res.Length)
	}
}

func TestRepetitionEndsInTime(t *testing.T) {
	res := play(t, "nodes 4\nat 1s every 10s until 35s set 1 k v\nat 5s end")
	if res.Length != 5*time.Second {
		t.Errorf("end did not end the run: %v", res.Length)
	}
	opts := options(t, "nodes 4\nat 1s every 10s until 31s set 1 k v\nat 5s end")
	opts.Length = time.Minute
	res, err := Run(t.Context(), opts)
	if err != nil || res.Length != time.Minute {
		t.Fatalf("length %v, error %v", res.Length, err)
	}
	var at []time.Duration
	for _, e := range res.Log {
		at = append(at, e.At/time.Second)
	}
	if fmt.Sprint(at) != fmt.Sprint([]time.Duration{1, 11, 21}) {
		t.Errorf("repeated at %v s, want 1, 11, 21", at)
	}
}

func TestFailedExpectationSaysWhatWasSeen(t *testing.T) {
	for script, want := range map[string]string{
		"nodes 4\nat 1s kill 2\nthen expect converged within 1s":                       "expect converged at 2.000 s: 3 of 3 nodes are wrong about somebody: node 2 is alive to node 1",
		"nodes 4\nat 1s expect dead {2, 3}":                                            "expect dead {2, 3} at 1.000 s: 2 of 2 nodes say otherwise: node 2 is alive to node 1",
		"nodes 4\nat 1s expect false-positives > 2":                                    "expect false-positives > 2 at 1.000 s: false-positives is 0",
		"nodes 4\nat 1s expect reached 50%":                                            "expect reached 50% at 1.000 s: nothing was broadcast or written",
		"nodes 4\nat 1s isolate 2\nthen broadcast 1B from 2\nat 2s expect reached 99%": "expect reached 99% at 2.000 s: 1 of 4 live nodes know it",
		"nodes 4\nat 1s isolate 2\nthen set 2 k v\nat 2s expect agreed":                "expect agreed at 2.000 s: 2 different roots among 4 nodes",
		"nodes 4\nat 1s expect alive down":                                             "expect alive down at 1.000 s: the set is empty",
		"nodes 4\nat 1s kill all\nthen expect converged":                               "expect converged at 1.000 s: nobody runs",
	} {
		res, err := Run(t.Context(), options(t, script))
		if !errors.Is(err, ErrExpectation) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", script, err, want)
		}
		if res == nil || len(res.Expectations) != 1 || res.Expectations[0].OK {
			t.Errorf("%q: the result does not show it", script)
		}
	}
}

func TestDetectionIsMeasuredFromTheStop(t *testing.T) {
	res := play(t, "nodes 16\nat 5s kill 3\nthen expect dead 3 within 1m\nat 1m start 3\nat 2m pause 4\nthen expect dead 4 within 1m\nthen resume 4\nthen expect converged within 20s")
	if len(res.Detections) != 2 {
		t.Fatalf("%d stops", len(res.Detections))
	}
	for i, at := range []time.Duration{5 * time.Second, 2 * time.Minute} {
		d := res.Detections[i]
		if d.At != at || d.First < 4*time.Second || d.All < d.First || d.All > 20*time.Second {
			t.Errorf("stop %+v", d)
		}
	}
	if first, all := res.DetectFirst(), res.DetectAll(); !(first <= all) || all != max(res.Detections[0].All, res.Detections[1].All).Seconds() {
		t.Errorf("first %v, all %v", first, all)
	}
	res = play(t, "nodes 4\nat 5s kill 3\nat 6s end")
	if !math.IsNaN(res.DetectFirst()) || res.Converged || !math.IsNaN(res.Converge()) {
		t.Errorf("after a second: detected %v, converged %v", res.DetectFirst(), res.Converged)
	}
}

// What a cut makes of a verdict: right for those who cannot reach the node,
// false for those who can.
func TestVerdictsAcrossACutAreNotFalse(t *testing.T) {
	res := play(t, "nodes 10\nat 1s cut first 4 | rest\nat 2m end")
	if res.FalsePositives != 0 || res.CutVerdicts != 2*4*6 || !res.Converged {
		t.Errorf("%d false, %d across the cut, converged %v", res.FalsePositives, res.CutVerdicts, res.Converged)
	}
	// Node 1 hears nothing and says everything: the others are well.
	res = play(t, "nodes 10\nat 1s loss 100% {2..n} -> 1\nat 2m end")
	if res.FalsePositives == 0 || res.CutVerdicts != 0 {
		t.Errorf("%d false, %d across a cut that there is not", res.FalsePositives, res.CutVerdicts)
	}
}

func TestSpreadIsMeasuredOverLiveNodes(t *testing.T) {
	opts := options(t, "nodes 40\nat 0s write 64B from any 1\nthen expect reached 100% within 10s\nafter 5s end")
	opts.Dead = .25
	res, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	s := res.Writes
	if s.Live != 30 || s.Reached != 30 || !(s.T50 <= s.T99 && s.T99 <= s.T100) || s.T100 > 1000 || s.T50 <= 0 {
		t.Errorf("%+v", s)
	}
	// A copy has 64 bytes of value, a signature as long, an owner, a key.
	if each := s.PayloadBytes / s.Copies; each < 150 || each > 200 || s.Copies < 29./30 || s.MaxEgress < 64 {
		t.Errorf("%.1f bytes a copy, %+v", each, s)
	}
	if res.Events != nil {
		t.Errorf("events: %+v", res.Events)
	}
}

// With links of 10 ms and no faults everything about an event is known
// beforehand: who needs how many hops, and that each gets one copy.
func TestBroadcastIsMeasured(t *testing.T) {
	const head = "nodes %d\nlatency 10ms\njitter 0s\nat 0s broadcast %s from 3\nafter 1s end"
	for _, tt := range []struct {
		nodes      int
		size       string
		t50, t100  float64 // ms
		hops       int
		bytes, max float64 // of a copy on the wire
	}{
		{20, "64B", 10, 10, 1, 64, 128}, // the origin reaches all by itself
		{40, "64B", 20, 20, 2, 64, 128},
		{40, "600B", 20, 20, 2, 600, 664},
	} {
		res := play(t, fmt.Sprintf(head, tt.nodes, tt.size))
		e := res.Events
		n := float64(tt.nodes)
		if e.Count != 1 || e.Live != tt.nodes || e.Reached != tt.nodes || e.T50 != tt.t50 || e.T100 != tt.t100 || e.LastHop != tt.hops {
			t.Errorf("%d nodes: %+v", tt.nodes, e)
		}
		if each := e.PayloadBytes / e.Copies; e.Copies != (n-1)/n || each < tt.bytes || each > tt.max || float64(e.MaxEgress) < tt.bytes {
			t.Errorf("%d nodes: %.1f bytes a copy: %+v", tt.nodes, each, e)
		}
		if e.Receipts != 1 || e.ReceiptReached != tt.nodes || e.ReceiptLive != tt.nodes || e.ReceiptTime < 2*tt.t100 || e.ReceiptTime > 2*tt.t100+1 {
			t.Errorf("%d nodes: the receipt says %+v", tt.nodes, e)
		}
		if e.Coverage(10*time.Millisecond-1) != 1/n || e.Coverage(20*time.Millisecond) != 1 {
			t.Errorf("%d nodes: coverage %v and %v", tt.nodes, e.Coverage(10*time.Millisecond-1), e.Coverage(20*time.Millisecond))
		}
	}
}

// Chunks are parts of a copy: the figure does not grow with the size.
func TestChunksAreCountedInCopies(t *testing.T) {
	res := play(t, "nodes 12\nat 0s broadcast 1MiB from 3\nafter 5s expect reached 100%\nthen end")
	e := res.Events
	if e.Count != 1 || e.Copies < 11./12 || e.Copies > 1.2 || e.PayloadBytes < e.Copies*(1<<20) || e.PayloadBytes > e.Copies*(1<<20)*1.01 {
		t.Errorf("%+v", e)
	}
}

func TestLostCopiesAreCountedAndRepaired(t *testing.T) {
	opts := options(t, "nodes 60\nlatency 10ms\njitter 0s\nloss 20%\nat 0s broadcast 64B from any 1\nthen expect reached 100% within 30s\nafter 20s expect missed = 0\nthen end")
	opts.Dead = .1
	res, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	e := res.Events
	// Of 59 members 6 are dead, and a copy is lost with 1 in 5.
	if e.Live != 54 || e.Reached != 54 || e.Copies < 53./54/.8 || e.Receipts != 1 || e.ReceiptLive != 60 || e.ReceiptReached > 54 || e.T100 < 20 {
		t.Errorf("%+v", e)
	}
}

// What an origin refuses is counted, and does not spoil the figures of the rest.
func TestRefusedBroadcastsAreCounted(t *testing.T) {
	res := play(t, "nodes 4\nlatency 1s\nat 0s broadcast 3MiB from 1\nthen broadcast 3MiB from 1\nthen broadcast 3MiB from 1\nthen expect refused = 1\nthen expect reached 100% within 5m\nthen expect refused < 2\nthen end")
	if e := res.Events; e.Count != 2 || e.Refused != 1 || e.Reached != 4 {
		t.Errorf("%+v", e)
	}
	if _, ok := said(res, "node 1: "); !ok {
		t.Errorf("the story does not tell: %v", res.Log)
	}
}

func TestSameSeedSameRunOnAnyNumberOfJobs(t *testing.T) {
	text, err := Text("partition")
	if err != nil {
		t.Fatal(err)
	}
	opts := options(t, "nodes 12\n"+text)
	one, err := RunSeeds(t.Context(), opts, 6, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	many, err := RunSeeds(t.Context(), opts, 6, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	hashes := make(map[uint64]bool)
	for i := range one {
		if one[i].Seed != uint64(i+1) || !reflect.DeepEqual(one[i], many[i]) {
			t.Errorf("seed %d: %+v and %+v", i+1, one[i], many[i])
		}
		hashes[one[i].Hash] = true
	}
	if len(hashes) != 6 {
		t.Errorf("%d hashes of 6 seeds", len(hashes))
	}
}

func TestWatchingChangesNothing(t *testing.T) {
	opts := options(t, "nodes 12\nat 1s kill 3\nat 20s broadcast 9B from 1\nthen write 9B from 2\nat 30s end")
	plain, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Timeline, opts.Trace = true, io.Discard
	watched, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if plain.Hash != watched.Hash {
		t.Error("a trace or a timeline changed the run")
	}
}

func TestTimelineTellsWhoKnewWhatWhen(t *testing.T) {
	opts := options(t, "nodes 6\nat 1s kill 3\nthen expect dead 3 within 1m\nthen write 1B from 1\nafter 5s end")
	opts.Timeline = true
	res, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	statusAt := func(node int, at time.Duration) Status {
		s := Down
		for _, c := range res.Timeline.Changes {
			if c.Node == node && c.At <= at {
				s = c.Status
			}
		}
		return s
	}
	for _, tt := range []struct {
		node int
		at   time.Duration
		want Status
	}{{0, 0, Right}, {0, 2 * time.Second, Behind}, {0, res.Length, Right}, {2, 2 * time.Second, Down}, {2, 0, Right}} {
		if got := statusAt(tt.node, tt.at); got != tt.want {
			t.Errorf("node %d at %v: status %d, want %d", tt.node+1, tt.at, got, tt.want)
		}
	}
	if len(res.Timeline.Learnt) != 5 {
		t.Errorf("%d learnt the write, want 5", len(res.Timeline.Learnt))
	}
}

func TestTraceIsOneJSONObjectALine(t *testing.T) {
	var out bytes.Buffer
	opts := options(t, "nodes 4\nat 1s kill 2 for 30s\nat 2s set 1 k v\nat 40s end")
	opts.Trace = &out
	res, err := Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]int)
	last := 0.0
	for line := range strings.Lines(out.String()) {
		var r struct {
			T    float64
			Node int
			Kind string
		}
		decoder := json.NewDecoder(strings.NewReader(line))
		if err := decoder.Decode(&r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if r.T < last || r.Node < 0 || r.Node > 4 {
			t.Errorf("out of order or of range: %s", line)
		}
		last = r.T
		kinds[r.Kind]++
	}
	if kinds["start"] != 5 || kinds["stop"] != 1 || kinds["script"] != len(res.Log) || kinds["member-died"] != 3 || kinds["fact-set"] < 3 || kinds["send"] < 100 {
		t.Errorf("lines by kind: %v", kinds)
	}
}

type full struct{}

var errFull = errors.New("disk full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestTraceThatCannotBeWrittenFails(t *testing.T) {
	opts := options(t, "nodes 4\nat 1s end")
	opts.Trace = full{}
	if _, err := Run(t.Context(), opts); !errors.Is(err, ErrTrace) || !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
}

func TestInterruptionReturnsWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	opts := options(t, "nodes 4\nat 10s set 1 k v\nat 10m expect suspicions > 5")
	opts.Progress = func(now time.Duration) {
		if now > time.Minute {
			cancel()
		}
	}
	res, err := Run(ctx, opts)
	if !errors.Is(err, context.Canceled) || res == nil || res.Length < time.Minute || res.Length > 2*time.Minute {
		t.Fatalf("error %v, result %+v", err, res)
	}
	if len(res.Expectations) != 0 || res.Traffic.Packets == 0 || res.Writes == nil {
		t.Errorf("result %+v", res)
	}
	results, err := RunSeeds(ctx, opts, 3, 2, nil)
	if len(results) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d results, error %v", len(results), err)
	}
}

// A panic in the protocol is a violation with seed, time and node, and ends the
// work on later seeds.
func TestViolationEndsTheRun(t *testing.T) {
	opts := options(t, "nodes 4\nat 1s heal\nat 2s end")
	opts.Script.lines[0].action = broken{}
	res, err := Run(t.Context(), opts)
	var violation *check.Violation
	if !errors.As(err, &violation) || violation.Invariant != check.X1 || violation.Seed != 1 || !strings.Contains(err.Error(), "(script time 1.0") {
		t.Fatalf("error %v", err)
	}
	if res == nil || res.Length != time.Second {
		t.Errorf("result %+v", res)
	}
	results, err := RunSeeds(t.Context(), opts, 5, 2, nil)
	if len(results) != 1 || !errors.As(err, &violation) || violation.Seed != 1 {
		t.Errorf("%d results, error %v", len(results), err)
	}
}

type broken struct{}

func (broken) run(*runner) { panic("broken") }

func TestClusterThatCannotFormSaysSo(t *testing.T) {
	opts := options(t, "nodes 4\nlatency 1m\nat 1s end")
	if _, err := Run(t.Context(), opts); !errors.Is(err, ErrNotFormed) {
		t.Errorf("error %v, want %v", err, ErrNotFormed)
	}
}

func TestProfilesAreNamed(t *testing.T) {
	for _, p := range []Profile{LAN, WAN, Local} {
		var back Profile
		text, err := p.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != p {
			t.Errorf("%v does not survive as text", p)
		}
		if err := p.Timing().Validate(); err != nil {
			t.Errorf("%v: %v", p, err)
		}
	}
	var p Profile
	if err := p.UnmarshalText([]byte("moon")); !errors.Is(err, ErrProfile) {
		t.Errorf("error %v", err)
	}
}

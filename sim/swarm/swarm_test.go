package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/check"
)

// small keeps runs in go test short.
var small = Limits{Nodes: 12, Horizon: 3 * time.Minute}

const testRuns = 30

// Random schedules break nothing. The command sim swarm runs more of them.
func TestSwarm(t *testing.T) {
	s := Swarm{Seed: 1, Runs: testRuns, Limits: small, Workers: 2, Twice: 10, Done: func(o Outcome) {
		if v := o.Result.Violation; v != nil {
			t.Error(v)
		}
	}}
	total := s.Run(t.Context())
	if total.Runs != testRuns || total.Twice != 3 || total.Failed != 0 {
		t.Errorf("%d runs, %d of them twice, %d failed", total.Runs, total.Twice, total.Failed)
	}
	for _, i := range []check.Invariant{
		check.M1, check.M4, check.F1, check.C1, check.C4, check.C8, check.E2, check.L1, check.L3, check.L5, check.L7,
		check.B1, check.B2, check.B3, check.B4, check.B5, check.B6,
	} {
		if total.Checks[i] == 0 {
			t.Errorf("%v was never checked", i)
		}
	}
}

// A run that is told to stop, or takes too long, ends there and proves nothing.
func TestRunsAreGivenUp(t *testing.T) {
	s := Draw(3, small)
	asked := 0
	result, err := Run(s, Options{Stop: func() bool { asked++; return asked == 5 }})
	if err != nil || !result.Cut || !result.Unfinished() || result.Time != 5*piece {
		t.Errorf("%+v, %v", result, err)
	}
	now := time.Unix(0, 0)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	result, err = Run(s, Options{Patience: 10 * time.Second, Clock: clock})
	if err != nil || !result.Slow || !result.Unfinished() || result.Time != 11*piece {
		t.Errorf("%+v, %v", result, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	swarm := Swarm{Seed: 1, Limits: small, Done: func(Outcome) { done++ }}
	swarm.Options.Stop = func() bool {
		if done == 2 {
			cancel()
		}
		return false
	}
	if total := swarm.Run(ctx); total.Runs != 2 || total.Cut != 1 || total.Slow != 0 {
		t.Errorf("%d runs, %d cut short, %d slow", total.Runs, total.Cut, total.Slow)
	}
}

// Each seed in processes of their own, on one and on two processors, gives the
// hash that it gives here.
func TestSameHashInEveryProcess(t *testing.T) {
	want := hashes()
	for _, procs := range []string{"1", "2"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childHashes+"=1", "GOMAXPROCS="+procs)
		got, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("on %s processors the hashes are\n%swant\n%s", procs, got, want)
		}
	}
}

const childHashes = "HEARSAY_SWARM_HASHES"

func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(childHashes); ok {
		fmt.Print(hashes())
		return
	}
	os.Exit(m.Run())
}

func hashes() string {
	var b strings.Builder
	for seed := Seed(100); seed < 108; seed++ {
		result, err := Run(Draw(seed, small), Options{})
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "%v %016x\n", seed, result.Hash)
	}
	return b.String()
}

// Every schedule that ever failed passes, and says why it failed.
func TestRegressions(t *testing.T) {
	files, err := filepath.Glob("../testdata/regressions/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no regressions", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if s.Cause == "" || s.Found == nil {
			t.Errorf("%s: it does not say what it found, and why", file)
		}
		result, err := Run(s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if result.Violation != nil {
			t.Errorf("%s: %v", file, result.Violation)
		}
	}
}

func TestDrawIsAFunctionOfTheSeed(t *testing.T) {
	sunny := 0
	for seed := range Seed(300) {
		s := Draw(seed, Limits{})
		if err := s.Validate(); err != nil {
			t.Fatalf("seed %v: %v", seed, err)
		}
		if !bytes.Equal(s.Encode(), Draw(seed, Limits{}).Encode()) {
			t.Fatalf("seed %v: two schedules", seed)
		}
		parsed, err := Parse(s.Encode())
		if err != nil || !bytes.Equal(parsed.Encode(), s.Encode()) {
			t.Fatalf("seed %v: a file says something else: %v", seed, err)
		}
		if s.sunny() {
			sunny++
		}
	}
	if sunny < 5 || sunny > 40 {
		t.Errorf("%d sunny days of 300, want about 15", sunny)
	}
}

func TestWrongSchedulesAreErrors(t *testing.T) {
	for name, change := range map[string]func(*Schedule){
		"nodes":    func(s *Schedule) { s.Nodes = 0 },
		"seeds":    func(s *Schedule) { s.Seeds = s.Nodes + 1 },
		"preset":   func(s *Schedule) { s.Preset = "MOON" },
		"site":     func(s *Schedule) { s.Buggify = []string{"moon"} },
		"op":       func(s *Schedule) { s.Faults = []Fault{{Op: "moon"}} },
		"node":     func(s *Schedule) { s.Faults = []Fault{{Op: Crash, Node: 99}} },
		"link":     func(s *Schedule) { s.Faults = []Fault{{Op: Cut, From: []int{0}}} },
		"share":    func(s *Schedule) { s.Faults = []Fault{{Op: Loss, Share: 2}} },
		"act":      func(s *Schedule) { s.Workload = []Write{{Node: 1, Do: "sing"}} },
		"burst":    func(s *Schedule) { s.Workload = []Write{{Node: 1, Do: send, Count: burstMax + 1}} },
		"message":  func(s *Schedule) { s.Workload = []Write{{Node: 1, Do: send, Len: 5 << 20}} },
		"retire":   func(s *Schedule) { s.Workload = []Write{{Node: 1, Do: retire}} },
		"leftover": func(s *Schedule) { s.Leftovers = []Leftover{{Node: 1, As: "sad"}} },
		"core":     func(s *Schedule) { s.Leftovers = []Leftover{{1, "cut"}, {2, "cut"}, {3, "cut"}} },
	} {
		s := &Schedule{Nodes: 3, Seeds: 1, Preset: "LAN"}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		change(s)
		if _, err := Run(s, Options{}); !errors.Is(err, ErrSchedule) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// The luck of a packet inside a fault does not depend on other faults, or
// leaving one out would change the run that the others made.
func TestFaultsDoNotShareLuck(t *testing.T) {
	s := &Schedule{Seed: 7, Nodes: 4, Seeds: 1, Preset: "LAN", Horizon: Duration(time.Minute), Faults: []Fault{
		{ID: 5, At: Duration(5 * time.Second), Op: Loss, Share: 0.5, For: Duration(30 * time.Second)},
	}}
	alone, err := Run(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Faults = slices.Insert(s.Faults, 0, Fault{ID: 4, At: Duration(time.Second), Op: Loss, For: Duration(50 * time.Second)})
	both, err := Run(s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if alone.Hash != both.Hash {
		t.Error("a fault that does nothing changed what another one did")
	}
}

// A schedule that fails for one reason among many is left with that reason. The
// stand-in for a run fails if node 2 crashes while it is cut from node 3.
func TestShrinkLeavesWhatMatters(t *testing.T) {
	fails := func(s *Schedule) *Result {
		var crash, cut bool
		for i := range s.Faults {
			f := &s.Faults[i]
			crash = crash || f.Op == Crash && f.Node == 2
			cut = cut || f.Op == Cut && slices.Contains(f.From, 2) && slices.Contains(f.To, 1)
		}
		r := &Result{}
		if crash && cut {
			r.Violation = &check.Violation{Invariant: check.L1, What: "stand-in"}
		}
		return r
	}
	s := Draw(3, Limits{Nodes: 10})
	s.Nodes = max(s.Nodes, 5)
	s.Faults = append(s.Faults, Fault{ID: 900, Op: Crash, Node: 2}, Fault{ID: 901, Op: Cut, From: []int{2, 4}, To: []int{1, 3, 5}})
	small, result, runs := Shrink(context.Background(), s, fails(s), Shrinking{run: fails})
	if small.Size() != 2 || small.Nodes != 2 || len(small.Buggify) > 0 || len(small.Faults) != 2 || result.Violation == nil {
		t.Errorf("%d runs left %s", runs, small.Encode())
	}
	if err := small.Validate(); err != nil {
		t.Error(err)
	}
	tired, _, runs := Shrink(context.Background(), s, fails(s), Shrinking{run: fails, Runs: 5})
	if runs > 5 || tired.Size() < small.Size() {
		t.Errorf("%d runs, at most 5", runs)
	}
}

func TestTaleTellsTheEnd(t *testing.T) {
	tale := &Tale{Keep: 50}
	s := &Schedule{Seed: 7, Nodes: 3, Seeds: 1, Preset: "LAN", Horizon: Duration(30 * time.Second), Faults: []Fault{
		{ID: 1, At: Duration(5 * time.Second), Op: Crash, Node: 2, For: Duration(10 * time.Second)},
	}}
	if _, err := Run(s, Options{Watch: tale}); err != nil {
		t.Fatal(err)
	}
	lines, before := tale.Lines()
	if text := strings.Join(lines, "\n"); len(lines) != 50 || before == 0 || !strings.Contains(text, "n1 -> n2: ping seq=") {
		t.Errorf("%d lines before\n%s", before, text)
	}
	whole := &Tale{Keep: 100_000, Events: true}
	if _, err := Run(s, Options{Watch: whole}); err != nil {
		t.Fatal(err)
	}
	lines, _ = whole.Lines()
	text := strings.Join(lines, "\n")
	for _, want := range []string{"*** fault 1: crash n2 for 10s", "n2 ends", "n2 starts in epoch 2", "member-joined n2 alive 1.0", "*** the core agrees"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tale does not say %q", want)
		}
	}
}

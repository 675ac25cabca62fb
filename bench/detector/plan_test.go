package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
)

func TestAPlanTakesTurns(t *testing.T) {
	p, err := parse([]string{"-rows", "loss,freeze", "-nodes", "8,16", "-trials", "2", "-seed", "9"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	jobs := p.jobs()
	if want := 3*2*2*2 + 5*2*2; len(jobs) != want {
		t.Fatalf("%d jobs, want %d", len(jobs), want)
	}
	if jobs[0].System != sysMemberlist || jobs[1].System != sysHearsay || jobs[0].seed() != jobs[1].seed() {
		t.Errorf("the first two do not meet the same faults: %v, %v", jobs[0], jobs[1])
	}
	seeds := make(map[uint64]bool)
	for _, j := range jobs {
		seeds[j.seed()] = true
	}
	if want := 3*2*2 + 5*2*2; len(seeds) != want {
		t.Errorf("%d random seeds, want %d", len(seeds), want)
	}
}

func TestQuickIsLess(t *testing.T) {
	full, err := parse(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	quick, err := parse([]string{"-quick"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := len(full.jobs()), len(quick.jobs()); a < 10*b {
		t.Errorf("%d trials, quick %d", a, b)
	}
	for _, r := range quick.rows {
		if s := quick.size(r); s.trials < 1 || len(s.nodes) == 0 {
			t.Errorf("%s has nothing to do", r.name)
		}
	}
}

// All of the twelve runs belong to one figure.
func TestTrialsOfIntervalGoThroughAllRuns(t *testing.T) {
	r, _ := rowOf("interval")
	if labels := r.labels(); len(labels) != 1 {
		t.Errorf("labels %q", labels)
	}
	seen := make(map[variant]bool)
	for trial := range 12 {
		seen[r.variant("", trial)] = true
	}
	if len(seen) != 12 || r.variant("", 12) != r.variant("", 0) {
		t.Errorf("%d of 12 runs", len(seen))
	}
}

func TestErrorsComeTogether(t *testing.T) {
	_, err := parse([]string{"-rows", "crash,smash", "-systems", "serf", "-nodes", "two", "-trials", "-1", "more"}, io.Discard)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`row "smash"`, `system "serf"`, `number "two"`, "-1 trials", `argument "more"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
	if _, err := parse([]string{"-nodes", "3"}, io.Discard); !errors.Is(err, errJob) || strings.Count(err.Error(), "\n") != 0 {
		t.Errorf("3 nodes: %v", err)
	}
	if _, err := parse([]string{"-child", "{"}, io.Discard); err == nil {
		t.Error("half a job accepted")
	}
}

func TestHelpListsRows(t *testing.T) {
	var out bytes.Buffer
	if _, err := parse([]string{"-help"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, name := range rowNames() {
		if !strings.Contains(out.String(), "\n  "+name) {
			t.Errorf("no row %s in\n%s", name, out.String())
		}
	}
}

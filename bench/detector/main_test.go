package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What a child can be told to do wrong.
const (
	failing = "fail in a bubble"
	leaking = "leave a goroutine behind"
)

// TestMain lets the test binary stand in for the program that starts children.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch {
		case strings.HasPrefix(os.Args[1], "-child="):
			os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
		case os.Args[1] == failing:
			inBubble(func(t *testing.T) { t.Fatal("as asked") })
		case os.Args[1] == leaking:
			inBubble(func(*testing.T) { go func() { select {} }() })
		}
	}
	os.Exit(m.Run())
}

func TestOneCommandMeasuresBoth(t *testing.T) {
	var stdout, stderr bytes.Buffer
	args := []string{"-rows", "storm,freeze", "-nodes", "6", "-trials", "2", "-json"}
	if code := run(t.Context(), args, &stdout, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if want := 2*2 + 2*5; len(r.Trials) != want { // freeze has 5 variants, of hearsay only
		t.Errorf("%d trials, want %d", len(r.Trials), want)
	}
	for _, l := range r.Table {
		s := l.Systems[sysHearsay]
		if s.Values == 0 {
			t.Errorf("%s %s: no %s of hearsay", l.Row, l.Label, l.Name)
		}
		if _, there := l.Systems[sysMemberlist]; there != (l.Row == "storm") {
			t.Errorf("%s %s: %s of memberlist is there: %v", l.Row, l.Label, l.Name, there)
		}
		if l.Row == "storm" && l.Name == "full views" && (s.Never > 0 || l.Systems[sysMemberlist].Never > 0) {
			t.Errorf("a storm of 6 does not end: %+v", l.Systems)
		}
	}
	if !strings.Contains(stderr.String(), "14 trials took") {
		t.Errorf("progress: %s", stderr.String())
	}
}

func TestAFailedTrialFailsTheCommand(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{`-child={"row":"freeze","variant":"1s","nodes":6,"system":"memberlist"}`}, &stdout, &stderr)
	if code != exitUsage || stdout.Len() > 0 || !strings.Contains(stderr.String(), "cannot be frozen") {
		t.Errorf("exit code %d, %s, %s", code, stdout.String(), stderr.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stderr.Reset()
	if code := run(ctx, []string{"-rows", "storm", "-nodes", "6", "-trials", "1"}, &stdout, &stderr); code != exitFailed || stdout.Len() > 0 {
		t.Errorf("exit code %d after an interrupt: %s", code, stdout.String())
	}
}

// A trial that fails, or leaves a goroutine of memberlist behind, fails its
// process, says why, and prints no figures.
func TestAFailedBubbleFailsItsProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{failing: "as asked", leaking: "blocked goroutines remain"} {
		var stdout, stderr bytes.Buffer
		child := exec.CommandContext(t.Context(), self, what)
		child.Stdout, child.Stderr = &stdout, &stderr
		var exit *exec.ExitError
		if err := child.Run(); !errors.As(err, &exit) || exit.ExitCode() <= 0 {
			t.Errorf("%s: %v", what, err)
		}
		if stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: %s, and %s", what, stdout.String(), stderr.String())
		}
	}
}

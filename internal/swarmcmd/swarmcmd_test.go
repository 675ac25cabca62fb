package swarmcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/clitest"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/sim/check"
	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

// command runs a command line and returns what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return runCommand(t.Context(), args...)
}

func runCommand(ctx context.Context, args ...string) (string, error) {
	var cli struct {
		Swarm  Swarm  `cmd:""`
		Replay Replay `cmd:""`
	}
	return clitest.Run(ctx, &cli, args...)
}

func TestSwarmPrintsWhatItDid(t *testing.T) {
	dir := t.TempDir()
	hashes := filepath.Join(dir, "hashes")
	args := []string{"swarm", "--seed=7", "--runs=6", "--nodes=8", "--horizon=2m", "--twice=3", "--out", dir, "--hashes", hashes}
	text, err := command(t, append(args, "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Runs != 6 || r.Twice != 2 || r.Seed != 7 || len(r.Failures) != 0 || r.Checks["M1"] == 0 || r.NodeHours <= 0 {
		t.Errorf("%+v", r)
	}
	first, err := os.ReadFile(hashes)
	if err != nil || bytes.Count(first, []byte("\n")) != 6 {
		t.Fatalf("%s, %v", first, err)
	}
	text, err = command(t, append(args, "--workers=1")...)
	if err != nil || !strings.Contains(text, "seed 0x7  runs 6") {
		t.Errorf("%s, %v", text, err)
	}
	if second, err := os.ReadFile(hashes); err != nil || !bytes.Equal(first, second) {
		t.Errorf("hashes are\n%swant\n%s, %v", second, first, err)
	}
}

func TestReplayPrintsTheConversation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.json")
	s := swarm.Draw(3, swarm.Limits{Nodes: 5})
	s.Found = &swarm.Found{Invariant: "L1", What: "was found"}
	if err := os.WriteFile(file, s.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := command(t, "replay", file, "--lines=10")
	if err != nil || strings.Count(text, "ping seq=") == 0 || !strings.Contains(text, "no violation; when the file was written: L1  was found") {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := command(t, "replay", file, "--lines=0"); err != nil || strings.Contains(text, "ping") {
		t.Errorf("%s, %v", text, err)
	}
	if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "replay", file); !errors.Is(err, swarm.ErrSchedule) {
		t.Errorf("error %v", err)
	}
}

// Each message names the flag, its value and what is allowed, before anything runs.
func TestNonsenseIsRefusedWithAClearError(t *testing.T) {
	clitest.Refused(t, map[string]string{
		"swarm --seed=moon":                       "--seed moon: want a number, commit or random",
		"swarm --runs=-1":                         "--runs out of range: -1, want 0 or more",
		"swarm --nodes=1":                         "--nodes out of range: 1, want 0, or 2 to 300",
		"swarm --nodes=100000":                    "--nodes out of range: 100000, want 0, or 2 to 300",
		"swarm --for=0s":                          "--for out of range: 0s, want more than 0s",
		"swarm --horizon=25h":                     "--horizon out of range: 25h0m0s, want 0s to 24h0m0s",
		"swarm --shrink=-1s":                      "--shrink out of range: -1s, want 0s or more",
		"swarm --workers=-1":                      "--workers out of range: -1, want 0 to 1024",
		"swarm --twice=-1":                        "--twice out of range: -1, want 0 or more",
		"swarm --fails=0":                         "--fails out of range: 0, want 1 or more",
		"swarm --nodes=1 --fails=0":               "--nodes out of range: 1, want 0, or 2 to 300\n--fails out of range: 0",
		"swarm --hashes missing/x":                "--hashes: no file to write: missing/x: there is no folder missing",
		"swarm --out missing":                     "--out",
		"replay missing.json":                     "missing.json",
		"replay testdata/clean.golden":            "testdata/clean.golden:1:1: invalid character 's'",
		"replay --lines=-1 testdata/clean.golden": "--lines out of range: -1, want 0 or more",
	}, runCommand)
}

func TestSeedsAreRead(t *testing.T) {
	for _, seed := range []string{"commit", "random", "0x10", "16"} {
		if _, err := seedOf(seed); err != nil {
			t.Error(err)
		}
	}
}

// Whoever interrupts a swarm sees what it found until then, and that it failed if
// it did; of the machinery that ends it there is no word.
func TestInterruptedSwarmSaysWhatItFound(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := runCommand(ctx, "swarm", "--seed=7")
	if !errors.Is(err, meter.ErrInterrupted) || err.Error() != "interrupted before the first run was done, which proves nothing" || !strings.Contains(out, "runs 0") {
		t.Errorf("%v\n%s", err, out)
	}
	dir := t.TempDir()
	s := &Swarm{Out: dir, Shrink: time.Hour}
	schedule := swarm.Draw(3, swarm.Limits{Nodes: 5})
	result := &swarm.Result{Violation: &check.Violation{Invariant: check.L1, Node: 1, What: "a test"}}
	f, err := s.keep(ctx, io.Discard, swarm.Outcome{Schedule: schedule, Result: result})
	if err != nil || f.Before != f.After || f.Found.What != "a test" {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, err := load(f.File); err != nil {
		t.Errorf("what was kept cannot be read: %v", err)
	}
	r := &report{Runs: 3, Failures: []failure{f}}
	err = errors.Join(s.verdict(r), interrupted(ctx, r))
	if want := "swarm failed: 1 of 3 runs\ninterrupted after 3 runs; what failed may not be as small as it could be"; err.Error() != want || !errors.Is(err, ErrFailed) {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := interrupted(ctx, &report{Runs: 3}); err.Error() != "interrupted after 3 runs, which prove nothing about the others" {
		t.Error(err)
	}
	if err := interrupted(t.Context(), r); err != nil {
		t.Error(err)
	}
}

func TestInterruptedReplaySaysWhen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "s.json")
	if err := os.WriteFile(file, swarm.Draw(3, swarm.Limits{Nodes: 5}).Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runCommand(ctx, "replay", file); !errors.Is(err, meter.ErrInterrupted) || !strings.HasSuffix(err.Error(), "of the schedule") {
		t.Errorf("error %v", err)
	}
}

func TestProgressCountsRunsAndTimeLeft(t *testing.T) {
	p := &pace{limit: time.Minute}
	for _, tt := range []struct {
		runs, done int
		passed     time.Duration
		parts      int64
		note       string
	}{
		{0, 0, 0, 0, "0 runs, 1m0s left"},
		{0, 1, 15 * time.Second, 250, "1 run, 45s left"},
		{0, 40, 61 * time.Second, 999, "40 runs, 0s left"},
		{100, 80, 12 * time.Second, 800, "80 of 100 runs, 3s left"},
		{100, 10, 30 * time.Second, 500, "10 of 100 runs, 30s left"},
	} {
		p.runs = tt.runs
		p.done.Store(int64(tt.done))
		if parts, note := p.after(tt.passed); parts != tt.parts || note != tt.note {
			t.Errorf("%+v: %d, %s", tt, parts, note)
		}
	}
	r := &reach{limit: 10 * time.Minute}
	r.step(137, 12)
	if parts, note := r.after(time.Minute); parts != 100 || note != "137 tried, 12 events, 9m0s left" {
		t.Errorf("%d, %s", parts, note)
	}
}

package swarmcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

// command runs a command line and returns what it printed.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var cli struct {
		Swarm  Swarm  `cmd:""`
		Replay Replay `cmd:""`
	}
	var stdout, stderr bytes.Buffer
	parser, err := kong.New(&cli, kong.Writers(&stdout, &stderr), kong.BindTo(t.Context(), (*context.Context)(nil)))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return stdout.String(), err
	}
	err = parsed.Run(parser)
	return stdout.String(), err
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

func TestFlagsAreChecked(t *testing.T) {
	for _, flag := range []string{"--seed=moon", "--runs=-1", "--nodes=1", "--nodes=900", "--for=0s", "--shrink=-1s", "--workers=-1", "--fails=0"} {
		if _, err := command(t, "swarm", flag); err == nil {
			t.Errorf("%s is taken", flag)
		}
	}
	for _, seed := range []string{"commit", "random", "0x10", "16"} {
		if _, err := seedOf(seed); err != nil {
			t.Error(err)
		}
	}
}

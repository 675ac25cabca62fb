package swarmcmd

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/sim/mutants"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files: after a change of the protocol, or of what is printed")

// What a swarm prints of a clean build; and of one that never refutes: the
// failure, the conversation that leads to it, and that the mended protocol has it
// no more.
func TestGoldens(t *testing.T) {
	dir := t.TempDir()
	broken := victim(t, dir, "never-refute")
	found := filepath.Join(dir, "L1-1.json")
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, args ...string) (string, error)
		args []string
		err  string
	}{
		{"clean", command, []string{"swarm", "--seed=7", "--runs=6", "--nodes=8", "--horizon=2m", "--twice=3", "--workers=1", "--out", dir}, ""},
		{"failing", broken, []string{"swarm", "--seed=1", "--runs=3", "--nodes=8", "--workers=1", "--out", dir}, "exit status 1"},
		{"replay", broken, []string{"replay", found, "--lines=25"}, "exit status 1"},
		{"replay-events", broken, []string{"replay", found, "--lines=12", "--events"}, "exit status 1"},
		{"mended", command, []string{"replay", found, "--lines=6"}, ""},
	} {
		text, err := tt.run(t, tt.args...)
		if said := message(err); said != tt.err {
			t.Errorf("%s: error %q, want %q", tt.name, said, tt.err)
		}
		golden(t, tt.name, dir, text)
	}
}

// The help shows what each flag is without it.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	for _, name := range []string{"swarm", "replay"} {
		text, err := command(t, name, "--help")
		if err != nil {
			t.Error(err)
		}
		golden(t, name+"-help", t.TempDir(), text)
	}
}

// The errors of files that are no schedules say where, in words of the format.
func TestReplayErrors(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, text string }{
		{"cut-off", "{\n \"nodes\": 3,"},
		{"mistyped", "{\n \"nodes\": \"many\"\n}"},
		{"unknown", "{\n \"nodes\": 3,\n \"moon\": 1\n}"},
		{"senseless", `{"nodes": 3, "seeds": 4, "preset": "MOON", "faults": [{"id": 1, "op": "crash", "node": 9, "for": "1s"}]}`},
		{"empty", `{}`},
		{"out-of-range", `{"nodes": 3, "seeds": 1, "preset": "LAN", "network": {"loss": 7, "jitter": "-1s"}, "spread": "-2s", "faults": [{"id": 1, "op": "explode"}]}`},
	} {
		file := filepath.Join(dir, "bad.json")
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := command(t, "replay", file)
		var usage *kong.ParseError
		if !errors.As(err, &usage) {
			t.Errorf("%s: error %v is none of usage", tt.name, err)
		}
		if text != "" {
			t.Errorf("%s: it prints %s", tt.name, text)
		}
		golden(t, "error-"+tt.name, dir, message(err)+"\n")
	}
}

// victim builds a mutant, and returns what runs a command line on it.
func victim(t *testing.T, dir, name string) func(*testing.T, ...string) (string, error) {
	t.Helper()
	all, err := mutants.All()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(m mutants.Mutant) bool { return m.Name == name })
	root, err := mutants.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := all[i].Build(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return func(_ *testing.T, args ...string) (string, error) {
		text, err := exec.Command(binary, args...).Output()
		return string(text), err
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// vary is what differs between builds and machines: the commit and the time.
var vary = regexp.MustCompile(`commit (?:unknown|[0-9a-f]{12})\b|in \d+\.\d s `)

func golden(t *testing.T, name, dir, text string) {
	t.Helper()
	got := vary.ReplaceAllStringFunc(strings.ReplaceAll(text, dir, "DIR"), func(found string) string {
		first, _, _ := strings.Cut(found, " ")
		return map[string]string{"commit": "commit COMMIT", "in": "in TIME "}[first]
	})
	file := filepath.Join("testdata", name+".golden")
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s(go test ./internal/swarmcmd -rewrite, if the protocol changed)", name, got, want)
	}
}

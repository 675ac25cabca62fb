package simcmd

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/picture"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

var update = flag.Bool("update", false, "rewrite the golden files: after a change of the protocol, or of what is printed")

// exited is what the parser's exit panics with, after help.
type exited struct{}

// run parses and runs a command line in process.
func run(ctx context.Context, args ...string) (stdout string, err error) {
	var cli struct {
		Cluster Cluster `cmd:"" help:"Run many nodes in virtual time."`
		Plan    Plan    `cmd:"" help:"What to expect of a cluster."`
	}
	var out, errOut bytes.Buffer
	defer func() {
		switch caught := recover().(type) {
		case nil:
		case exited:
			stdout = out.String()
		default:
			panic(caught)
		}
	}()
	app, err := kong.New(&cli, kong.Name("hearsay"), kong.Writers(&out, &errOut), kong.Exit(func(int) { panic(exited{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return "", err
	}
	parsed, err := app.Parse(args)
	if err != nil {
		return out.String(), err
	}
	err = parsed.Run()
	if errOut.Len() > 0 {
		return out.String(), errors.Join(err, errors.New("written to standard error in a pipe: "+errOut.String()))
	}
	return out.String(), err
}

// memory is the one figure that a machine decides.
var memory = regexp.MustCompile(`about [\d.,]+|("memory_per_node_bytes": \{\s+"mean": )[\d.]+`)

func TestOutputIsGolden(t *testing.T) {
	cases := map[string]string{
		"crash":           "cluster crash --nodes 8",
		"crash-seeds":     "cluster --scenario crash --nodes 8 --seeds 3",
		"crash-csv":       "cluster crash --nodes 8 --seeds 2 --csv",
		"broadcast":       "cluster broadcast --nodes 16 --dead 12.5% --loss 5% --profile wan",
		"broadcast-json":  "cluster broadcast --nodes 16 --latency 1ms --jitter 0s --json",
		"broadcast-seeds": "cluster broadcast --nodes 16 --seeds 2 --json",
		"partition":       "cluster partition --nodes 8 --seed 7",
		"idle":            "cluster --nodes 8 --for 10m",
		"list":            "cluster --list",
		"show":            "cluster --show crash",
		"plan":            "plan --nodes 16 --seeds 3 --loss 2%",
		"plan-json":       "plan --nodes 8 --seeds 2 --profile local --json",
		"cluster-help":    "cluster --help",
		"plan-help":       "plan --help",
	}
	for name, line := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("COLUMNS", "100")
			got, err := run(t.Context(), strings.Fields(line)...)
			if err != nil {
				t.Fatal(err)
			}
			got = memory.ReplaceAllString(got, "${1}MEMORY")
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("hearsay sim %s\ngot:\n%s\nwant:\n%s(go test ./internal/simcmd -update, if the protocol changed)", line, got, want)
			}
		})
	}
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil || len(files) != len(cases) {
		t.Errorf("%d golden files for %d command lines, %v", len(files), len(cases), err)
	}
}

// script writes a scenario to a file.
func script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "my.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestNonsenseIsRefusedWithAClearError(t *testing.T) {
	bad := script(t, "at 1s explode 3\n")
	far := script(t, "at 1s kill 30\n")
	cases := map[string]error{
		"cluster crush":                        scenario.ErrUnknown,
		"cluster --show crush":                 scenario.ErrUnknown,
		"cluster no/such/file":                 os.ErrNotExist,
		"cluster crash --scenario idle":        ErrTwoNames,
		"cluster --nodes 0":                    scenario.ErrNodes,
		"cluster --nodes=-5":                   scenario.ErrNodes,
		"cluster --nodes 100000":               scenario.ErrNodes,
		"cluster --loss 150%":                  scenario.ErrShare,
		"cluster --loss some":                  scenario.ErrShare,
		"cluster --dead 100%":                  ErrDead,
		"cluster --dead 2":                     scenario.ErrShare,
		"cluster --seeds 0":                    ErrSeeds,
		"cluster --seeds 1000000":              ErrSeeds,
		"cluster --latency=-1ms":               ErrTime,
		"cluster --jitter 1h":                  ErrTime,
		"cluster --for=-1s":                    ErrTime,
		"cluster --profile moon":               scenario.ErrProfile,
		"cluster --plot x.gif":                 picture.ErrFormat,
		"cluster --trace x.jsonl --seeds 2":    ErrTrace,
		"cluster " + bad:                       scenario.ErrScript,
		"cluster --nodes 20 --scenario " + far: scenario.ErrScript,
		"plan --nodes 1":                       scenario.ErrNodes,
		"plan --nodes 1000000":                 scenario.ErrNodes,
		"plan --seeds 1":                       ErrSeeds,
		"plan --loss 2":                        scenario.ErrShare,
	}
	for line, want := range cases {
		out, err := run(t.Context(), strings.Fields(line)...)
		var usage *kong.ParseError
		if !errors.Is(err, want) || !errors.As(err, &usage) || out != "" {
			t.Errorf("sim %s: error %v, want %v as an error of usage", line, err, want)
		}
	}
	if _, err := run(t.Context(), "cluster", bad); err == nil || !strings.Contains(err.Error(), `my.txt:1:7: unknown word "explode"`) {
		t.Errorf("error %v does not name the place", err)
	}
}

func TestFailedExpectationPrintsTheReportAndFails(t *testing.T) {
	file := script(t, "nodes 4\nat 1s kill 2\nthen expect converged within 2s\n")
	out, err := run(t.Context(), "cluster", file)
	if !errors.Is(err, scenario.ErrExpectation) || !strings.Contains(err.Error(), "node 2 is ") {
		t.Errorf("error %v", err)
	}
	var usage *kong.ParseError
	if errors.As(err, &usage) {
		t.Error("it is reported as an error of usage")
	}
	if !strings.Contains(out, "kill 2") || !strings.Contains(out, "all views right at the end") {
		t.Errorf("no report:\n%s", out)
	}
}

// spread is a figure over many seeds.
type spread struct{ Min, P50, P99, Max *float64 }

func TestJSONHoldsWhatScriptsNeed(t *testing.T) {
	out, err := run(t.Context(), strings.Fields("cluster broadcast --nodes 32 --seeds 5 --json --dead 6.25% --latency 2ms")...)
	if err != nil {
		t.Fatal(err)
	}
	var many struct {
		Nodes, Seed, Seeds int
		Scenario           string
		Converged          bool
		Latency            float64 `json:"latency_ms"`
		Loss, Dead         float64
		TraceHash          string `json:"trace_hash"`
		Live, Reached      spread
		T50                spread `json:"t50_ms"`
		T100               spread `json:"t100_ms"`
		Packets            spread `json:"packets_per_node_s"`
		FalsePositives     spread `json:"false_positives"`
		Copies             spread `json:"copies_per_node"`
		Payload            spread `json:"payload_bytes_per_node"`
		Control            spread `json:"control_bytes_per_node"`
		Egress             spread `json:"max_egress_bytes"`
		Converge           spread `json:"converge_s"`
		Checks             map[string]uint64
	}
	if err := json.Unmarshal([]byte(out), &many); err != nil {
		t.Fatal(err)
	}
	if many.Nodes != 32 || many.Seed != 1 || many.Seeds != 5 || many.Scenario != "broadcast" || many.Latency != 2 || many.Dead != .0625 || len(many.TraceHash) != 16 {
		t.Errorf("settings are wrong:\n%s", out)
	}
	for name, s := range map[string]spread{
		"live": many.Live, "reached": many.Reached, "t50": many.T50, "t100": many.T100, "packets": many.Packets, "false positives": many.FalsePositives,
		"copies": many.Copies, "payload": many.Payload, "control": many.Control, "egress": many.Egress, "converge": many.Converge,
	} {
		if s.Min == nil || s.Max == nil || s.P50 == nil || s.P99 == nil || *s.Min > *s.P50 || *s.P50 > *s.P99 || *s.P99 > *s.Max {
			t.Errorf("%s is not a spread: %+v", name, s)
		}
	}
	if *many.Live.Min != 30 || *many.Live.Max != 30 || *many.Reached.Min != 30 || *many.T50.Min < 2 || many.Checks["M1"] == 0 {
		t.Errorf("figures are wrong:\n%s", out)
	}
	out, err = run(t.Context(), strings.Fields("cluster crash --nodes 16 --json")...)
	if err != nil {
		t.Fatal(err)
	}
	var one struct {
		Converged bool
		Converge  *float64 `json:"converge_s"`
		First     *float64 `json:"detect_first_s"`
		All       *float64 `json:"detect_all_s"`
		T50       any      `json:"t50_ms"`
	}
	if err := json.Unmarshal([]byte(out), &one); err != nil {
		t.Fatal(err)
	}
	if !one.Converged || one.First == nil || one.All == nil || one.Converge == nil || *one.First > *one.All || one.T50 != nil {
		t.Errorf("figures are wrong:\n%s", out)
	}
}

// A seed that never got there counts as the slowest, and is null.
func TestWhatDidNotHappenIsTheWorst(t *testing.T) {
	file := script(t, "nodes 8\nat 1s kill 2\nat 6700ms end\n")
	out, err := run(t.Context(), "cluster", file, "--seeds", "20", "--csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 21 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	right := 0
	for _, row := range rows[1:] {
		if row[3] == "true" {
			right++
		}
	}
	if right == 0 || right == 20 {
		t.Fatalf("%d of 20 converged: the case is not what it should be", right)
	}
	out, err = run(t.Context(), "cluster", file, "--seeds", "20", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Converged bool
		Converge  spread `json:"converge_s"`
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Converged || doc.Converge.Min == nil || doc.Converge.Max != nil {
		t.Errorf("%+v", doc)
	}
}

func TestSameOutputOnOneProcessorAndOnTwo(t *testing.T) {
	line := strings.Fields("cluster uniform-loss --nodes 12 --seeds 4 --json")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one, err := run(t.Context(), line...)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GOMAXPROCS(2)
	two, err := run(t.Context(), line...)
	if err != nil || one != two {
		t.Errorf("outputs differ, error %v", err)
	}
}

func TestTraceIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out.jsonl")
	if _, err := run(t.Context(), "cluster", "crash", "--nodes", "4", "--trace", file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || bytes.Count(data, []byte("\n")) < 100 || !bytes.Contains(data, []byte(`"kind":"member-died"`)) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if _, err := run(t.Context(), "cluster", "crash", "--trace", filepath.Join(file, "x")); err == nil {
		t.Error("a trace into a file that is no folder succeeded")
	}
}

func TestPicturesAreDrawn(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		line  string
		texts []string
	}{
		"crash":     {"cluster crash --nodes 12", []string{"Who was right about whom, and when", "node", "time (s)", "kill", "is down", "misses that one is gone"}},
		"broadcast": {"cluster broadcast --nodes 12 --seeds 2", []string{"time (ms)", "learns a write", "and knows the write", "random seed 1"}},
		"large":     {"cluster join --nodes 250 --for 11m", []string{"lacks one that runs", "start 1..250 over 5s"}},
		"idle":      {"cluster idle --nodes 3", []string{"right about all others"}},
	} {
		for _, ext := range []string{".svg", ".png"} {
			file := filepath.Join(dir, name+ext)
			if _, err := run(t.Context(), append(strings.Fields(c.line), "--plot", file)...); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil || len(data) < 1000 {
				t.Fatalf("%s: %d bytes, %v", file, len(data), err)
			}
			for _, text := range c.texts {
				if ext == ".svg" && !bytes.Contains(data, []byte(text)) {
					t.Errorf("%s does not say %q", name, text)
				}
			}
		}
	}
	if _, err := run(t.Context(), "cluster", "idle", "--nodes", "2", "--plot", filepath.Join(dir, "missing", "x.png")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestInterruptSaysWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, line := range []string{"cluster --nodes 8", "cluster --nodes 8 --seeds 3", "plan --nodes 8"} {
		if _, err := run(ctx, strings.Fields(line)...); !errors.Is(err, ErrInterrupted) {
			t.Errorf("%s: error %v, want %v", line, err, ErrInterrupted)
		}
	}
}

// Golden values: the tables of memberlist's constants at n = 32, 100, 1000.
func TestFormulasOfMemberlist(t *testing.T) {
	lan := memberlistOf(scenario.LAN)
	for _, tt := range []struct {
		n             int
		least, most   time.Duration
		copies        int
		pushPull      time.Duration
		t50, t99, all float64
	}{
		{100, 8 * time.Second, 48 * time.Second, 12, 90 * time.Second, 306, 613, 691},
		{300, 9908 * time.Millisecond, 59451 * time.Millisecond, 12, 150 * time.Second, 380, 686, 837},
		{1000, 12 * time.Second, 72 * time.Second, 16, 180 * time.Second, 460, 767, 998},
	} {
		least, most := lan.suspicionBounds(tt.n)
		si := lan.spread(tt.n, 0)
		if (least-tt.least).Abs() > time.Millisecond || (most-tt.most).Abs() > time.Millisecond || lan.copies(tt.n) != tt.copies || lan.pushPullPeriod(tt.n) != tt.pushPull {
			t.Errorf("n = %d: suspicion %v to %v, %d copies, push/pull %v", tt.n, least, most, lan.copies(tt.n), lan.pushPullPeriod(tt.n))
		}
		if math.Abs(si.t50-tt.t50) > 1 || math.Abs(si.t99-tt.t99) > 1 || math.Abs(si.all-tt.all) > 1 {
			t.Errorf("n = %d: %+v, want %v, %v, %v", tt.n, si, tt.t50, tt.t99, tt.all)
		}
	}
	if si := memberlistOf(scenario.WAN).spread(32, 0); math.Abs(si.t50-429) > 1 || math.Abs(si.t99-1004) > 1 || math.Abs(si.all-1011) > 1 {
		t.Errorf("WAN, n = 32: %+v", si)
	}
	if slow, quick := lan.spread(100, .5), lan.spread(100, 0); slow.t50 != 2*quick.t50 {
		t.Errorf("half the packets lost: %v ms, without loss %v", slow.t50, quick.t50)
	}
}

func TestConfidenceIntervals(t *testing.T) {
	mean, margin := confidence([]float64{1, 2, 3, 4, 5})
	if mean != 3 || math.Abs(margin-1.9632) > .001 { // 2.776·√(2.5/5)
		t.Errorf("%v ± %v", mean, margin)
	}
	if _, margin := confidence([]float64{7}); !math.IsNaN(margin) {
		t.Errorf("one value has a margin of %v", margin)
	}
	for freedom, want := range map[int]float64{1: 12.706, 30: 2.042, 31: 2.040, 60: 2.000, 120: 1.980} {
		if got := student(freedom); math.Abs(got-want) > .002 {
			t.Errorf("student(%d) = %v, want %v", freedom, got, want)
		}
	}
}

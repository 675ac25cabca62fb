package simcmd

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/clitest"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// run parses and runs a command line in process.
func run(ctx context.Context, args ...string) (stdout string, err error) {
	var cli struct {
		Cluster Cluster `cmd:"" help:"Run many nodes in virtual time."`
		Plan    Plan    `cmd:"" help:"What to expect of a cluster."`
	}
	return clitest.Run(ctx, &cli, args...)
}

// memory is the one figure that a machine decides.
var memory = regexp.MustCompile(`(in a node \(KiB\) +)[\d.,]+ ± [\d.]+|("memory_per_node_bytes": \{\s+"mean": )[\d.]+,\s+"margin_95": [\d.]+`)

func TestOutputIsGolden(t *testing.T) {
	clitest.Golden(t, map[string]string{
		"crash":           "cluster crash --nodes 8",
		"crash-seeds":     "cluster --scenario crash --nodes 8 --seeds 3",
		"crash-csv":       "cluster crash --nodes 8 --seeds 2 --csv",
		"broadcast":       "cluster broadcast --nodes 16 --dead 12.5% --loss 5% --profile wan",
		"broadcast-json":  "cluster broadcast --nodes 16 --latency 1ms --jitter 0s --json",
		"broadcast-seeds": "cluster broadcast --nodes 16 --seeds 2 --json",
		"broadcast-cost":  "cluster broadcast --nodes 48 --latency 500us --jitter 0s --cost 20us",
		"broadcast-flood": "cluster broadcast-flood --nodes 16",
		"write":           "cluster write --nodes 16 --seeds 2",
		"partition":       "cluster partition --nodes 8 --seed 7",
		"idle":            "cluster --nodes 8 --for 10m",
		"alone":           "cluster --nodes 1",
		"list":            "cluster --list",
		"show":            "cluster --show crash",
		"plan":            "plan --nodes 16 --seeds 4 --loss 2%",
		"plan-json":       "plan --nodes 8 --seeds 2 --profile local --json",
		"cluster-help":    "cluster --help",
		"plan-help":       "plan --help",
	}, run, func(out string) string { return memory.ReplaceAllString(out, "${1}${2}MEMORY") })
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
	clitest.Refused(t, map[string]string{
		"cluster crush":                        `unknown scenario "crush"; did you mean "crash"? (a file is named with a dot or a slash)`,
		"cluster --show crush":                 `--show: unknown scenario "crush"; did you mean "crash"?`,
		"cluster no/such/file":                 "no/such/file",
		"cluster ./testdata":                   "is a directory",
		"cluster crash --scenario idle":        "two scenarios are named: crash and idle",
		"cluster crash idle":                   "unexpected argument idle",
		"cluster --nodes 0":                    "--nodes out of range: 0, want 1 to 4000",
		"cluster --nodes=-5":                   "--nodes out of range: -5, want 1 to 4000",
		"cluster --nodes 100000":               "--nodes out of range: 100000, want 1 to 4000",
		"cluster --nodes some":                 `--nodes: expected a valid 64 bit int but got "some"`,
		"cluster --loss 150%":                  "--loss out of range: 150%, want 0% up to, not including, 100%",
		"cluster --loss 100%":                  "--loss out of range: 100%",
		"cluster --loss=-1":                    "--loss out of range: -100%",
		"cluster --loss some":                  `--loss: "some" is not a share`,
		"cluster --loss NaN":                   `--loss: "NaN" is not a share`,
		"cluster --dead 100%":                  "--dead out of range: 100%",
		"cluster --dead 95% --nodes 4":         "--dead out of range: 95% of 4 nodes is all of them",
		"cluster --dead 2":                     "--dead out of range: 200%",
		"cluster --seeds 0":                    "--seeds out of range: 0, want 1 to 100000",
		"cluster --seeds 1000000":              "--seeds out of range: 1000000",
		"cluster --seed=-1":                    `--seed: expected a valid 64 bit uint but got "-1"`,
		"cluster --latency=-1ms":               "--latency out of range: -1ms, want 0s to 10s",
		"cluster --latency 5":                  `--latency: expected duration but got "5"`,
		"cluster --jitter 1h":                  "--jitter out of range: 1h0m0s, want 0s to 10s",
		"cluster --cost=-1us":                  "--cost out of range: -1µs, want 0s to 10s",
		"cluster --for=-1s":                    "--for out of range: -1s, want 0s to 8784h0m0s",
		"cluster --profile moon":               `--profile: unknown profile "moon": want lan, wan or local`,
		"cluster --plot x.jpg":                 `--plot: unknown plot format "x.jpg": want a file name that ends in .svg or .png`,
		"cluster --plot missing/x.svg":         "--plot: no file to write: missing/x.svg: there is no folder missing",
		"cluster --trace testdata":             "--trace: no file to write: testdata is a folder",
		"cluster --trace missing/x":            "--trace: no file to write: missing/x: there is no folder missing",
		"cluster --trace x.jsonl --seeds 2":    "--trace: a trace is of one seed: leave it out, or --seeds 2",
		"cluster --json --csv":                 "--json and --csv can't be used together",
		"cluster " + bad:                       `my.txt:1:7: unknown word "explode"`,
		"cluster --nodes 20 --scenario " + far: "my.txt:1:12: node 30 is out of range: there are 1 to 20",
		"plan --nodes 0":                       "--nodes out of range: 0, want 2 to 4000",
		"plan --nodes 1":                       "--nodes out of range: 1, want 2 to 4000",
		"plan --nodes 1000000":                 "--nodes out of range: 1000000",
		"plan --seeds 1":                       "--seeds out of range: 1, want 2 to 100000: one has no spread",
		"plan --loss 2":                        "--loss out of range: 200%",
		"plan --loss 100%":                     "--loss out of range: 100%",
	}, run)
}

// A mistake in the script is told from one on the command line by its type.
func TestMistakesInScriptsAreToldApart(t *testing.T) {
	if _, err := run(t.Context(), "cluster", script(t, "at 1s explode 3\n")); !errors.Is(err, scenario.ErrScript) {
		t.Errorf("error %v, want %v", err, scenario.ErrScript)
	}
}

// All that is wrong with the flags is said at once, and nothing that follows from
// it: not that a script of the program's own does not fit no nodes.
func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := run(t.Context(), strings.Fields("plan --nodes 0 --loss 2 --latency 1h")...)
	if err == nil || strings.Count(err.Error(), "\n") != 2 || strings.Contains(err.Error(), "plan:5") {
		t.Errorf("error %v, want three lines", err)
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
	out, err := run(t.Context(), strings.Fields("cluster broadcast --nodes 32 --seeds 5 --json --dead 6.25% --latency 2ms --for 30s")...)
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
		NodeHours          spread `json:"node_hours"`
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
		"node hours": many.NodeHours,
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

// A run of one seed has the figures of an event as plain numbers, and those of
// writes beside it under names of their own.
func TestJSONTellsEventsFromWrites(t *testing.T) {
	file := script(t, "nodes 30\nlatency 10ms\njitter 0s\nat 0s broadcast 64B from 3\nat 5s write 64B from 4\nat 10s end\n")
	out, err := run(t.Context(), "cluster", file, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"nodes": 30, "live": 30, "reached": 30, "t50_ms": 20, "t99_ms": 20, "t100_ms": 20, "last_hop": 2, "events": 1, "refused": 0, "missed": 0,
		"coverage_700ms": 1, "coverage_5s": 1, "receipt_reached": 30, "receipt_live": 30, "writes": 1, "write_live": 30, "write_reached": 30,
	} {
		if doc[name] != want {
			t.Errorf("%s is %v, want %v", name, doc[name], want)
		}
	}
	copies, ofWrites := doc["copies_per_node"].(float64), doc["write_copies_per_node"].(float64)
	if copies < .96 || copies > .97 || ofWrites < 3 {
		t.Errorf("%v copies of the event, %v of the write", copies, ofWrites)
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
}

func TestPicturesAreDrawn(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		line  string
		texts []string
	}{
		"crash":     {"cluster crash --nodes 12", []string{"Who was right about whom, and when", "node", "time (s)", "kill", "is down", "misses that one is gone"}},
		"broadcast": {"cluster broadcast --nodes 12 --seeds 2", []string{"time (ms)", "learns of an event", "and knows of it", "random seed 1"}},
		"write":     {"cluster write --nodes 12", []string{"learns of a write"}},
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
}

func TestInterruptSaysWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for line, want := range map[string]string{
		"cluster --nodes 8":           "interrupted before it was done: nothing to show",
		"cluster --nodes 8 --seeds 3": "interrupted before the first of 3 random seeds was done: nothing to show",
		"plan --nodes 8":              "interrupted before the first of 10 random seeds was done: nothing to show",
	} {
		if _, err := run(ctx, strings.Fields(line)...); !errors.Is(err, meter.ErrInterrupted) || err.Error() != want {
			t.Errorf("%s: error %v, want %s", line, err, want)
		}
	}
}

// What was done before the interruption is printed, with how much it is.
func TestInterruptPrintsWhatIsDone(t *testing.T) {
	var c Cluster
	c.Seeds, c.Conditions.Seed = 5, 1
	script, err := load("crash")
	if err != nil {
		t.Fatal(err)
	}
	n := 8
	c.Nodes, c.setting = &n, c.Conditions.apply(script)
	results, err := scenario.RunSeeds(t.Context(), c.options(n, 1), 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = c.interrupted(context.Canceled, results)
	if printErr := c.print(&out, results, err); printErr != nil {
		t.Fatal(printErr)
	}
	if want := "interrupted after 2 of 5 random seeds"; err.Error() != want || !strings.Contains(out.String(), "stopped early: what follows is of 2 of 5 seeds\n") {
		t.Errorf("error %v, want %s; printed\n%s", err, want, out.String())
	}
	c.Seeds = 1
	if err := c.interrupted(context.Canceled, results[:1]); err.Error() != "interrupted at "+results[0].Length.Round(time.Millisecond).String()+" of the scenario" {
		t.Error(err)
	}
	p := Plan{Nodes: 8, Seeds: new(int), setting: c.setting}
	*p.Seeds = 10
	out.Reset()
	if err := p.write(&out, p.rows(results, []float64{1 << 20, 1 << 20}), len(results)); err != nil || !strings.Contains(out.String(), "what follows is of 2 of 10 seeds\n") {
		t.Errorf("%v, printed\n%s", err, out.String())
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

// What a node at rest sends is probes and the whole table; a crash is noticed after
// the wait for a probe, the suspicion, and for all the spread, on both sides.
func TestFormulasOfMemberlistAtRestAndAfterACrash(t *testing.T) {
	lan := memberlistOf(scenario.LAN)
	if got, want := lan.idleBytes(100), (82.+27)+2*(31+7000)/90.; math.Abs(got-want) > 1e-9 {
		t.Errorf("%v bytes/s at rest, want %v", got, want)
	}
	d, si := lan.detection(100, 0), lan.spread(100, 0)
	for i, want := range []float64{1.582 + 8, 1.582 + 48} {
		if math.Abs(d.first[i]-want) > .001 || math.Abs(d.all[i]-d.first[i]-si.all/1000) > 1e-9 {
			t.Errorf("detection %v, %v; want %v and %v ms", d.first[i], d.all[i], want, si.all)
		}
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

package spreadcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/clitest"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/internal/picture"
)

// run parses and runs a command line in process.
func run(ctx context.Context, args ...string) (stdout string, err error) {
	var cli struct {
		Spread Spread `cmd:"" help:"Spread updates."`
	}
	return clitest.Run(ctx, &cli, append([]string{"spread"}, args...)...)
}

// golden holds command lines by the name of their golden file.
var golden = map[string]string{
	"toy":             "",
	"toy-updates":     "--updates 3 --start C --loss 20% --dead 15% --rounds 2",
	"toy-once":        "--protocol infect-and-die --order sync",
	"toy-json":        "--json",
	"toy-csv":         "--rounds 5 --csv",
	"push":            "--nodes 1000 --fanout 1 --trials 200",
	"pull-faults":     "--nodes 500 --fanout 2 --protocol pull --loss 5% --dead 10% --trials 200",
	"rumor":           "--nodes 500 --fanout 1 --protocol feedback-counter --stop 2 --trials 200",
	"rumor-turn":      "--nodes 500 --fanout 1 --protocol feedback-counter --stop 2 --trials 200 --order turn",
	"median":          "--nodes 500 --fanout 1 --protocol median-counter --trials 50",
	"limited":         "--nodes 100 --fanout 2 --rounds 6 --updates 4 --dead-for round --dead 0.1 --trials 100 --seed 7",
	"push-json":       "--nodes 100 --fanout 2 --trials 100 --json",
	"push-csv":        "--nodes 100 --fanout 2 --trials 100 --csv",
	"compare":         "compare --nodes 300 --fanout 2 --trials 100",
	"compare-csv":     "compare --nodes 300 --trials 50 --protocols push,pull,blind-coin --csv",
	"compare-toy":     "compare --protocols push,infect-and-die",
	"rounds":          "compare --nodes 100 --trials 50 --fanout 1 --protocols push,pull,push-pull --chart rounds",
	"residue":         "compare --nodes 200 --trials 50 --fanout 1 --chart residue",
	"size":            "size --nodes 1000 --within 2s --interval 200ms --loss 5% --trials 500",
	"size-longest":    "size --nodes 50 --within 1s --protocol push --trials 500",
	"size-json":       "size --nodes 20 --within 1s --interval 100ms --trials 500 --json",
	"size-csv":        "size --nodes 20 --within 1s --interval 100ms --trials 500 --csv",
	"help":            "--help",
	"run-help":        "run --help",
	"compare-help":    "compare --help",
	"size-help":       "size --help",
	"compare-json":    "compare --nodes 50 --trials 20 --protocols digest --json",
	"one-small-trial": "--nodes 12 --trials 1 --fanout 1 --protocol push-pull",
}

func TestOutputIsGolden(t *testing.T) { clitest.Golden(t, golden, run, nil) }

// Each message names the flag, the value and what is allowed, before anything
// runs.
func TestNonsenseIsRefusedWithAClearError(t *testing.T) {
	clitest.Refused(t, map[string]string{
		"--nodes 10 --fanout 10":   "--fanout out of range: 10, want less than the 10 nodes",
		"--fanout 7":               "--fanout out of range: 7, want less than the 7 nodes",
		"--fanout 0":               "--fanout out of range: 0, want at least 1",
		"--fanout=-3":              "--fanout out of range: -3",
		"--fanout many":            `--fanout: expected a valid 64 bit int but got "many"`,
		"--nodes 0":                "--nodes out of range: 0, want 2 to 10000000",
		"--nodes 1":                "--nodes out of range: 1",
		"--nodes=-5":               "--nodes out of range: -5",
		"--nodes 20000000":         "--nodes out of range: 20000000",
		"--nodes 1e9":              `--nodes: expected a valid 64 bit int but got "1e9"`,
		"--loss 1.5":               "--loss out of range: 150%, want 0% up to, not including, 100%",
		"--loss 100%":              "--loss out of range: 100%",
		"--loss=-1%":               "--loss out of range: -1%",
		"--loss half":              `--loss: "half" is not a share: want 5% or 0.05`,
		"--loss nan":               `--loss: "nan" is not a share`,
		"--loss inf":               `--loss: "inf" is not a share`,
		"--dead 100%":              "--dead out of range: 100%",
		"--dead 95%":               "--dead out of range: 7 of 7 nodes dead leave too few",
		"--dead=-1":                "--dead out of range: -100%",
		"--rounds=-1":              "--rounds out of range: -1, want 0 (until done) to 65536",
		"--trials 0":               "--trials out of range: 0, want 1 to 100000000",
		"--seed=-1":                `--seed: expected a valid 64 bit uint but got "-1"`,
		"--stop 1000":              "--stop out of range: 1000, want 0 (default) to 100",
		"--start H":                "--start out of range: H is no node, want A to G or 0 to 6",
		"--start Z":                "--start out of range: Z is no node, want A to G or 0 to 6",
		"--start 25":               "--start out of range: 25 is no node, want A to G or 0 to 6",
		"--start 100 --nodes 100":  "--start out of range: 100 is no node, want A to Z or 0 to 99",
		"--start here":             `--start: unknown start: "here", want a letter from A on or an index from 0 on`,
		"--updates 0":              "--updates out of range: 0, want 1 to 7",
		"--updates 8":              "--updates out of range: 8, want 1 to 7",
		"--protocol shout":         `--protocol: unknown protocol "shout": want one of push, pull`,
		"--order random":           `--order: unknown order "random": want sync or turn`,
		"--dead-for never":         `--dead-for: unknown outage "never": want forever or round`,
		"--chart pie":              "--chart must be one of",
		"--json --csv":             "--json and --csv can't be used together",
		"--plot picture.jpg":       `--plot: unknown plot format "picture.jpg": want a file name that ends in .svg or .png`,
		"--plot testdata":          `--plot: unknown plot format "testdata"`,
		"--plot missing/x.png":     "--plot: no file to write: missing/x.png: there is no folder missing",
		"--chart rounds":           "--chart rounds: nothing to draw: it goes from 10 nodes to --nodes",
		"--nodes 9 --chart copies": "--chart copies: nothing to draw",
		"--nodes 99 --chart residue --plot x.png": "--chart residue: nothing to draw: push reaches all in the end",
		"bogus":                                          "unexpected argument bogus",
		"compare --protocols push,shout":                 `--protocols: unknown protocol "shout"`,
		"compare --protocols push,pull,push":             "--protocols: push is named twice",
		"compare --fanout 7":                             "--fanout out of range: 7",
		"compare --loss 100%":                            "--loss out of range: 100%",
		"compare --start Z":                              "--start out of range: Z",
		"size":                                           "missing flags: --nodes=N, --within=TIME",
		"size --nodes 100":                               "missing flags: --within=TIME",
		"size --within 1s":                               "missing flags: --nodes=N",
		"size --nodes 100 --within 10":                   "--within: expected duration but got \"10\"",
		"size --nodes 100 --within 0s":                   "--within out of range: 0s, want more than 0s",
		"size --nodes 100 --within=-1s":                  "--within out of range: -1s",
		"size --nodes 100 --within 1s --interval 2s":     "--interval out of range: 2s, want 0s to the 1s of --within",
		"size --nodes 100 --within 1s --probability 1":   "--probability out of range: 100%, want more than 0% and less than 100%",
		"size --nodes 100 --within 1s --trials=-1":       "--trials out of range: -1",
		"size --nodes 100 --within 1s --protocol digest": "--protocol: protocol cannot be sized: digest",
		"size --nodes 100 --within 1s --loss 100%":       "--loss out of range: 100%",
		"size --nodes 1 --within 1s":                     "--nodes out of range: 1, want 2 to",
	}, run)
}

func TestSizeThatNoFanoutReachesFails(t *testing.T) {
	if out, err := run(t.Context(), strings.Fields("size --nodes 100000 --within 1s --interval 1s")...); !errors.Is(err, ErrNoFanout) || out == "" {
		t.Errorf("error %v, want %v below the table", err, ErrNoFanout)
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := run(t.Context(), "--nodes", "10", "--fanout", "30", "--loss", "2", "--plot", "x.gif")
	for _, want := range []error{epidemic.ErrFanout, argument.ErrRange, picture.ErrFormat} {
		if !errors.Is(err, want) {
			t.Errorf("%v is missing in %v", want, err)
		}
	}
}

func TestHelpNamesEveryProtocol(t *testing.T) {
	help, err := run(t.Context(), "run", "--help")
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(help), " ")
	for _, p := range epidemic.Protocols() {
		if !strings.Contains(flat, p.String()) {
			t.Errorf("help does not name %v", p)
		}
	}
}

func TestJSONHoldsWhatScriptsNeed(t *testing.T) {
	out, err := run(t.Context(), "--nodes", "200", "--fanout", "2", "--loss", "5%", "--trials", "50", "--json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Nodes, Fanout, Trials, Seed int
		Protocol                    string
		Loss, Dead                  float64
		Rounds                      struct{ Mean, P50, P99, Max *float64 }
		Theory                      struct {
			Rounds     *float64
			LowerBound *int `json:"lower_bound"`
			Residue    *float64
		}
		Reached struct {
			All  float64 `json:"all_fraction"`
			Mean float64 `json:"mean_fraction"`
		}
		Copies float64 `json:"copies_per_node"`
		Curve  []struct {
			Round            int
			Informed, Theory float64
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Nodes != 200 || doc.Fanout != 2 || doc.Trials != 50 || doc.Seed != 1 || doc.Protocol != "push" || doc.Loss != .05 {
		t.Errorf("settings are wrong: %+v", doc)
	}
	r, th := doc.Rounds, doc.Theory
	if r.Mean == nil || r.P50 == nil || r.P99 == nil || r.Max == nil || th.Rounds == nil || th.LowerBound == nil || th.Residue == nil {
		t.Fatalf("figures are missing:\n%s", out)
	}
	if *r.P50 > *r.P99 || *r.P99 > *r.Max || *th.LowerBound != 5 || *th.Residue > 1e-9 {
		t.Errorf("figures are wrong: %s", out)
	}
	if doc.Reached.All != 1 || doc.Reached.Mean != 1 || doc.Copies < 1 || len(doc.Curve) != int(*r.Max)+1 {
		t.Errorf("outcome is wrong: %s", out)
	}
	if last := doc.Curve[len(doc.Curve)-1]; last.Informed != 1 || doc.Curve[0].Informed != .005 {
		t.Errorf("curve is wrong: %+v", doc.Curve)
	}
}

func TestInterruptPrintsWhatIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var learnt atomic.Int64
	result, err := epidemic.Run(ctx, epidemic.Config{Nodes: 500, Fanout: 1, Trials: 1_000_000, Seed: 1, Updates: 1}, func(int) {
		if learnt.Add(1) > 2_000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || result.Done == 0 {
		t.Fatalf("%d trials done, error %v", result.Done, err)
	}
	o := &outcome{cfg: result.Config, result: result, theory: epidemic.Predict(result.Config)}
	var out bytes.Buffer
	if err := o.write(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "interrupted: what follows is of") {
		t.Errorf("the report does not say that it is partial:\n%s", out.String())
	}
	out.Reset()
	if err := writeComparison(&out, []*outcome{o}); err != nil || !strings.Contains(out.String(), "interrupted: push is of ") {
		t.Errorf("%v; the comparison does not say that it is partial:\n%s", err, out.String())
	}
}

func TestInterruptBeforeTheFirstTrialSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, line := range []string{"--nodes 1000", "compare --nodes 1000", "size --nodes 1000 --within 5s"} {
		if _, err := run(ctx, strings.Fields(line)...); !errors.Is(err, meter.ErrInterrupted) || !strings.Contains(err.Error(), "before ") {
			t.Errorf("%s: error %v, want %v before the first", line, err, meter.ErrInterrupted)
		}
	}
}

// The toy's curve goes on to the last round asked for, and both orders are there,
// each with the theory that describes it.
func TestToyInJSONShowsBothOrders(t *testing.T) {
	out, err := run(t.Context(), "--rounds", "5", "--json")
	if err != nil {
		t.Fatal(err)
	}
	type curve []struct {
		Round                 int
		Informed, Theory, All float64
	}
	var doc struct {
		Order  string
		Theory struct{ Order, Method string }
		Curve  curve
		Orders []struct {
			Order  string
			Trials int
			Theory struct{ Order string }
			Curve  curve
			Story  []struct{ Round int }
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Order != "turn" || doc.Theory.Order != "turn" || doc.Theory.Method != "exact Markov chain" || len(doc.Curve) != 6 || len(doc.Orders) != 2 {
		t.Fatalf("%+v", doc)
	}
	for i, order := range []string{"turn", "sync"} {
		v := doc.Orders[i]
		if v.Order != order || v.Theory.Order != order || v.Trials != taleTrials || len(v.Story) != 6 || len(v.Curve) != 6 {
			t.Fatalf("%s: %+v", order, v)
		}
		for _, p := range v.Curve { // at five standard errors of at most half
			if off := p.Informed - p.Theory; off < -.025 || off > .025 {
				t.Errorf("%s, round %d: %v informed, theory %v", order, p.Round, p.Informed, p.Theory)
			}
		}
	}
}

// The lower bound is one where nodes act at once and nobody asks, and the report
// says so for whatever may beat it.
func TestLowerBoundSaysWhomItBinds(t *testing.T) {
	for line, applies := range map[string]bool{
		"--protocol push": true, "--protocol infect-and-die": true, "--protocol blind-coin": true,
		"--protocol pull": false, "--protocol push-pull": false, "--protocol median-counter": false, "--protocol digest": false,
		"--protocol push --order turn": false,
	} {
		args := append([]string{"--nodes", "64", "--fanout", "1", "--trials", "20"}, strings.Fields(line)...)
		out, err := run(t.Context(), append(args, "--json")...)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Theory struct {
				Bound   int  `json:"lower_bound"`
				Applies bool `json:"lower_bound_applies"`
			}
			Curve []struct{ All float64 }
		}
		if err := json.Unmarshal([]byte(out), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Theory.Applies != applies || doc.Theory.Bound != 6 {
			t.Errorf("%s: %+v", line, doc.Theory)
		}
		if applies && doc.Curve[doc.Theory.Bound-1].All > 0 {
			t.Errorf("%s: it is faster than its lower bound", line)
		}
		if out, err = run(t.Context(), args...); err != nil || strings.Contains(out, "lower bound of push in order sync") == applies {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

func TestReportSaysWhyTurnHasNoTheory(t *testing.T) {
	for line, want := range map[string]string{
		"--updates 2":                              "order turn has no theory for --updates 2:",
		"--protocol digest":                        "order turn has no theory for digest:",
		"--dead-for round --dead 20%":              "order turn has no theory for --dead-for round:",
		"--nodes 9 --order turn --trials 1":        "order turn has no theory beyond 7 nodes:",
		"--nodes 50 --order turn":                  "order turn has no theory beyond 7 nodes;",
		"--nodes 7 --order turn --updates 3":       "order turn has no theory for --updates 3;",
		"--nodes 7 --order turn --protocol digest": "order turn has no theory for digest;",
	} {
		if out, err := run(t.Context(), strings.Fields(line)...); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, want %q in\n%s", line, err, want, out)
		}
	}
}

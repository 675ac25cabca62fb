package spreadcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/picture"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// exited is what the parser's exit panics with, after help.
type exited struct{}

// run parses and runs a command line in process.
func run(ctx context.Context, args ...string) (stdout string, err error) {
	var cli struct {
		Spread Spread `cmd:"" help:"Spread updates."`
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
	parsed, err := app.Parse(append([]string{"spread"}, args...))
	if err != nil {
		return out.String(), err
	}
	err = parsed.Run()
	if errOut.Len() > 0 {
		return out.String(), errors.Join(err, errors.New("written to standard error in a pipe: "+errOut.String()))
	}
	return out.String(), err
}

// golden holds command lines by the name of their golden file.
var golden = map[string]string{
	"toy":             "",
	"toy-updates":     "--updates 3 --start C --loss 20% --dead 15% --rounds 2",
	"toy-once":        "--protocol infect-and-die --order sync",
	"toy-json":        "--json",
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

func TestOutputIsGolden(t *testing.T) {
	for name, line := range golden {
		t.Run(name, func(t *testing.T) {
			t.Setenv("COLUMNS", "100")
			got, err := run(t.Context(), strings.Fields(line)...)
			if err != nil {
				t.Fatal(err)
			}
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
				t.Errorf("hearsay sim spread %s\ngot:\n%s\nwant:\n%s", line, got, want)
			}
		})
	}
}

func TestGoldenFilesAreAllUsed(t *testing.T) {
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".golden")
		if _, used := golden[name]; !used {
			t.Errorf("%s belongs to no command line", file)
		}
	}
}

func TestNonsenseIsRefusedWithAClearError(t *testing.T) {
	cases := map[string]error{
		"--nodes 10 --fanout 10":         epidemic.ErrFanout,
		"--fanout 7":                     epidemic.ErrFanout,
		"--fanout 0":                     epidemic.ErrFanout,
		"--fanout=-3":                    epidemic.ErrFanout,
		"--nodes 0":                      epidemic.ErrNodes,
		"--nodes=-5":                     epidemic.ErrNodes,
		"--nodes 20000000":               epidemic.ErrNodes,
		"--loss 1.5":                     epidemic.ErrLoss,
		"--loss 150%":                    epidemic.ErrLoss,
		"--loss=-1%":                     epidemic.ErrLoss,
		"--loss half":                    ErrShare,
		"--loss nan":                     ErrShare,
		"--dead 100%":                    epidemic.ErrDead,
		"--dead 95%":                     epidemic.ErrDead,
		"--rounds=-1":                    epidemic.ErrRounds,
		"--trials 0":                     epidemic.ErrTrials,
		"--stop 1000":                    epidemic.ErrStop,
		"--start H":                      epidemic.ErrStart,
		"--start here":                   ErrStart,
		"--updates 8":                    epidemic.ErrUpdates,
		"--protocol shout":               epidemic.ErrProtocol,
		"--order random":                 epidemic.ErrOrder,
		"--dead-for never":               epidemic.ErrOutage,
		"--plot picture.gif":             picture.ErrFormat,
		"compare --protocols push,shout": epidemic.ErrProtocol,
		"compare --fanout 7":             epidemic.ErrFanout,
		"--nodes 9 --chart rounds":       ErrChart,
		"size --nodes 100 --within 0s":   ErrTime,
		"size --nodes 100 --within 1s --interval 2s":     ErrTime,
		"size --nodes 100 --within 1s --probability 1":   ErrProbability,
		"size --nodes 100 --within 1s --protocol digest": ErrUnfit,
		"size --nodes 1 --within 1s":                     epidemic.ErrNodes,
		"size --nodes 100000 --within 1s --interval 1s":  ErrNoFanout,
	}
	for line, want := range cases {
		if _, err := run(t.Context(), strings.Fields(line)...); !errors.Is(err, want) {
			t.Errorf("spread %s: error %v, want %v", line, err, want)
		}
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := run(t.Context(), "--nodes", "10", "--fanout", "30", "--loss", "2", "--plot", "x.gif")
	for _, want := range []error{epidemic.ErrFanout, epidemic.ErrLoss, picture.ErrFormat} {
		if !errors.Is(err, want) {
			t.Errorf("%v is missing in %v", want, err)
		}
	}
}

func TestSharesAreReadAsPercentOrFraction(t *testing.T) {
	for text, want := range map[string]float64{"5%": .05, "0.05": .05, " 5 % ": .05, "0": 0, "12.5%": .125} {
		var s share
		if err := s.UnmarshalText([]byte(text)); err != nil || float64(s) != want {
			t.Errorf("%q: %v, %v; want %v", text, float64(s), err, want)
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
}

func TestInterruptBeforeTheFirstTrialSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, line := range []string{"--nodes 1000", "compare --nodes 1000", "size --nodes 1000 --within 5s"} {
		if _, err := run(ctx, strings.Fields(line)...); !errors.Is(err, ErrInterrupted) {
			t.Errorf("%s: error %v, want %v", line, err, ErrInterrupted)
		}
	}
}

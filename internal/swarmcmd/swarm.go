package swarmcmd

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

// Swarm is the command that runs many random schedules.
type Swarm struct {
	Seed    string        `default:"commit" help:"Random seed of the first run; commit: from that of this build, so that it repeats; random: a fresh one (default: ${default})." placeholder:"SEED"`
	Runs    int           `default:"0" help:"Runs at most; 0: no bound but --for (default: ${default})." placeholder:"N"`
	For     time.Duration `default:"1m" help:"Real time at most, without what shrinking takes; runs that are under way then are cut short and do not count (default: ${default})." placeholder:"TIME"`
	Nodes   int           `default:"0" help:"Nodes of a run at most; 0: as each seed says, 2 to 100 (default: ${default})." placeholder:"N"`
	Horizon time.Duration `default:"0s" help:"Virtual time of a run's faults at most; 0s: 30m (default: ${default})." placeholder:"TIME"`
	Workers int           `default:"0" help:"Runs at once; 0: one for each processor (default: ${default})." placeholder:"N"`
	Twice   int           `default:"20" help:"Run each so many-th schedule twice and compare the traces; 0: none (default: ${default})." placeholder:"N"`
	Fails   int           `default:"1" help:"Stop after so many failures (default: ${default})." placeholder:"N"`
	Shrink  time.Duration `default:"10m" help:"Make each failing schedule smaller for so long at most; 0s: leave it (default: ${default})." placeholder:"TIME"`
	Out     string        `default:"." type:"existingdir" help:"Where the files of failing schedules go (default: ${default})." placeholder:"DIR"`
	Hashes  string        `help:"Write the seed and the trace hash of each run to this file, by seed: two builds of one commit must write the same." placeholder:"FILE"`
	Marks   bool          `help:"Fail if something that must happen sometimes never did."`
	JSON    bool          `name:"json" help:"Print the summary as JSON."`
}

// ErrFailed is wrapped by the error of a swarm that found something.
var ErrFailed = errors.New("swarm failed")

// patience is how long one run may take: one of an ordinary size takes a tenth
// of a second.
const patience = 30 * time.Second

// Validate is called by kong after parsing.
func (s *Swarm) Validate() error {
	_, err := seedOf(s.Seed)
	return errors.Join(err,
		argument.Range(s.Runs >= 0, "runs", s.Runs, "0 or more"),
		argument.Range(s.For > 0, "for", s.For, "more than 0s"),
		argument.Range(s.Nodes == 0 || s.Nodes >= 2 && s.Nodes <= swarm.NodesMax, "nodes", s.Nodes, fmt.Sprintf("0, or 2 to %d", swarm.NodesMax)),
		argument.Range(s.Horizon >= 0 && s.Horizon <= horizonMax, "horizon", s.Horizon, fmt.Sprintf("0s to %v", horizonMax)),
		argument.Range(s.Workers >= 0 && s.Workers <= workersMax, "workers", s.Workers, fmt.Sprintf("0 to %d", workersMax)),
		argument.Range(s.Twice >= 0, "twice", s.Twice, "0 or more"),
		argument.Range(s.Fails >= 1, "fails", s.Fails, "1 or more"),
		argument.Range(s.Shrink >= 0, "shrink", s.Shrink, "0s or more"),
		argument.File("hashes", s.Hashes),
	)
}

const (
	// horizonMax is the longest that a schedule may say.
	horizonMax = 24 * time.Hour
	// workersMax is more than any machine has processors for.
	workersMax = 1024
)

// tally is what a swarm has found so far.
type tally struct {
	failures []swarm.Outcome
	hashes   []string
	slow     []swarm.Seed
}

// Run looks for failures, and prints what it did.
func (s *Swarm) Run(ctx context.Context, app *kong.Kong) error {
	seed, err := seedOf(s.Seed)
	if err != nil {
		return err
	}
	begun := time.Now()
	total, found := s.search(ctx, app.Stderr, seed)
	if s.Hashes != "" {
		slices.Sort(found.hashes)
		if err := os.WriteFile(s.Hashes, []byte(strings.Join(found.hashes, "")), 0o644); err != nil {
			return fmt.Errorf("--hashes: %w", err)
		}
	}
	report := newReport(seed, total, time.Since(begun))
	report.SlowSeeds = found.slow
	for _, o := range found.failures {
		f, err := s.keep(ctx, app.Stderr, o)
		if err != nil {
			return err
		}
		report.Failures = append(report.Failures, f)
	}
	if err := report.print(app.Stdout, s.JSON); err != nil {
		return err
	}
	return errors.Join(s.verdict(report), interrupted(ctx, report))
}

// search plays schedules until it was enough, or the context ends.
func (s *Swarm) search(ctx context.Context, progress io.Writer, seed swarm.Seed) (*swarm.Total, *tally) {
	limited, cancel := context.WithTimeout(ctx, s.For)
	defer cancel()
	found := &tally{slow: []swarm.Seed{}}
	pace := &pace{begun: time.Now(), limit: s.For, runs: s.Runs}
	bar := meter.Watch(progress, "swarm", full, pace.look)
	defer bar.Stop()
	run := swarm.Swarm{
		Seed: seed, Runs: s.Runs, Limits: swarm.Limits{Nodes: s.Nodes, Horizon: s.Horizon},
		Workers: s.workers(), Twice: s.Twice, Options: options(ctx),
		Done: func(o swarm.Outcome) {
			pace.done.Add(1)
			if s.Hashes != "" && !o.Result.Slow {
				found.hashes = append(found.hashes, fmt.Sprintf("%016x %016x\n", uint64(o.Schedule.Seed), o.Result.Hash))
			}
			if o.Result.Slow {
				found.slow = append(found.slow, o.Schedule.Seed)
			}
			if o.Result.Violation != nil {
				found.failures = append(found.failures, o)
				if len(found.failures) >= s.Fails {
					cancel()
				}
			}
		},
	}
	return run.Run(limited), found
}

// interrupted is the error of a swarm whose context has ended, nil if it has not.
// What was found until then is another error.
func interrupted(ctx context.Context, r *report) error {
	switch {
	case ctx.Err() == nil:
		return nil
	case r.Runs == 0:
		return fmt.Errorf("%w before the first run was done, which proves nothing", meter.ErrInterrupted)
	case len(r.Failures) > 0:
		return fmt.Errorf("%w after %s; what failed may not be as small as it could be", meter.ErrInterrupted, tabular.Plural(r.Runs, "run"))
	}
	return fmt.Errorf("%w after %s, which prove nothing about the others", meter.ErrInterrupted, tabular.Plural(r.Runs, "run"))
}

// verdict is the error that a report amounts to.
func (s *Swarm) verdict(r *report) error {
	switch {
	case len(r.Failures) > 0:
		return fmt.Errorf("%w: %d of %d runs", ErrFailed, len(r.Failures), r.Runs)
	case r.Slow > 0:
		return fmt.Errorf("%w: %d runs took more than %v and prove nothing", ErrFailed, r.Slow, patience)
	case s.Marks && len(r.Missing) > 0:
		return fmt.Errorf("%w: never happened: %s", ErrFailed, strings.Join(r.Missing, ", "))
	}
	return nil
}

func (s *Swarm) workers() int {
	if s.Workers > 0 {
		return s.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// options are those of runs that end with a context.
func options(ctx context.Context) swarm.Options {
	return swarm.Options{Patience: patience, Clock: time.Now, Stop: func() bool { return ctx.Err() != nil }}
}

// keep makes a failing schedule smaller and writes it to a file.
func (s *Swarm) keep(ctx context.Context, progress io.Writer, o swarm.Outcome) (failure, error) {
	schedule, result := o.Schedule, o.Result
	f := failure{Seed: schedule.Seed, Before: schedule.Size()}
	// Two runs that differ are no property of one.
	if s.Shrink > 0 && result.Found().Invariant != "HASH" {
		limited, cancel := context.WithTimeout(ctx, s.Shrink)
		defer cancel()
		reach := &reach{begun: time.Now(), limit: s.Shrink}
		reach.size.Store(int64(f.Before))
		bar := meter.Watch(progress, "shrinking "+result.Found().Invariant, full, reach.look)
		defer bar.Stop()
		schedule, result, f.Runs = swarm.Shrink(limited, schedule, result, swarm.Shrinking{Options: options(limited), Step: reach.step})
	}
	schedule.Found, schedule.Commit = result.Found(), commit()
	f.Found, f.After, f.Nodes = *schedule.Found, schedule.Size(), schedule.Nodes
	f.File = filepath.Join(s.Out, fmt.Sprintf("%s-%x.json", f.Found.Invariant, uint64(schedule.Seed)))
	return f, os.WriteFile(f.File, schedule.Encode(), 0o644)
}

// seedOf returns the random seed that a flag means.
func seedOf(text string) (swarm.Seed, error) {
	var b [8]byte
	switch text {
	case "commit":
		sum := sha256.Sum256([]byte(commit()))
		copy(b[2:], sum[:])
	case "random":
		rand.Read(b[2:])
	default:
		var s swarm.Seed
		if err := s.UnmarshalText([]byte(text)); err != nil {
			return 0, fmt.Errorf("--seed %s: want a number, commit or random", text)
		}
		return s, nil
	}
	return swarm.Seed(binary.BigEndian.Uint64(b[:])), nil
}

// commit returns the commit of this build, "unknown" if it carries none.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}

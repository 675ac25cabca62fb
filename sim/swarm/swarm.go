package swarm

import (
	"context"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/check"
)

// Swarm runs the schedules of many random seeds.
type Swarm struct {
	Seed    Seed // the first; the others follow from it
	Runs    int  // at most; 0: until the context ends
	Limits  Limits
	Workers int // runs at once; 0: 1
	// Twice says how many of the runs are run a second time, to compare their
	// trace hashes: each so many-th; 0: none.
	Twice   int
	Options Options
	// Done, if set, is called after each run, in no order, by one at a time.
	Done func(Outcome)
}

// Outcome is one run of a swarm.
type Outcome struct {
	Schedule *Schedule
	Result   *Result
}

// Total is what all runs of a swarm showed together.
type Total struct {
	Runs, Slow, Failed int
	Twice              int // of the runs, run twice
	Cut                int // besides: under way when the context ended
	NodeTime           time.Duration
	Checks             [check.Count]uint64
	Faults             map[Op]int // runs with each kind
	Marks              Marks
	Steps              uint64
	Missed             uint64 // messages, see [Result]
}

// SeedOf returns the random seed of run i of a swarm: what Draw is given. The
// first is the swarm's own, so that one run repeats one seed.
func (s *Swarm) SeedOf(i int) Seed {
	if i == 0 {
		return s.Seed
	}
	return Seed(mix(uint64(s.Seed)+uint64(i)*0x9e3779b97f4a7c15) >> 16) // short enough to type
}

// Run plays all schedules and returns what they showed together. It ends early,
// without an error, when the context does; a run that is under way then is not
// among the runs, unless it found something.
func (s *Swarm) Run(ctx context.Context) *Total {
	total := &Total{Faults: make(map[Op]int)}
	options := s.Options
	options.Stop = func() bool { return ctx.Err() != nil || s.Options.Stop != nil && s.Options.Stop() }
	var lock sync.Mutex
	next := 0
	take := func() (int, bool) {
		lock.Lock()
		defer lock.Unlock()
		if s.Runs > 0 && next >= s.Runs || ctx.Err() != nil {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var workers sync.WaitGroup
	for range max(s.Workers, 1) {
		workers.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				schedule := Draw(s.SeedOf(i), s.Limits)
				twice := s.Twice > 0 && i%s.Twice == 0
				result := one(schedule, twice, options)
				lock.Lock()
				if result.Cut && result.Unfinished() {
					total.Cut++
					lock.Unlock()
					return
				}
				total.add(schedule, result, twice)
				if s.Done != nil {
					s.Done(Outcome{schedule, result})
				}
				lock.Unlock()
			}
		})
	}
	workers.Wait()
	return total
}

// one runs a schedule, or runs it twice and compares.
func one(schedule *Schedule, twice bool, options Options) *Result {
	result, err := Run(schedule, options)
	if err != nil {
		panic(err) // Draw makes what is valid
	}
	if !twice || result.Unfinished() || result.Violation != nil {
		return result
	}
	again, _ := Run(schedule, options) // it was valid
	if again.Unfinished() {
		return again
	}
	if again.Hash != result.Hash {
		result.Violation = Differ(schedule, result, again)
	}
	return result
}

// Differ is the violation of two runs of one schedule with unequal traces.
func Differ(s *Schedule, a, b *Result) *check.Violation {
	v := &check.Violation{Invariant: check.Hash, Seed: uint64(s.Seed), Time: min(a.Time, b.Time)}
	v.What = "two runs of one schedule differ"
	return v
}

func (t *Total) add(s *Schedule, r *Result, twice bool) {
	t.Runs++
	if twice {
		t.Twice++
	}
	t.NodeTime += r.NodeTime
	t.Steps += r.Stats.Steps
	t.Missed += r.Missed
	t.Marks.Add(&r.Marks)
	for i := range t.Checks {
		t.Checks[i] += r.Checks[i]
	}
	switch {
	case r.Violation != nil:
		t.Failed++
	case r.Slow:
		t.Slow++
	}
	used := make(map[Op]bool)
	for i := range s.Faults {
		if op := s.Faults[i].Op; !used[op] {
			used[op] = true
			t.Faults[op]++
		}
	}
}

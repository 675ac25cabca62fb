package scenario

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/check"
)

// RunSeeds runs a script on count random seeds from opts.Seed on, jobs at a
// time, and returns the results in the order of the seeds: the same for any
// number of jobs. A timeline, a trace and an inspection are of the first seed
// alone. If progress is set, it returns for each seed what [Options.Progress]
// is to be; the functions are called from different goroutines.
//
// A seed that violates an invariant ends the work: those after it are not run,
// and the results are of those before it and of itself. On an interruption the
// results are of the seeds that were finished. The error joins those of the
// seeds in the results, and that of the context.
func RunSeeds(ctx context.Context, opts Options, count, jobs int, progress func() func(time.Duration)) ([]*Result, error) {
	results, errs := make([]*Result, count), make([]error, count)
	var next, bad atomic.Int64
	bad.Store(math.MaxInt64)
	var group sync.WaitGroup
	for range min(max(jobs, 1), count) {
		group.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(count) || i > bad.Load() || ctx.Err() != nil {
					return
				}
				one := opts.forSeed(int(i))
				if progress != nil {
					one.Progress = progress()
				}
				results[i], errs[i] = Run(ctx, one)
				var violation *check.Violation
				if errors.As(errs[i], &violation) {
					lower(&bad, i)
				}
			}
		})
	}
	group.Wait()
	return collect(ctx, results, errs, bad.Load())
}

// forSeed returns the options of the i-th seed.
func (o Options) forSeed(i int) Options {
	o.Seed += uint64(i)
	if i > 0 {
		o.Trace, o.Timeline, o.Inspect = nil, false, nil
	}
	return o
}

// lower stores the smaller of two numbers.
func lower(to *atomic.Int64, v int64) {
	for {
		old := to.Load()
		if v >= old || to.CompareAndSwap(old, v) {
			return
		}
	}
}

// collect leaves out what was not finished and what comes after a violation. A
// single run is of interest even if it was interrupted.
func collect(ctx context.Context, results []*Result, errs []error, bad int64) ([]*Result, error) {
	var done []*Result
	var all []error
	for i, res := range results {
		if int64(i) > bad {
			break
		}
		interrupted := errors.Is(errs[i], context.Canceled) || errors.Is(errs[i], context.DeadlineExceeded)
		if res != nil && (!interrupted || len(results) == 1) {
			done = append(done, res)
		}
		if errs[i] != nil && !interrupted {
			all = append(all, errs[i])
		}
	}
	return done, errors.Join(append(all, ctx.Err())...)
}

package epidemic

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Run plays cfg.Trials trials on all cores and returns what they showed. The
// result depends on cfg alone, not on the number of cores.
//
// If the context ends first, Run returns the trials that were done (perhaps
// none) together with the context's error. Progress, if not nil, is called from
// several goroutines with the number of (node, update) pairs that learnt since
// its last call; the sum over a whole run is at most
// Trials * Live * Updates.
func Run(ctx context.Context, cfg Config, progress func(informed int)) (*Result, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	workers := min(runtime.GOMAXPROCS(0), cfg.Trials)
	parts := make([]Result, workers)
	var next atomic.Int64
	var group sync.WaitGroup
	for w := range parts {
		group.Go(func() { parts[w] = work(ctx, cfg, &next, progress) })
	}
	group.Wait()
	total := &Result{Config: cfg}
	for w := range parts {
		total.merge(&parts[w])
	}
	if total.Done < cfg.Trials {
		return total, ctx.Err()
	}
	return total, nil
}

// work plays trials until none is left. A trial cut short by the context is
// not counted.
func work(ctx context.Context, cfg Config, next *atomic.Int64, progress func(int)) Result {
	part := Result{Config: cfg}
	t := newTrial(cfg)
	var growth []int
	each := func() {
		growth = append(growth, t.informed())
		if progress != nil {
			progress(growth[len(growth)-1] - growth[len(growth)-2])
		}
	}
	for {
		index := int(next.Add(1)) - 1
		if index >= cfg.Trials || ctx.Err() != nil {
			return part
		}
		t.reset(index)
		growth = append(growth[:0], t.informed())
		if !t.run(ctx, each) {
			return part
		}
		part.count(t, growth)
	}
}

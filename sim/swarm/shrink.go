package swarm

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"
)

// Shrinking bounds the work of [Shrink].
type Shrinking struct {
	Runs    int                     // at most; 0: 2,000
	Options Options                 // of each run
	Step    func(runs, size int)    // if set, told after each try: how many, and the least size so far
	run     func(*Schedule) *Result // for tests
}

const shrinkRuns = 2000

// shrinker makes a schedule smaller while the same invariant fails.
type shrinker struct {
	ctx  context.Context
	opts Shrinking
	want string // the invariant
	best *Schedule
	last *Result
	runs int
}

// Shrink returns a smaller schedule that violates the same invariant, and its
// result. It leaves out faults, sites, acts and leftovers by delta debugging
// (Zeller, Hildebrandt, TSE 2002), then shortens what is left, takes nodes away,
// and puts options back to what is usual. It ends with the context, and returns
// what it has.
func Shrink(ctx context.Context, s *Schedule, found *Result, opts Shrinking) (*Schedule, *Result, int) {
	if opts.Runs == 0 {
		opts.Runs = shrinkRuns
	}
	h := &shrinker{ctx: ctx, opts: opts, want: found.Found().Invariant, best: s.clone(), last: found}
	h.horizon()
	for before := -1; before != h.best.weight() && !h.spent(); {
		before = h.best.weight()
		ddmin(h, func(s *Schedule) *[]Fault { return &s.Faults })
		ddmin(h, func(s *Schedule) *[]Write { return &s.Workload })
		ddmin(h, func(s *Schedule) *[]string { return &s.Buggify })
		ddmin(h, func(s *Schedule) *[]Leftover { return &s.Leftovers })
		h.amounts()
		h.nodes()
		h.horizon()
		h.defaults()
	}
	h.best.Found = h.last.Found()
	return h.best, h.last, h.runs
}

func (s *Schedule) clone() *Schedule {
	c := new(Schedule)
	if err := json.Unmarshal(s.Encode(), c); err != nil {
		panic(err) // it was just encoded
	}
	return c
}

// weight counts all that shrinking may take away.
func (s *Schedule) weight() int {
	w := 1000*s.Size() + 1000*len(s.Buggify) + 100*s.Nodes + int(time.Duration(s.Horizon)/time.Second)
	for i := range s.Faults {
		w += len(s.Faults[i].From) + len(s.Faults[i].To)
	}
	return w
}

func (h *shrinker) spent() bool { return h.runs >= h.opts.Runs || h.ctx.Err() != nil }

// try keeps a candidate if it still fails in the same way.
func (h *shrinker) try(candidate *Schedule) bool {
	if h.spent() || candidate.Validate() != nil {
		return false
	}
	h.runs++
	var res *Result
	if h.opts.run != nil {
		res = h.opts.run(candidate)
	} else {
		res, _ = Run(candidate, h.opts.Options) // it is valid
	}
	f := res.Found()
	smaller := f != nil && f.Invariant == h.want
	if smaller {
		h.best, h.last = candidate, res
	}
	if h.opts.Step != nil {
		h.opts.Step(h.runs, h.best.Size())
	}
	return smaller
}

// edit tries the best schedule with a change.
func (h *shrinker) edit(change func(*Schedule)) bool {
	c := h.best.clone()
	change(c)
	return !bytes.Equal(c.Encode(), h.best.Encode()) && h.try(c)
}

// ddmin leaves out parts of a list, the larger the better.
func ddmin[T any](h *shrinker, list func(*Schedule) *[]T) {
	for size := len(*list(h.best)); size >= 1; size = (size + 1) / 2 {
		for at := 0; at < len(*list(h.best)); {
			end := min(at+size, len(*list(h.best)))
			if !h.edit(func(s *Schedule) { *list(s) = slices.Delete(*list(s), at, end) }) {
				at = end
			}
		}
		if size == 1 {
			return
		}
	}
}

// amounts halves what faults last and how bad they are, and has them hit fewer
// links.
func (h *shrinker) amounts() {
	for i := range h.best.Faults {
		for _, change := range []func(*Fault) bool{
			func(f *Fault) bool { f.For = rounded(f.For / 2); return f.For > Duration(time.Second) },
			func(f *Fault) bool { f.Delay = rounded(f.Delay / 2); return f.Delay > Duration(time.Millisecond) },
			func(f *Fault) bool {
				some := f.Share > 0 && f.Share < 1
				if some {
					f.Share = 1
				}
				return some
			},
			func(f *Fault) bool { f.For = rounded(f.For); f.At = rounded(f.At); return false },
		} {
			for again := true; again; {
				again = h.edit(func(s *Schedule) { again = change(&s.Faults[i]) }) && again
			}
		}
		ddminNodes(h, func(s *Schedule) *[]int { return &s.Faults[i].From })
		ddminNodes(h, func(s *Schedule) *[]int { return &s.Faults[i].To })
	}
	for i := range h.best.Workload {
		h.edit(func(s *Schedule) { s.Workload[i].Len = min(s.Workload[i].Len, 1) })
		h.edit(func(s *Schedule) { s.Workload[i].Ordered = false })
		for h.best.Workload[i].Count > 1 && h.edit(func(s *Schedule) { s.Workload[i].Count /= 2 }) {
		}
		for h.best.Workload[i].Len > 1 && h.edit(func(s *Schedule) { s.Workload[i].Len /= 2 }) {
		}
	}
}

// ddminNodes is ddmin for a list in which none means all.
func ddminNodes(h *shrinker, list func(*Schedule) *[]int) {
	for at := 0; at < len(*list(h.best)) && len(*list(h.best)) > 1; {
		if !h.edit(func(s *Schedule) { *list(s) = slices.Delete(*list(s), at, at+1) }) {
			at++
		}
	}
}

// rounded drops digits that nobody wants to read.
func rounded(d Duration) Duration {
	v := time.Duration(d)
	switch {
	case v > 10*time.Second:
		return Duration(v.Round(time.Second))
	case v > time.Second:
		return Duration(v.Round(100 * time.Millisecond))
	case v > time.Millisecond:
		return Duration(v.Round(time.Millisecond))
	}
	return d
}

// nodes takes nodes away, the last ones first, many at a time if it can.
func (h *shrinker) nodes() {
	for size := h.best.Nodes / 2; size >= 1; size /= 2 {
		for h.best.Nodes > size && h.edit(func(s *Schedule) { s.drop(s.Nodes-size+1, s.Nodes) }) {
		}
	}
	for n := h.best.Nodes; n >= 1; n-- {
		h.edit(func(s *Schedule) { s.drop(n, n) })
	}
}

// drop takes the nodes from first to last out of a schedule; those after them
// move up.
func (s *Schedule) drop(first, last int) {
	gone := func(n int) bool { return n >= first && n <= last }
	moved := func(n int) int {
		if n > last {
			return n - (last - first + 1)
		}
		return n
	}
	s.Nodes -= last - first + 1
	s.Seeds = max(min(s.Seeds, s.Nodes), 1)
	list := func(nodes []int) []int {
		nodes = slices.DeleteFunc(nodes, gone)
		for i := range nodes {
			nodes[i] = moved(nodes[i])
		}
		return nodes
	}
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.Node > 0 && gone(f.Node) })
	for i := range s.Faults {
		f := &s.Faults[i]
		all := len(f.From) == 0
		f.From = list(f.From)
		empty := !all && len(f.From) == 0
		all = len(f.To) == 0
		f.To = list(f.To)
		if empty || !all && len(f.To) == 0 { // none left must not mean all
			f.ID = -1
		}
		f.Node = moved(f.Node)
	}
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.ID < 0 })
	s.Workload = slices.DeleteFunc(s.Workload, func(w Write) bool { return gone(w.Node) || gone(w.About) && w.About > 0 })
	for i := range s.Workload {
		s.Workload[i].Node, s.Workload[i].About = moved(s.Workload[i].Node), moved(s.Workload[i].About)
	}
	s.Leftovers = slices.DeleteFunc(s.Leftovers, func(l Leftover) bool { return gone(l.Node) })
	for i := range s.Leftovers {
		s.Leftovers[i].Node = moved(s.Leftovers[i].Node)
	}
}

// horizon ends the safety phase early: right after what it found, or after its
// half if the liveness phase found it.
func (h *shrinker) horizon() {
	if at := Duration(time.Duration(h.last.Found().At).Truncate(time.Second)) + Duration(time.Second); at < h.best.Horizon {
		h.edit(func(s *Schedule) { s.until(at) })
	}
	for h.best.Horizon > Duration(10*time.Second) && h.edit(func(s *Schedule) { s.until(rounded(s.Horizon / 2)) }) {
	}
	for h.best.Horizon > Duration(10*time.Second) && h.edit(func(s *Schedule) { s.until(rounded(s.Horizon * 9 / 10)) }) {
	}
}

// until sets the horizon and drops what would happen after it.
func (s *Schedule) until(horizon Duration) {
	s.Horizon = horizon
	s.Faults = slices.DeleteFunc(s.Faults, func(f Fault) bool { return f.At >= horizon })
	s.Workload = slices.DeleteFunc(s.Workload, func(w Write) bool { return w.At >= horizon })
}

// defaults puts options back to what is usual.
func (h *shrinker) defaults() {
	for _, usual := range []func(*Schedule){
		func(s *Schedule) { s.Network.Loss = 0 },
		func(s *Schedule) { s.Network.Duplicate = 0 },
		func(s *Schedule) { s.Spread = 0 },
		func(s *Schedule) { s.Seeds = 1 },
		func(s *Schedule) { s.Preset = "LAN" },
		func(s *Schedule) {
			s.Network.Latency, s.Network.Jitter = Duration(500*time.Microsecond), Duration(500*time.Microsecond)
		},
	} {
		h.edit(usual)
	}
}

package swarm

import (
	"cmp"
	"fmt"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/sim/check"
)

// Result is what a run showed.
type Result struct {
	Violation *check.Violation // nil: none
	Slow      bool             // it took more than its patience, and proves nothing
	Cut       bool             // it was told to stop, and proves nothing
	Hash      uint64           // of the trace
	Time      time.Duration    // virtual
	NodeTime  time.Duration    // virtual, times the nodes that were up
	Checks    [check.Count]uint64
	Marks     Marks
	Stats     sim.Stats
	Healed    time.Duration // how long the liveness phase needed to agree
	Missed    uint64        // messages that a member missed aloud though their origin went on
}

// Options say how to run a schedule, never what it does.
type Options struct {
	// Watch, if set, is told of all that happens; see [Tale].
	Watch sim.Watcher
	// Patience is how long a run may take before it is given up as slow; 0: any.
	Patience time.Duration
	// Stop, if set, is asked several times in each virtual second whether to end
	// the run.
	Stop func() bool
	// Clock returns the real time; required with Patience.
	Clock func() time.Time
}

// run is a schedule under way.
type run struct {
	s          *Schedule
	c          *sim.Cluster
	opts       Options
	checker    *check.Checker
	facts      *check.Facts
	said       *check.Messages
	meddler    *meddler
	marks      Marks
	nodes      []int // node of a slot, from 0: a node that was wiped has more than one
	slots      []int // slot of a node now
	spare      int   // the next slot for a wiped node
	over       bool  // the safety phase has ended: faults begin no more
	writes     int
	sends      uint64
	replies    map[reply]bool
	departures departures
	leaps      []leap   // of clocks, in order
	mended     []uint64 // of each slot: messages that it had to pull, so far
	result     *Result
	damage     damage
	tale       *Tale         // nil if nobody listens
	up         time.Duration // node time so far
	upSince    []time.Duration
	dead       map[[2]int]bool // who holds whom dead, for a mark
	flaps      int             // changes of mind since the liveness phase agreed
	begun      time.Time       // by Options.Clock, if there is a bound
}

// Run plays a schedule. The same schedule gives the same result but for its
// patience. The error is that of [Schedule.Validate].
func Run(s *Schedule, opts Options) (*Result, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	r := newRun(s, opts)
	r.guard(func() {
		r.begin()
		if r.pass(time.Duration(s.Horizon)) {
			r.liveness()
		}
	})
	r.finish()
	return r.result, nil
}

func newRun(s *Schedule, opts Options) *run {
	cfg := s.config()
	wipes := 0
	for i := range s.Faults {
		if s.Faults[i].Op == Wipe {
			wipes++
		}
	}
	slots := s.Nodes + wipes
	r := &run{
		s: s, opts: opts, checker: check.New(uint64(s.Seed), cfg.timing), spare: s.Nodes, result: &Result{},
		upSince: make([]time.Duration, slots), dead: make(map[[2]int]bool),
	}
	if opts.Patience > 0 {
		r.begun = opts.Clock()
	}
	r.meddler = &meddler{r: r}
	c, err := sim.NewCluster(sim.Options{
		Nodes: slots, Seed: uint64(s.Seed), Timing: cfg.timing, Network: s.Network.model(),
		PayloadMax: cfg.payloadMax, MembersMax: cfg.membersMax, Events: cfg.talk, EventLimits: cfg.limits,
		Watch: r, Meddle: r.meddler,
	})
	if err != nil {
		panic(fmt.Sprintf("swarm: %v", err)) // schedules are validated
	}
	r.c = c
	r.checker.Attach(c)
	r.checker.Limit(cfg.payloadMax, cfg.membersMax)
	r.facts = check.NewFacts(r.checker)
	r.said = check.NewMessages(r.checker, cfg.limits, cfg.talk.Window)
	r.departures = departures{gone: make(map[[2]int]time.Duration), acked: make([]int, slots)}
	r.mended, r.replies = make([]uint64, slots), make(map[reply]bool)
	for i := range slots {
		r.nodes = append(r.nodes, min(i, s.Nodes-1)) // a spare is nobody before it is used
		if i < s.Nodes {
			c.Rename(i, member.Name(fmt.Sprintf("n%d", i+1)))
			r.slots = append(r.slots, i)
		}
	}
	if tale, ok := opts.Watch.(*Tale); ok {
		r.tale = tale
		tale.attach(r)
	}
	return r
}

// begin schedules all that will happen.
func (r *run) begin() {
	if !r.s.sunny() {
		r.checker.Faulty()
	}
	for i := range r.s.Nodes {
		l := luckOf(r.s.Seed, 0, i, 0)
		at := l.within(r.s.Spread)
		if i == 0 {
			at = 0
		}
		r.after(at, func() { r.start(i) })
	}
	for i := range r.s.Faults {
		f := &r.s.Faults[i]
		r.after(time.Duration(f.At), func() { r.inflict(f) })
	}
	for i := range r.s.Workload {
		w := &r.s.Workload[i]
		r.after(time.Duration(w.At), func() { r.write(w) })
	}
}

// after calls f when d has passed, unless the safety phase is over by then.
func (r *run) after(d time.Duration, f func()) {
	r.c.After(d, func() {
		if !r.over {
			f()
		}
	})
}

// piece is how much virtual time passes between two looks at what went wrong.
const piece = 250 * time.Millisecond

// pass lets time pass, and reports whether the run goes on.
func (r *run) pass(d time.Duration) bool {
	for end := r.c.Now() + d; r.c.Now() < end; {
		r.c.Run(min(piece, end-r.c.Now()))
		if r.checker.Violation() != nil || r.givenUp() {
			return false
		}
	}
	return true
}

// await lets time pass until a condition holds.
func (r *run) await(limit time.Duration, condition func() bool) bool {
	for end := r.c.Now() + limit; r.c.Now() < end; {
		if condition() {
			return true
		}
		if !r.pass(piece) {
			return false
		}
	}
	return condition()
}

// givenUp notes and reports whether the run must end without a result.
func (r *run) givenUp() bool {
	r.result.Cut = r.opts.Stop != nil && r.opts.Stop()
	r.result.Slow = r.opts.Patience > 0 && r.opts.Clock().Sub(r.begun) > r.opts.Patience
	return r.result.Unfinished()
}

// Unfinished reports whether a run ended before it could show anything.
func (r *Result) Unfinished() bool { return r.Violation == nil && (r.Cut || r.Slow) }

// ended is what a run panics with to stop at once: the protocol may be in a loop.
type ended struct{}

// guard turns a panic of the protocol into a violation of X1.
func (r *run) guard(f func()) {
	defer func() {
		value := recover()
		if _, violated := value.(ended); value != nil && !violated {
			r.checker.Panicked(r.c.Stepping(), r.c.Now(), fmt.Sprintf("%v at %s", value, origin(debug.Stack())))
		}
	}()
	f()
}

// origin returns the function that panicked: the first of ours below panic.
func origin(stack []byte) string {
	lines := strings.Split(string(stack), "\n")
	panicked := false
	for _, line := range lines {
		name, _, isCall := strings.Cut(line, "(")
		switch {
		case strings.HasPrefix(line, "panic("):
			panicked = true
		case panicked && isCall && strings.Contains(name, "/") && !strings.HasPrefix(line, "\t"):
			return name[strings.LastIndex(name, "/")+1:]
		}
	}
	return "an unknown place"
}

// start runs a node, from 0, with its seeds.
func (r *run) start(i int) {
	slot := r.slots[i]
	if r.c.Machine(slot) != nil {
		return
	}
	var contacts []int
	for s := range r.s.Seeds {
		if s != i {
			contacts = append(contacts, r.slots[s])
		}
	}
	r.c.Start(slot, contacts...)
	if r.s.Seedless {
		r.forgetSeeds(slot, contacts)
	}
}

// forgetSeeds takes its seeds from a node; as long as it does not know them as
// members it goes on asking them. That others know it is not enough: of two parts
// that never met, nobody could tell the other.
func (r *run) forgetSeeds(slot int, contacts []int) {
	r.c.Step(slot, &core.Seeds{})
	const again = 5 * time.Second
	r.c.After(again, func() {
		m := r.c.Machine(slot)
		if m == nil {
			return
		}
		unmet := slices.IndexFunc(contacts, func(c int) bool { _, met := m.Lookup(r.c.ID(c)); return !met })
		if unmet < 0 {
			return
		}
		if !r.c.Paused(slot) {
			r.c.Step(slot, &core.Join{Addrs: []netip.AddrPort{r.c.Addr(contacts[unmet])}})
		}
		r.forgetSeeds(slot, contacts)
	})
}

// tellSeeds gives all nodes the addresses of the seeds as they are now: names of
// hosts are resolved again and again in real nodes. Seedless nodes get none,
// unless they may have forgotten each other too, or operators on both sides of a
// cut have told them to let go: then somebody has to help.
func (r *run) tellSeeds() {
	retires := slices.ContainsFunc(r.s.Workload, func(w Write) bool { return w.Do == retire })
	if r.s.Seedless && !r.s.buggified(shortRetention) && !retires {
		return
	}
	for i, slot := range r.slots {
		if r.c.Machine(slot) == nil || r.c.Paused(slot) {
			continue
		}
		var addrs []netip.AddrPort
		for s := range r.s.Seeds {
			if s != i {
				addrs = append(addrs, r.c.Addr(r.slots[s]))
			}
		}
		r.c.Step(slot, &core.Seeds{Addrs: addrs})
	}
}

// write lets an application act. No value is ever written twice.
func (r *run) write(w *Write) {
	slot := r.slots[w.Node-1]
	if r.c.Machine(slot) == nil || r.c.Paused(slot) {
		return
	}
	switch w.Do {
	case put:
		r.put(slot, w.Key, w.Len)
	case remove:
		r.c.Step(slot, &core.Delete{Key: w.Key})
	case retire:
		r.c.Step(slot, &core.Retire{ID: r.c.ID(r.slots[w.About-1])})
	case send:
		for range max(w.Count, 1) {
			r.send(slot, w.Len, w.Ordered)
		}
	case ask:
		r.ask(slot, w.Len)
	}
}

func (r *run) put(slot int, key string, size int) string {
	r.writes++
	value := strconv.Itoa(r.writes) + "."
	value += strings.Repeat("v", max(size-len(value), 0))
	r.c.Step(slot, &core.Put{Key: key, Value: []byte(value)})
	return value
}

// finish fills in the result.
func (r *run) finish() {
	for slot := range r.upSince {
		if r.c.Machine(slot) != nil {
			r.markTalk(slot)
			r.up += r.c.Now() - r.upSince[slot]
		}
	}
	res := r.result
	r.markDrops()
	res.Violation, res.Hash, res.Time, res.NodeTime = r.checker.Violation(), r.c.Hash(), r.c.Now(), r.up
	res.Marks, res.Stats = r.marks, r.c.Stats()
	for i := range res.Checks {
		res.Checks[i] = r.checker.Checks(check.Invariant(i))
	}
	if res.Violation != nil {
		v := *res.Violation
		v.Node = r.nodes[v.Node] // a slot says nothing to whoever reads the schedule
		res.Violation = &v
	}
}

// Started implements [sim.Watcher].
func (r *run) Started(slot int, now time.Duration, epoch member.Epoch) {
	r.upSince[slot] = now
	r.facts.Started(slot, now, epoch)
	r.said.Started(slot, now, epoch)
	r.departures.begin(slot)
	r.mended[slot] = 0
	if r.opts.Watch != nil {
		r.opts.Watch.Started(slot, now, epoch)
	}
}

// Stopping implements [sim.Watcher].
func (r *run) Stopping(slot int, now time.Duration) {
	r.up += now - r.upSince[slot]
	r.facts.Stopping(slot, now)
	r.said.Stopping(slot)
	r.markTalk(slot)
	if r.opts.Watch != nil {
		r.opts.Watch.Stopping(slot, now)
	}
}

// Stepped implements [sim.Watcher].
func (r *run) Stepped(slot int, now time.Duration, out *core.Output) {
	if r.opts.Watch != nil {
		r.opts.Watch.Stepped(slot, now, out)
	}
	r.facts.Stepped(slot, now, out)
	r.said.Stepped(slot, now, out)
	r.listen(slot, out)
	if r.damage.pending {
		r.checkDamage(slot, out)
	}
	r.mark(slot, out)
	if r.checker.Violation() != nil {
		panic(ended{})
	}
}

// Receiving implements [sim.Listener].
func (r *run) Receiving(slot int, now time.Duration, from int, payload []byte) {
	if l, ok := r.opts.Watch.(sim.Listener); ok {
		l.Receiving(slot, now, from, payload)
	}
	if r.s.uses(Damage) {
		r.meetDamage(slot, payload)
	}
}

// uses reports whether a schedule has a fault of a kind.
func (s *Schedule) uses(op Op) bool {
	for i := range s.Faults {
		if s.Faults[i].Op == op {
			return true
		}
	}
	return false
}

// Found returns what a result found, for the file of its schedule.
func (r *Result) Found() *Found {
	v := r.Violation
	if v == nil {
		return nil
	}
	return &Found{Invariant: v.Invariant.String(), At: Duration(v.Time), Node: v.Node + 1, What: cmp.Or(v.What, "no words")}
}

package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/sim/check"
)

// Options say how to run a script.
type Options struct {
	Script  *Script
	Nodes   int // 0: the script's
	Seed    uint64
	Timing  core.Timing
	Network sim.Network
	// Dead is the share of nodes that are killed at time 0, before the first
	// line, and that nobody has noticed yet.
	Dead float64
	// Length is how long the run takes at least; 0: as long as the script. With
	// it, the script's own end is passed over.
	Length time.Duration
	// Trace, if set, takes one line of JSON for each thing that happens.
	Trace io.Writer
	// Timeline records what each node was right or wrong about, and when.
	Timeline bool
	// Progress, if set, is called now and then with the time that has passed
	// since time 0; negative while the cluster forms.
	Progress func(time.Duration)
	// Inspect, if set, is called at the end, with the cluster as it is then. It
	// may do with it what it likes.
	Inspect func(*sim.Cluster)
}

// Errors of [Run].
var (
	// ErrExpectation: an expectation of the script was not met.
	ErrExpectation = errors.New("expectation not met")
	// ErrNotFormed: the cluster did not come together before time 0.
	ErrNotFormed = errors.New("cluster did not form")
	// ErrTrace: the trace could not be written.
	ErrTrace = errors.New("trace")
)

const (
	// formLimit is how long a cluster may take to come together: a hundred times
	// what it takes without faults.
	formLimit = 10 * time.Minute
	// rest is how long it is left alone then, until the last rumors of joining
	// have ended.
	rest = 15 * time.Second
	// slice is how often the runner looks up: conditions hold at the end of one.
	slice = 10 * time.Millisecond
	// goodbye is how long a node runs on after it has left.
	goodbye = 5 * time.Second
)

// runner plays a script on a cluster and is its watcher.
type runner struct {
	ctx     context.Context
	opts    Options
	n       int
	cluster *sim.Cluster
	checker *check.Checker
	ledger  *ledger
	facts   *writes
	events  *events
	traffic *traffic
	trace   *trace
	tale    *Timeline
	rand    *rand.Rand
	names   map[string][]int
	result  *Result

	zero    time.Duration // when the script began
	base    point         // of the traffic, at zero
	horizon time.Duration // until when something is still to happen
	writes  int           // made so far
}

// Run plays a script on one random seed. The result is not nil if the cluster
// could be made, and tells of all that was done before an error: a
// [*check.Violation], [ErrExpectation], [ErrNotFormed], [ErrTrace] or that of
// the context, wrapped.
func Run(ctx context.Context, opts Options) (*Result, error) {
	if opts.Nodes == 0 {
		opts.Nodes = opts.Script.Nodes()
	}
	if err := opts.Script.Check(opts.Nodes); err != nil {
		return nil, err
	}
	r := &runner{
		ctx: ctx, opts: opts, n: opts.Nodes, names: make(map[string][]int),
		checker: check.New(opts.Seed, opts.Timing), facts: newWrites(opts.Nodes), events: newEvents(opts.Nodes),
		rand: rand.New(rand.NewPCG(opts.Seed, scriptStream)),
	}
	cluster, err := sim.NewCluster(sim.Options{
		Nodes: opts.Nodes, Seed: opts.Seed, Timing: opts.Timing, Network: opts.Network, Watch: r,
	})
	if err != nil {
		return nil, err
	}
	r.cluster, r.ledger, r.traffic = cluster, newLedger(cluster), newTraffic(cluster)
	r.checker.Attach(cluster)
	r.checkNetwork(opts.Network)
	r.result = &Result{Scenario: opts.Script.Name, Nodes: opts.Nodes, Seed: opts.Seed}
	r.observe()
	err = r.play()
	if opts.Trace != nil {
		err = errors.Join(err, r.trace.flush())
	}
	r.finish()
	if opts.Inspect != nil {
		opts.Inspect(cluster)
	}
	return r.result, err
}

// scriptStream keeps the draws of a script apart from those of the cluster: the
// second word of its generator's seed, any constant.
const scriptStream = 0x7363656e6172696f

// observe sets up what is only kept when asked for.
func (r *runner) observe() {
	if r.opts.Trace != nil {
		r.trace = newTrace(r.cluster, r.opts.Trace)
	}
	if r.opts.Timeline {
		r.tale = newTimeline(r.n)
		r.ledger.changed = func(i int) { r.tale.note(r.cluster.Now(), i, r.ledger.status(i)) }
		learnt := func(i int, now time.Duration) { r.tale.Learnt = append(r.tale.Learnt, Moment{now, i}) }
		r.facts.learnt, r.events.learnt = learnt, learnt
	}
}

// play forms the cluster and runs the lines one after another.
func (r *runner) play() error {
	if err := r.form(); err != nil {
		return err
	}
	r.zero = r.cluster.Now()
	r.base = r.traffic.now()
	r.result.Formed = r.zero
	if err := r.killShare(); err != nil {
		return err
	}
	for i := range r.opts.Script.lines {
		l := &r.opts.Script.lines[i]
		target := l.delay
		if l.timing == after {
			target += r.clock()
		}
		if err := r.runTo(target); err != nil {
			return err
		}
		if isEnd(l.action) {
			r.horizon = 0
			break
		}
		if err := r.do(l); err != nil {
			return err
		}
	}
	if err := r.runTo(max(r.horizon, r.opts.Length)); err != nil {
		return err
	}
	return r.result.unmet()
}

// do runs a line, or begins to run it again and again.
func (r *runner) do(l *line) error {
	if l.every == 0 {
		return r.guard(func() { l.action.run(r) })
	}
	var again func()
	again = func() {
		l.action.run(r)
		if r.clock()+l.every < l.until {
			r.later(l.every, again)
		}
	}
	if r.clock() < l.until {
		return r.guard(again)
	}
	return nil
}

// form brings all nodes together, unless the script begins with none.
func (r *runner) form() error {
	if r.opts.Script.setup.empty {
		return nil
	}
	if err := r.guard(func() { r.cluster.StartAll(spreadOf(r.n)) }); err != nil {
		return err
	}
	ok := r.await(formLimit, func() bool { return r.cluster.Running() == r.n && r.ledger.converged() })
	if err := r.stopped(); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w within %v: %s", ErrNotFormed, formLimit, r.ledger.disagreement())
	}
	r.result.JoinTime = r.ledger.rightAt
	return r.advance(r.cluster.Now() + rest)
}

// spreadOf is the time over which n nodes join: all at once, but for clusters in
// which one contact would have to hand out hundreds of full views at once.
func spreadOf(n int) time.Duration { return time.Duration(max(n-100, 0)) * 10 * time.Millisecond }

func (r *runner) killShare() error {
	k := int(r.opts.Dead*float64(r.n) + 0.5)
	if k == 0 {
		return nil
	}
	return r.guard(func() { (&kill{set: chance{amount: amount{count: k}}}).run(r) })
}

// clock is the script's time.
func (r *runner) clock() time.Duration { return r.cluster.Now() - r.zero }

// runTo lets time pass until the script's time is t, if it is not yet.
func (r *runner) runTo(t time.Duration) error { return r.advance(r.zero + t) }

func (r *runner) advance(to time.Duration) error {
	const stride = 100 * time.Millisecond
	for r.cluster.Now() < to {
		d := min(stride, to-r.cluster.Now())
		if err := r.guard(func() { r.cluster.Run(d) }); err != nil {
			return err
		}
		r.progress()
	}
	return r.stopped()
}

// await lets time pass until the condition holds, and reports whether it did
// within the limit. The caller asks stopped why it did not.
func (r *runner) await(limit time.Duration, condition func() bool) bool {
	until := r.cluster.Now() + limit
	for !condition() {
		if r.cluster.Now() >= until || r.stopped() != nil {
			return false
		}
		r.cluster.Run(min(slice, until-r.cluster.Now()))
		r.progress()
	}
	return true
}

func (r *runner) progress() {
	if r.opts.Progress != nil {
		now := r.clock()
		if r.zero == 0 && !r.opts.Script.setup.empty {
			now = -1
		}
		r.opts.Progress(now)
	}
}

// stopped returns why the run cannot go on: it was interrupted, or an invariant
// does not hold.
func (r *runner) stopped() error {
	if v := r.checker.Violation(); v != nil {
		return fmt.Errorf("%w (script time %.6f s)", v, (v.Time - r.zero).Seconds())
	}
	return r.ctx.Err()
}

// guard calls f, and makes of a panic in it a violation that names the node.
func (r *runner) guard(f func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			r.checker.Panicked(r.cluster.Stepping(), r.cluster.Now(), fmt.Sprintf("%v\n%s", value, debug.Stack()))
			err = r.stopped()
		}
	}()
	f()
	return r.stopped()
}

// later calls f when d has passed, which the run waits for.
func (r *runner) later(d time.Duration, f func()) {
	r.horizon = max(r.horizon, r.clock()+d)
	r.cluster.After(d, f)
}

// where returns the nodes for which keep holds, ascending.
func (r *runner) where(keep func(int) bool) []int {
	var nodes []int
	for i := range r.n {
		if keep(i) {
			nodes = append(nodes, i)
		}
	}
	return nodes
}

// startNode runs a node; it joins through the first one that takes part.
func (r *runner) startNode(i int) {
	if r.ledger.up[i] {
		return
	}
	for contact := range r.n {
		if r.ledger.active(contact) {
			r.cluster.Start(i, contact)
			return
		}
	}
	r.cluster.Start(i)
}

func (r *runner) pauseNode(i int) {
	if r.ledger.up[i] && !r.ledger.frozen[i] {
		r.cluster.Pause(i)
		r.ledger.freeze(i, r.cluster.Now())
	}
}

func (r *runner) resumeNode(i int) {
	if r.ledger.up[i] && r.ledger.frozen[i] {
		r.ledger.thaw(i, r.cluster.Now())
		r.cluster.Resume(i)
	}
}

func (r *runner) leaveNode(i int) {
	if !r.ledger.active(i) {
		return
	}
	r.payloadsStopped(i)
	r.ledger.goodbye(i, r.cluster.Now())
	r.cluster.Step(i, &core.Leave{})
	epoch := r.ledger.epoch[i]
	r.later(goodbye, func() {
		if r.ledger.up[i] && r.ledger.epoch[i] == epoch {
			r.cluster.Kill(i)
		}
	})
}

// write puts a fact at a node and measures its spread.
func (r *runner) write(i int, key string, value []byte) {
	if !r.ledger.active(i) {
		r.say("node %d does not run: nothing is written", i+1)
		return
	}
	// Measured from before the step: its packets carry the fact already.
	r.facts.begin(r.ledger, &fact{payload: r.payload(i), key: key, value: value})
	in := &core.Put{Key: key, Value: value}
	r.cluster.Step(i, in)
	if in.Err != nil {
		r.facts.deleted(r.cluster.ID(i), key)
		r.say("node %d: %v", i+1, in.Err)
	}
}

// publish broadcasts an event from a node and measures its spread.
func (r *runner) publish(i int, bytes []byte) {
	if !r.ledger.active(i) {
		r.say("node %d does not run: nothing is broadcast", i+1)
		return
	}
	r.events.begin(r.ledger, &event{payload: r.payload(i)})
	in := &core.Publish{Topic: topic, Payload: bytes}
	r.cluster.Step(i, in)
	r.events.published(r.ledger.epoch[i], in)
	if in.Err != nil {
		r.say("node %d: %v", i+1, in.Err)
	}
}

// topic is that of all events of a script.
const topic = "scenario"

// payload is what is measured of something that a node makes now.
func (r *runner) payload(i int) payload {
	return payload{origin: i, id: r.cluster.ID(i), at: r.cluster.Now()}
}

// payloadsStopped says that a node learns nothing more.
func (r *runner) payloadsStopped(node int) {
	r.facts.stopped(node)
	r.events.stopped(node)
}

// faulty says that from now on something is wrong.
func (r *runner) faulty() { r.checker.Faulty() }

// checkNetwork says so if the network alone may give rise to suspicions.
func (r *runner) checkNetwork(net sim.Network) {
	// All may send to one at once, and each packet takes time at either end.
	crowd := time.Duration(r.n) * net.Processing
	if net.Loss > 0 || 2*(net.Latency+net.Jitter)+crowd >= r.opts.Timing.ProbeTimeout {
		r.faulty()
	}
}

func (r *runner) setLoss(share float64) (before float64) {
	net := r.cluster.Network()
	before, net.Loss = net.Loss, share
	r.cluster.SetNetwork(net)
	return before
}

// say adds to the report what the script did.
func (r *runner) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.result.Log = append(r.result.Log, Entry{r.clock(), text})
	if r.trace != nil {
		r.trace.script(r.cluster.Now(), text)
	}
}

// Started implements [sim.Watcher].
func (r *runner) Started(node int, now time.Duration, epoch member.Epoch) {
	r.checker.Started(node, now, epoch)
	r.traffic.running(now, +1)
	r.ledger.started(node, now, epoch)
	if r.trace != nil {
		r.trace.started(node, now, epoch)
	}
}

// Stopping implements [sim.Watcher].
func (r *runner) Stopping(node int, now time.Duration) {
	r.checker.Stopping(node, now)
	r.traffic.running(now, -1)
	r.ledger.stopping(node, now)
	r.payloadsStopped(node)
	if r.trace != nil {
		r.trace.stopped(node, now)
	}
}

// Stepped implements [sim.Watcher].
func (r *runner) Stepped(node int, now time.Duration, out *core.Output) {
	r.checker.Stepped(node, now, out)
	for i := range out.Packets {
		r.facts.sent(node, &out.Packets[i], r.facts.count)
		r.events.sent(node, &out.Packets[i], r.events.count)
	}
	for i := range out.Events {
		r.ledger.note(node, now, &out.Events[i])
		r.facts.note(node, now, &out.Events[i])
		r.events.note(node, r.cluster.ID(node), r.ledger.epoch[node], now, &out.Events[i])
	}
	if r.trace != nil {
		r.trace.stepped(node, now, out)
	}
}

// finish fills in the result.
func (r *runner) finish() {
	res := r.result
	res.Length = r.clock()
	res.Converged = r.ledger.converged()
	res.ConvergeTime = r.ledger.rightAt - r.ledger.changedAt
	for _, s := range r.ledger.stops {
		res.Detections = append(res.Detections, Detection{Node: s.node, At: s.at - r.zero, First: s.first, All: s.all, Over: s.over})
	}
	res.FalsePositives, res.CutVerdicts = r.ledger.falsePositives, r.ledger.cutVerdicts
	res.Suspicions, res.Refutations, res.Verdicts = r.ledger.suspicions, r.ledger.refutations, r.ledger.verdicts
	res.Traffic = r.traffic.since(&r.base)
	res.Windows = r.traffic.windows()
	res.Writes, res.Events = r.facts.result(), r.events.result(r.machines)
	res.Hash = r.cluster.Hash()
	for _, i := range check.All() {
		res.Checks = append(res.Checks, Checks{i.String(), r.checker.Checks(i)})
	}
	if res.Timeline = r.tale; r.tale != nil {
		r.tale.finish(r.zero, res.Length)
	}
}

// machines visits those that run.
func (r *runner) machines(visit func(*core.Machine)) {
	for i := range r.n {
		if m := r.cluster.Machine(i); m != nil {
			visit(m)
		}
	}
}

// unmet returns an error that names every expectation that was not met.
func (res *Result) unmet() error {
	var failed []string
	for _, x := range res.Expectations {
		if !x.OK {
			failed = append(failed, x.String())
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%w: seed %d: %s", ErrExpectation, res.Seed, strings.Join(failed, "; "))
}

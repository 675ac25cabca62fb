package scenario

import (
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/draw"
)

// forTime is how long an action lasts; 0: until something else ends it.
type forTime time.Duration

func (d forTime) lasts() time.Duration { return time.Duration(d) }

// undo calls f when the action's time is over.
func (d forTime) undo(r *runner, f func()) {
	if d > 0 {
		r.later(time.Duration(d), f)
	}
}

type start struct {
	set  set
	over time.Duration
}

func (a *start) lasts() time.Duration { return a.over }

func (a *start) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("start %s%s", describe(nodes), suffix(" over ", a.over))
	for _, i := range nodes {
		if a.over == 0 {
			r.startNode(i)
			continue
		}
		r.later(draw.Within(r.rand, a.over), func() { r.startNode(i) })
	}
}

func suffix(word string, d time.Duration) string {
	if d == 0 {
		return ""
	}
	return word + d.String()
}

type kill struct {
	set set
	forTime
}

func (a *kill) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("kill %s%s", describe(nodes), suffix(" for ", a.lasts()))
	r.faulty()
	for _, i := range nodes {
		r.cluster.Kill(i)
		a.undo(r, func() { r.startNode(i) })
	}
}

type pause struct {
	set set
	forTime
}

func (a *pause) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("pause %s%s", describe(nodes), suffix(" for ", a.lasts()))
	r.faulty()
	for _, i := range nodes {
		r.pauseNode(i)
		a.undo(r, func() { r.resumeNode(i) })
	}
}

type resume struct{ set set }

func (a *resume) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("resume %s", describe(nodes))
	for _, i := range nodes {
		r.resumeNode(i)
	}
}

type leave struct{ set set }

func (a *leave) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("leave %s", describe(nodes))
	for _, i := range nodes {
		r.leaveNode(i)
	}
}

type cut struct {
	pair
	forTime
}

func (a *cut) run(r *runner) {
	from, to := a.pair.nodes(r)
	arrow := "|"
	if a.oneWay {
		arrow = "->"
	}
	others := describe(to)
	if a.rest {
		others = "rest"
	}
	r.say("cut %s %s %s%s", describe(from), arrow, others, suffix(" for ", a.lasts()))
	r.faulty()
	r.cluster.Cut(from, to)
	if !a.oneWay {
		r.cluster.Cut(to, from)
	}
	r.ledger.regroup(r.cluster.Now())
	a.undo(r, func() {
		r.say("mend %s %s %s", describe(from), arrow, others)
		r.cluster.Mend(from, to)
		if !a.oneWay {
			r.cluster.Mend(to, from)
		}
		r.ledger.regroup(r.cluster.Now())
	})
}

type heal struct{}

func (heal) run(r *runner) {
	r.say("heal")
	r.cluster.Heal()
	r.ledger.regroup(r.cluster.Now())
}

type slow struct {
	set set
	by  time.Duration
	forTime
}

func (a *slow) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("slow %s by %v%s", describe(nodes), a.by, suffix(" for ", a.lasts()))
	r.faulty()
	for _, i := range nodes {
		r.cluster.Slow(i, a.by)
		a.undo(r, func() { r.cluster.Slow(i, 0) })
	}
}

type loss struct {
	share float64
	links *pair // nil: all
	forTime
}

func (a *loss) run(r *runner) {
	r.faulty()
	if a.links == nil {
		r.say("loss %s%s", percent(a.share), suffix(" for ", a.lasts()))
		before := r.setLoss(a.share)
		a.undo(r, func() {
			r.say("loss %s", percent(before))
			r.setLoss(before)
		})
		return
	}
	from, to := a.links.nodes(r)
	others := describe(to)
	if a.links.rest {
		others = "rest"
	}
	r.say("loss %s %s -> %s%s", percent(a.share), describe(from), others, suffix(" for ", a.lasts()))
	r.cluster.LossOn(from, to, a.share)
	a.undo(r, func() { r.cluster.LossOff(from, to) })
}

func percent(share float64) string { return fmt.Sprintf("%.4g%%", 100*share) }

type latency struct{ latency, jitter time.Duration }

func (a *latency) run(r *runner) {
	net := r.cluster.Network()
	net.Latency = a.latency
	if a.jitter >= 0 {
		net.Jitter = a.jitter
	}
	r.say("latency %v jitter %v", net.Latency, net.Jitter)
	r.cluster.SetNetwork(net)
	r.checkNetwork(net)
}

type let struct {
	name string
	set  set
}

func (a *let) run(r *runner) {
	nodes := a.set.nodes(r)
	r.names[a.name] = nodes
	r.say("%s is %s", a.name, describe(nodes))
}

type put struct {
	set        set
	key, value string
}

func (a *put) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("set %s %s %s", describe(nodes), a.key, a.value)
	for _, i := range nodes {
		r.write(i, a.key, []byte(a.value))
	}
}

type remove struct {
	set set
	key string
}

func (a *remove) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("delete %s %s", describe(nodes), a.key)
	for _, i := range nodes {
		in := &core.Delete{Key: a.key}
		r.cluster.Step(i, in)
		if in.Err != nil {
			r.say("node %d: %v", i+1, in.Err)
		}
		r.facts.deleted(r.cluster.ID(i), a.key)
	}
}

// broadcast is one event from each node of a set.
type broadcast struct {
	size size
	set  set
}

func (a *broadcast) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("broadcast %v from %s", a.size, describe(nodes))
	for _, i := range nodes {
		r.publish(i, r.noise(a.size))
	}
}

// write is one fact from each node of a set.
type write struct {
	size size
	set  set
}

func (a *write) run(r *runner) {
	nodes := a.set.nodes(r)
	r.say("write %v from %s", a.size, describe(nodes))
	for _, i := range nodes {
		r.writes++
		r.write(i, fmt.Sprint(payloadPrefix, r.writes), r.noise(a.size))
	}
}

// noise returns bytes that are distinct, and do not compress.
func (r *runner) noise(n size) []byte {
	b := make([]byte, n)
	for k := range b {
		b[k] = byte(r.rand.Uint64())
	}
	return b
}

type mark string

func (name mark) run(r *runner) {
	r.say("mark %s", string(name))
	r.traffic.mark(string(name))
}

func (e *expect) run(r *runner) {
	began := r.cluster.Now()
	ok := r.await(e.within, func() bool { return e.holds(r) })
	if r.stopped() != nil {
		return // undecided
	}
	x := Expectation{Text: e.text, At: r.clock(), Waited: r.cluster.Now() - began, OK: ok}
	if !ok {
		x.Seen = e.seen(r)
	}
	r.result.Expectations = append(r.result.Expectations, x)
	if ok {
		r.say("as expected: %s", e.text)
	} else {
		r.say("expected %s, but %s", e.text, x.Seen)
	}
}

// end is looked for by the runner.
type end struct{}

func (end) run(*runner) {}

func isEnd(a action) bool {
	_, ok := a.(end)
	return ok
}

package maelstrom

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// run is one run, whatever its clock and its nodes are.
type run struct {
	opts     Options
	workload *workload
	loop     *loop
	rand     *rand.Rand
	net      *network
	nemesis  *nemesis
	names    []string
	deaf     map[string]bool // nodes whose output is read no more
	workers  []*worker
	clients  int
	history  history
	made     int  // requests
	owed     int  // requests that are due while all workers are busy
	waiting  bool // for the workers to come to rest
	atRest   func()
	result   *Result
	spread   *spread
}

// streams of random numbers: what one uses up does not change the others.
const (
	streamLoad = iota + 1
	streamNetwork
	streamNemesis
)

func newRun(opts Options) (*run, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	l := &loop{}
	stream := func(k uint64) *rand.Rand { return rand.New(rand.NewPCG(opts.Seed, k)) }
	r := &run{
		opts: opts, workload: workloads[opts.Workload](), loop: l, rand: stream(streamLoad),
		net: newNetwork(l, stream(streamNetwork), opts), deaf: make(map[string]bool),
		result: &Result{Workload: opts.Workload, Nodes: opts.Nodes, Seed: opts.Seed},
		spread: newSpread(opts.Nodes),
	}
	for i := range opts.Nodes {
		r.names = append(r.names, fmt.Sprintf("n%d", i))
	}
	r.nemesis = &nemesis{loop: l, rand: stream(streamNemesis), net: r.net, names: r.names}
	return r, nil
}

// output takes a line that a node wrote. After one that is no message the rest
// is not read.
func (r *run) output(node string, line []byte) {
	if r.deaf[node] {
		return
	}
	m, err := parseMessage(line)
	if err == nil && m.Src != node {
		err = fmt.Errorf("%w: src is %q", errMessage, m.Src)
	}
	if err == nil {
		err = r.net.send(m)
	}
	if err != nil {
		r.deaf[node] = true
		r.result.problem("%s wrote %q: %v", node, line, err)
	}
}

// setUp plans the first step: each node is told who it is. All else follows from
// answers and from time.
func (r *run) setUp() {
	r.tellAll(initTimeout, "init_ok", func(node string) request {
		return request{kind: "init", body: map[string]any{"node_id": node, "node_ids": r.names}}
	}, func() {
		if !r.workload.topology {
			r.load()
			return
		}
		of := topology(r.opts.Topology, r.names)
		r.tellAll(callTimeout, "topology_ok", func(string) request {
			return request{kind: "topology", body: map[string]any{"topology": of}}
		}, r.load)
	})
}

// tellAll asks each node the same and goes on once all have answered.
func (r *run) tellAll(timeout time.Duration, reply string, ask func(node string) request, then func()) {
	left := len(r.names)
	for _, node := range r.names {
		q := ask(node)
		q.reply = reply
		c := r.newClient(node)
		c.call(q, timeout, func(body map[string]json.RawMessage, got Body) {
			r.net.leave(c.name)
			if r.outcome(&q, body, got) != OK {
				r.result.problem("%s refused %s", node, q.kind)
				r.end()
				return
			}
			if left--; left == 0 {
				then()
			}
		}, func() {
			r.result.problem("%s did not answer %s", node, q.kind)
			r.end()
		})
	}
}

// load makes requests and cuts until the time limit, then heals, rests and reads.
func (r *run) load() {
	for _, node := range r.names {
		r.workers = append(r.workers, &worker{run: r, client: r.newClient(node)})
	}
	if r.opts.Partitions {
		r.nemesis.start()
	}
	limit := r.loop.now + r.opts.TimeLimit
	due := r.loop.now + r.gap()
	var next func()
	next = func() {
		if due >= limit {
			return
		}
		r.owed++
		r.dispatch()
		due += r.gap() // and not from now: a late timer must not lower the rate
		r.loop.at(due, next)
	}
	r.loop.at(due, next)
	r.loop.at(limit, func() {
		r.owed = 0
		r.whenAtRest(r.finish)
	})
}

func (r *run) gap() time.Duration {
	return time.Duration(r.rand.Float64() * 2 / r.opts.Rate * float64(time.Second))
}

// dispatch has free workers, drawn evenly, make the requests that are due.
func (r *run) dispatch() {
	for r.owed > 0 {
		var free []*worker
		for _, w := range r.workers {
			if !w.busy {
				free = append(free, w)
			}
		}
		if len(free) == 0 {
			return
		}
		r.owed--
		q := r.workload.request(r.rand, r.made)
		r.made++
		free[r.rand.IntN(len(free))].invoke(q, false)
	}
}

// workerFree is called when a request has ended.
func (r *run) workerFree() {
	r.dispatch()
	if !r.waiting {
		return
	}
	for _, w := range r.workers {
		if w.busy {
			return
		}
	}
	r.waiting = false
	r.atRest()
}

// whenAtRest goes on once no request is open.
func (r *run) whenAtRest(then func()) {
	r.waiting, r.atRest = true, then
	r.workerFree()
}

func (r *run) finish() {
	r.nemesis.stop()
	if r.workload.final == nil {
		r.end()
		return
	}
	r.loop.after(restTime, func() {
		for _, w := range r.workers {
			w.invoke(*r.workload.final, true)
		}
		r.whenAtRest(r.end)
	})
}

// end stops the loop and judges.
func (r *run) end() {
	if r.loop.ended {
		return
	}
	r.loop.ended = true
	res := r.result
	res.Messages, res.Bytes, res.Cuts = r.net.servers, r.net.serverBytes, r.nemesis.count
	res.Requests = len(r.history.ops)
	for _, op := range r.history.ops {
		switch op.Outcome {
		case OK:
			res.OK++
		case Failed:
			res.Failed++
		case Indefinite:
			res.Indefinite++
		}
	}
	if res.OK == 0 {
		res.Unknown = true
	}
	r.workload.check(r.history.ops, res)
	res.Spread = r.spread.quantiles()
}

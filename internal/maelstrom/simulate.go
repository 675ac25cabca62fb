package maelstrom

import (
	"encoding/json"
	"time"
)

// Node is a program driven in virtual time. Times count from the start of the
// run. After each call the lines that it has written are taken from Output and
// Deadline is asked anew.
type Node interface {
	// Line takes one line of input, without its end.
	Line(now time.Duration, line []byte)
	// Tick tells the time: at the deadline.
	Tick(now time.Duration)
	// Deadline returns when the node wants to be told the time, false for never.
	Deadline() (time.Duration, bool)
	// Output returns the lines written since the last call.
	Output() [][]byte
}

// A Witness is a Node that says which elements it has: integers that clients
// added, in the order in which it learned of them, only ever appended to.
type Witness interface {
	Has() []int
}

// Simulate runs nodes in virtual time. start makes the i-th node; all that it
// draws must come from a random seed for the run to be repeatable. The error is
// [ErrOptions]; what nodes do wrong is in the result.
func Simulate(opts Options, start func(i int) Node) (*Result, error) {
	r, err := newRun(opts)
	if err != nil {
		return nil, err
	}
	for i, name := range r.names {
		h := &host{run: r, name: name, node: start(i)}
		r.net.join(name, h.deliver)
	}
	r.setUp()
	r.loop.runVirtual()
	return r.result, nil
}

// host drives one node.
type host struct {
	run   *run
	name  string
	node  Node
	alarm time.Duration // planned tick
	set   bool
	known int // elements that it was seen to have
}

func (h *host) deliver(m Message) {
	line, err := json.Marshal(m)
	if err != nil {
		panic(err) // it was parsed before
	}
	h.node.Line(h.run.loop.now, line)
	h.after()
}

// after takes what the node wrote and plans its next tick.
func (h *host) after() {
	for _, line := range h.node.Output() {
		h.run.output(h.name, line)
	}
	if w, ok := h.node.(Witness); ok {
		has := w.Has()
		for _, element := range has[h.known:] {
			h.run.spread.has(element, h.run.loop.now)
		}
		h.known = len(has)
	}
	at, any := h.node.Deadline()
	if !any || h.set && h.alarm <= at {
		return
	}
	h.alarm, h.set = at, true
	h.run.loop.at(at, func() {
		if h.set && h.alarm == at {
			h.set = false
			h.node.Tick(h.run.loop.now)
			h.after()
		}
	})
}

// spread measures how long elements take from the first node that has one to the
// last. A request's own way to a node does not count: as in the original, it
// waits there behind a message that was taken up before.
type spread struct {
	nodes int
	since map[int]time.Duration
	count map[int]int
	took  []time.Duration
}

func newSpread(nodes int) *spread {
	return &spread{nodes: nodes, since: make(map[int]time.Duration), count: make(map[int]int)}
}

// has notes that one more node has an element.
func (s *spread) has(element int, now time.Duration) {
	s.count[element]++
	switch s.count[element] {
	case 1:
		s.since[element] = now
	case s.nodes:
		s.took = append(s.took, now-s.since[element])
	}
}

func (s *spread) quantiles() Quantiles { return quantiles(s.took) }

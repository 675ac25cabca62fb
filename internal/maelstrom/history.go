package maelstrom

import (
	"encoding/json"
	"time"
)

// Outcome says how a request ended.
type Outcome uint8

// The outcomes. Only a request of which nobody can say whether it took effect is
// indefinite.
const (
	Indefinite Outcome = iota
	OK
	Failed
)

// String returns "ok", "fail" or, as in the original, "info".
func (o Outcome) String() string {
	return [...]string{"info", "ok", "fail"}[o]
}

// Op is one request of a client and how it ended. Indices count invocations and
// completions alike, so that they order what happens at one time.
type Op struct {
	Client, Node string
	Type         string // of the request
	Element      int    // what an add adds, or the number of the request
	Final        bool
	Outcome      Outcome
	Reply        map[string]json.RawMessage // of an ok request
	Invoked      time.Duration
	Completed    time.Duration
	invocation   int
	completion   int
}

// history is all requests in the order of invocation.
type history struct {
	ops   []*Op
	index int
}

func (h *history) invoke(op *Op, now time.Duration) {
	h.index++
	op.invocation, op.Invoked = h.index, now
	h.ops = append(h.ops, op)
}

func (h *history) complete(op *Op, outcome Outcome, now time.Duration) {
	h.index++
	op.completion, op.Completed, op.Outcome = h.index, now, outcome
}

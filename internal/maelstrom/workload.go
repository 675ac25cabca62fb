package maelstrom

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
)

// A workload says what clients ask and what the answers must be.
type workload struct {
	// topology: nodes are told their neighbours first.
	topology bool
	// request draws the i-th request.
	request func(r *rand.Rand, i int) request
	// final is what each client asks at the end, if anything.
	final *request
	// check judges a history.
	check func(ops []*Op, result *Result)
}

// request is the body of one, apart from its msg_id, and what its answer holds.
type request struct {
	kind  string
	body  map[string]any
	reply string   // type of the answer
	keys  []string // keys of the answer beside type, msg_id and in_reply_to
	// safe: without an answer it has not happened, so that it fails instead of
	// being indefinite.
	safe    bool
	element int
}

// workloads by name.
var workloads = map[string]func() *workload{
	"echo": func() *workload {
		return &workload{
			request: func(r *rand.Rand, _ int) request {
				k := r.IntN(128)
				return request{
					kind: "echo", element: k, reply: "echo_ok", keys: []string{"echo"},
					body: map[string]any{"echo": fmt.Sprintf("Please echo %d", k)},
				}
			},
			check: checkEcho,
		}
	},
	"unique-ids": func() *workload {
		return &workload{
			request: func(_ *rand.Rand, i int) request {
				return request{kind: "generate", element: i, reply: "generate_ok", keys: []string{"id"}}
			},
			check: checkUnique,
		}
	},
	"broadcast": func() *workload {
		return setWorkload(true, "broadcast", "message", request{
			kind: "read", reply: "read_ok", keys: []string{"messages"}, safe: true,
		})
	},
	"g-set": func() *workload {
		return setWorkload(false, "add", "element", request{
			kind: "read", reply: "read_ok", keys: []string{"value"}, safe: true,
		})
	},
}

// setWorkload adds 0, 1, 2 and so on with half of the requests and reads with the
// others.
func setWorkload(topology bool, add, key string, read request) *workload {
	next := 0
	return &workload{
		topology: topology,
		request: func(r *rand.Rand, _ int) request {
			if r.IntN(2) == 0 {
				return read
			}
			element := next
			next++
			return request{kind: add, element: element, reply: add + "_ok", body: map[string]any{key: element}}
		},
		final: &read,
		check: func(ops []*Op, result *Result) { checkSet(ops, add, read.keys[0], result) },
	}
}

// checkAnswer holds an answer against its closed schema: the documented keys and
// an optional msg_id, nothing else.
func (q *request) checkAnswer(body map[string]json.RawMessage) error {
	for _, key := range q.keys {
		if body[key] == nil {
			return fmt.Errorf("answer to %s without %s", q.kind, key)
		}
	}
	for key := range body {
		if key != "type" && key != "in_reply_to" && key != "msg_id" && !slices.Contains(q.keys, key) {
			return fmt.Errorf("answer to %s with a key of its own: %s", q.kind, key)
		}
	}
	return nil
}

// checkEcho finds answers that are not what was asked.
func checkEcho(ops []*Op, result *Result) {
	for _, op := range ops {
		var text string
		if op.Outcome != OK {
			continue
		}
		if err := json.Unmarshal(op.Reply["echo"], &text); err != nil || text != fmt.Sprintf("Please echo %d", op.Element) {
			result.problem("echo %d came back as %s", op.Element, op.Reply["echo"])
		}
	}
}

// checkUnique finds IDs that were given twice.
func checkUnique(ops []*Op, result *Result) {
	seen := make(map[string]bool)
	for _, op := range ops {
		if op.Outcome != OK {
			continue
		}
		id := string(op.Reply["id"])
		if seen[id] {
			result.problem("id %s was given twice", id)
		}
		seen[id] = true
	}
}

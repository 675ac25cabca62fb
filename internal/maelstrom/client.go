package maelstrom

import (
	"encoding/json"
	"fmt"
	"time"
)

// client asks one node, one request at a time.
type client struct {
	run     *run
	name    string
	node    string
	msgID   int64
	answer  func(body map[string]json.RawMessage, reply Body) // of the request that waits
	waiting int64
}

// newClient joins the network under the next free name.
func (r *run) newClient(node string) *client {
	c := &client{run: r, name: fmt.Sprintf("c%d", r.clients), node: node}
	r.clients++
	r.net.join(c.name, c.receive)
	return c
}

// call sends a request. Exactly one of answered and timedOut is called later.
func (c *client) call(q request, timeout time.Duration, answered func(map[string]json.RawMessage, Body), timedOut func()) {
	c.msgID++
	id := c.msgID
	body := map[string]any{"type": q.kind, "msg_id": id}
	for key, value := range q.body {
		body[key] = value
	}
	c.waiting, c.answer = id, answered
	c.run.loop.after(timeout, func() {
		if c.waiting == id {
			c.waiting = 0
			timedOut()
		}
	})
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err) // requests are ours
	}
	if err := c.run.net.send(Message{Src: c.name, Dest: c.node, Body: raw}); err != nil {
		panic(err) // nodes never leave
	}
}

// receive takes an answer; one that nobody waits for any more is ignored.
func (c *client) receive(m Message) {
	var reply Body
	var body map[string]json.RawMessage
	if json.Unmarshal(m.Body, &body) != nil || json.Unmarshal(body["in_reply_to"], &reply.InReplyTo) != nil ||
		reply.InReplyTo == 0 || reply.InReplyTo != c.waiting {
		return
	}
	if err := json.Unmarshal(body["type"], &reply.Type); err != nil {
		panic(err) // it was parsed when it was sent
	}
	c.waiting = 0
	c.answer(body, reply)
}

// worker makes requests to one node for as long as the run lasts, with a new
// client after each request whose outcome is unknown.
type worker struct {
	run    *run
	client *client
	busy   bool
}

func (w *worker) invoke(q request, final bool) {
	op := &Op{Client: w.client.name, Node: w.client.node, Type: q.kind, Element: q.element, Final: final}
	w.busy = true
	w.run.history.invoke(op, w.run.loop.now)
	done := func(outcome Outcome) {
		w.run.history.complete(op, outcome, w.run.loop.now)
		if outcome == Indefinite {
			w.run.net.leave(w.client.name)
			w.client = w.run.newClient(w.client.node)
		}
		w.busy = false
		w.run.workerFree()
	}
	w.client.call(q, callTimeout,
		func(body map[string]json.RawMessage, reply Body) {
			op.Reply = body
			done(w.run.outcome(&q, body, reply))
		},
		func() {
			if q.safe {
				done(Failed)
			} else {
				done(Indefinite)
			}
		})
}

// outcome reads an answer. Errors with the code of a timeout, a crash or one
// that is not known leave open whether the request took effect.
func (r *run) outcome(q *request, body map[string]json.RawMessage, reply Body) Outcome {
	if reply.Type == "error" {
		var e struct {
			Code int    `json:"code"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal(body["code"], &e.Code); err != nil {
			r.result.problem("error without a code as the answer to %s", q.kind)
			return Indefinite
		}
		definite := e.Code > 0 && e.Code <= 30 && e.Code != 13
		if definite || q.safe {
			return Failed
		}
		return Indefinite
	}
	if reply.Type != q.reply {
		r.result.problem("answer to %s is %q, want %q", q.kind, reply.Type, q.reply)
		return Indefinite
	}
	if err := q.checkAnswer(body); err != nil {
		r.result.problem("%v", err)
		return Indefinite
	}
	return OK
}

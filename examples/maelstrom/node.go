package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
)

// Config is what a Node is made of.
type Config struct {
	// Batch is how long broadcasts wait at the hub, a node that hands them on for
	// all others; 0: there is no hub, and each goes straight to everybody.
	Batch time.Duration
	// AckDelay is how long an ack waits for a message to ride on.
	AckDelay time.Duration
	// Compare is how often a node compares what it has with some other, while
	// nothing else makes it send.
	Compare time.Duration
	// Rand and Log are required.
	Rand *rand.Rand
	Log  *slog.Logger
}

// Node answers Maelstrom's requests. It does nothing by itself: lines and the
// time are handed in, and lines are taken out. Times count from some start. Not
// for concurrent use.
type Node struct {
	cfg    Config
	name   string
	gossip *gossip // nil before init
	// broadcasts: a topology was told, so that the workload is broadcast. Its
	// reads are called like those of a g-set, and answered otherwise.
	broadcasts bool
	messages   []json.RawMessage
	set        []json.RawMessage
	known      map[string]bool // elements of set
	issued     uint64          // unique IDs
	msgID      uint64
	output     [][]byte
}

// NewNode returns a node that waits to be told who it is.
func NewNode(cfg Config) *Node {
	return &Node{cfg: cfg, known: make(map[string]bool), messages: []json.RawMessage{}, set: []json.RawMessage{}}
}

// message is one line.
type message struct {
	Src  string          `json:"src"`
	Dest string          `json:"dest"`
	Body json.RawMessage `json:"body"`
}

// request is what a body may hold of what this node serves.
type request struct {
	Type      string          `json:"type"`
	MsgID     uint64          `json:"msg_id"`
	InReplyTo uint64          `json:"in_reply_to"`
	NodeID    string          `json:"node_id"`
	NodeIDs   []string        `json:"node_ids"`
	Message   json.RawMessage `json:"message"`
	Element   json.RawMessage `json:"element"`
	Echo      json.RawMessage `json:"echo"`
	Data      []byte          `json:"data"`
}

// Codes of errors that Maelstrom defines. All are definite: the request had no
// effect.
const (
	codeNotSupported = 10
	codeUnavailable  = 11
	codeMalformed    = 12
)

// fail is an answer that says why there is none.
type fail struct {
	code int
	text string
}

// Error implements error.
func (f *fail) Error() string { return f.text }

// Line takes one line of input. What is no message is logged and passed over.
func (n *Node) Line(now time.Duration, line []byte) {
	var m message
	var q request
	err := json.Unmarshal(line, &m)
	if err == nil {
		err = json.Unmarshal(m.Body, &q)
	}
	if err != nil {
		n.cfg.Log.Warn("line passed over", "err", err)
		return
	}
	if n.gossip == nil && q.Type != "init" {
		n.cfg.Log.Warn("line before init passed over", "type", q.Type)
		return
	}
	if q.Type == gossipType {
		if err := n.gossip.receive(now, m.Src, q.Data); err != nil {
			n.cfg.Log.Warn("gossip passed over", "node", n.name, "peer", m.Src, "err", err)
		}
	} else if q.InReplyTo == 0 { // an answer can only be to what another program asked
		a, err := n.serve(now, &q)
		n.answer(m.Src, q.MsgID, a, err)
	}
	if n.gossip != nil {
		n.collect(now)
	}
}

// answer is a body apart from the number of what it answers.
type answer map[string]any

func (n *Node) answer(client string, request uint64, a answer, err *fail) {
	if err != nil {
		a = answer{"type": "error", "code": err.code, "text": err.text}
	}
	n.msgID++
	a["msg_id"] = n.msgID
	a["in_reply_to"] = request
	n.send(client, a)
}

// send writes a line. Nothing is written before init, since a line bears a name.
func (n *Node) send(dest string, body any) {
	raw, err := json.Marshal(body)
	if err == nil {
		raw, err = json.Marshal(message{n.name, dest, raw})
	}
	if err != nil {
		panic(fmt.Sprintf("body that is no JSON: %v", err)) // bodies are ours
	}
	n.output = append(n.output, raw)
}

// serve does what a client asks.
func (n *Node) serve(now time.Duration, q *request) (answer, *fail) {
	switch q.Type {
	case "init":
		return n.init(now, q)
	case "topology": // any node can reach any other: whom it names is of no use
		n.broadcasts = true
		return answer{"type": "topology_ok"}, nil
	case "echo":
		return answer{"type": "echo_ok", "echo": q.Echo}, nil
	case "generate":
		n.issued++
		return answer{"type": "generate_ok", "id": fmt.Sprintf("%s-%d", n.name, n.issued)}, nil
	case "broadcast":
		return n.add(now, topicMessage, q.Message)
	case "add":
		return n.add(now, topicElement, q.Element)
	case "read":
		if n.broadcasts {
			return answer{"type": "read_ok", "messages": n.messages}, nil
		}
		return answer{"type": "read_ok", "value": n.set}, nil
	default:
		return nil, &fail{codeNotSupported, "no request of type " + q.Type}
	}
}

func (n *Node) init(now time.Duration, q *request) (answer, *fail) {
	if n.gossip != nil {
		return nil, &fail{codeMalformed, "this node was told who it is"}
	}
	n.name = q.NodeID
	if !slices.Contains(q.NodeIDs, q.NodeID) {
		return nil, &fail{codeMalformed, "node_id is not one of node_ids"}
	}
	n.gossip = newGossip(now, n.cfg, n.name, q.NodeIDs)
	return answer{"type": "init_ok"}, nil
}

// add publishes a value. It counts as broadcast as soon as it is accepted here:
// from then on the protocol brings it to all.
func (n *Node) add(now time.Duration, topic string, value json.RawMessage) (answer, *fail) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, value); err != nil {
		return nil, &fail{codeMalformed, "no value"}
	}
	switch err := n.gossip.publish(now, topic, compact.Bytes()); {
	case errors.Is(err, broadcast.ErrBackpressure):
		return nil, &fail{codeUnavailable, err.Error()}
	case err != nil:
		return nil, &fail{codeMalformed, err.Error()}
	}
	n.keep(topic, compact.Bytes())
	return answer{"type": map[string]string{topicMessage: "broadcast_ok", topicElement: "add_ok"}[topic]}, nil
}

// The topics on which values travel. A message is kept as often as it was
// broadcast, an element once.
const (
	topicMessage = "message"
	topicElement = "element"
)

func (n *Node) keep(topic string, value []byte) {
	if topic == topicMessage {
		n.messages = append(n.messages, value)
		return
	}
	if !n.known[string(value)] {
		n.known[string(value)] = true
		n.set = append(n.set, value)
	}
}

// Tick tells the time: at the deadline.
func (n *Node) Tick(now time.Duration) {
	if n.gossip != nil {
		n.gossip.tick(now)
		n.collect(now)
	}
}

// Deadline returns when the node wants to be told the time, false for never.
func (n *Node) Deadline() (time.Duration, bool) {
	if n.gossip == nil {
		return 0, false
	}
	return n.gossip.deadline(), true
}

// Output returns the lines written since the last call.
func (n *Node) Output() [][]byte {
	out := n.output
	n.output = nil
	return out
}

// collect takes what the protocol delivered and what it wants to be sent.
func (n *Node) collect(now time.Duration) {
	n.gossip.drain(now, n.keep, func(to string, data []byte) {
		n.send(to, answer{"type": gossipType, "data": data})
	})
}

package scenario

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
	"github.com/hearsay-gossip/hearsay/wire"
)

// trace writes what happens as lines of JSON. Times are seconds since the
// cluster was made; nodes are numbered from 1.
type trace struct {
	cluster *sim.Cluster
	out     *bufio.Writer
	err     error
}

// record is one line. Fields that do not apply are left out.
type record struct {
	Time     json.Number `json:"t"`
	Node     int         `json:"node,omitempty"`
	Kind     string      `json:"kind"` // start, stop, send, script, or that of an event
	About    int         `json:"about,omitempty"`
	By       int         `json:"by,omitempty"`
	Claim    string      `json:"claim,omitempty"` // state, epoch and incarnation
	Key      string      `json:"key,omitempty"`
	Size     *int        `json:"size,omitempty"` // of a fact's value
	Hops     uint8       `json:"hops,omitempty"`
	Count    int         `json:"count,omitempty"`
	Elapsed  float64     `json:"elapsed_s,omitempty"`
	Epoch    uint64      `json:"epoch,omitempty"`
	Seq      uint64      `json:"seq,omitempty"` // of a message
	Of       int         `json:"of,omitempty"`  // count of so many
	Done     bool        `json:"done,omitempty"`
	To       int         `json:"to,omitempty"`
	Lane     string      `json:"lane,omitempty"`
	Bytes    int         `json:"bytes,omitempty"`
	Messages []string    `json:"messages,omitempty"`
	Text     string      `json:"text,omitempty"`
}

func newTrace(cluster *sim.Cluster, w io.Writer) *trace {
	return &trace{cluster: cluster, out: bufio.NewWriterSize(w, 1<<16)}
}

func (t *trace) write(now time.Duration, r record) {
	if t.err != nil {
		return
	}
	r.Time = json.Number(fmt.Sprintf("%d.%09d", now/time.Second, now%time.Second))
	line, err := json.Marshal(r)
	if err == nil {
		_, err = t.out.Write(append(line, '\n'))
	}
	t.err = err
}

func (t *trace) flush() error {
	if t.err == nil {
		t.err = t.out.Flush()
	}
	if t.err != nil {
		return fmt.Errorf("%w: %w", ErrTrace, t.err)
	}
	return nil
}

func (t *trace) script(now time.Duration, text string) {
	t.write(now, record{Kind: "script", Text: text})
}

func (t *trace) started(node int, now time.Duration, epoch member.Epoch) {
	t.write(now, record{Kind: "start", Node: node + 1, Epoch: uint64(epoch)})
}

func (t *trace) stopped(node int, now time.Duration) {
	t.write(now, record{Kind: "stop", Node: node + 1})
}

func (t *trace) stepped(node int, now time.Duration, out *core.Output) {
	for i := range out.Events {
		t.event(node, now, &out.Events[i])
	}
	for i := range out.Packets {
		t.packet(node, now, &out.Packets[i])
	}
}

func (t *trace) event(node int, now time.Duration, e *core.Event) {
	r := record{
		Kind: e.Kind.String(), Node: node + 1, About: t.number(e.ID), By: t.number(e.By),
		Key: e.Key, Hops: e.Hops, Count: e.Count, Elapsed: e.Elapsed.Seconds(),
		Epoch: uint64(e.Epoch), Seq: e.Seq, Of: e.Total, Done: e.Done,
	}
	if e.Claim.State.Valid() {
		r.Claim = e.Claim.String()
	}
	if e.Value != nil {
		size := len(e.Value)
		r.Size = &size
	}
	t.write(now, r)
}

func (t *trace) packet(node int, now time.Duration, p *core.Packet) {
	r := record{Kind: "send", Node: node + 1, Lane: p.Lane.String(), Bytes: len(p.Payload)}
	if to, ok := t.cluster.At(p.Addr); ok {
		r.To = to + 1
	}
	for rest := p.Payload; len(rest) > 0; {
		kind, _, after, err := wire.Next(rest)
		if err != nil {
			break // our own packets are well formed
		}
		r.Messages = append(r.Messages, kind.String())
		rest = after
	}
	t.write(now, r)
}

// number is that of a node, 0 for an unknown one.
func (t *trace) number(id member.NodeID) int {
	if i, ok := t.cluster.Index(id); ok {
		return i + 1
	}
	return 0
}

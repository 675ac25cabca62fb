package sim

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/view"
)

type (
	// Query is a question to the members of a cluster; this and what follows are
	// the very types of the root package.
	Query = view.Query
	// Filter says which members a query is for.
	Filter = view.Filter
	// Tag is one condition of a [Filter].
	Tag = view.Tag
	// Question is a query as one who may answer it sees it.
	Question = view.Question
	// Answer is what one member answered.
	Answer = view.Answer
	// QueryStats is what became of a query.
	QueryStats = view.QueryStats
)

// Answers is what comes back for a query while time passes.
type Answers struct {
	node    *Node
	receipt Receipt
	untaken []Answer
	stats   QueryStats
}

// All returns the answers that have come and were not taken before; it never
// waits.
func (a *Answers) All() iter.Seq[Answer] {
	return func(yield func(Answer) bool) {
		for len(a.untaken) > 0 {
			next := a.untaken[0]
			a.untaken = a.untaken[1:]
			if !yield(next) {
				return
			}
		}
	}
}

// Stats returns what has become of the query so far.
func (a *Answers) Stats() QueryStats {
	s := a.stats
	s.Live, s.Reached = a.receipt.progress.Live, a.receipt.progress.Reached
	if !s.Done {
		s.Elapsed = a.node.lab.cluster.now.Sub(a.receipt.begun)
	}
	return s
}

// Query asks all members that match its filter, this node included; answers come
// while time passes, until the timeout. See Query of the root package. Errors:
// those of [Node.Broadcast], and [ErrFilter].
func (n *Node) Query(ctx context.Context, q Query) (*Answers, error) {
	if q.Timeout <= 0 {
		q.Timeout = view.QueryTimeout
	}
	a := &Answers{node: n, receipt: Receipt{begun: n.lab.cluster.now}}
	in := core.Ask{
		Topic: q.Topic, Payload: slices.Clone(q.Payload), Timeout: q.Timeout, WantAck: q.WantAck,
		Filter: cloneFilter(&q.Filter),
	}
	n.publishing, n.asking = &a.receipt, a
	err := n.command(ctx, &in, &in.Err)
	n.publishing, n.asking = nil, nil
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	n.track(&a.receipt, in.Seq, in.Live)
	if n.queries == nil {
		n.queries = make(map[uint64]*Answers)
	}
	n.queries[in.Seq] = a
	n.lab.After(q.Timeout, func() {
		a.stats.Elapsed, a.stats.Done = q.Timeout, true
		delete(n.queries, in.Seq)
	})
	return a, nil
}

// cloneFilter copies what a caller may change after.
func cloneFilter(f *Filter) Filter {
	return Filter{Names: slices.Clone(f.Names), Tags: slices.Clone(f.Tags), Zone: f.Zone}
}

// onAnswer takes an answer to an own query, or the confirmation that somebody is
// asked.
func (n *Node) onAnswer(e *core.Event) {
	a := n.queries[e.Seq]
	if a == nil {
		a = n.asking
	}
	switch {
	case a == nil: // it has ended
	case e.Done:
		a.stats.Answers++
		a.untaken = append(a.untaken, n.lens().Answer(n.lab.cluster.now.Sub(a.receipt.begun), e))
	default:
		a.stats.Acks++
	}
}

// HandleQueries calls f with each question on a topic that this node is asked,
// until ctx ends, as [Node.OnEvent] calls handlers. What f returns is the
// answer, up to 1 MiB; with an error there is none.
func (n *Node) HandleQueries(ctx context.Context, topic string, f func(context.Context, Question) ([]byte, error)) {
	n.onQuestion = append(n.onQuestion, func(q *Question) {
		if ctx.Err() != nil || q.Topic != topic {
			return
		}
		if payload, err := f(ctx, *q); err == nil {
			n.answer(q, payload)
		}
	})
}

// answer sends what a handler answered. One that is too late, or too large, is
// lost, as on a real node.
func (n *Node) answer(q *Question, payload []byte) {
	if n.usable() != nil {
		return // the handler ended it
	}
	n.lab.cluster.Step(n.index, &core.Answer{
		Asker: q.AskerID, Epoch: member.Epoch(q.Epoch), Seq: q.Seq, Payload: slices.Clone(payload),
	})
}

// emitQuestion hands a question to whoever may answer it.
func (n *Node) emitQuestion(q Question) {
	for _, f := range n.onQuestion {
		n.call(func() { f(&q) })
	}
}

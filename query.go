package hearsay

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/view"
)

type (
	// Query is a question to the members of a cluster; see [view.Query].
	Query = view.Query
	// Filter says which members a query is for; see [view.Filter].
	Filter = view.Filter
	// Tag is one condition of a [Filter].
	Tag = view.Tag
	// Question is a query as one who may answer it sees it; see [view.Question].
	Question = view.Question
	// Answer is what one member answered; see [view.Answer].
	Answer = view.Answer
	// QueryStats is what became of a query; see [view.QueryStats].
	QueryStats = view.QueryStats
)

// QueryTimeout is how long answers to a [Query] are waited for by default.
const QueryTimeout = view.QueryTimeout

// Bounds of the answers that wait for the asker: one from each of the largest
// cluster, or a hundred large ones.
const (
	answersMax     = 16_384
	answerBytesMax = 64 << 20
)

var answerLimit = limit[Answer]{
	values: answersMax,
	bytes:  answerBytesMax,
	size:   func(a *Answer) int { return len(a.Payload) },
	marker: func(lost int, _ *Answer) Answer { return Answer{Lagged: lost} },
}

// Bounds of the questions that wait for one handler: more would be answered too
// late.
const (
	questionsMax     = 1024
	questionBytesMax = 4 << 20
)

var questionLimit = limit[Question]{
	values: questionsMax,
	bytes:  questionBytesMax,
	size:   func(q *Question) int { return len(q.Topic) + len(q.Payload) },
	marker: func(lost int, _ *Question) Question { return Question{Lagged: lost} },
}

// Query asks all members that match its filter, this node included. It returns
// once the question is on its way; answers come straight from those who give
// them, until the timeout or until ctx ends. Topic, Payload and Filter are
// copied. Errors: those of [Node.Broadcast], and [ErrFilter].
func (n *Node) Query(ctx context.Context, q Query) (*Answers, error) {
	if !n.admission.admits(len(q.Payload)) {
		return nil, errHeldBack
	}
	if q.Timeout <= 0 {
		q.Timeout = QueryTimeout
	}
	a := &Answers{node: n, receipt: &Receipt{done: make(chan struct{})}, feed: newFeed(&answerLimit, nil)}
	err := n.checkSize(len(q.Payload))
	if err == nil {
		in := core.Ask{
			Topic: q.Topic, Payload: slices.Clone(q.Payload), Timeout: q.Timeout, WantAck: q.WantAck,
			Filter: cloneFilter(&q.Filter),
		}
		var refused error
		err = n.do(ctx, func(d *driver) { refused = d.ask(a, &in) })
		if err == nil {
			err = refused
		}
	}
	if err != nil {
		return nil, fmt.Errorf("query: %w", err)
	}
	ctx, release := n.within(ctx)
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	a.ctx = ctx
	context.AfterFunc(ctx, func() {
		cancel()
		release()
		a.end()
		n.post(func(d *driver) { delete(d.queries, a.receipt.id.Seq) })
	})
	return a, nil
}

func cloneFilter(f *Filter) Filter {
	return Filter{Names: slices.Clone(f.Names), Tags: slices.Clone(f.Tags), Zone: f.Zone}
}

// Answers is what comes back for a query. Its methods are safe for concurrent
// use.
type Answers struct {
	node    *Node
	receipt *Receipt
	feed    *feed[Answer]
	ctx     context.Context // ends with the query

	mu            sync.Mutex
	acks, answers int
	elapsed       time.Duration // at the end; 0 before
}

// All returns the answers as they come, several of one member if it gave them,
// and ends with the query. Leaving the loop early keeps the rest for another.
// Of more than 16,384 answers or 64 MiB that wait, those that find no room are
// counted by a marker in their place, [Answer.Lagged].
func (a *Answers) All() iter.Seq[Answer] {
	return func(yield func(Answer) bool) {
		for {
			v, ok := a.feed.next()
			switch {
			case ok:
				if !yield(v) {
					return
				}
			case a.feed.over():
				return
			default:
				select {
				case <-a.feed.wake:
				case <-a.ctx.Done():
					a.end()
				}
			}
		}
	}
}

// Stats returns what has become of the query so far.
func (a *Answers) Stats() QueryStats {
	p := a.receipt.Progress()
	a.mu.Lock()
	defer a.mu.Unlock()
	s := QueryStats{
		Live: p.Live, Reached: p.Reached, Acks: a.acks, Answers: a.answers, Elapsed: a.elapsed, Done: a.elapsed > 0,
	}
	if !s.Done {
		s.Elapsed = a.receipt.since(a.node.now())
	}
	return s
}

// end ends the sequence of answers.
func (a *Answers) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.elapsed == 0 {
		a.elapsed = max(1, a.receipt.since(a.node.now()))
	}
	a.feed.end()
}

// ask publishes a query.
func (d *driver) ask(a *Answers, in *core.Ask) error {
	if d.leaving != nil {
		return ErrLeft
	}
	d.publishing, d.asking = a.receipt, a
	a.receipt.begin(d.now())
	d.step(in)
	d.publishing, d.asking = nil, nil
	if in.Err != nil {
		d.refused(len(in.Payload), in.Err)
		return in.Err
	}
	d.track(a.receipt, in.Seq, in.Live)
	d.queries[in.Seq] = a
	return nil
}

// onAnswer takes an answer to an own query, or the confirmation that somebody is
// asked.
func (d *driver) onAnswer(e *core.Event) {
	a := d.queries[e.Seq]
	if a == nil {
		a = d.asking
	}
	if a == nil {
		return // it has ended
	}
	if !e.Done {
		a.mu.Lock()
		a.acks++
		a.mu.Unlock()
		return
	}
	a.mu.Lock()
	a.answers++
	a.mu.Unlock()
	a.feed.push([]Answer{d.lens.Answer(a.receipt.since(d.now()), e)})
}

// HandleQueries calls f with each question on a topic that this node is asked,
// one after another, in a goroutine of its own, until ctx ends or the node is
// closed. What f returns is the answer, up to 1 MiB; with an error there is
// none. The context of f ends with the question's deadline, too. Questions that
// find 1,024 others waiting are dropped and counted.
func (n *Node) HandleQueries(ctx context.Context, topic string, f func(context.Context, Question) ([]byte, error)) {
	ctx, cancel := n.within(ctx)
	questions := n.Questions(ctx, topic)
	go func() {
		defer cancel()
		for q := range questions {
			if q.Lagged > 0 {
				n.drops.addSome(dropQuestion, q.Lagged)
			} else if err := n.handle(ctx, &q, f); err != nil {
				n.log.unanswered(&q, err)
			}
		}
	}()
}

// handle lets a handler answer one question.
func (n *Node) handle(ctx context.Context, q *Question, f func(context.Context, Question) ([]byte, error)) error {
	ctx, cancel := context.WithDeadline(ctx, q.Deadline)
	defer cancel()
	payload, err := f(ctx, *q)
	if err != nil {
		return err
	}
	return n.Answer(ctx, *q, payload)
}

// onQuestion takes a query that this node is asked.
func (d *driver) onQuestion(e *core.Event) {
	if d.questions.wanted() {
		d.questions.add(d.lens.Question(d.wall(), e))
	}
}

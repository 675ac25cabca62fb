package hearsay

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Questions returns the queries that this node is asked from now on, on some
// topics or, without one, on all, for those who answer by [Node.Answer];
// [Node.HandleQueries] does both. The sequence ends as that of [Node.Events]
// does, and is for one consumer. Of more than 1,024 questions or 4 MiB that
// wait, those that find no room are counted by a marker, [Question.Lagged].
func (n *Node) Questions(ctx context.Context, topics ...string) iter.Seq[Question] {
	topics = slices.Clone(topics)
	wants := func(q *Question) bool { return len(topics) == 0 || slices.Contains(topics, q.Topic) }
	return n.questions.subscribe(ctx, newFeed(&questionLimit, wants))
}

// Answer answers a question, of which AskerID, Epoch and Seq matter. Several
// answers are allowed, each of up to 1 MiB, which is copied. Errors: [ErrSize];
// [ErrExpired]; [ErrClosed].
func (n *Node) Answer(ctx context.Context, q Question, payload []byte) error {
	in := core.Answer{Asker: q.AskerID, Epoch: member.Epoch(q.Epoch), Seq: q.Seq, Payload: slices.Clone(payload)}
	err := n.do(ctx, func(d *driver) { d.step(&in) })
	if err == nil {
		err = in.Err
	}
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

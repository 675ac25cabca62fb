package sim

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/view"
)

type (
	// Message is something that a member told all others; the very type of the
	// root package.
	Message = view.Message
	// MessageID tells all messages apart, for ever.
	MessageID = view.MessageID
	// Progress is how far a message came.
	Progress = view.Progress
)

// What [Node.Broadcast] and [Node.Query] refuse; the very values of the root
// package.
var (
	// ErrTopic: a topic is empty or longer than 128 bytes.
	ErrTopic = broadcast.ErrTopic
	// ErrSize: the payload, or the answer, is over its limit.
	ErrSize = broadcast.ErrSize
	// ErrBackpressure: too much of this node is on its way already.
	ErrBackpressure = broadcast.ErrBackpressure
	// ErrFilter: the filter of a query has too many conditions, or too long ones.
	ErrFilter = broadcast.ErrFilter
)

// Receipt tells how far a message came; it changes while time passes.
type Receipt struct {
	id       MessageID
	begun    core.Time
	progress Progress
}

// ID returns the identity of the message.
func (r *Receipt) ID() MessageID { return r.id }

// Progress returns how far the message has come as of now.
func (r *Receipt) Progress() Progress { return r.progress }

// Broadcast tells a message to all members and to this node's own handlers;
// others get it while time passes. See Broadcast of the root package. Errors:
// [ErrTopic], [ErrFilter], [ErrSize], [ErrBackpressure], [ErrLeft], [ErrClosed],
// [ErrPaused], and that of the context.
func (n *Node) Broadcast(ctx context.Context, m Message) (*Receipt, error) {
	r := &Receipt{begun: n.lab.cluster.now}
	in := core.Publish{Topic: m.Topic, Payload: slices.Clone(m.Payload), Ordered: m.Ordered, Filter: cloneFilter(&m.Filter)}
	n.publishing = r
	err := n.command(ctx, &in, &in.Err)
	n.publishing = nil
	if err != nil {
		return nil, fmt.Errorf("broadcast: %w", err)
	}
	n.track(r, in.Seq, in.Live)
	if in.Self {
		n.emitMessage(Message{
			Topic: in.Topic, Payload: in.Payload, Ordered: in.Ordered,
			OriginID: n.ID(), OriginName: n.Name(), Epoch: r.id.Epoch, Seq: in.Seq, Time: n.wall(),
		})
	}
	return r, nil
}

// command steps the node with an input that a member may give, which leaves its
// outcome in refused.
func (n *Node) command(ctx context.Context, in core.Input, refused *error) error {
	if err := cmp.Or(ctx.Err(), n.usable()); err != nil {
		return err
	}
	if n.leaving != nil {
		return ErrLeft
	}
	n.lab.cluster.Step(n.index, in)
	return *refused
}

// track keeps a receipt until it is done, which it may be already.
func (n *Node) track(r *Receipt, seq uint64, live int) {
	r.id = MessageID{Origin: n.ID(), Epoch: uint64(n.epoch()), Seq: seq}
	r.progress.Live, r.progress.Reached = live, max(r.progress.Reached, 1)
	if !r.progress.Done {
		if n.receipts == nil {
			n.receipts = make(map[uint64]*Receipt)
		}
		n.receipts[seq] = r
	}
}

// onReceipt takes the news of a message: one of those that are tracked or, while
// it is being published, that one.
func (n *Node) onReceipt(e *core.Event) {
	r := n.receipts[e.Seq]
	if r == nil {
		r = n.publishing
	}
	if r == nil {
		return
	}
	r.progress.Reached, r.progress.Done = e.Count, e.Done
	r.progress.Elapsed = n.lab.cluster.now.Sub(r.begun)
	if e.Done {
		delete(n.receipts, e.Seq)
	}
}

// OnMessage calls f with every message that is delivered from now on, on some
// topics or, without one, on all, one's own included; in order, each at its
// instant, as [Node.OnEvent] does. Markers say what the node has missed; a
// handler is never slow.
func (n *Node) OnMessage(f func(Message), topics ...string) {
	topics = slices.Clone(topics)
	n.onMessage = append(n.onMessage, func(m *Message) {
		if len(topics) == 0 || m.Missed > 0 || slices.Contains(topics, m.Topic) {
			f(*m)
		}
	})
}

// Handle is OnMessage for one topic with the signature that the root package
// has: f is called until ctx ends, and not in a goroutine.
func (n *Node) Handle(ctx context.Context, topic string, f func(context.Context, Message)) {
	n.OnMessage(func(m Message) {
		if ctx.Err() == nil {
			f(ctx, m)
		}
	}, topic)
}

// Messages returns what was delivered to this node since its start or the last
// call of Messages, in order; it needs no time to pass and no handler. If more
// than 4,096 wait, a marker stands for the newest, [Message.Lagged].
func (n *Node) Messages() []Message {
	messages := n.unreadMessages
	n.unreadMessages = nil
	return messages
}

// emitMessage hands a message to whoever wants it.
func (n *Node) emitMessage(m Message) {
	switch last := len(n.unreadMessages) - 1; {
	case len(n.unreadMessages) < unreadMax:
		n.unreadMessages = append(n.unreadMessages, m)
	case n.unreadMessages[last].Lagged > 0:
		n.unreadMessages[last].Lagged++
	default:
		n.unreadMessages[last] = Message{Lagged: 2}
	}
	for _, f := range n.onMessage {
		n.call(func() { f(&m) })
	}
}

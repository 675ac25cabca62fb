package hearsay

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/view"
)

type (
	// Message is something that a member told all others; see [view.Message].
	Message = view.Message
	// MessageID tells all messages apart, for ever.
	MessageID = view.MessageID
)

// Bounds of what waits for one subscriber to messages. A consumer that is a
// second late loses nothing at 8,000 messages a second; twice is memory that a
// stuck one keeps, beside the window from which others are repaired.
const (
	messagesMax     = 8192
	messageBytesMax = 4 << 20
)

var messageLimit = limit[Message]{
	values: messagesMax,
	bytes:  messageBytesMax,
	size:   func(m *Message) int { return len(m.Topic) + len(m.Payload) },
	marker: func(lost int, _ *Message) Message { return Message{Lagged: lost} },
}

// Broadcast tells a message to all members, this node's own subscribers
// included. It returns once the message is on its way; the receipt tells how far
// it came. Topic and Payload are copied, the fields below them are not looked
// at. Members get it over one to three hops without waiting for anything, and
// those that missed it from any other, for as long as one keeps it: a minute,
// unless 16 MiB of newer messages come first.
//
// The context bounds the wait for the node alone. Errors: [ErrTopic]; [ErrFilter];
// [ErrSize] above [Config.MaxEventSize]; [ErrBackpressure] when 1,024 messages or
// 8 MiB of this node are on their way already: wait for a receipt and try again;
// [ErrLeft]; [ErrClosed].
//
// Each member delivers a message at most once. One that joins later, or whose
// node restarts meanwhile, may not get it at all.
func (n *Node) Broadcast(ctx context.Context, m Message) (*Receipt, error) {
	if !n.admission.admits(len(m.Payload)) {
		return nil, errHeldBack
	}
	r := &Receipt{done: make(chan struct{})}
	err := n.checkSize(len(m.Payload))
	if err == nil {
		in := core.Publish{Topic: m.Topic, Payload: slices.Clone(m.Payload), Ordered: m.Ordered, Filter: cloneFilter(&m.Filter)}
		var refused error
		err = n.do(ctx, func(d *driver) { refused = d.broadcast(r, &in) })
		if err == nil {
			err = refused
		}
	}
	if err != nil {
		return nil, fmt.Errorf("broadcast: %w", err)
	}
	return r, nil
}

// checkSize refuses what the core would, before it is copied.
func (n *Node) checkSize(size int) error {
	if size > n.cfg.MaxEventSize {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrSize, size, n.cfg.MaxEventSize)
	}
	return nil
}

// broadcast publishes a message and hands it to the subscribers of this node.
func (d *driver) broadcast(r *Receipt, in *core.Publish) error {
	if d.leaving != nil {
		return ErrLeft
	}
	d.publishing = r
	r.begin(d.now())
	d.step(in)
	d.publishing = nil
	if in.Err != nil {
		d.refused(len(in.Payload), in.Err)
		return in.Err
	}
	d.track(r, in.Seq, in.Live)
	if in.Self && d.messages.wanted() {
		d.messages.add(Message{
			Topic: in.Topic, Payload: in.Payload, Ordered: in.Ordered,
			OriginID: d.id, OriginName: d.node.cfg.Name, Epoch: r.id.Epoch, Seq: in.Seq, Time: d.wall(),
		})
	}
	return nil
}

// Messages returns the messages that are delivered from now on, on some topics
// or, without one, on all, in the order of their delivery. Those of one origin
// that are [Message.Ordered] are in the order in which they were published.
//
// The sequence ends as that of [Node.Events] does, and is for one consumer. The
// node never waits for it: of more than 8,192 messages or 4 MiB that wait, those
// that find no room are counted by a marker in their place, [Message.Lagged].
// All subscribers get markers of what was missed by the node itself,
// [Message.Missed].
func (n *Node) Messages(ctx context.Context, topics ...string) iter.Seq[Message] {
	wants := func(m *Message) bool { return m.Missed > 0 || slices.Contains(topics, m.Topic) }
	if len(topics) == 0 {
		wants = nil
	} else {
		topics = slices.Clone(topics)
	}
	return n.messages.subscribe(ctx, newFeed(&messageLimit, wants))
}

// Handle calls f with each message on a topic, and with the markers among them,
// one after another, in a goroutine of its own, until ctx ends or the node is
// closed; that also ends the context of f. The subscription is that of
// [Node.Messages] and exists when Handle returns.
func (n *Node) Handle(ctx context.Context, topic string, f func(context.Context, Message)) {
	ctx, cancel := n.within(ctx)
	messages := n.Messages(ctx, topic)
	go func() {
		defer cancel()
		for m := range messages {
			f(ctx, m)
		}
	}()
}

// within returns a context that ends with ctx and with the node.
func (n *Node) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(n.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// onMessage takes a message, or the count of some that are missing.
func (d *driver) onMessage(e *core.Event) {
	if d.messages.wanted() {
		d.messages.add(d.lens.Message(d.wall(), e))
	}
}

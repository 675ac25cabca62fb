package check

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
)

// listeners returns a formed cluster with a checker of messages, and what
// publishes on it.
func listeners(t *testing.T, n int) (c *cast) {
	t.Helper()
	cluster, checker := formed(t, n)
	limits := broadcast.Limits{WindowBytes: 16 << 20, InFlight: 1024}
	m := NewMessages(checker, limits, time.Minute)
	for node := range n {
		m.Started(node, 0, 1)
	}
	return &cast{t: t, m: m, publish: func(node int, payload string, ordered bool) uint64 {
		in := core.Publish{Topic: "t", Payload: []byte(payload), Ordered: ordered}
		m.Publishing(node)
		cluster.Step(node, &in)
		m.Published(node, in.Seq, in.Payload, ordered, false, in.Live)
		return in.Seq
	}}
}

// cast has a checker of messages, and tells it what nodes never said.
type cast struct {
	t       *testing.T
	m       *Messages
	publish func(node int, payload string, ordered bool) uint64
}

func (c *cast) says(node int, e core.Event) {
	c.m.Stepped(node, c.m.cluster.Now(), &core.Output{Events: []core.Event{e}})
}

// received says that a node delivers a message of node 0.
func (c *cast) received(node int, seq uint64, payload string, ordered bool) {
	c.says(node, core.Event{Kind: effect.MessageReceived, ID: c.m.cluster.ID(0), Epoch: 1, Seq: seq, Value: []byte(payload), Ordered: ordered})
}

func (c *cast) missed(node, count int) {
	c.says(node, core.Event{Kind: effect.MessageMissed, ID: c.m.cluster.ID(0), Epoch: 1, Count: count})
}

func (c *cast) receipt(seq uint64, reached, total int, done bool) {
	c.says(0, core.Event{Kind: effect.ReceiptUpdated, Epoch: 1, Seq: seq, Count: reached, Total: total, Done: done})
}

// Each rule is broken once, by an output that no correct node has.
func TestWrongMessagesAreCaught(t *testing.T) {
	for _, tt := range []struct {
		name  string
		want  Invariant
		node  int
		story func(*cast)
	}{
		{"another payload", B1, 1, func(c *cast) { c.received(1, 1, "b", false) }},
		{"a number that was not used", B1, 1, func(c *cast) { c.received(1, 4, "d", false) }},
		{"twice", B2, 1, func(c *cast) { c.received(1, 1, "a", false); c.received(1, 1, "a", false) }},
		{"missed, and delivered", B2, 1, func(c *cast) { c.missed(1, 3); c.received(1, 3, "c", true) }},
		{"missed more than there were", B2, 1, func(c *cast) { c.missed(1, 4) }},
		{"after an ordered one", B3, 2, func(c *cast) { c.received(2, 3, "c", true); c.received(2, 2, "b", false) }},
		{"a receipt that goes back", B5, 0, func(c *cast) { c.received(1, 1, "a", false); c.receipt(1, 2, 4, false); c.receipt(1, 1, 4, false) }},
		{"a receipt of more than have it", B5, 0, func(c *cast) { c.receipt(1, 2, 4, false) }},
		{"a receipt of more than there are", B5, 0, func(c *cast) { c.receipt(3, 5, 4, true) }},
		{"a receipt after its end", B5, 0, func(c *cast) { c.receipt(1, 1, 4, true); c.receipt(1, 1, 4, true) }},
		{"missed messages of itself", B6, 0, func(c *cast) { c.missed(0, 1) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := listeners(t, 4)
			c.publish(0, "a", false)
			c.publish(0, "b", false)
			c.publish(0, "c", true)
			tt.story(c)
			expectViolation(t, c.m.Checker, tt.want, tt.node)
		})
	}
}

func TestLossesAreWhatIsNeitherDeliveredNorMissed(t *testing.T) {
	c := listeners(t, 4)
	c.publish(0, "a", false)
	c.publish(0, "b", false)
	c.received(1, 1, "a", false)
	c.received(1, 2, "b", false)
	c.received(2, 2, "b", false)
	c.missed(2, 1)
	c.received(3, 1, "a", false)
	want := []Loss{
		{Node: 2, Origin: 0, Epoch: 1, Seq: 1, At: c.m.cluster.Now(), Lacks: 1, Missed: 1},
		{Node: 3, Origin: 0, Epoch: 1, Seq: 2, At: c.m.cluster.Now(), Lacks: 1},
	}
	var got []Loss
	losses := func(since time.Duration, grown bool) {
		got = nil
		c.m.Losses([]int{0, 1, 2, 3}, since, grown, func(l *Loss) { got = append(got, *l) })
	}
	losses(0, false)
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] || got[0].Silent() || !got[1].Silent() {
		t.Errorf("%+v, want %+v", got, want)
	}
	if losses(0, true); len(got) != 0 {
		t.Errorf("%+v of nodes younger than the window", got)
	}
	if losses(c.m.cluster.Now()+1, false); len(got) != 0 {
		t.Errorf("%+v since then", got)
	}
	c.m.Started(3, c.m.cluster.Now(), 2)
	if losses(0, false); len(got) != 1 {
		t.Errorf("%+v, and node 4 has restarted", got)
	}
	c.says(2, core.Event{Kind: effect.MemberForgotten, ID: c.m.cluster.ID(0)})
	c.m.cluster.Run(time.Second)
	if v := c.m.Violation(); v != nil {
		t.Error(v)
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	c := listeners(t, 3)
	c.publish(0, "a", false)
	c.m.AtRest(0) // it keeps what it has just said
	expectViolation(t, c.m.Checker, B4, 0)
	for _, limits := range []broadcast.Limits{{WindowBytes: 1, InFlight: 1024}, {WindowBytes: 16 << 20}} {
		c = listeners(t, 3)
		c.m.limits = limits
		c.publish(0, "a", false)
		c.receipt(1, 1, 3, false)
		expectViolation(t, c.m.Checker, B4, 0)
	}
	c = listeners(t, 3)
	seq := c.publish(0, "a", true)
	if _, _, _, busy := c.m.Backlog([]int{0, 1, 2}); !busy {
		t.Error("nothing is under way, and it was not sent")
	}
	c.m.cluster.Run(2 * time.Minute)
	c.m.AtRest(0)
	c.m.AtRest(1)
	if v := c.m.Violation(); v != nil {
		t.Error(v)
	}
	if _, _, _, busy := c.m.Backlog([]int{0, 1, 2}); busy {
		t.Error("something is under way after two minutes")
	}
	if node, ok := c.m.Reached([]int{0, 1, 2}, 0, 1, seq); ok || node != 1 {
		t.Errorf("it has reached node %d, and nobody said so", node+1)
	}
	if reached, live, done := c.m.Receipt(0, 1, seq); reached != 1 || live != 3 || done {
		t.Errorf("a receipt of %d of %d, done: %v", reached, live, done)
	}
}

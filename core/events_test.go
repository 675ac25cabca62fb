package core

import (
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// throng is machines on a perfect wire that know each other.
type throng struct {
	machines []*Machine
	byID     map[member.NodeID]*Machine
	now      Time
	queue    []parcel
	free     [][]byte
	got      int
	receipts int
	packets  int
}

type parcel struct {
	from, to *Machine
	lane     Lane
	payload  []byte
}

func newThrong(t testing.TB, n int) *throng {
	c := &throng{byID: map[member.NodeID]*Machine{}, now: 1}
	for i := range n {
		m := newMachine(t, i)
		c.machines = append(c.machines, m)
		c.byID[m.cfg.ID] = m
	}
	for _, m := range c.machines[1:] {
		c.step(m, &Join{Addrs: c.machines[0].cfg.Addrs})
		c.deliver()
	}
	for range 100 {
		c.settle(100 * time.Millisecond)
	}
	for _, m := range c.machines {
		if m.Live() != n {
			t.Fatalf("%d of %d known", m.Live(), n)
		}
	}
	return c
}

func (c *throng) step(m *Machine, in Input) {
	out := m.Step(c.now, in)
	for i := range out.Packets {
		p := &out.Packets[i]
		to := c.byID[p.To]
		if to == nil { // by address, as joins are
			to = c.machines[0]
		}
		var b []byte
		if n := len(c.free); n > 0 {
			b, c.free = c.free[n-1][:0], c.free[:n-1]
		}
		c.queue = append(c.queue, parcel{m, to, p.Lane, append(b, p.Payload...)})
		c.packets++
	}
	for i := range out.Events {
		switch e := &out.Events[i]; e.Kind {
		case effect.MessageReceived:
			c.got++
		case effect.ReceiptUpdated:
			if e.Done {
				c.receipts++
			}
		}
	}
}

func (c *throng) deliver() {
	var in Receive
	for len(c.queue) > 0 {
		queue := c.queue
		c.queue = nil
		for _, p := range queue {
			in = Receive{From: Peer{ID: p.from.cfg.ID, Addr: p.from.cfg.Addrs[0], Lane: p.lane}, Payload: p.payload}
			c.step(p.to, &in)
			c.free = append(c.free, p.payload)
		}
	}
}

// settle runs all that is due until some time has passed.
func (c *throng) settle(d time.Duration) {
	end := c.now.Add(d)
	for c.now < end {
		next := end
		for _, m := range c.machines {
			next = min(next, max(m.Deadline(), c.now+1))
		}
		c.now = next
		for _, m := range c.machines {
			if m.Deadline() <= c.now {
				c.step(m, Tick{})
			}
		}
		c.deliver()
	}
}

func TestMessagesReachTheWholeThrong(t *testing.T) {
	c := newThrong(t, 16)
	in := &Publish{Topic: "t", Payload: make([]byte, 64)}
	for i := range 100 {
		c.step(c.machines[i%3], in)
		if in.Err != nil || in.Live != 16 || in.Seq != uint64(i/3+1) {
			t.Fatalf("message %d: number %d for %d, %v", i, in.Seq, in.Live, in.Err)
		}
	}
	c.settle(time.Second)
	if c.got != 1500 || c.receipts != 100 {
		t.Errorf("%d deliveries, want 1500; %d receipts, want 100", c.got, c.receipts)
	}
	if s := c.machines[0].Broadcasts(); s.Published != 34 || s.Delivered != 66 || s.Duplicates != 0 || s.Latency.Sum <= 0 {
		t.Errorf("%+v", s)
	}
	for _, m := range c.machines {
		m.Drops(func(reason string, count uint64) {
			if count > 0 {
				t.Errorf("%d dropped: %s", count, reason)
			}
		})
	}
}

func TestARestartedOriginCountsAnew(t *testing.T) {
	c := newThrong(t, 3)
	in := &Publish{Topic: "t", Payload: []byte("x")}
	c.step(c.machines[2], in)
	c.settle(time.Second)
	cfg := newPerson(2).config(99)
	cfg.Epoch = 2
	m, err := New(c.now, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.machines[2], c.byID[cfg.ID] = m, m
	c.step(m, &Join{Addrs: c.machines[0].cfg.Addrs})
	c.deliver()
	c.settle(3 * time.Second)
	c.got = 0
	c.step(m, in)
	c.settle(time.Second)
	if in.Seq != 1 || c.got != 2 || m.Broadcasts().Missed+c.machines[0].Broadcasts().Missed != 0 {
		t.Errorf("number %d delivered %d times, want 1 and 2", in.Seq, c.got)
	}
}

// An idle cluster says nothing of events: machines that never published have no
// deadline for them and no memory beyond the machine itself.
func TestAnIdleThrongSaysNothingOfEvents(t *testing.T) {
	c := newThrong(t, 4)
	for _, m := range c.machines {
		if s := m.Broadcasts(); s.BytesControl+s.HeardSent+s.Relays != 0 {
			t.Errorf("%+v", s)
		}
		if m.events.Deadline() < 1<<62 {
			t.Errorf("a deadline at %v", m.events.Deadline())
		}
	}
}

// BenchmarkThrong is 64 messages of 64 B from one of 16 nodes to all others,
// through the machines of all; the figure is for one delivery.
func BenchmarkThrong(b *testing.B) {
	c := newThrong(b, 16)
	in := &Publish{Topic: "t", Payload: make([]byte, 64)}
	before := c.packets
	deliveries := 0
	b.ReportAllocs()
	for b.Loop() {
		c.got = 0
		for range 64 {
			if c.step(c.machines[0], in); in.Err != nil {
				b.Fatal(in.Err)
			}
		}
		c.settle(time.Millisecond)
		if c.got != 64*15 {
			b.Fatalf("%d deliveries", c.got)
		}
		deliveries += c.got
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(deliveries), "ns/delivery")
	b.ReportMetric(float64(c.packets-before)/float64(deliveries), "packets/delivery")
}

// A member that tells something before its record has come round is asked about
// and believed, long before views agree.
func TestWhoRelaysAStrangersEventIsAskedForItsRecord(t *testing.T) {
	m, friend, stranger := newMachine(t, 0), newPerson(1), newPerson(2)
	now := Time(1)
	hear := func(messages ...wire.Message) *Output {
		now++
		return m.Step(now, &Receive{From: friend.peer(Datagram), Payload: payload(messages...)})
	}
	hear(friend.record(alive))
	relay := func(epoch member.Epoch, number wire.Number) *wire.Relay {
		return &wire.Relay{
			EventID: wire.EventID{Origin: stranger.id, Epoch: epoch, Seq: 1}, Number: number, Hops: 1,
			Body: (&wire.Content{Topic: []byte("t"), Payload: []byte("x")}).Append(nil),
		}
	}
	asked := func(out *Output) (count int) {
		for _, p := range out.Packets {
			for rest := p.Payload; len(rest) > 0; {
				typ, body, after, err := wire.Next(rest)
				var w wire.Want
				if rest = after; err == nil && typ == wire.TypeWant && w.Decode(body) == nil && w.ID == stranger.id && w.Record && p.To == friend.id {
					count++
				}
			}
		}
		return count
	}
	if n := asked(hear(relay(1, 1))); n != 1 {
		t.Fatalf("asked %d times", n)
	}
	if n := asked(hear(relay(1, 1))); n != 0 {
		t.Error("asked again at once")
	}
	out := hear(stranger.record(alive), relay(1, 1))
	if n := slices.IndexFunc(out.Events, func(e Event) bool { return e.Kind == effect.MessageReceived && string(e.Value) == "x" }); n < 0 {
		t.Errorf("not delivered: %v", out.Events)
	}
	now = now.Add(strangerPatience)
	if n := asked(hear(relay(0, 2))); n != 0 {
		t.Error("asked about a life that is over")
	}
	if n := asked(hear(relay(2, 3))); n != 1 {
		t.Error("not asked about a life that has begun")
	}
}

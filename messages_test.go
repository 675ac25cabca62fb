package hearsay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/transport/mem"
)

// inboxOf collects what a node delivers on all topics.
func inboxOf(ctx context.Context, n *Node) <-chan Message {
	out := make(chan Message, 1<<16)
	messages := n.Messages(ctx)
	go func() {
		defer close(out)
		for m := range messages {
			out <- m
		}
	}()
	return out
}

func TestAMessageReachesEveryNodeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(10)
		var inboxes []<-chan Message
		for _, n := range nodes {
			inboxes = append(inboxes, inboxOf(t.Context(), n))
		}
		origin := nodes[3]
		payload := []byte("hello")
		begun := time.Now()
		r, err := origin.Broadcast(t.Context(), Message{Topic: "greeting", Payload: payload})
		if err != nil {
			t.Fatal(err)
		}
		payload[0] = 'j' // the caller's again
		p, err := r.Wait(t.Context())
		if err != nil || p.Reached != 10 || p.Live != 10 || !p.Done || p.Elapsed != 2*time.Millisecond {
			t.Errorf("progress %+v, %v, want all of 10 in a round trip", p, err)
		}
		if took := time.Since(begun); took != p.Elapsed {
			t.Errorf("it took %v, the receipt says %v", took, p.Elapsed)
		}
		time.Sleep(time.Minute)
		for i, inbox := range inboxes {
			if len(inbox) != 1 {
				t.Fatalf("node %d got %d messages, want 1", i, len(inbox))
			}
			m := <-inbox
			hops := 1
			if nodes[i] == origin {
				hops = 0
			}
			if m.Topic != "greeting" || string(m.Payload) != "hello" || m.Hops != hops || m.ID() != r.ID() ||
				m.OriginID != origin.id || m.OriginName != "node-4" || m.Seq != 1 {
				t.Errorf("node %d got %+v", i, m)
			}
			if later := m.Time.Sub(begun); later != time.Duration(hops)*time.Millisecond {
				t.Errorf("node %d got it after %v", i, later)
			}
		}
		if s := origin.Stats().Messages; s.Published != 1 || s.Latency.Sum != p.Elapsed {
			t.Errorf("the origin counts %+v", s)
		}
		if s := nodes[0].Stats().Messages; s.Delivered != 1 || s.Duplicates != 0 {
			t.Errorf("another counts %d delivered, %d duplicates", s.Delivered, s.Duplicates)
		}
	})
}

func TestALargeMessageTravelsByStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(6)
		inbox := inboxOf(t.Context(), nodes[5])
		large := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
		r, err := nodes[0].Broadcast(t.Context(), Message{Topic: "block", Payload: large})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := r.Wait(t.Context()); err != nil || p.Reached != 6 {
			t.Errorf("progress %+v, %v", p, err)
		}
		if m := <-inbox; !bytes.Equal(m.Payload, large) {
			t.Errorf("%d bytes arrived changed", len(m.Payload))
		}
	})
}

func TestABroadcastIsRefusedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n := v.start(1, func(c *Config) { c.MaxEventSize = 1000 })
		send := func(ctx context.Context, topic string, size int) error {
			r, err := n.Broadcast(ctx, Message{Topic: topic, Payload: make([]byte, size)})
			if (r == nil) != (err != nil) {
				t.Errorf("receipt %v with error %v", r, err)
			}
			return err
		}
		ctx := t.Context()
		ended, cancel := context.WithCancel(ctx)
		cancel()
		check := func(what string, got, want error) {
			t.Helper()
			if !errors.Is(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		check("good", send(ctx, "t", 1000), nil)
		check("no topic", send(ctx, "", 1), ErrTopic)
		check("long topic", send(ctx, strings.Repeat("t", 129), 1), ErrTopic)
		check("large", send(ctx, "t", 1001), ErrSize)
		go func() { _ = n.do(context.Background(), func(*driver) { time.Sleep(time.Minute) }) }()
		synctest.Wait()
		check("context", send(ended, "t", 1), context.Canceled)
		time.Sleep(time.Minute)
		if _, err := n.Leave(ctx); err != nil {
			t.Fatal(err)
		}
		check("left", send(ctx, "t", 1), ErrLeft)
		closeNode(t, n)
		check("closed", send(ctx, "t", 1), ErrClosed)
	})
}

func TestAPublisherThatNobodyConfirmsIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		var silent atomic.Bool
		v.network = mem.NewNetwork(mem.Options{
			Latency: func(_, _ netip.AddrPort) time.Duration { return time.Millisecond },
			Lose:    func(netip.AddrPort, netip.AddrPort, []byte) bool { return silent.Load() },
		})
		nodes := v.cluster(3)
		synctest.Wait()
		silent.Store(true)
		var receipts []*Receipt
		for {
			r, err := nodes[0].Broadcast(t.Context(), Message{Topic: "t"})
			if errors.Is(err, ErrBackpressure) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, r)
		}
		if len(receipts) != 1024 {
			t.Errorf("%d messages are on their way, want 1024", len(receipts))
		}
		silent.Store(false)
		for _, r := range receipts {
			if p, err := r.Wait(t.Context()); err != nil || !p.Done {
				t.Fatalf("progress %+v, %v", p, err)
			}
		}
		if _, err := nodes[0].Broadcast(t.Context(), Message{Topic: "t"}); err != nil {
			t.Errorf("after the receipts: %v", err)
		}
	})
}

func TestAReceiptOfANodeAloneIsDoneAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		r, err := n.Broadcast(t.Context(), Message{Topic: "t"})
		if err != nil {
			t.Fatal(err)
		}
		if p, err := r.Wait(t.Context()); err != nil || p != (Progress{Reached: 1, Live: 1, Done: true}) {
			t.Errorf("Wait = %+v, %v", p, err)
		}
	})
}

func TestAReceiptEndsWithItsNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(2)
		closeNode(t, nodes[1]) // without a goodbye: it is waited for
		r, err := nodes[0].Broadcast(t.Context(), Message{Topic: "t"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if p, err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) || p.Reached != 1 || p.Live != 2 || p.Done {
			t.Errorf("Wait = %+v, %v, want DeadlineExceeded", p, err)
		}
		closeNode(t, nodes[0])
		if p, err := r.Wait(t.Context()); !errors.Is(err, ErrClosed) || p.Done {
			t.Errorf("Wait = %+v, %v, want ErrClosed", p, err)
		}
	})
}

func TestOrderedMessagesKeepTheirOrderUnderLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		var packets atomic.Int64
		var lossy atomic.Bool
		v.network = mem.NewNetwork(mem.Options{
			Latency: func(_, _ netip.AddrPort) time.Duration { return time.Millisecond },
			Lose: func(_, _ netip.AddrPort, packet []byte) bool {
				return lossy.Load() && packets.Add(1)%5 == 0
			},
		})
		nodes := v.cluster(4)
		synctest.Wait()
		lossy.Store(true)
		inbox := inboxOf(t.Context(), nodes[2])
		const count = 500
		for i := range count {
			if _, err := nodes[0].Broadcast(t.Context(), Message{Topic: "t", Payload: fmt.Append(nil, i), Ordered: true}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Second)
		for i := range count {
			if m := <-inbox; string(m.Payload) != fmt.Sprint(i) || m.Seq != uint64(i+1) || !m.Ordered {
				t.Fatalf("message %d is %+v", i, m)
			}
		}
		if len(inbox) != 0 {
			t.Errorf("%d messages more than were sent", len(inbox))
		}
	})
}

// A loop of commands is one batch of the driver: what it causes shares packets.
func TestABurstSharesDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(4)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		before := nodes[0].Stats().DatagramsSent
		const burst = 200
		for range burst {
			if _, err := nodes[0].Broadcast(t.Context(), Message{Topic: "t", Payload: make([]byte, 16)}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := nodes[0].Stats().DatagramsSent - before; got > burst {
			t.Errorf("%d datagrams for %d messages to 3 members", got, burst)
		}
	})
}

func TestAnInsecureNodeBroadcasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		plain := func(c *Config) { c.Ring, c.Insecure = nil, true }
		a, b := v.start(1, plain), v.start(2, plain)
		v.await("two members", func() bool { return len(a.Members()) == 2 && len(b.Members()) == 2 })
		inbox := inboxOf(t.Context(), b)
		if _, err := a.Broadcast(t.Context(), Message{Topic: "t"}); err != nil {
			t.Fatal(err)
		}
		if m := <-inbox; m.OriginID != a.id {
			t.Errorf("got %+v", m)
		}
	})
}

// A publisher that floods is refused, and what keeps the cluster together goes on
// in time: nobody is suspected, and who joins meanwhile is soon told everything.
func TestAFloodIsRefusedAndSuspectsNobody(t *testing.T) {
	for name, c := range map[string]struct{ accepted, size int }{
		"datagrams": {5000, 512},
		"streams":   {60, 256 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(t)
				nodes := v.cluster(5)
				if err := nodes[0].Meta().Set(t.Context(), "zone", []byte("eu-1")); err != nil {
					t.Fatal(err)
				}
				refused := make(chan int, 1)
				go func() { refused <- flood(t, nodes[0], c.accepted, c.size) }()
				late := v.start(6)
				v.await("the joiner to know all", func() bool {
					return late.Stats().Alive == 6 && string(late.MetaOf(nodes[0].id)["zone"]) == "eu-1"
				})
				if <-refused == 0 {
					t.Error("a flood is never refused")
				}
				nodes = append(nodes, late)
				v.await("full views", func() bool {
					return !slices.ContainsFunc(nodes, func(n *Node) bool { return n.Stats().Alive != 6 })
				})
				for _, n := range nodes {
					if s := n.Stats(); s.Suspicions != 0 || s.Deaths != 0 {
						t.Errorf("%s: %d suspicions, %d deaths", n.Self().Name, s.Suspicions, s.Deaths)
					}
				}
			})
		})
	}
}

// flood publishes at ten times the rate that is accepted, until so many messages
// are, and returns how many were refused.
func flood(t *testing.T, n *Node, accepted, size int) (refused int) {
	payload := make([]byte, size)
	var pending []*Receipt
	for accepted > 0 {
		r, err := n.Broadcast(t.Context(), Message{Topic: "flood", Payload: payload})
		switch {
		case err == nil:
			accepted--
			pending = append(pending, r)
		case !errors.Is(err, ErrBackpressure):
			t.Error(err)
			return refused
		default:
			if refused++; refused%10 == 0 && len(pending) > 0 {
				<-pending[0].Done()
				pending = pending[1:]
			}
		}
	}
	return refused
}

func TestTopicsOfHandlersAreTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(2)
		got := make(chan string, 10)
		for _, topic := range []string{"a", "b"} {
			nodes[1].Handle(t.Context(), topic, func(_ context.Context, m Message) { got <- topic + m.Topic })
			if _, err := nodes[0].Broadcast(t.Context(), Message{Topic: topic}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if len(got) != 2 || <-got != "aa" || <-got != "bb" {
			t.Error("a handler got what is not for it, or nothing")
		}
	})
}

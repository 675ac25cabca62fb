package hearsay

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// drainFeed takes all out that waits.
func drainFeed[T any](f *feed[T]) (all []T) {
	for v, ok := f.next(); ok; v, ok = f.next() {
		all = append(all, v)
	}
	return all
}

func TestBytesThatWaitForASubscriberAreBounded(t *testing.T) {
	f := newFeed(&messageLimit, nil)
	const size = 64 << 10
	const room = messageBytesMax / size
	for i := range room + 10 {
		f.push([]Message{{Payload: make([]byte, size), Seq: uint64(i + 1)}})
	}
	f.push([]Message{{Seq: 9999}}) // finds room although others did not
	got := drainFeed(f)
	if len(got) != room+2 || got[room].Lagged != 10 || got[room+1].Seq != 9999 {
		t.Fatalf("%d messages, then %+v", len(got), got[len(got)-2:])
	}
	for i, m := range got[:room] {
		if m.Seq != uint64(i+1) || m.Lagged != 0 {
			t.Fatalf("message %d is %d, lagged %d", i, m.Seq, m.Lagged)
		}
	}
	if f.bytes != 0 || f.count != 0 {
		t.Errorf("%d bytes and %d entries in an empty queue", f.bytes, f.count)
	}
}

func TestAMessageLargerThanTheBoundIsDeliveredAlone(t *testing.T) {
	f := newFeed(&messageLimit, nil)
	large := Message{Payload: make([]byte, messageBytesMax+1), Seq: 1}
	f.push([]Message{large, {Payload: []byte{1}, Seq: 2}, large})
	got := drainFeed(f)
	if len(got) != 2 || got[0].Seq != 1 || got[1].Lagged != 2 {
		t.Errorf("%d messages, the last %+v", len(got), got[len(got)-1])
	}
}

func TestEveryMessageIsDeliveredOrCounted(t *testing.T) {
	f := newFeed(&messageLimit, nil)
	pushed, seen, last := 0, 0, uint64(0)
	take := func(most int) {
		for range most {
			m, ok := f.next()
			switch {
			case !ok:
				return
			case m.Lagged > 0:
				seen += m.Lagged
				last += uint64(m.Lagged)
			case m.Seq != last+1:
				t.Fatalf("message %d follows %d", m.Seq, last)
			default:
				seen, last = seen+1, m.Seq
			}
		}
	}
	for round := range 200 {
		for range 400 {
			pushed++
			f.push([]Message{{Seq: uint64(pushed), Payload: make([]byte, 100*(round%7))}})
		}
		take(300 + 50*(round%5))
	}
	take(pushed)
	if seen != pushed {
		t.Errorf("%d of %d delivered or counted", seen, pushed)
	}
}

func TestASubscriberGetsItsTopicsAndEveryMissedMarker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		some := n.Messages(t.Context(), "a", "c")
		all := n.Messages(t.Context())
		for _, m := range []Message{{Topic: "a"}, {Topic: "b"}, {Missed: 3}, {Topic: "c"}} {
			n.messages.deliver([]Message{m})
		}
		closeNode(t, n)
		text := func(messages func(func(Message) bool)) string {
			var b strings.Builder
			for m := range messages {
				fmt.Fprintf(&b, "%s%d ", m.Topic, m.Missed)
			}
			return b.String()
		}
		if got := text(some); got != "a0 3 c0 " {
			t.Errorf("two topics: %s", got)
		}
		if got := text(all); got != "a0 b0 3 c0 " {
			t.Errorf("all topics: %s", got)
		}
	})
}

func TestAHandlerEndsWithItsContextAndWithTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		ended := make(chan error, 1)
		n.Handle(t.Context(), "a", func(ctx context.Context, _ Message) {
			<-ctx.Done() // a handler that waits for something
			ended <- ctx.Err()
		})
		if _, err := n.Broadcast(t.Context(), Message{Topic: "a"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		closeNode(t, n)
		if err := <-ended; err == nil {
			t.Error("the context of the handler has not ended")
		}
		synctest.Wait()
		if n.messages.any() {
			t.Error("a subscription is left")
		}
	})
}

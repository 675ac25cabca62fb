package hearsay

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestASlowSubscriberGetsAResyncForWhatItLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		ctx := t.Context()
		events := n.Events(ctx)
		const writes = backlogMax + 500
		for i := range writes {
			if err := n.Meta().Set(ctx, "n", fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // a command returns before its event is handed out
		seen := 0
		for e := range events {
			switch {
			case seen < backlogMax:
				if e.Kind != FactSet || string(e.Value) != fmt.Sprint(seen) {
					t.Fatalf("event %d is %s %q", seen, e.Kind, e.Value)
				}
			case seen == backlogMax:
				if want := writes - backlogMax; e.Kind != Resync || e.Count != want {
					t.Fatalf("event %d is %s of %d, want resync of %d", seen, e.Kind, e.Count, want)
				}
				// From here on it keeps up.
				if err := n.Meta().Set(ctx, "n", []byte("after")); err != nil {
					t.Fatal(err)
				}
			default:
				if e.Kind != FactSet || string(e.Value) != "after" {
					t.Fatalf("after the resync came %s %q", e.Kind, e.Value)
				}
				return
			}
			seen++
		}
		t.Error("the sequence ended")
	})
}

func TestASubscriberThatFallsBehindTwiceGetsTwoMarkers(t *testing.T) {
	s := newFeed(&eventLimit, nil)
	fill := func(count int) {
		for i := range count {
			s.push([]Event{{Kind: FactSet, Count: i}})
		}
	}
	fill(backlogMax + 10) // 1,024 events and a marker for 10
	for range backlogMax / 2 {
		s.next()
	}
	fill(backlogMax) // 512 events more, and a marker for as many
	var markers []int
	total := backlogMax / 2
	for e, ok := s.next(); ok; e, ok = s.next() {
		total++
		if e.Kind == Resync {
			total--
			markers = append(markers, e.Count)
		}
	}
	if len(markers) != 2 || markers[0] != 10 {
		t.Fatalf("markers %v", markers)
	}
	if got, want := total+markers[0]+markers[1], 2*backlogMax+10; got != want {
		t.Errorf("%d events delivered or counted as lost, want %d", got, want)
	}
}

func TestEventsComeAfterTheSnapshotTheyLedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n := v.start(1)
		events := n.Events(t.Context())
		for i := 2; i <= 6; i++ {
			v.start(i)
		}
		joined := 0
		for e := range events {
			if m, known := n.LookupID(e.Member.ID); !known || m.State != e.Member.State {
				t.Errorf("at %s of %s the snapshot says %v", e.Kind, e.Member.Name, m)
			}
			if joined++; joined == 5 {
				return
			}
		}
	})
}

// Whoever calls Events first and Members second misses nothing, also between an
// event and the snapshot that shows it.
func TestASubscriberBeforeTheSnapshotGetsTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		if err := n.do(t.Context(), func(d *driver) {
			d.nextPublish = d.now().Add(publishInterval)
			d.emit(Event{Kind: Updated})
		}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for e := range n.Events(ctx) {
			if e.Kind != Updated {
				t.Errorf("event %s", e.Kind)
			}
			return
		}
		t.Error("the event is lost")
	})
}

func TestEventsEndWithTheirContextAndWithTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan int, 2)
		loop := func(ctx context.Context) {
			events := n.Events(ctx)
			go func() {
				count := 0
				for range events {
					count++
				}
				ended <- count
			}()
		}
		loop(ctx)
		time.Sleep(time.Second)
		cancel()
		if got := <-ended; got != 0 {
			t.Errorf("%d events before the context ended", got)
		}
		loop(t.Context())
		if err := n.Meta().Set(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
		closeNode(t, n)
		if got := <-ended; got != 1 {
			t.Errorf("%d events before the node closed, want 1", got)
		}
		for e := range n.Events(t.Context()) {
			t.Errorf("event %s after Close", e.Kind)
		}
	})
}

func TestASubscriptionEndsThoughNobodyRangesOverIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		ctx, cancel := context.WithCancel(t.Context())
		n.Events(ctx)
		left := n.Events(t.Context())
		if err := n.Meta().Set(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
		for range left {
			break
		}
		cancel()
		synctest.Wait()
		if n.events.any() {
			t.Error("subscribers are left")
		}
	})
}

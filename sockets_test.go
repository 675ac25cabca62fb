package hearsay

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/seal"
)

// loopback starts a node on real sockets and closes it at the end of the test.
func loopback(t testing.TB, i int, change ...func(*Config)) *Node {
	t.Helper()
	cfg := Local()
	cfg.Name, cfg.Ring = fmt.Sprintf("node-%d", i), seal.DevRing("test")
	cfg.Logger = slog.New(slog.DiscardHandler)
	for _, c := range change {
		c(&cfg)
	}
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNode(t, n) })
	return n
}

func limited(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// awaitEvent waits for an event of a kind; the subscription must be older.
func awaitEvent(t *testing.T, events func(func(Event) bool), kind EventKind) Event {
	t.Helper()
	for e := range events {
		if e.Kind == kind {
			return e
		}
	}
	t.Fatalf("no event %s in time", kind)
	return Event{}
}

func TestNodesJoinOverSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("real sockets")
	}
	for name, change := range map[string]func(*Config){
		"sealed":     func(*Config) {},
		"insecure":   func(c *Config) { c.Ring, c.Insecure = nil, true },
		"streamonly": func(c *Config) { c.StreamOnly = true },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := limited(t)
			a, b := loopback(t, 1, change), loopback(t, 2, change)
			events := a.Events(ctx)
			if n, err := b.Join(ctx, a.Self().Addr.String()); n != 1 || err != nil {
				t.Fatalf("Join = %d, %v", n, err)
			}
			if got := len(b.Members()); got != 2 {
				t.Errorf("after Join b lists %d members, want 2", got)
			}
			if e := awaitEvent(t, events, Joined); e.Member.ID != b.Self().ID {
				t.Errorf("a saw %v join, want b", e.Member)
			}
			changes := b.Events(ctx)
			if err := a.Meta().Set(ctx, "zone", []byte("eu-1")); err != nil {
				t.Fatal(err)
			}
			if e := awaitEvent(t, changes, FactSet); e.Key != "zone" || string(e.Value) != "eu-1" || e.Hops != 1 {
				t.Errorf("b got %+v", e)
			}
			if got := string(b.MetaOf(a.Self().ID)["zone"]); got != "eu-1" {
				t.Errorf("b reads zone %q of a", got)
			}
			left := b.Events(ctx)
			if report, err := a.Leave(ctx); err != nil || report != (LeaveReport{1, 1}) {
				t.Errorf("Leave = %+v, %v", report, err)
			}
			if e := awaitEvent(t, left, Left); e.Member.ID != a.Self().ID || e.Reason != "goodbye" {
				t.Errorf("b saw %+v", e)
			}
		})
	}
}

package main

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// TestEverySystemBroadcasts is a small run of each over real sockets: every
// figure that a workload has is there, and nothing is lost on the way through
// the adapter.
func TestEverySystemBroadcasts(t *testing.T) {
	if testing.Short() {
		t.Skip("opens real sockets and waits for real timers")
	}
	for _, name := range slices.Sorted(maps.Keys(systems)) {
		for _, size := range []int{64, 1024} {
			t.Run(name, func(t *testing.T) {
				const broadcasts = 3
				c := systems[name].open(size)
				r, err := measure(t.Context(), c, turn{
					Workload: workLatency, Nodes: 3, Size: size, Run: 1,
					Ready: time.Minute, Timeout: time.Minute, Broadcasts: broadcasts, Idle: time.Millisecond,
				})
				if err != nil {
					t.Fatal(err)
				}
				if !r.Converged {
					t.Fatalf("not converged after %v s", r.Seconds)
				}
				l := r.Latency
				if want := (outcome{Broadcasts: broadcasts}); l.outcome != want {
					t.Errorf("outcome %+v, want %+v", l.outcome, want)
				}
				if l.CopiesPerNode < 1 || l.T50 <= 0 || l.T100 < l.T50 {
					t.Errorf("%v copies a node, to half in %v ms, to all in %v ms", l.CopiesPerNode, l.T50, l.T100)
				}
				if got, least := c.Sent().bytes(), uint64(broadcasts*2*size); got < least {
					t.Errorf("%d bytes sent, want %d of payloads at least", got, least)
				}
			})
		}
	}
}

func TestSystemsCloseBeforeStart(t *testing.T) {
	for name, s := range systems {
		if err := s.open(64).Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSealedPeersHaveAnAES256Key(t *testing.T) {
	if got := len(systems["memberlist-sealed"].open(64).(*memberlists).key); got != 32 {
		t.Errorf("memberlist has a key of %d bytes, want 32", got)
	}
	if got := len(systems["serf-sealed"].open(64).(*serfs).key); got != 32 {
		t.Errorf("serf has a key of %d bytes, want 32", got)
	}
}

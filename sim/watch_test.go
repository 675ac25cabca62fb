package sim

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// tally is a watcher that counts.
type tally struct {
	t                        *testing.T
	c                        *Cluster
	started, stopped, events int
	packets                  uint64
}

func (w *tally) Started(node int, _ time.Duration, epoch member.Epoch) {
	if m := w.c.Machine(node); m == nil || m.Member(0).Claim.Epoch != epoch {
		w.t.Errorf("node %d started in epoch %d, its machine is %v", node, epoch, m)
	}
	w.started++
}

func (w *tally) Stopping(node int, _ time.Duration) {
	if w.c.Machine(node) == nil {
		w.t.Errorf("the machine of node %d cannot be read when it stops", node)
	}
	w.stopped++
}

func (w *tally) Stepped(node int, now time.Duration, out *core.Output) {
	if node != w.c.Stepping() || now != w.c.Now() {
		w.t.Errorf("step of node %d at %v, the cluster says %d at %v", node, now, w.c.Stepping(), w.c.Now())
	}
	w.packets += uint64(len(out.Packets))
	w.events += len(out.Events)
}

func TestWatcherSeesEverythingAndChangesNothing(t *testing.T) {
	run := func(watch Watcher, observe func(int, time.Duration, *core.Event)) *Cluster {
		c := newCluster(t, Options{Nodes: 8, Seed: 3, Watch: watch, Observe: observe})
		if w, ok := watch.(*tally); ok {
			w.c = c
		}
		c.StartAll(time.Second)
		c.Run(5 * time.Second)
		c.Kill(2)
		c.Kill(2) // is down already
		c.Run(20 * time.Second)
		c.Start(2, 0)
		c.Run(5 * time.Second)
		return c
	}
	w, events := &tally{t: t}, 0
	c := run(w, func(int, time.Duration, *core.Event) { events++ })
	if w.started != 9 || w.stopped != 1 {
		t.Errorf("%d starts and %d stops seen, want 9 and 1", w.started, w.stopped)
	}
	if s := c.Stats(); w.packets != s.Packets+s.Frames || w.events != events || events == 0 {
		t.Errorf("%d packets and %d events seen, want %d and %d", w.packets, w.events, s.Packets+s.Frames, events)
	}
	if plain := run(nil, nil); plain.Hash() != c.Hash() {
		t.Error("a watcher changed the run")
	}
}

// A node that needs 5 ms for each input answers later by that, and nobody doubts
// it; one that needs longer than probes may take is doubted, and well again when
// it is quick again.
func TestSlowNodeAnswersLate(t *testing.T) {
	c := formed(t, 16, 1)
	c.Slow(4, 5*time.Millisecond)
	c.Run(2 * time.Minute)
	if s := c.Stats(); s.Suspicions != 0 {
		t.Errorf("%d suspicions of a node that answers within 10 ms", s.Suspicions)
	}
	c.Slow(4, 900*time.Millisecond)
	c.Run(2 * time.Minute)
	if s := c.Stats(); s.Suspicions == 0 {
		t.Error("nobody doubts a node that takes 0.9 s for each input")
	}
	c.Slow(4, 0)
	until(t, c, 2*time.Minute, "full views", c.Full)
}

// What a slow node cannot take in time is lost, not kept for ever.
func TestBacklogOfASlowNodeIsBounded(t *testing.T) {
	c := formed(t, 8, 1)
	c.Slow(4, time.Minute)
	for range 3 * slowBacklog {
		c.send(1, 4, &core.Packet{Payload: []byte{0xff}})
	}
	c.Run(10 * time.Millisecond)
	if n := c.nodes[4].queued; n != slowBacklog {
		t.Errorf("%d payloads wait, want %d", n, slowBacklog)
	}
	if s := c.Stats(); s.Lost < 2*slowBacklog {
		t.Errorf("%d lost, want at least %d", s.Lost, 2*slowBacklog)
	}
}

func TestMendEndsOneCutOnly(t *testing.T) {
	c := formed(t, 4, 1)
	c.CutBoth([]int{0}, []int{1, 2})
	c.Mend([]int{0}, []int{1})
	for _, link := range []struct {
		from, to int
		open     bool
	}{{0, 1, true}, {1, 0, false}, {0, 2, false}, {2, 0, false}, {3, 0, true}, {0, 0, true}} {
		if got := c.Open(link.from, link.to); got != link.open {
			t.Errorf("Open(%d, %d) = %v", link.from, link.to, got)
		}
	}
}

package broadcast

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func milliseconds(least, spread int) func(*rand.Rand) time.Duration {
	return func(r *rand.Rand) time.Duration {
		d := time.Duration(least) * time.Millisecond
		if spread > 0 {
			d += time.Duration(r.IntN(spread*1000)) * time.Microsecond
		}
		return d
	}
}

func TestACleanNetworkCarriesOneCopyToEach(t *testing.T) {
	for _, n := range []int{2, 3, 16, 24, 25, 26, 100, 500, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t, n, uint64(n))
			w.acquainted(2 * time.Millisecond)
			const count = 5
			for range count {
				w.publish(0, "payload", false)
				w.runFor(100 * time.Millisecond)
			}
			w.checkEverybody(0, count)
			if s := w.totals(); s.Copies != uint64(count*(n-1)) || s.Pulls != 0 {
				t.Errorf("%d copies, %d pulls; want %d and none", s.Copies, s.Pulls, count*(n-1))
			}
			for seq, e := range w.nodes[0].receipts {
				if !e.Done || e.Count != n || e.Total != n {
					t.Errorf("receipt %d: %d of %d, done %v", seq, e.Count, e.Total, e.Done)
				}
			}
			if len(w.nodes[0].receipts) != count {
				t.Errorf("%d receipts", len(w.nodes[0].receipts))
			}
		})
	}
}

// The figures of the design for 1,000 members over 50 ms, of which the shared
// views hold 50 that are dead, at a loss of 5 %.
func TestLossAndTheDeadCostLittle(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		w := newWorld(t, 1000, seed)
		w.delay = milliseconds(50, 0)
		w.acquainted(100 * time.Millisecond)
		w.loss = 50
		for _, i := range w.rand.Perm(999)[:50] {
			w.nodes[1+i].dead = true
		}
		seq := w.publish(0, "payload", false)
		w.runFor(700 * time.Millisecond)
		if got := w.reached(0, seq); got < 949 {
			t.Errorf("seed %d: %d of 950 after 700 ms", seed, got)
		}
		w.probeFor(4)
		w.runFor(300 * time.Millisecond)
		w.checkEverybody(0, seq)
		w.checkReceipts(0)
		s, e := w.totals(), w.nodes[0].receipts[seq]
		if !e.Done || e.Count < 940 {
			t.Errorf("seed %d: the receipt says %d of 950, done %v", seed, e.Count, e.Done)
		}
		received, sent := float64(s.Copies)/950, float64(s.Relays)/950
		if received > 1.2 || sent > 1.4 {
			t.Errorf("seed %d: %.3f copies received by a node, %.3f sent", seed, received, sent)
		}
	}
}

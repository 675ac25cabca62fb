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

func TestFaults(t *testing.T) {
	for seed := range uint64(6) {
		w := newWorld(t, 1000, seed)
		w.delay = milliseconds(50, 0)
		w.acquainted(100 * time.Millisecond)
		w.loss = 50
		for _, i := range w.rand.Perm(999)[:50] {
			w.nodes[1+i].dead = true
		}
		seq := w.publish(0, "payload", false)
		times := map[int]time.Duration{}
		for at := time.Duration(0); at < 5*time.Second; at += 10 * time.Millisecond {
			w.runFor(10 * time.Millisecond)
			times[w.reached(0, seq)] = at
			if at == 700*time.Millisecond {
				t.Logf("at %v: %d of %d", at, w.reached(0, seq), w.live())
			}
		}
		w.checkEverybody(0, seq)
		s := w.totals()
		t.Logf("all after %v; copies %.3f; %d pulls, %d again, %d passed on, %d given up; receipt %+v", times[w.live()],
			float64(s.Copies)/float64(w.live()), s.Pulls, s.Retransmits, s.Redelegations, s.GivenUp, w.nodes[0].receipts[seq].Count)
	}
}

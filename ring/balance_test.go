package ring

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
)

// spread is how evenly keys lie on the members of many rings: the exact lengths
// of their arcs, in units of an equal share.
type spread struct {
	deviation        float64 // standard, over all members of all rings
	largest, average float64 // of the largest share of each ring: maximum and mean
	smallest         float64
}

// measure makes rings of n members with IDs of their own each.
func measure(t testing.TB, rings, n, tokens int) spread {
	s := spread{smallest: math.Inf(1)}
	var squares float64
	for k := range rings {
		members := make([]Member, n)
		for i := range members {
			members[i] = Member{ID: id(uint64(k*n + i)), State: member.Alive}
		}
		r := mustNew(t, Options{Tokens: tokens}, members)
		shares := shares(r)
		for _, share := range shares {
			squares += (share - 1) * (share - 1)
		}
		s.largest, s.smallest = max(s.largest, slices.Max(shares)), min(s.smallest, slices.Min(shares))
		s.average += slices.Max(shares) / float64(rings)
	}
	s.deviation = math.Sqrt(squares / float64(rings*n))
	return s
}

// shares returns the share of each member in units of an equal one.
func shares(r *Ring) []float64 {
	arcs := make([]float64, r.Len())
	for i, owner := range r.owners {
		last := r.positions[(i+len(r.positions)-1)%len(r.positions)]
		arcs[owner] += float64(r.positions[i]-last) / (1 << 64) * float64(r.Len())
	}
	return arcs
}

// The figures of docs/adr/0007-own-hash-ring.md: go test ./ring -run Balance -v
func TestBalance(t *testing.T) {
	for _, tt := range []struct {
		rings, n, tokens            int
		deviation, average, largest float64 // upper bounds, a little above what was measured
	}{
		{100, 3, 256, 0.06, 1.07, 1.20},
		{100, 10, 256, 0.07, 1.13, 1.25},
		{20, 100, 256, 0.07, 1.20, 1.30},
		{100, 10, 16, 0.30, 1.60, 2.50},
		{100, 10, 64, 0.15, 1.30, 1.60},
		{50, 10, 1024, 0.04, 1.08, 1.15},
	} {
		t.Run(fmt.Sprintf("%d members, %d tokens", tt.n, tt.tokens), func(t *testing.T) {
			got := measure(t, tt.rings, tt.n, tt.tokens)
			t.Logf("standard deviation %.1f %%, largest share of a ring %.3f on average and %.3f at most, smallest %.3f",
				100*got.deviation, got.average, got.largest, got.smallest)
			if got.deviation > tt.deviation || got.average > tt.average || got.largest > tt.largest {
				t.Errorf("shares are less even than %.2f, %.2f, %.2f", tt.deviation, tt.average, tt.largest)
			}
		})
	}
}

func BenchmarkOwner(b *testing.B) {
	for _, n := range []int{3, 10, 100, 1000} {
		r := mustNew(b, Options{}, cluster(n, 3))
		b.Run(fmt.Sprint("members=", n), func(b *testing.B) {
			b.ReportAllocs()
			k := []byte("key-00000000")
			for i := 0; b.Loop(); i++ {
				k[11], k[10], k[9] = byte(i), byte(i>>8), byte(i>>16)
				r.Owner(k)
			}
		})
	}
}

func BenchmarkReplicas(b *testing.B) {
	run := func(name string, r *Ring, doubted ...member.NodeID) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			k := []byte("key-00000000")
			for i := 0; b.Loop(); i++ {
				k[11], k[10], k[9] = byte(i), byte(i>>8), byte(i>>16)
				r.Replicas(k, doubted...)
			}
		})
	}
	for _, n := range []int{10, 100, 1000} {
		run(fmt.Sprint("members=", n), mustNew(b, Options{}, cluster(n, 3)))
	}
	suspects := cluster(1000, 3)
	for i := 0; i < len(suspects); i += 3 {
		suspects[i].State = member.Suspect
	}
	run("members=1000/suspect=a-zone-of-three", mustNew(b, Options{}, suspects))
	rare := cluster(1000, 2)
	rare[0].Zone = "rare"
	run("members=1000/one-alone-in-its-zone", mustNew(b, Options{}, rare))
	all := cluster(1000, 3)
	run("members=1000/doubted=1", mustNew(b, Options{}, all), all[1].ID)
}

func BenchmarkChange(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		all := cluster(n+1, 3)
		r := mustNew(b, Options{}, all[:n])
		b.Run(fmt.Sprint("join/members=", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.With(all)
			}
		})
		suspected := slices.Clone(all[:n])
		suspected[0].State = member.Suspect
		b.Run(fmt.Sprint("suspect/members=", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.With(suspected)
			}
		})
	}
}

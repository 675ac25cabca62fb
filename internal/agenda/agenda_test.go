package agenda

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
)

func TestEntriesComeByTimeThenInTheOrderOfTheirAdding(t *testing.T) {
	type noted struct {
		at    member.Time
		added int
	}
	random := rand.New(rand.NewPCG(1, 2))
	var a Agenda[noted]
	var all, got []noted
	for added := range 2000 {
		n := noted{member.Time(random.IntN(50)), added}
		a.Add(n.at, n)
		all = append(all, n)
	}
	slices.SortStableFunc(all, func(a, b noted) int { return cmp.Compare(a.at, b.at) })
	for a.Until(1 << 62) {
		early := member.Time(-1)
		if len(got) > 0 {
			early = got[len(got)-1].at - 1
		}
		if a.Until(early) {
			t.Fatal("an entry is due before one that came")
		}
		at, n := a.Take()
		if at != n.at {
			t.Fatalf("the entry of %d comes at %d", n.at, at)
		}
		got = append(got, n)
	}
	if !slices.Equal(got, all) {
		t.Error("the order is another")
	}
}

package hearsay

import (
	"testing"
	"testing/synctest"
)

func TestNodesJoinThroughOneSeed(t *testing.T) {
	for _, size := range []int{2, 3, 10} {
		synctest.Test(t, func(t *testing.T) {
			nodes := newVirtual(t).cluster(size)
			for _, n := range nodes {
				s := n.Stats()
				if got := len(n.Members()); got != size || s.Alive != size {
					t.Errorf("%s lists %d members, %d alive, want %d", n.Self().Name, got, s.Alive, size)
				}
				if s.FalseDeaths != 0 || s.Deaths != 0 {
					t.Errorf("%s buried %d members", n.Self().Name, s.Deaths)
				}
			}
		})
	}
}

package store

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// TestAnyExchangeEndsWithTheOwnersFacts has an owner write, restart and compact
// while rumors are lost, doubled, reordered and kept for ages, and two replicas
// fetch deltas of any size from the owner and from each other. Whatever
// happened, a replica that then asks until there is no more holds what the owner
// does, and its events add up to it.
func TestAnyExchangeEndsWithTheOwnersFacts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		owner := newRig(t, 1)
		replicas := []*rig{newRig(t, 2), newRig(t, 3)}
		told := []map[string]string{{}, {}}
		var rumors []wire.Message // all that were ever sent
		epoch := member.Epoch(1)
		key := rapid.Map(rapid.IntRange(0, 5), func(n int) string { return fmt.Sprint("k", n) })
		room := rapid.SampledFrom([]int{0, 100, 250, 1000, 1 << 16})
		anyReplica := rapid.IntRange(0, 1)
		sender := func(rt *rapid.T) *rig {
			return rapid.SampledFrom([]*rig{owner, replicas[0], replicas[1]}).Draw(rt, "from")
		}
		collect := func(rt *rapid.T) {
			for i, r := range replicas {
				for _, e := range r.out.Events {
					if _, known := told[i][e.Key]; e.Kind == effect.FactDeleted && !known {
						rt.Fatalf("%q was deleted, and never there", e.Key)
					}
					if delete(told[i], e.Key); e.Kind == effect.FactSet {
						told[i][e.Key] = string(e.Value)
					}
				}
				rumors = append(rumors, r.rumors()...)
			}
			rumors = append(rumors, owner.rumors()...)
		}
		check := func(rt *rapid.T, i int) {
			r := replicas[i]
			held := map[string]string{}
			r.Each(owner.id, func(k string, v []byte) { held[k] = string(v) })
			if fmt.Sprint(held) != fmt.Sprint(told[i]) {
				rt.Fatalf("replica %d holds %v, its events say %v", i, held, told[i])
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				size := rapid.SampledFrom([]int{0, 1, 10, inlineMax, 2000}).Draw(rt, "size")
				owner.put(key.Draw(rt, "key"), string(slices.Repeat([]byte{rapid.Byte().Draw(rt, "byte")}, size)))
			},
			"delete": func(rt *rapid.T) {
				if err := owner.Delete(key.Draw(rt, "key")); err != nil {
					return // not there
				}
			},
			"compact": func(*rapid.T) { owner.compact() },
			"new epoch": func(rt *rapid.T) {
				if rapid.IntRange(0, 5).Draw(rt, "really") == 0 {
					epoch++
					owner.Advance(epoch)
				}
			},
			"record": func(rt *rapid.T) { replicas[anyReplica.Draw(rt, "at")].Restart(owner.id, epoch) },
			"rumor": func(rt *rapid.T) {
				if len(rumors) == 0 {
					return
				}
				r := replicas[anyReplica.Draw(rt, "to")]
				switch m := rapid.SampledFrom(rumors).Draw(rt, "rumor").(type) {
				case *wire.Fact:
					if r.OnFact(&owner.public, m) == Refused {
						rt.Fatal("an honest rumor was refused")
					}
				case *wire.Advert:
					r.OnAdvert(m)
				}
			},
			"delta": func(rt *rapid.T) {
				r, from := replicas[anyReplica.Draw(rt, "to")], sender(rt)
				g, v := r.Wanted(owner.id)
				if rapid.Bool().Draw(rt, "unasked") {
					g, v = 0, 0
				}
				if d, ok := from.delta(owner, g, v, room.Draw(rt, "room")); ok {
					if got := r.OnDelta(&owner.public, d); got == Refused {
						rt.Fatal("an honest delta was refused")
					}
				}
			},
			"": func(rt *rapid.T) {
				for i, r := range replicas {
					checkInvariants(rt, r.Store)
					if g, v := r.Stamp(owner.id); g == owner.own.current.generation && v > owner.own.current.version {
						rt.Fatalf("replica %d is at %d, the owner at %d", i, v, owner.own.current.version)
					}
				}
				checkInvariants(rt, owner.Store)
				collect(rt)
				check(rt, 0)
				check(rt, 1)
			},
		})
		for i, r := range replicas {
			r.Restart(owner.id, epoch)
			r.pull(owner, owner, room.Draw(rt, "room"))
			collect(rt)
			check(rt, i)
			if r.held(owner) != owner.held(owner) || r.HashOf(owner.id) != owner.HashOf(owner.id) {
				rt.Fatalf("replica %d holds %q, the owner %q", i, r.held(owner), owner.held(owner))
			}
		}
	})
}

package wire_test

import (
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// The values come from a second implementation of docs/protocol.md: members of
// two versions must agree on them, or they would reconcile for ever.
var rootGoldens = []struct {
	what string
	got  uint64
	want uint64
}{
	{"claim a0…af alive 4660.5", wire.HashClaim(alice, aliceAlive.Claim), 0x2b164c476124c65d},
	{"claim b0…bf dead 4660.5", wire.HashClaim(bob, bobDead.Claim), 0xbdcbb1b27e539371},
	{"claim b0…bf left 4660.5", wire.HashClaim(bob, member.Claim{State: member.Left, Epoch: 4660, Incarnation: 5}), 0x153402bc7d3bc84b},
	{"facts a0…af/300@7", wire.HashFacts(alice, 300, 7), 0x657b10879f49de31},
}

func TestRootGoldens(t *testing.T) {
	for _, g := range rootGoldens {
		if g.got != g.want {
			t.Errorf("%s: %016x, want %016x", g.what, g.got, g.want)
		}
	}
}

func TestSuspicionDoesNotChangeTheRoot(t *testing.T) {
	claim := aliceAlive.Claim
	claim.State = member.Suspect
	if got := wire.HashClaim(alice, claim); got != rootGoldens[0].want {
		t.Errorf("suspect hashes to %016x, alive to %016x", got, rootGoldens[0].want)
	}
}

func TestOwnerWithoutFactsAddsNothingToTheRoot(t *testing.T) {
	if got := wire.HashFacts(alice, 300, 0); got != 0 {
		t.Errorf("facts at version 0 hash to %016x, want 0", got)
	}
}

// All combinations of a few values next to each other hash apart: a field left
// out of the hash, or two that cancel each other, would collide here.
func TestEveryFieldReachesTheRoot(t *testing.T) {
	seen := map[uint64]string{}
	note := func(h uint64, what string) {
		if other, taken := seen[h]; taken {
			t.Errorf("%s and %s hash to %016x", what, other, h)
		}
		seen[h] = what
	}
	for i := range 4 {
		id := alice
		id[i*5] ^= 1
		for n := range uint64(4) {
			for v := range uint64(4) {
				for _, state := range []member.State{member.Alive, member.Dead, member.Left} {
					c := member.Claim{State: state, Epoch: member.Epoch(n), Incarnation: member.Incarnation(v)}
					note(wire.HashClaim(id, c), id.String()+" "+c.String())
				}
				f := wire.Stamp{ID: id, Generation: wire.Generation(n), Version: wire.Version(v + 1)}
				advert := wire.Advert{Owner: id, Generation: f.Generation, Version: f.Version}
				note(wire.HashFacts(id, f.Generation, f.Version), id.String()+" "+advert.Describe())
			}
		}
	}
	if len(seen) != 4*4*4*4 {
		t.Errorf("%d hashes, want %d", len(seen), 4*4*4*4)
	}
}

func TestBucketIsTheLowBitsOfTheFirstTwoBytes(t *testing.T) {
	id := member.NodeID{0x2a, 0xb7, 0xff}
	for buckets, want := range map[int]int{1: 0, 2: 1, 16: 0x7, 256: 0xb7, 1 << 14: 0x2ab7} {
		if got := wire.Bucket(id, buckets); got != want {
			t.Errorf("Bucket of %d = %#x, want %#x", buckets, got, want)
		}
	}
}

package store

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// hashKeys stands in for Ed25519: a signature is a hash of key and message.
type hashKeys struct{ public [wire.PublicKeySize]byte }

func (k hashKeys) Sign(message []byte) (s [wire.SignatureSize]byte) {
	sum := sha256.Sum256(append(k.public[:], message...))
	copy(s[:], sum[:])
	return s
}

func (hashKeys) Verify(_ member.NodeID, public *[wire.PublicKeySize]byte, message []byte, s *[wire.SignatureSize]byte) bool {
	return hashKeys{*public}.Sign(message) == *s
}

// rig is the store of node n, and the key that others check it by.
type rig struct {
	testing.TB
	*Store
	id     member.NodeID
	public [wire.PublicKeySize]byte
	out    effect.Out
}

func newRig(t testing.TB, n int) *rig {
	r := &rig{TB: t, id: member.NodeID{0xaa, byte(n)}, public: [wire.PublicKeySize]byte{byte(n)}}
	r.Store = New(Config{ID: r.id, Epoch: 1, Keys: hashKeys{r.public}, Out: &r.out})
	return r
}

func (r *rig) put(key, value string) {
	r.Helper()
	if err := r.Put(key, []byte(value)); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) del(key string) {
	r.Helper()
	if err := r.Delete(key); err != nil {
		r.Fatal(err)
	}
}

// rumors returns copies of the facts and adverts that were spread since the
// last call.
func (r *rig) rumors() (all []wire.Message) {
	for i := range r.out.Rumors {
		t, body, _, err := wire.Next(slices.Clone(r.out.Body(&r.out.Rumors[i])))
		if err != nil {
			r.Fatal(err)
		}
		var m interface {
			wire.Message
			Decode([]byte) error
		} = &wire.Fact{}
		if t == wire.TypeAdvert {
			m = &wire.Advert{}
		}
		if err := m.Decode(body); err != nil {
			r.Fatal(err)
		}
		all = append(all, m)
	}
	r.out.Reset()
	return all
}

// delta is what the store would send to one who has an owner's facts up to from
// of g, after a trip over the wire.
func (r *rig) delta(owner *rig, g wire.Generation, from wire.Version, room int) (*wire.Delta, bool) {
	var d, arrived wire.Delta
	if !r.Delta(owner.id, g, from, room, &d) {
		return nil, false
	}
	if err := arrived.Decode(d.AppendBody(nil)); err != nil {
		r.Fatalf("a delta that nobody can read: %v", err)
	}
	return &arrived, true
}

// pull has r fetch an owner's facts from another until it is told no more.
func (r *rig) pull(from, owner *rig, room int) {
	r.Helper()
	for range 10_000 {
		g, v := r.Wanted(owner.id)
		d, ok := from.delta(owner, g, v, room)
		if !ok {
			return
		}
		if got := r.OnDelta(&owner.public, d); got != Applied {
			r.Fatalf("%s: %v", d.Describe(), got)
		}
		checkInvariants(r, r.Store)
	}
	r.Fatal("deltas without end")
}

// held lists an owner's facts as "key=value", sorted.
func (r *rig) held(owner *rig) string {
	var facts []string
	r.Each(owner.id, func(key string, value []byte) { facts = append(facts, fmt.Sprintf("%s=%.20s", key, value)) })
	slices.Sort(facts)
	return strings.Join(facts, " ")
}

func (r *rig) wantHeld(owner *rig, want string) {
	r.Helper()
	if got := r.held(owner); got != want {
		r.Errorf("held %q, want %q", got, want)
	}
}

// news lists the events since the last call as "key=value" and "-key".
func (r *rig) news() string {
	var all []string
	for _, e := range r.out.Events {
		if e.Kind == effect.FactDeleted {
			all = append(all, "-"+e.Key)
		} else {
			all = append(all, fmt.Sprintf("%s=%.20s", e.Key, e.Value))
		}
	}
	r.out.Reset()
	return strings.Join(all, " ")
}

type checker interface {
	Helper()
	Fatalf(string, ...any)
}

// checkInvariants holds every replica against what it must be.
func checkInvariants(t checker, s *Store) {
	t.Helper()
	var hash uint64
	for id, o := range s.owners {
		if o.id != id {
			t.Fatalf("owner %s is filed under %s", o.id, id)
		}
		checkReplica(t, &o.current)
		if o.next != nil {
			checkReplica(t, o.next)
			if o.next.generation <= o.current.generation {
				t.Fatalf("next generation %d, current %d", o.next.generation, o.current.generation)
			}
		}
		hash ^= wire.HashFacts(id, o.current.generation, o.current.version)
	}
	if s.hash != hash {
		t.Fatalf("hash %x, recomputed %x", s.hash, hash)
	}
}

// checkReplica holds that log and byKey are the same facts, that the log is in
// order and ends at the version, and that tombstones are counted.
func checkReplica(t checker, r *replica) {
	t.Helper()
	if !slices.IsSortedFunc(r.log, func(a, b *fact) int { return cmp.Compare(a.version, b.version) }) || len(r.log) != len(r.byKey) {
		t.Fatalf("log of %d, %d keys", len(r.log), len(r.byKey))
	}
	tombstones := 0
	for i, f := range r.log {
		if r.byKey[f.key] != f || i > 0 && f.version == r.log[i-1].version {
			t.Fatalf("%q at %d is not the newest of its key, or not alone", f.key, f.version)
		}
		if f.tombstone {
			tombstones++
		}
	}
	if tombstones != r.tombstones {
		t.Fatalf("%d tombstones, counted %d", tombstones, r.tombstones)
	}
	if n := len(r.log); n == 0 && r.version != 0 || n > 0 && r.log[n-1].version != r.version {
		t.Fatalf("the log ends before version %d", r.version)
	}
}

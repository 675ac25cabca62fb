package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

func TestPutAndDelete(t *testing.T) {
	r := newRig(t, 1)
	value := []byte("1")
	if err := r.Put("a", value); err != nil {
		t.Fatal(err)
	}
	value[0] = 'x' // the caller's again
	r.put("b", "2")
	r.put("a", "3")
	r.del("b")
	r.put("empty", "")
	if got := r.news(); got != "a=1 b=2 a=3 -b empty=" {
		t.Errorf("news %q", got)
	}
	r.wantHeld(r, "a=3 empty=")
	if g, v := r.Stamp(r.id); g != FirstGeneration(1) || v != 5 || r.Len(r.id) != 2 {
		t.Errorf("%d@%d, %d keys", g, v, r.Len(r.id))
	}
	if _, ok := r.Lookup(r.id, "b"); ok {
		t.Error("a deleted fact is found")
	}
	if v, ok := r.Lookup(r.id, "a"); !ok || string(v) != "3" {
		t.Errorf("a = %q %v", v, ok)
	}
	if _, ok := r.Lookup(member.NodeID{9}, "a"); ok || r.Len(member.NodeID{9}) != 0 {
		t.Error("a stranger has facts")
	}
	checkInvariants(t, r.Store)
}

func TestWritingTheSameAgainIsNothing(t *testing.T) {
	r := newRig(t, 1)
	r.put("a", "1")
	hash := r.Hash()
	r.out.Reset()
	r.put("a", "1")
	if r.Hash() != hash || len(r.rumors()) != 0 || r.news() != "" {
		t.Error("it made a version")
	}
	r.del("a")
	r.put("a", "1") // after a deletion it is news
	if _, v := r.Stamp(r.id); v != 3 {
		t.Errorf("version %d", v)
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, 1)
	for _, tt := range []struct {
		key, value string
		want       error
	}{
		{"", "", ErrKey},
		{strings.Repeat("k", wire.KeyMax+1), "", ErrKey},
		{strings.Repeat("k", wire.KeyMax), strings.Repeat("v", wire.ValueMax+1), ErrValue},
		{strings.Repeat("k", wire.KeyMax), strings.Repeat("v", wire.ValueMax), nil},
	} {
		if err := r.Put(tt.key, []byte(tt.value)); !errors.Is(err, tt.want) {
			t.Errorf("key of %d, value of %d: %v, want %v", len(tt.key), len(tt.value), err, tt.want)
		}
	}
	for i := 1; i < wire.KeysMax; i++ {
		r.put(fmt.Sprint(i), "v")
	}
	if err := r.Put("one more", nil); !errors.Is(err, ErrKeys) {
		t.Errorf("one key too many: %v", err)
	}
	r.put("1", "changed")
	r.del("2")
	if err := r.Delete("2"); !errors.Is(err, ErrUnknown) {
		t.Errorf("deleted twice: %v", err)
	}
	if err := r.Delete("never"); !errors.Is(err, ErrUnknown) {
		t.Errorf("never written: %v", err)
	}
	r.put("2", "back")
	if err := r.Put("one more", nil); !errors.Is(err, ErrKeys) {
		t.Errorf("one key too many: %v", err)
	}
	checkInvariants(t, r.Store)
}

// A tombstone is kept until there are more than 64 of them and more than four
// for each live key; then a new generation holds the live facts alone.
func TestTombstonesAreBoundedByGenerations(t *testing.T) {
	for _, live := range []int{0, 1, 16, 40} {
		r := newRig(t, 1)
		for i := range live {
			r.put(fmt.Sprintf("live%d", i), "v")
		}
		bound := max(tombstonesMin, tombstonesRatio*live)
		for i := range bound + 1 {
			if g, _ := r.Stamp(r.id); i > 0 && g != FirstGeneration(1) {
				t.Fatalf("%d live: a new generation after %d deletions", live, i)
			}
			r.put(fmt.Sprint(i), "v")
			r.del(fmt.Sprint(i))
			checkInvariants(t, r.Store)
		}
		if g, v := r.Stamp(r.id); g != FirstGeneration(1)+1 || int(v) != live+1 {
			t.Errorf("%d live: %d@%d", live, g, v)
		}
		if r.own.current.tombstones != 1 || r.Len(r.id) != live {
			t.Errorf("%d live: %d tombstones, %d live", live, r.own.current.tombstones, r.Len(r.id))
		}
	}
}

// The generations of one life must not reach those of the next, or a restarted
// owner could not void what it wrote before.
func TestGenerationsStayWithinTheirEpoch(t *testing.T) {
	r := newRig(t, 1)
	r.own.current.generation = FirstGeneration(2) - 2
	for range 3 {
		for i := range tombstonesMin + 1 {
			r.put(fmt.Sprint(i), "v")
			r.del(fmt.Sprint(i))
		}
	}
	if g, _ := r.Stamp(r.id); g != FirstGeneration(2)-1 {
		t.Errorf("generation %d, the next epoch begins at %d", g, FirstGeneration(2))
	}
	checkInvariants(t, r.Store)
}

func TestANewEpochOfOurOwnTakesTheFactsAlong(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	a.put("k", "v")
	a.put("x", "1")
	a.del("x")
	b.pull(a, a, 1<<20)
	a.out.Reset()
	a.Advance(5)
	checkInvariants(t, a.Store)
	if g, v := a.Stamp(a.id); g != FirstGeneration(5) || v != 2 {
		t.Errorf("%d@%d", g, v)
	}
	b.Restart(a.id, 5)
	b.pull(a, a, 1<<20)
	b.wantHeld(a, "k=v")
	hash := a.Hash()
	a.Advance(5)
	a.Advance(4)
	if a.Hash() != hash || a.news() != "" {
		t.Error("an epoch that is not new changed something")
	}

	empty := newRig(t, 3)
	empty.Advance(7)
	empty.put("k", "v")
	if g, v := empty.Stamp(empty.id); g != FirstGeneration(7) || v != 1 {
		t.Errorf("%d@%d", g, v)
	}
}

func TestRestartVoidsTheFormerLife(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	a.put("k", "v")
	a.put("gone", "v")
	a.del("gone")
	b.pull(a, a, 1<<20)
	b.out.Reset()
	b.Restart(a.id, 1)
	b.wantHeld(a, "k=v")
	b.Restart(a.id, 2)
	if got := b.news(); got != "-k" || b.Hash() != 0 {
		t.Errorf("news %q, hash %x", got, b.Hash())
	}
	b.Restart(a.id, 3)
	if got := b.news(); got != "" {
		t.Errorf("news %q", got)
	}
	checkInvariants(t, b.Store)
}

func TestDropForgetsAnOwnerButNeverOurselves(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	a.put("k", "v")
	b.put("own", "v")
	hash := b.Hash()
	b.pull(a, a, 1<<20)
	b.Drop(a.id)
	b.Drop(b.id)
	b.wantHeld(a, "")
	b.wantHeld(b, "own=v")
	if b.Hash() != hash || b.HashOf(a.id) != 0 || b.HashOf(b.id) != hash {
		t.Error("the hash remembers")
	}
	checkInvariants(t, b.Store)
}

func TestGapsAreAskedForAtMostOnceAnInterval(t *testing.T) {
	r := newRig(t, 1)
	now := member.Time(time.Hour)
	other := member.NodeID{9}
	if !r.MayAsk(now, other) || r.MayAsk(now+1, other) || !r.MayAsk(now+1, member.NodeID{8}) {
		t.Error("asked for the first owner twice, or not for the second")
	}
	if r.MayAsk(now.Add(askInterval)-1, other) || !r.MayAsk(now.Add(askInterval), other) {
		t.Error("the interval is off")
	}
}

func TestLargeWritesAreAnnounced(t *testing.T) {
	r := newRig(t, 1)
	r.put("k", strings.Repeat("v", inlineMax-1))
	if _, ok := r.rumors()[0].(*wire.Fact); !ok {
		t.Error("the largest inline fact is announced")
	}
	r.put("k", strings.Repeat("v", inlineMax))
	if a, ok := r.rumors()[0].(*wire.Advert); !ok || a.Version != 2 || a.Owner != r.id {
		t.Error("a larger one is sent whole")
	}
}

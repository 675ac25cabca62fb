package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

// facts returns what a put as rumors, in order.
func (r *rig) facts(values ...string) (all []*wire.Fact) {
	for i, v := range values {
		r.out.Reset()
		r.put(fmt.Sprintf("k%d", i), v)
		all = append(all, r.rumors()[0].(*wire.Fact))
	}
	return all
}

func (r *rig) wantOutcome(got, want Outcome) {
	r.Helper()
	if got != want {
		r.Errorf("outcome %d, want %d", got, want)
	}
	checkInvariants(r, r.Store)
}

func TestRumorsApplyInOrder(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	facts := a.facts("1", "2", "3")
	b.wantOutcome(b.OnFact(&a.public, facts[1]), Gap)
	b.wantOutcome(b.OnFact(&a.public, facts[0]), Applied)
	b.wantOutcome(b.OnFact(&a.public, facts[0]), Known)
	b.wantOutcome(b.OnFact(&a.public, facts[2]), Gap)
	b.wantOutcome(b.OnFact(&a.public, facts[1]), Applied)
	b.wantOutcome(b.OnFact(&a.public, facts[2]), Applied)
	b.wantOutcome(a.OnFact(&a.public, facts[2]), Known) // an echo
	b.wantHeld(a, "k0=1 k1=2 k2=3")
	if a.Hash() != b.Hash() {
		t.Error("the hashes differ")
	}
	passed := b.rumors()
	if len(passed) != 3 || passed[0].(*wire.Fact).Hops != 1 {
		t.Errorf("%d rumors passed on", len(passed))
	}
}

func TestHopsDoNotWrap(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	f := a.facts("1")[0]
	f.Hops = 255
	b.wantOutcome(b.OnFact(&a.public, f), Applied)
	if got := b.rumors()[0].(*wire.Fact).Hops; got != 255 {
		t.Errorf("%d hops", got)
	}
}

func TestForgedFactsChangeNothing(t *testing.T) {
	for name, forge := range map[string]func(*wire.Fact){
		"value":      func(f *wire.Fact) { f.Entry.Value = []byte("forged") },
		"key":        func(f *wire.Fact) { f.Entry.Key = []byte("other") },
		"tombstone":  func(f *wire.Fact) { f.Entry.Tombstone, f.Entry.Value = true, nil },
		"generation": func(f *wire.Fact) { f.Generation++ },
		"owner":      func(f *wire.Fact) { f.Owner[5]++ },
		"signature":  func(f *wire.Fact) { f.Entry.Signature[63]++ },
	} {
		a, b := newRig(t, 1), newRig(t, 2)
		f := a.facts("1")[0]
		forge(f)
		b.wantOutcome(b.OnFact(&a.public, f), Refused)
		if b.DroppedSignatures() != 1 || b.Hash() != 0 || b.news() != "" {
			t.Errorf("%s: believed", name)
		}
	}
}

func TestAdvertsShowGaps(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	a.put("big", strings.Repeat("v", 2*inlineMax))
	advert := a.rumors()[0].(*wire.Advert)
	b.wantOutcome(b.OnAdvert(advert), Gap)
	b.pull(a, a, 1<<20)
	b.wantOutcome(b.OnAdvert(advert), Known)
	b.wantOutcome(a.OnAdvert(advert), Known)
	if passed := b.rumors(); len(passed) != 1 || passed[0].Type() != wire.TypeAdvert {
		t.Error("what was announced is announced on")
	}
	b.wantOutcome(b.OnAdvert(&wire.Advert{Owner: a.id, Generation: advert.Generation + 1, Version: 1}), Gap)
}

// Only entries are signed: that one stands at its end binds a range to the
// owner. Otherwise anybody could make a replica skip versions for ever.
func TestARangeNeedsASignedEnd(t *testing.T) {
	a := newRig(t, 1)
	a.put("k", "v")
	a.put("l", "v")
	for name, forge := range map[string]func(*wire.Delta){
		"end beyond the entries": func(d *wire.Delta) { d.To, d.Latest = 9, 9 },
		"no entries":             func(d *wire.Delta) { d.SetEntries(nil) },
		"entry of no signature": func(d *wire.Delta) {
			e := wire.Entry{Version: 3, Key: []byte("k"), Value: []byte("v")}
			d.To, d.Latest = 3, 3
			d.SetEntries(e.Append(nil))
		},
		"another generation": func(d *wire.Delta) { d.Generation++ },
	} {
		b := newRig(t, 2)
		d, _ := a.delta(a, 0, 0, 1<<20)
		forge(d)
		b.wantOutcome(b.OnDelta(&a.public, d), Refused)
		if _, v := b.Stamp(a.id); v != 0 || b.DroppedSignatures() != 1 || b.news() != "" {
			t.Errorf("%s: now at version %d", name, v)
		}
	}
}

func TestDeltasWithGapsAreNotApplied(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	a.facts("1", "2", "3")
	d, _ := a.delta(a, FirstGeneration(1), 1, 1<<20)
	b.wantOutcome(b.OnDelta(&a.public, d), Gap)
	whole, _ := a.delta(a, 0, 0, 1<<20)
	b.wantOutcome(b.OnDelta(&a.public, whole), Applied)
	b.wantOutcome(b.OnDelta(&a.public, whole), Known)
	b.wantOutcome(b.OnDelta(&a.public, d), Known)
	b.wantOutcome(a.OnDelta(&a.public, whole), Known)
	if len(b.rumors()) != 0 {
		t.Error("what came by anti-entropy was spread as a rumor")
	}
}

func TestAnyRoomMakesProgress(t *testing.T) {
	a := newRig(t, 1)
	for i := range 20 {
		a.put(fmt.Sprint("k", i), strings.Repeat("v", 10*i))
	}
	for i := range 5 {
		a.put(fmt.Sprint("k", 2*i), "again")
	}
	for _, room := range []int{0, 1, 100, 300, 1000, 1 << 20} {
		b := newRig(t, 2)
		b.pull(a, a, room)
		if b.held(a) != a.held(a) || b.Hash() != a.Hash() {
			t.Errorf("room for %d: %q", room, b.held(a))
		}
	}
	d, _ := a.delta(a, 0, 0, 300)
	if size := len(d.AppendBody(nil)); size > 300+60 || d.To == d.Latest {
		t.Errorf("%d bytes with room for 300 of entries", size)
	}
}

// compacted returns an owner at the start of its second generation, and a
// replica that has the first.
func compacted(t *testing.T) (a, b *rig) {
	a, b = newRig(t, 1), newRig(t, 2)
	a.put("stays", "old")
	a.put("goes", "v")
	b.pull(a, a, 1<<20)
	a.put("stays", "new")
	a.put("comes", "v")
	for i := range tombstonesMin * 2 {
		a.put(fmt.Sprint(i), "v")
		a.del(fmt.Sprint(i))
		if i == 0 {
			a.del("goes")
		}
		if g, _ := a.Stamp(a.id); g > FirstGeneration(1) {
			a.out.Reset()
			b.out.Reset()
			return a, b
		}
	}
	t.Fatal("no new generation")
	return nil, nil
}

// Readers never see half of a generation: it takes over when complete, and the
// difference is what is reported.
func TestAGenerationTakesOverWhole(t *testing.T) {
	a, b := compacted(t)
	for {
		g, v := b.Wanted(a.id)
		d, ok := a.delta(a, g, v, 1) // an entry at a time
		if !ok {
			break
		}
		b.wantOutcome(b.OnDelta(&a.public, d), Applied)
		if d.To < d.Latest {
			b.wantHeld(a, "goes=v stays=old")
			if len(b.out.Events) != 0 {
				t.Fatalf("reported %q ahead of the rest", b.news())
			}
		}
	}
	b.wantHeld(a, "comes=v stays=new")
	if got := b.news(); got != "-goes stays=new comes=v" {
		t.Errorf("news %q", got)
	}
	if a.Hash() != b.Hash() {
		t.Error("the hashes differ")
	}
}

func TestStaleGenerationsAreVoid(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	old := a.facts("1", "2", "3")
	b.wantOutcome(b.OnFact(&a.public, old[0]), Applied)
	stale, _ := a.delta(a, 0, 0, 1<<20)
	a.Advance(2)
	b.pull(a, a, 1<<20)
	b.wantOutcome(b.OnFact(&a.public, old[1]), Known)
	b.wantOutcome(b.OnDelta(&a.public, stale), Known)
	b.wantOutcome(b.OnAdvert(&wire.Advert{Owner: a.id, Generation: FirstGeneration(1), Version: 9}), Known)
	if _, ok := b.delta(a, FirstGeneration(3), 0, 1<<20); ok {
		t.Error("sent to one that has a newer generation")
	}
}

// Late packets of a generation between the one held and the one on its way
// belong to neither.
func TestAGenerationInBetweenIsVoid(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	a.put("k", "1")
	b.pull(a, a, 1<<20)
	a.Advance(2)
	between, _ := a.delta(a, 0, 0, 1<<20)
	fact := &wire.Fact{Owner: a.id, Generation: FirstGeneration(2)}
	walk := *between
	walk.Next(&fact.Entry)
	a.Advance(3)
	a.put("l", "2")
	first, _ := a.delta(a, 0, 0, 1)
	b.wantOutcome(b.OnDelta(&a.public, first), Applied) // half of generation 3
	b.wantOutcome(b.OnFact(&a.public, fact), Known)
	b.wantOutcome(b.OnDelta(&a.public, between), Known)
	b.pull(a, a, 1)
	b.wantHeld(a, "k=1 l=2")
	if a.Hash() != b.Hash() {
		t.Error("the hashes differ")
	}
}

// An owner dies halfway through telling b of its newest generation. What the
// others have of it is all there will ever be, so b must settle for that.
func TestAGenerationCutShortIsCompletedByTheOthers(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	other := newRig(t, 3)
	a.put("k", "1")
	b.pull(a, a, 1<<20)
	a.Advance(2)
	other.pull(a, a, 1<<20) // generation 2 up to version 1
	a.put("l", "2")
	a.put("m", "3")
	d, _ := a.delta(a, 0, 0, 1)
	b.wantOutcome(b.OnDelta(&a.public, d), Applied) // 1 of 3
	b.wantHeld(a, "k=1")
	whole, _ := other.delta(a, FirstGeneration(1), 1, 1<<20)
	b.OnDelta(&a.public, whole)
	checkInvariants(t, b.Store)
	if b.Hash() != other.Hash() {
		t.Error("b waits for what nobody has")
	}
}

func TestStampsCompareByGenerationThenVersion(t *testing.T) {
	a := newRig(t, 1)
	stamp := func(g wire.Generation, v wire.Version) *wire.Stamp {
		return &wire.Stamp{ID: a.id, Generation: g, Version: v}
	}
	if got := a.Compare(stamp(0, 0)); got != 0 {
		t.Errorf("nothing and nothing: %d", got)
	}
	if got := a.Compare(stamp(1, 1)); got != 1 {
		t.Errorf("nothing and something: %d", got)
	}
	a.facts("1", "2")
	g := FirstGeneration(1)
	for _, tt := range []struct {
		stamp *wire.Stamp
		want  int
	}{{stamp(0, 0), -1}, {stamp(g, 1), -1}, {stamp(g, 2), 0}, {stamp(g, 3), 1}, {stamp(g-1, 9), -1}, {stamp(g+1, 1), 1}} {
		if got := a.Compare(tt.stamp); got != tt.want {
			t.Errorf("Compare(%d@%d) = %d, want %d", tt.stamp.Generation, tt.stamp.Version, got, tt.want)
		}
	}
}

// An honest owner has at most KeysMax live keys and the tombstones of its
// compaction bound. More is an attack on the memory of every replica.
func TestAnOwnerWithTooManyKeysIsRefused(t *testing.T) {
	a, b := newRig(t, 1), newRig(t, 2)
	forge := func(v int) wire.Entry { // signed by an owner that keeps no limits
		e := wire.Entry{Version: wire.Version(v), Key: []byte(fmt.Sprint(v))}
		e.Signature = hashKeys{a.public}.Sign(e.AppendSigned(a.signedPrefix(), a.id, FirstGeneration(1)))
		return e
	}
	deltaTo := func(from, to int) *wire.Delta {
		d := &wire.Delta{Owner: a.id, Generation: FirstGeneration(1), From: wire.Version(from), To: wire.Version(to), Latest: wire.Version(to)}
		var encoded []byte
		for v := from + 1; v <= to; v++ {
			e := forge(v)
			encoded = e.Append(encoded)
		}
		d.SetEntries(encoded)
		return d
	}
	b.wantOutcome(b.OnDelta(&a.public, deltaTo(0, heldMax)), Applied)
	b.wantOutcome(b.OnDelta(&a.public, deltaTo(heldMax, heldMax+1)), Refused)
	b.wantOutcome(b.OnFact(&a.public, &wire.Fact{Owner: a.id, Generation: FirstGeneration(1), Entry: forge(heldMax + 1)}), Refused)
	if b.DroppedKeys() != 2 || b.DroppedSignatures() != 0 {
		t.Errorf("%d dropped for their number, %d for their signature", b.DroppedKeys(), b.DroppedSignatures())
	}
}

// The most keys that an owner may hold, in the worst order of writes.
func TestHonestOwnersStayWithinWhatReplicasHold(t *testing.T) {
	a := newRig(t, 1)
	most := 0
	for i := range wire.KeysMax {
		a.put(fmt.Sprint("live", i), "")
	}
	for i := 0; i < 3*heldMax; i++ {
		a.del(fmt.Sprint("live", i))
		a.put(fmt.Sprint("live", wire.KeysMax+i), "")
		a.out.Reset()
		most = max(most, len(a.own.current.log))
	}
	if most > heldMax || most < heldMax-tombstonesRatio {
		t.Errorf("held %d at most, the bound is %d", most, heldMax)
	}
}

// What carries our signature and is above all that we remember is of a life
// that was lost with the disk. What does not carry it is nothing.
func TestOwnWritesOfAForgottenLifeAreProof(t *testing.T) {
	former, now := newRig(t, 1), newRig(t, 1)
	facts := former.facts("1", "2", "3")
	now.put("k0", "1")
	whole, _ := former.delta(former, 0, 0, 1<<20)
	advert := &wire.Advert{Owner: now.id, Generation: FirstGeneration(1), Version: 2}
	now.wantOutcome(now.OnFact(&now.public, facts[0]), Known)
	now.wantOutcome(now.OnFact(&now.public, facts[1]), Outdated)
	now.wantOutcome(now.OnDelta(&now.public, whole), Outdated)
	now.wantOutcome(now.OnAdvert(advert), Gap)
	if EpochOf(facts[1].Generation) != 1 {
		t.Errorf("of epoch %d", EpochOf(facts[1].Generation))
	}
	facts[2].Entry.Signature[0]++
	now.wantOutcome(now.OnFact(&now.public, facts[2]), Refused)
	now.Advance(2)
	now.wantOutcome(now.OnFact(&now.public, facts[1]), Known)
	now.wantOutcome(now.OnDelta(&now.public, whole), Known)
	now.wantOutcome(now.OnAdvert(advert), Known)
	now.wantHeld(now, "k0=1")
}

package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/member"
)

// id returns an ID that looks like any other: those of nodes are hashes.
func id(n uint64) member.NodeID {
	var out member.NodeID
	random := rand.New(rand.NewPCG(n, 0))
	binary.BigEndian.PutUint64(out[:8], random.Uint64())
	binary.BigEndian.PutUint64(out[8:], random.Uint64())
	return out
}

// cluster returns n members of normal weight in some zones.
func cluster(n, zones int) []Member {
	all := make([]Member, n)
	for i := range all {
		all[i] = Member{ID: id(uint64(i)), State: member.Alive, Zone: fmt.Sprint("z", i%max(zones, 1))}
	}
	return all
}

func mustNew(t testing.TB, opts Options, members []Member) *Ring {
	t.Helper()
	r, err := New(opts, members)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func key(i int) []byte { return fmt.Appendf(nil, "key-%d", i) }

func ids(p Preference) []member.NodeID {
	var all []member.NodeID
	for _, r := range p {
		all = append(all, r.ID)
	}
	return all
}

// drawMembers draws up to 12 members with few zones, odd weights and some suspects.
func drawMembers(t *rapid.T) []Member {
	zones := rapid.IntRange(1, 6).Draw(t, "zones")
	all := cluster(rapid.IntRange(1, 12).Draw(t, "members"), 1)
	for i := range all {
		all[i].Zone = fmt.Sprint("z", rapid.IntRange(1, zones).Draw(t, "zone"))
		all[i].Weight = rapid.SampledFrom([]int{0, 1, 50, 100, 250}).Draw(t, "weight")
		if rapid.IntRange(0, 3).Draw(t, "state") == 0 {
			all[i].State = member.Suspect
		}
	}
	return all
}

func drawOptions(t *rapid.T) Options {
	return Options{Replicas: rapid.IntRange(1, 5).Draw(t, "replicas"), Tokens: rapid.IntRange(1, 40).Draw(t, "tokens")}
}

const propertyKeys = 40

// The rings of one set of members are one, in whatever order and by whatever
// detours they came to be.
func TestOrderOfArrivalDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts, all := drawOptions(t), drawMembers(t)
		want, err := New(opts, all)
		if err != nil {
			t.Fatal(err)
		}
		got, err := New(opts, nil)
		if err != nil {
			t.Fatal(err)
		}
		var met []Member
		for _, m := range rapid.Permutation(all).Draw(t, "order") {
			detour := m
			detour.Weight, detour.Zone = 300, "elsewhere"
			got = got.With(append(slices.Clone(met), detour, Member{ID: id(99), State: member.Alive}))
			met = append(met, m)
			got = got.With(met)
		}
		if !slices.Equal(got.positions, want.positions) || !slices.Equal(got.owners, want.owners) ||
			!slices.Equal(got.members, want.members) || got.all != want.all || got.well != want.well {
			t.Fatal("two rings of the same members")
		}
	})
}

// A preference list is what the definition says, worked out the slow way.
func TestReplicasFollowTheCircle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts, all := drawOptions(t), drawMembers(t)
		r, err := New(opts, all)
		if err != nil {
			t.Fatal(err)
		}
		for k := range propertyKeys {
			p := r.Replicas(key(k))
			if got, want := ids(p.Homes()), slowHomes(r, key(k), nil); !slices.Equal(got, want) {
				t.Fatalf("homes of key %d are %v, want %v", k, got, want)
			}
			if owner, ok := r.Owner(key(k)); !ok || owner.ID != p[0].ID {
				t.Fatalf("owner of key %d is %v, the first home %v", k, owner.ID, p[0].ID)
			}
		}
	})
}

// slowHomes looks at each token of the whole circle, without members that are
// left out.
func slowHomes(r *Ring, key []byte, without func(Member) bool) []member.NodeID {
	at := slices.IndexFunc(r.positions, func(p uint64) bool { return p >= Position(key) })
	var order []Member // each once, in order of the circle
	for i := range r.owners {
		m := r.members[r.owners[(max(at, 0)+i)%len(r.owners)]]
		if !slices.Contains(order, m) && (without == nil || !without(m)) {
			order = append(order, m)
		}
	}
	var firsts, rest []member.NodeID
	zones := make(map[string]bool)
	for _, m := range order {
		if zones[m.Zone] {
			rest = append(rest, m.ID)
			continue
		}
		zones[m.Zone] = true
		firsts = append(firsts, m.ID)
	}
	all := append(firsts, rest...)
	return all[:min(len(all), r.opts.Replicas)]
}

// Stand-ins: one for each doubted home while there are members, none of them
// doubted; with the homes that are well, they are the homes without the doubted.
func TestStandInsAreWhoWouldFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts, all := drawOptions(t), drawMembers(t)
		r, err := New(opts, all)
		if err != nil {
			t.Fatal(err)
		}
		var doubted []member.NodeID
		for range rapid.IntRange(0, 2).Draw(t, "doubted") {
			doubted = append(doubted, rapid.SampledFrom(all).Draw(t, "who").ID)
		}
		doubtful := func(m Member) bool { return m.State == member.Suspect || slices.Contains(doubted, m.ID) }
		for k := range propertyKeys {
			p := r.Replicas(key(k), doubted...)
			if got, want := ids(p.Homes()), slowHomes(r, key(k), nil); !slices.Equal(got, want) {
				t.Fatalf("doubt moved the homes of key %d from %v to %v", k, want, got)
			}
			got, want := ids(p.Reachable()), slowHomes(r, key(k), doubtful)
			slices.SortFunc(got, member.NodeID.Compare)
			slices.SortFunc(want, member.NodeID.Compare)
			if !slices.Equal(got, want) {
				t.Fatalf("key %d is written to %v, without the doubted it would be kept by %v", k, got, want)
			}
			checkHints(t, p, doubtful)
		}
	})
}

// checkHints checks that each stand-in names another doubted home, the first ones
// first.
func checkHints(t *rapid.T, p Preference, doubtful func(Member) bool) {
	var missing []member.NodeID
	for _, h := range p.Homes() {
		if h.Doubted != doubtful(h.Member) {
			t.Fatalf("%v is marked %v", h.ID, h.Doubted)
		}
		if h.Doubted {
			missing = append(missing, h.ID)
		}
	}
	for i, s := range p[len(p.Homes()):] {
		if s.Doubted || i >= len(missing) || s.For != missing[i] {
			t.Fatalf("stand-in %d of %v is %+v", i, missing, s)
		}
	}
}

// When one member comes, goes or changes its weight, a list changes by that
// member and at most one other, who takes its place or gives it up; and the first
// home moves only from it or to it. When it changes its zone it may first go and
// then come.
func TestKeysMoveOnlyFromAndToWhoChanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts, all := drawOptions(t), drawMembers(t)
		before, err := New(opts, all)
		if err != nil {
			t.Fatal(err)
		}
		who := rapid.IntRange(0, len(all)-1).Draw(t, "who")
		changed := slices.Clone(all)
		kind := rapid.SampledFrom([]string{"goes", "comes", "weight", "zone", "state"}).Draw(t, "change")
		most := 1
		switch kind {
		case "goes":
			changed = slices.Delete(changed, who, who+1)
		case "comes":
			changed = append(changed, Member{ID: id(77), State: member.Alive, Zone: all[who].Zone})
		case "weight":
			changed[who].Weight = 175
		case "zone":
			changed[who].Zone, most = "elsewhere", 2
		case "state":
			changed[who].State, most = member.Alive+member.Suspect-changed[who].State, 0
		}
		mover := all[who].ID
		if kind == "comes" {
			mover = id(77)
		}
		after := before.With(changed)
		for k := range propertyKeys {
			old, now := ids(before.Replicas(key(k)).Homes()), ids(after.Replicas(key(k)).Homes())
			gained, lost := without(now, old), without(old, now)
			if len(gained) > most || len(lost) > most {
				t.Fatalf("%s: the homes of key %d went from %v to %v", kind, k, old, now)
			}
			if kind != "zone" && len(gained)+len(lost) > 0 && !slices.Contains(append(gained, lost...), mover) {
				t.Fatalf("%s: the homes of key %d moved past %v: from %v to %v", kind, k, mover, old, now)
			}
			if len(old) > 0 && len(now) > 0 && old[0] != now[0] && old[0] != mover && now[0] != mover {
				t.Fatalf("%s: key %d moved from %v to %v", kind, k, old[0], now[0])
			}
		}
	})
}

func without(all, some []member.NodeID) []member.NodeID {
	return slices.DeleteFunc(slices.Clone(all), func(id member.NodeID) bool { return slices.Contains(some, id) })
}

// One of n takes along its share and no more.
func TestOneOfManyMovesItsShare(t *testing.T) {
	const n, keys = 20, 20_000
	all := cluster(n, 1)
	r := mustNew(t, Options{}, all)
	for gone := range n {
		share := r.Share(all[gone].ID)
		less := r.With(slices.Delete(slices.Clone(all), gone, gone+1))
		moved := 0
		for k := range keys {
			before, _ := r.Owner(key(k))
			after, _ := less.Owner(key(k))
			if before.ID != after.ID {
				moved++
			}
		}
		// six standard deviations of a sample of that size: fixed keys, hence a fixed outcome
		if got := float64(moved) / keys; got < share-0.01 || got > share+0.01 {
			t.Errorf("without member %d, %.4f of the keys moved; its share was %.4f", gone, got, share)
		}
		if share < 0.7/n || share > 1.3/n {
			t.Errorf("member %d of %d has a share of %.4f", gone, n, share)
		}
	}
}

func TestWeightIsShare(t *testing.T) {
	all := cluster(10, 1)
	all[3].Weight = 400
	all[4].Weight = 50
	r := mustNew(t, Options{}, all)
	const units = 8 + 4 + 0.5
	for i, want := range map[int]float64{3: 4 / units, 4: 0.5 / units, 5: 1 / units} {
		if got := r.Share(all[i].ID); got < want*0.8 || got > want*1.2 {
			t.Errorf("weight %d earns a share of %.4f, want about %.4f", all[i].Weight, got, want)
		}
	}
}

func TestSharesAreWhatKeysFind(t *testing.T) {
	r := mustNew(t, Options{Tokens: 4}, cluster(5, 1))
	const keys = 50_000
	found := make(map[member.NodeID]int)
	sum := 0.0
	for k := range keys {
		m, _ := r.Owner(key(k))
		found[m.ID]++
	}
	for _, m := range r.Members() {
		share := r.Share(m.ID)
		sum += share
		if got := float64(found[m.ID]) / keys; got < share-0.01 || got > share+0.01 {
			t.Errorf("%v finds %.4f of the keys, its share is %.4f", m.ID.Short(), got, share)
		}
	}
	if sum < 0.999999 || sum > 1.000001 {
		t.Errorf("all shares make %v", sum)
	}
}

// A change of state alone shares the tokens; no change at all is the same ring.
func TestRingsShareWhatIsEqual(t *testing.T) {
	all := cluster(5, 5)
	r := mustNew(t, Options{}, all)
	if r.With(all) != r {
		t.Error("the same members made another ring")
	}
	suspected := slices.Clone(all)
	suspected[2].State = member.Suspect
	next := r.With(suspected)
	if next == r || &next.positions[0] != &r.positions[0] || &next.owners[0] != &r.owners[0] {
		t.Error("a suspicion copied the tokens, or was not seen")
	}
	if m, ok := r.Member(all[2].ID); !ok || m.State != member.Alive {
		t.Error("the old ring changed")
	}
	if m, ok := next.Member(all[2].ID); !ok || m.State != member.Suspect {
		t.Error("the new ring does not know of the suspicion")
	}
}

func TestWhoIsGoneOrDrainedIsNotOnTheRing(t *testing.T) {
	r := mustNew(t, Options{}, []Member{
		{ID: id(0), State: member.Alive},
		{ID: id(1), State: member.Suspect},
		{ID: id(2), State: member.Dead},
		{ID: id(3), State: member.Left},
		{ID: id(4), State: member.Alive, Weight: -1},
		{ID: id(5)},
		{ID: id(6), State: member.Alive, Weight: 1 << 40},
	})
	if r.Len() != 3 {
		t.Errorf("%d members on the ring, want 3", r.Len())
	}
	if m, ok := r.Member(id(6)); !ok || m.Weight != WeightMax {
		t.Errorf("a huge weight is %+v, %v", m, ok)
	}
	if _, ok := r.Member(id(2)); ok || r.Share(id(2)) != 0 {
		t.Error("a dead member has a share")
	}
}

func TestEmptyAndLonely(t *testing.T) {
	empty := mustNew(t, Options{}, nil)
	if _, ok := empty.Owner(key(1)); ok || empty.Replicas(key(1)) != nil || empty.Len() != 0 {
		t.Error("an empty ring places keys")
	}
	one := Member{ID: id(1), State: member.Suspect}
	lonely := mustNew(t, Options{}, []Member{one})
	p := lonely.Replicas(key(1))
	if len(p) != 1 || p[0].ID != one.ID || !p[0].Doubted || len(p.Reachable()) != 0 || lonely.Share(one.ID) != 1 {
		t.Errorf("a lonely suspect makes %+v", p)
	}
	if r, ok := p.Find(one.ID); !ok || r.ID != one.ID {
		t.Error("a place is not found")
	}
	if _, ok := p.Find(id(2)); ok {
		t.Error("a place is found that is none")
	}
}

func TestOptionsAreRefusedAllAtOnce(t *testing.T) {
	opts := Options{Replicas: 17, Tokens: -1, ZoneKey: "weight"}
	_, err := New(opts, nil)
	if !errors.Is(err, ErrOptions) {
		t.Fatalf("refused with %v", err)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 3 {
		t.Errorf("%v is not three errors", err)
	}
	if err := (Options{}).Validate(); err != nil {
		t.Errorf("the zero value: %v", err)
	}
}

func TestFactsAreReadLeniently(t *testing.T) {
	for _, tt := range []struct {
		weight string
		optIn  bool
		want   int
	}{
		{"", false, 100},
		{"", true, -1},
		{"250", true, 250},
		{"0", false, -1},
		{"heavy", false, 100},
		{"heavy", true, -1},
		{"-5", false, 100},
		{"99999999999999999999", false, 100},
	} {
		facts := map[string][]byte{"zone": []byte("z")}
		if tt.weight != "" {
			facts["weight"] = []byte(tt.weight)
		}
		got := Options{OptIn: tt.optIn}.filled().read(Member{}, facts)
		if got.Weight != tt.want || got.Zone != "z" {
			t.Errorf("weight %q (opt in: %v) reads as %+v, want %d", tt.weight, tt.optIn, got, tt.want)
		}
	}
}

// Positions are part of the agreement between nodes of different versions.
func TestPositionsAreFixed(t *testing.T) {
	if got := Position([]byte("hearsay")); got != 0xe5ac58aa0bcf6c64 {
		t.Errorf("position of a key is %#x", got)
	}
	r := mustNew(t, Options{Tokens: 5}, []Member{{ID: member.NodeID{1}, State: member.Alive}})
	want := "[21fc3f955c14305e 338c9a6b7a27f9ef 8447f29048da3ab7 c5c01090c1b722ab d66b2f6064de082e]"
	if got := fmt.Sprintf("%x", r.positions); got != want {
		t.Errorf("tokens are %s", got)
	}
}

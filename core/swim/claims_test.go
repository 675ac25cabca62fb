package swim

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

func TestAccusationsOfALifeNeverSignedChangeNothing(t *testing.T) {
	for _, state := range []member.State{member.Suspect, member.Dead, member.Left} {
		for _, c := range []member.Claim{claim(state, 1, 1), claim(state, 2, 0), claim(state, math.MaxUint64, math.MaxUint64)} {
			r := newRig(t, 3)
			r.accuse(2, 1, 2, c)
			r.wantClaim(1, claim(member.Alive, 1, 0))
			r.wantDrops(DropUnproven, 1)
			r.wantEvents()
			r.wantSaid("2 datagram: want 1") // whoever says so may have the proof
			if len(r.out.Rumors) != 0 {
				t.Errorf("%v was passed on", c)
			}
		}
	}
}

func TestAccusationsOfAFormerLifeAreCorrected(t *testing.T) {
	r := newRig(t, 3)
	r.hear(newPerson(1).record(member.Alive, 1, 5))
	r.clear()
	r.accuse(2, 1, 2, claim(member.Dead, 1, 4))
	r.accuse(3, 1, 3, claim(member.Dead, 1, 4)) // at most once a second
	r.wantClaim(1, claim(member.Alive, 1, 5))
	r.wantSaid("2 datagram: record 1 alive 1.5")
	r.clear()
	r.now = r.now.Add(noticeInterval)
	r.accuse(3, 1, 3, claim(member.Dead, 1, 4))
	r.wantSaid("3 datagram: record 1 alive 1.5")
}

func TestTheGoneAccuseNobody(t *testing.T) {
	r := newRig(t, 3)
	r.kill(2, 3)
	r.accuse(2, 1, 2, claim(member.Suspect, 1, 0)) // it says so itself
	r.wantDrops(DropNotMember, 1)
	r.accuse(3, 1, 2, claim(member.Suspect, 1, 0)) // another passes it on
	r.wantClaim(1, claim(member.Alive, 1, 0))
	r.suspectBy(3, 1)
	r.accuse(1, 1, 3, claim(member.Suspect, 1, 0)) // of somebody suspect
	r.wantClaim(1, claim(member.Alive, 1, 0))
}

func TestStrangersAreNotAccused(t *testing.T) {
	r := newRig(t, 2)
	r.accuse(1, 7, 1, claim(member.Suspect, 1, 0))
	r.wantDrops(DropUnknownSubject, 1)
	if r.Len() != 3 {
		t.Errorf("%d members", r.Len())
	}
}

// A goodbye is final, so it needs the word of the one who leaves.
func TestAGoodbyeNeedsASignature(t *testing.T) {
	r := newRig(t, 3)
	r.accuse(2, 1, 1, claim(member.Left, 1, 0))
	r.wantClaim(1, claim(member.Suspect, 1, 0))

	r = newRig(t, 3)
	r.suspectBy(1, 2)
	r.now = r.entry(1).suspicion.deadline - 1
	r.accuse(2, 1, 1, claim(member.Left, 1, 0))
	r.wantClaim(1, claim(member.Dead, 1, 0)) // expected, but no goodbye
	r.accuse(2, 1, 1, claim(member.Left, 1, 0))
	r.wantClaim(1, claim(member.Left, 1, 0)) // the dead may be retired

	r = newRig(t, 3)
	r.hear(newPerson(1).record(member.Left, 1, 1))
	r.wantClaim(1, claim(member.Left, 1, 1))
}

func TestForgedRecordsChangeNothing(t *testing.T) {
	forgeries := map[string]func(*wire.Record){
		"signature":   func(r *wire.Record) { r.Signature[0] ^= 1 },
		"incarnation": func(r *wire.Record) { r.Claim.Incarnation++ },
		"name":        func(r *wire.Record) { r.Name = "other" },
		"address":     func(r *wire.Record) { r.Addrs[0] = newPerson(9).addr },
		"another key": func(r *wire.Record) {
			r.PublicKey = newPerson(2).keys.public
			r.Signature = newPerson(2).keys.Sign(r.AppendSigned([]byte(effect.DomainRecord + string(make([]byte, 16)))))
		},
		"another cluster": func(r *wire.Record) {
			r.Signature = newPerson(1).keys.Sign(r.AppendSigned([]byte(effect.DomainRecord + "another cluster!")))
		},
	}
	for name, forge := range forgeries {
		for _, state := range []member.State{member.Alive, member.Left} {
			r := newRig(t, 2)
			rec := newPerson(1).record(state, 3, 3)
			forge(rec)
			hash := r.Hash()
			r.hear(rec)
			stranger := newPerson(8).record(member.Alive, 1, 0)
			stranger.Signature[9]++
			r.hear(stranger)
			r.wantClaim(1, claim(member.Alive, 1, 0))
			r.wantEvents()
			if r.wantDrops(DropSignature, 2); r.Hash() != hash || r.Len() != 3 {
				t.Errorf("%s: the table changed", name)
			}
		}
	}
}

// SWIM section 4.2.
func TestAccusedMembersRefute(t *testing.T) {
	for _, state := range []member.State{member.Suspect, member.Dead, member.Left} {
		r := newRig(t, 2)
		r.OnAccuse(r.now, newPerson(1).peer(), &wire.Accuse{Subject: r.self.id, Claim: claim(state, 1, 0), Accuser: newPerson(2).id})
		r.wantSaid("1 datagram: record 0 alive 1.1")
		r.wantEvents(effect.HealthChanged, effect.SelfRefuted)
		if r.Health() != 1 || len(r.out.Rumors) != 1 {
			t.Errorf("%v: health %d, %d rumors", state, r.Health(), len(r.out.Rumors))
		}
		checkInvariants(t, r.Machine)
	}
}

// Whatever others claim, only an accusation of the present life raises the
// incarnation: nobody can push it to the end of its range (memberlist#358).
func TestNobodyElseRaisesOurIncarnation(t *testing.T) {
	for _, c := range []member.Claim{claim(member.Suspect, 1, 9), claim(member.Dead, 9, 0), claim(member.Suspect, 0, 0)} {
		r := newRig(t, 2)
		r.OnAccuse(r.now, newPerson(1).peer(), &wire.Accuse{Subject: r.self.id, Claim: c, Accuser: newPerson(2).id})
		if r.self.claim != claim(member.Alive, 1, 0) || r.Health() != 0 {
			t.Errorf("%v: now %v, health %d", c, r.self.claim, r.Health())
		}
		r.wantSaid("1 datagram: record 0 alive 1.0")
	}
}

func TestIncarnationsDoNotWrap(t *testing.T) {
	r := newRig(t, 2)
	r.self.claim.Incarnation = math.MaxUint64
	r.publishSelf()
	before := r.self.claim
	r.OnAccuse(r.now, newPerson(1).peer(), &wire.Accuse{Subject: r.self.id, Claim: claim(member.Suspect, 1, math.MaxUint64)})
	if r.self.claim != claim(member.Alive, 2, 0) || !r.self.claim.Supersedes(before) {
		t.Errorf("after %v comes %v", before, r.self.claim)
	}
	r.self.claim.Incarnation = math.MaxUint64
	r.Leave(r.now)
	if r.self.claim != claim(member.Left, 3, 0) {
		t.Errorf("left as %v", r.self.claim)
	}
}

func TestOwnRecordOfALaterLifeIsOutranked(t *testing.T) {
	self := newPerson(0)
	for _, rec := range []*wire.Record{self.record(member.Alive, 1, 7), self.record(member.Alive, 4, 0), self.record(member.Left, 1, 0)} {
		r := newRig(t, 2)
		r.hear(rec)
		r.wantEvents(effect.SelfOutdated)
		if !r.self.claim.Supersedes(rec.Claim) || r.self.claim.State != member.Alive {
			t.Errorf("%v is answered with %v", rec.Claim, r.self.claim)
		}
		checkInvariants(t, r.Machine)
	}
	r := newRig(t, 2)
	r.hear(self.record(member.Alive, 1, 0))
	r.hear(self.record(member.Left, 0, 9))
	forged := self.record(member.Alive, 5, 5)
	forged.Signature[0] ^= 1
	r.hear(forged)
	r.wantEvents()
	r.wantDrops(DropSignature, 1)
}

func TestAForgottenEpochIsOutranked(t *testing.T) {
	r := newRig(t, 2)
	r.Outrank(0) // of a life that is over
	r.wantEvents()
	r.Outrank(1)
	r.wantEvents(effect.SelfOutdated)
	if r.self.claim != claim(member.Alive, 2, 0) || len(r.out.Rumors) != 1 {
		t.Errorf("now %v, %d rumors", r.self.claim, len(r.out.Rumors))
	}
	r.Leave(r.now)
	r.Outrank(9)
	if r.self.claim != claim(member.Left, 2, 1) {
		t.Errorf("a node that leaves is %v", r.self.claim)
	}
}

// A node that left, and starts again in an epoch it has used, must learn that
// its record is outdated, or nobody will ever hear it.
func TestGoneSendersAreShownTheirRecord(t *testing.T) {
	r := newRig(t, 2)
	r.hear(newPerson(1).record(member.Left, 1, 1))
	r.clear()
	r.TellGone(r.now, newPerson(1).peer())
	r.TellGone(r.now, newPerson(1).peer()) // at most once a second
	r.wantSaid("1 datagram: record 1 left 1.1 | accuse 1 left 1.1")
	r.wantDrops(DropNotMember, 2)
}

func TestHearsayComesBeforeItsRecord(t *testing.T) {
	dead := &wire.Accuse{Subject: newPerson(7).id, Claim: claim(member.Dead, 1, 0), Accuser: newPerson(2).id, Age: time.Hour}
	r := newRig(t, 2)
	r.OnAccuse(r.now, newPerson(1).peer(), dead)
	r.hear(newPerson(7).record(member.Alive, 1, 0))
	r.wantClaim(7, claim(member.Dead, 1, 0))
	r.wantEvents() // old news
	if got := r.now.Sub(r.entry(7).since); got != time.Hour || len(r.out.Rumors) != 0 {
		t.Errorf("dead for %v, %d rumors", got, len(r.out.Rumors))
	}
	r.hear(newPerson(7).record(member.Alive, 1, 1))
	r.wantClaim(7, claim(member.Alive, 1, 1))
	checkInvariants(t, r.Machine)

	for name, between := range map[string]func(r *rig){
		"another record":  func(r *rig) { r.hear(newPerson(8).record(member.Alive, 1, 0)) },
		"another payload": func(r *rig) { r.Heard(newPerson(2).id) },
	} {
		r = newRig(t, 2)
		r.OnAccuse(r.now, newPerson(1).peer(), dead)
		between(r)
		r.hear(newPerson(7).record(member.Alive, 1, 0))
		if r.entry(7).claim.State != member.Alive {
			t.Errorf("hearsay outlived %s", name)
		}
	}
	r = newRig(t, 2)
	r.OnAccuse(r.now, newPerson(1).peer(), dead)
	r.hear(newPerson(7).record(member.Alive, 1, 1)) // of another life
	r.wantClaim(7, claim(member.Alive, 1, 1))
}

func TestGoodbyesOfStrangersAreNotKept(t *testing.T) {
	r := newRig(t, 2)
	r.hear(newPerson(7).record(member.Left, 1, 1))
	if r.entry(7) != nil {
		t.Fatal("kept without hearsay of its age")
	}
	r.OnAccuse(r.now, newPerson(1).peer(), &wire.Accuse{Subject: newPerson(7).id, Claim: claim(member.Left, 1, 1)})
	r.hear(newPerson(7).record(member.Left, 1, 1))
	r.wantClaim(7, claim(member.Left, 1, 1))
}

// What everybody forgets at its own time must not be told from one to the next
// for ever.
func TestTheForgottenAreNotTakenBack(t *testing.T) {
	for state, retention := range map[member.State]time.Duration{
		member.Dead: LAN().DeadRetention, member.Left: LAN().LeftRetention,
	} {
		for _, tt := range []struct {
			age  time.Duration
			kept bool
		}{{retention - 1, true}, {retention, false}} {
			r := newRig(t, 2)
			signed := member.Alive
			if state == member.Left {
				signed = member.Left
			}
			r.OnAccuse(r.now, newPerson(1).peer(), &wire.Accuse{Subject: newPerson(7).id, Claim: claim(state, 1, 1), Age: tt.age})
			r.hear(newPerson(7).record(signed, 1, 1))
			if kept := r.entry(7) != nil; kept != tt.kept {
				t.Errorf("%v for %v: kept %v, want %v", state, tt.age, kept, tt.kept)
			}
		}
	}
}

func TestTheMemberCap(t *testing.T) {
	small := func(c *Config) { c.MembersMax = 5 }
	r := newRig(t, 6, small)
	if r.wantDrops(DropMembersMax, 2); r.Len() != 5 || !r.Full() || r.entry(5) != nil {
		t.Fatalf("%d members", r.Len())
	}
	r.kill(3, 1)
	r.now = r.now.Add(time.Hour)
	r.kill(2, 1)
	r.clear()
	r.hear(newPerson(7).record(member.Alive, 1, 0))
	r.wantEvents(effect.MemberForgotten, effect.MemberJoined)
	if r.entry(2) == nil || r.entry(3) != nil || r.entry(7) == nil {
		t.Errorf("3 comes after 2; kept: %v %v %v", r.entry(2) != nil, r.entry(3) != nil, r.entry(7) != nil)
	}
	checkInvariants(t, r.Machine)
}

// Nodes without room for all of the gone keep the same ones, whatever they hear
// in whichever order, and ask for no others: what one forgot it must not learn
// again from the next.
func TestFullTablesKeepTheSameOfTheGone(t *testing.T) {
	type news struct {
		person int
		state  member.State
	}
	all := []news{{6, member.Left}, {4, member.Dead}, {7, member.Dead}, {3, member.Left}, {5, member.Dead}}
	for rotated := range all {
		r := newRig(t, 2, func(c *Config) { c.MembersMax = 6 })
		told := slices.Concat(all[rotated:], all[:rotated])
		for i, n := range slices.Concat(told, told) {
			signed := member.Alive
			if n.state == member.Left {
				signed = member.Left
			}
			age := time.Duration(i) * time.Minute
			stamp := &wire.Stamp{ID: newPerson(n.person).id, Claim: claim(n.state, 1, 1), Age: age}
			missing, wanted := r.entry(n.person) == nil, r.WantsRecord(stamp)
			r.OnAccuse(r.now, newPerson(1).peer(), &wire.Accuse{Subject: stamp.ID, Claim: stamp.Claim, Age: age})
			r.hear(newPerson(n.person).record(signed, 1, 1))
			if admitted := missing && r.entry(n.person) != nil; admitted != wanted {
				t.Errorf("person %d, %v: wanted %v, admitted %v", n.person, n.state, wanted, admitted)
			}
			checkInvariants(t, r.Machine)
		}
		for n, kept := range map[int]bool{3: false, 4: true, 5: true, 6: false, 7: true} {
			if got := r.entry(n) != nil; got != kept {
				t.Errorf("beginning with person %d: %d is kept: %v, want %v", told[0].person, n, got, kept)
			}
		}
	}
	r := newRig(t, 2, func(c *Config) { c.MembersMax = 3 })
	if r.WantsRecord(&wire.Stamp{ID: newPerson(7).id, Claim: claim(member.Alive, 1, 0)}) {
		t.Error("a table full of the living asks for more")
	}
}

func TestALeavingNodeKeepsItself(t *testing.T) {
	r := newRig(t, 2, func(c *Config) { c.MembersMax = 3 })
	r.Leave(r.now)
	r.hear(newPerson(7).record(member.Alive, 1, 0))
	if r.Member(0).ID != r.self.id {
		t.Fatal("it forgot itself")
	}
	r.wantDrops(DropMembersMax, 1)
	checkInvariants(t, r.Machine)
}

func TestStampsCompare(t *testing.T) {
	r := newRig(t, 3)
	r.suspectBy(2, 1)
	r.kill(3, 1)
	stamp := func(n int, c member.Claim) *wire.Stamp { return &wire.Stamp{ID: newPerson(n).id, Claim: c} }
	for _, tt := range []struct {
		stamp *wire.Stamp
		sign  int
		wants bool
	}{
		{stamp(1, claim(member.Alive, 1, 0)), 0, false},
		{stamp(1, claim(member.Alive, 1, 1)), 1, true},
		{stamp(1, claim(member.Alive, 0, 9)), -1, false},
		{stamp(1, claim(member.Left, 1, 0)), 1, true},
		{stamp(1, claim(member.Dead, 1, 0)), 1, false}, // a verdict on a life we know
		{stamp(1, claim(member.Dead, 2, 0)), 1, true},
		{stamp(2, claim(member.Alive, 1, 0)), 0, false}, // suspicions do not count
		{stamp(3, claim(member.Alive, 1, 0)), -1, false},
		{stamp(3, claim(member.Dead, 1, 0)), 0, false},
		{stamp(9, claim(member.Alive, 1, 0)), 1, true},
		{&wire.Stamp{ID: newPerson(9).id, Claim: claim(member.Dead, 1, 0), Age: LAN().DeadRetention}, 1, false},
		{&wire.Stamp{ID: newPerson(9).id, Claim: claim(member.Left, 1, 0), Age: LAN().LeftRetention - 1}, 1, true},
	} {
		if got := r.Compare(tt.stamp); got != tt.sign {
			t.Errorf("%d %v: Compare = %d, want %d", number(tt.stamp.ID), tt.stamp.Claim, got, tt.sign)
		}
		if got := r.WantsRecord(tt.stamp); got != tt.wants {
			t.Errorf("%d %v: WantsRecord = %v", number(tt.stamp.ID), tt.stamp.Claim, got)
		}
	}
}

func TestNames(t *testing.T) {
	twin := newPerson(7)
	twin.name = newPerson(1).name
	r := newRig(t, 2)
	r.hear(twin.record(member.Alive, 1, 0))
	r.wantEvents(effect.MemberJoined, effect.NameConflict)
	if r.entry(1).rival || !r.entry(7).rival || r.out.Events[1].By != newPerson(1).id {
		t.Error("the first holder keeps its name")
	}
	r.clear()
	r.hear(twin.record(member.Alive, 1, 1)) // reported once
	r.wantEvents(effect.MemberUpdated)
	checkInvariants(t, r.Machine)

	r.clear()
	r.kill(1, 2)
	r.wantEvents(effect.MemberSuspected, effect.NameResolved, effect.MemberDied)
	r.clear()
	r.hear(newPerson(1).record(member.Alive, 1, 1)) // back, and too late
	r.wantEvents(effect.MemberRefuted, effect.NameConflict)
	checkInvariants(t, r.Machine)

	r.clear()
	renamed := twin
	renamed.name = "renamed"
	r.hear(renamed.record(member.Alive, 1, 2))
	r.wantEvents(effect.NameResolved, effect.MemberUpdated)
	if r.entry(1).rival || r.entry(7).rival {
		t.Error("both have a name of their own")
	}
	checkInvariants(t, r.Machine)
}

func TestTheLongestWaitingRivalInherits(t *testing.T) {
	r := newRig(t, 2)
	for n := 5; n <= 7; n++ {
		twin := newPerson(n)
		twin.name = newPerson(1).name
		r.hear(twin.record(member.Alive, 1, 0))
	}
	r.kill(5, 2)
	r.kill(1, 2)
	var rivals []int
	for n := 5; n <= 7; n++ {
		if r.entry(n).rival {
			rivals = append(rivals, n)
		}
	}
	if !slices.Equal(rivals, []int{5, 7}) { // 5 is dead, so 6 holds it
		t.Errorf("rivals %v", rivals)
	}
	checkInvariants(t, r.Machine)
}

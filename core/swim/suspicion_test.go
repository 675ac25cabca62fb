package swim

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Lifeguard section IV-B.
func TestEachWitnessShortensASuspicion(t *testing.T) {
	r := newRig(t, 9) // ten with this node
	start := r.now
	for c, want := range []time.Duration{24 * time.Second, 14 * time.Second, 8150 * time.Millisecond, 4 * time.Second, 4 * time.Second} {
		r.now += 1000 // later witnesses do not move the start
		if c == 0 {
			r.now = start
		}
		r.clear()
		r.suspectBy(1, c+2)
		s := r.entry(1).suspicion
		if got := s.deadline.Sub(start); (got - want).Abs() > 10*time.Millisecond {
			t.Errorf("%d confirmations: %v, want %v", c, got, want)
		}
		if spread := len(r.out.Rumors); (spread == 1) != (c <= 3) {
			t.Errorf("%d confirmations: %d rumors", c, spread)
		}
		deadline := s.deadline
		r.suspectBy(1, c+2)
		if s := r.entry(1).suspicion; s.deadline != deadline || len(s.accusers) > 4 {
			t.Errorf("%d confirmations: one witness counted twice: %+v", c, s)
		}
	}
}

// A witness who comes after the time that his word leaves makes the verdict due
// at once, not in the past: a node that is behind its deadlines takes itself for
// one that was paused.
func TestALateWitnessMakesTheVerdictDueNow(t *testing.T) {
	r := newRig(t, 9)
	r.suspectBy(1, 2)
	r.now = r.now.Add(20 * time.Second)
	r.suspectBy(1, 3) // leaves 14 s
	if got := r.entry(1).suspicion.deadline; got != r.now {
		t.Errorf("deadline %v from now", got.Sub(r.now))
	}
	r.tickSuspects(r.now)
	r.wantClaim(1, claim(member.Dead, 1, 0))
}

// With one other witness there can be one confirmation, with none none.
func TestSmallClustersWantFewerConfirmations(t *testing.T) {
	for people, want := range map[int]time.Duration{1: 4 * time.Second, 2: 24 * time.Second, 3: 24 * time.Second} {
		r := newRig(t, people)
		r.suspect(r.now, r.entry(1), r.self.id)
		if got := r.entry(1).suspicion.deadline.Sub(r.now); got != want {
			t.Errorf("%d people: first %v, want %v", people, got, want)
		}
		for by := 2; by <= people; by++ {
			r.suspectBy(1, by)
		}
		if got := r.entry(1).suspicion.deadline.Sub(r.now); got != 4*time.Second {
			t.Errorf("%d people, all witnesses: %v", people, got)
		}
	}
}

func TestTheVerdictComesAtTheDeadline(t *testing.T) {
	r := newRig(t, 4)
	r.suspectBy(1, 2)
	deadline := r.entry(1).suspicion.deadline
	r.clear()
	r.tickSuspects(deadline - 1)
	r.wantClaim(1, claim(member.Suspect, 1, 0))
	r.tickSuspects(deadline)
	r.wantClaim(1, claim(member.Dead, 1, 0))
	r.wantEvents(effect.MemberDied)
	if e := r.out.Events[0]; e.By != newPerson(2).id || r.entry(1).since != deadline {
		t.Errorf("%s since %v", e.Describe(), r.entry(1).since)
	}
	if len(r.out.Rumors) != 1 || r.out.Rumors[0].Key.Kind != effect.Membership {
		t.Errorf("rumors %+v", r.out.Rumors)
	}
	checkInvariants(t, r.Machine)
}

// SWIM section 4.2: a higher incarnation ends the suspicion, a rerun of the
// record under suspicion does not.
func TestOnlyAHigherIncarnationRefutes(t *testing.T) {
	r := newRig(t, 4)
	r.suspectBy(1, 2)
	r.hear(newPerson(1).record(member.Alive, 1, 0))
	r.wantClaim(1, claim(member.Suspect, 1, 0))
	r.clear()
	r.hear(newPerson(1).record(member.Alive, 1, 1))
	r.wantClaim(1, claim(member.Alive, 1, 1))
	r.wantEvents(effect.MemberRefuted)
	r.suspectBy(1, 2) // of the life that was refuted
	r.wantClaim(1, claim(member.Alive, 1, 1))
	r.now = r.now.Add(time.Hour)
	r.tickSuspects(r.now)
	r.wantClaim(1, claim(member.Alive, 1, 1))
	checkInvariants(t, r.Machine)
}

// The dead return by proof of life: a record that only they can sign.
func TestTheDeadReturnByAHigherIncarnation(t *testing.T) {
	for _, tt := range []struct {
		rec  *wire.Record
		want member.Claim
		kind effect.Kind
	}{
		{newPerson(1).record(member.Alive, 1, 0), claim(member.Dead, 1, 0), 0},
		{newPerson(1).record(member.Alive, 1, 1), claim(member.Alive, 1, 1), effect.MemberRefuted},
		{newPerson(1).record(member.Alive, 2, 0), claim(member.Alive, 2, 0), effect.MemberJoined},
		{newPerson(1).record(member.Left, 1, 0), claim(member.Left, 1, 0), effect.MemberLeft},
		{newPerson(1).record(member.Alive, 0, 9), claim(member.Dead, 1, 0), 0},
	} {
		r := newRig(t, 4)
		r.kill(1, 2)
		r.clear()
		r.hear(tt.rec)
		r.wantClaim(1, tt.want)
		if tt.kind == 0 {
			r.wantEvents()
		} else {
			r.wantEvents(tt.kind)
		}
		checkInvariants(t, r.Machine)
	}
}

// In a crash the suspicion travels ahead of the verdict; after a partition the
// verdict comes first, and is put to the member before it is believed.
func TestASurprisingDeathIsASuspicion(t *testing.T) {
	r := newRig(t, 9)
	r.accuse(2, 1, 3, claim(member.Dead, 1, 0))
	r.wantClaim(1, claim(member.Suspect, 1, 0))
	if by := r.entry(1).by; by != newPerson(2).id {
		t.Errorf("by %d: the one who told us answers for it", number(by))
	}
	r.wantSaid("1 datagram: accuse 1 dead 1.0")

	shortest, _ := r.cfg.Timing.suspicionBounds(r.Live())
	r.now = r.now.Add(shortest/2 - 1)
	r.accuse(2, 1, 3, claim(member.Dead, 1, 0))
	r.wantClaim(1, claim(member.Suspect, 1, 0))
	r.now++
	r.accuse(2, 1, 3, claim(member.Dead, 1, 0))
	r.wantClaim(1, claim(member.Dead, 1, 0))
	if by := r.entry(1).by; by != newPerson(3).id {
		t.Errorf("by %d", number(by))
	}
}

func TestAVerdictKeepsItsAge(t *testing.T) {
	r := newRig(t, 4)
	r.suspectBy(1, 2)
	r.now = r.entry(1).suspicion.deadline - 1
	r.OnAccuse(r.now, newPerson(3).peer(), &wire.Accuse{
		Subject: newPerson(1).id, Claim: claim(member.Dead, 1, 0), Accuser: newPerson(2).id, Age: time.Minute,
	})
	if got := r.now.Sub(r.entry(1).since); got != time.Minute {
		t.Errorf("dead for %v", got)
	}
}

// A node that is late itself may have the refutation unread in its socket.
func TestALateNodeGivesNoVerdict(t *testing.T) {
	r := newRig(t, 4)
	r.suspectBy(1, 2)
	due := r.entry(1).suspicion.deadline
	late := due.Add(LAN().ProbeTimeout)
	r.tickSuspects(late)
	r.wantClaim(1, claim(member.Suspect, 1, 0))
	if got := r.entry(1).suspicion.deadline; got != late.Add(LAN().ProbeTimeout) {
		t.Errorf("the verdict is put off to %v after the time", got.Sub(late))
	}
	r.tickSuspects(late.Add(2*LAN().ProbeTimeout - 1)) // late, but not by a timeout
	r.wantClaim(1, claim(member.Dead, 1, 0))
	checkInvariants(t, r.Machine)
}

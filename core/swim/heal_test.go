package swim

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// heal runs to the next heal period and returns what it said.
func (r *rig) heal() []string {
	r.clear()
	r.now = max(r.now, r.Machine.heal.next)
	r.tickHeal(r.now)
	return r.said()
}

func TestTheDeadAreTriedInTurnsOfLane(t *testing.T) {
	r := newRig(t, 3) // so few that every period tries
	r.hear(newPerson(3).record(member.Left, 1, 1))
	r.kill(1, 2)
	r.now = r.now.Add(LAN().HealPeriod)
	for i, lane := range []string{"datagram", "stream", "datagram"} {
		said := r.heal()
		if want := "1 " + lane + ": record 0 alive 1.0 | accuse 1 dead 1.0 | ping"; len(said) != 1 || said[0] != want {
			t.Fatalf("try %d: %q, want %q", i, said, want)
		}
	}
}

func TestNobodyIsTriedWhileAllAreWell(t *testing.T) {
	r := newRig(t, 3)
	r.hear(newPerson(3).record(member.Left, 1, 1))
	r.SetSeeds([]netip.AddrPort{newPerson(1).addr, newPerson(0).addr})
	for range 10 {
		if said := r.heal(); len(said) != 0 {
			t.Fatalf("said %q", said)
		}
	}
}

func TestSeedsWithoutALiveMemberAreTried(t *testing.T) {
	r := newRig(t, 2)
	r.SetSeeds([]netip.AddrPort{newPerson(1).addr, newPerson(8).addr})
	said := r.heal()
	if len(said) != 1 || said[0] != "0 datagram: record 0 alive 1.0 | ping" || r.out.Sends[0].Addr != newPerson(8).addr || !r.out.Sends[0].To.IsZero() {
		t.Errorf("said %q", said)
	}
}

// A cluster of n tries about three times a period, whatever n is.
func TestTriesDoNotGrowWithTheCluster(t *testing.T) {
	for _, people := range []int{11, 101} {
		r := newRig(t, people)
		r.kill(1, 2)
		tries := 0
		const periods = 4000
		for range periods {
			r.entry(1).retried = 0
			r.entry(1).since = r.now
			tries += len(r.heal())
		}
		want := periods * healers / (people - 1)
		if tries < want*8/10 || tries > want*12/10 { // 5 standard deviations of 120 are 54; seeded
			t.Errorf("%d live: one node tried %d times in %d periods, want about %d", r.Live(), tries, periods, want)
		}
	}
}

func TestRetriesSlowDownWithTheTimeOfDeath(t *testing.T) {
	r := newRig(t, 2)
	for dead, want := range map[time.Duration]time.Duration{
		0:               10 * time.Second,
		time.Hour:       10 * time.Second,
		6 * time.Hour:   time.Minute,
		60 * time.Hour:  10 * time.Minute,
		600 * time.Hour: 10 * time.Minute,
	} {
		if got := r.retryInterval(dead); got != want {
			t.Errorf("dead for %v: tried every %v, want %v", dead, got, want)
		}
	}
	r.kill(1, 2)
	e := r.entry(1)
	e.since = r.now.Add(-6 * time.Hour)
	e.retried = r.now
	start := r.now
	for len(r.heal()) == 0 {
	}
	if got := r.now.Sub(start); got < time.Minute || got >= time.Minute+LAN().HealPeriod {
		t.Errorf("tried again after %v", got)
	}
}

func TestTheGoneAreForgottenAfterTheirRetention(t *testing.T) {
	r := newRig(t, 4)
	r.kill(1, 3)
	r.hear(newPerson(2).record(member.Left, 1, 1))
	forgotten := func(n int, retention time.Duration) {
		t.Helper()
		r.now = r.entry(n).since.Add(retention - 1)
		r.forgetExpired(r.now)
		if r.entry(n) == nil {
			t.Fatalf("%d was forgotten early", n)
		}
		r.clear()
		r.now++
		r.forgetExpired(r.now)
		if r.entry(n) != nil {
			t.Fatalf("%d is still listed", n)
		}
		r.wantEvents(effect.MemberForgotten)
		checkInvariants(t, r.Machine)
	}
	forgotten(2, LAN().LeftRetention)
	forgotten(1, LAN().DeadRetention)
	r.Leave(r.now)
	r.now = r.now.Add(10 * LAN().DeadRetention)
	r.forgetExpired(r.now)
	if r.Member(0).ID != r.self.id {
		t.Error("a node that left forgot itself")
	}
}

func TestOnlyTheDeadAreRetired(t *testing.T) {
	r := newRig(t, 4)
	r.suspectBy(2, 3)
	for _, n := range []int{0, 1, 2, 9} {
		if r.Retire(r.now, newPerson(n).id) {
			t.Errorf("retired %d", n)
		}
	}
	r.kill(1, 3)
	since := r.entry(1).since
	r.now = r.now.Add(time.Hour)
	r.clear()
	if !r.Retire(r.now, newPerson(1).id) || r.Retire(r.now, newPerson(1).id) {
		t.Error("the dead are retired once")
	}
	r.wantClaim(1, claim(member.Left, 1, 0))
	r.wantEvents(effect.MemberLeft)
	if len(r.out.Rumors) != 1 || r.entry(1).since != since {
		t.Errorf("%d rumors; gone since %v, want %v", len(r.out.Rumors), r.entry(1).since, since)
	}
	r.hear(newPerson(1).record(member.Alive, 1, 1)) // it was alive all the time
	r.wantClaim(1, claim(member.Alive, 1, 1))
	checkInvariants(t, r.Machine)
}

func TestAGoodbyeIsRepeatedUntilItIsConfirmed(t *testing.T) {
	r := newRig(t, 3)
	r.suspectBy(3, 1)
	r.clear()
	if asked := r.Leave(r.now); asked != 2 { // a suspect is not counted on
		t.Fatalf("asked %d", asked)
	}
	goodbye := func(want int) {
		t.Helper()
		for _, line := range r.said() {
			if !strings.HasSuffix(line, "datagram: record 0 left 1.1 | leave") {
				t.Errorf("said %q", line)
			}
		}
		if got := len(r.out.Sends); got != want {
			t.Errorf("%d goodbyes, want %d", got, want)
		}
	}
	goodbye(2)
	ack := func(n int, seq wire.Seq) { r.OnLeaveAck(newPerson(n).peer(), &wire.LeaveAck{Seq: seq}) }
	seq := r.leaving.seq
	r.clear()
	ack(1, seq+1)
	ack(3, seq) // was not asked
	r.wantEvents()
	ack(1, seq)
	ack(1, seq) // once each
	r.wantEvents(effect.LeaveAcked)
	r.pass(LAN().ProbeTimeout - 1)
	goodbye(0)
	r.pass(1)
	goodbye(1)
	ack(2, seq)
	if e := r.out.Events[0]; e.Count != 2 {
		t.Error(e.Describe())
	}
	r.pass(time.Minute)
	goodbye(0)
	if asked := r.Leave(r.now); asked != 2 || r.self.claim != claim(member.Left, 1, 1) {
		t.Errorf("a second goodbye: asked %d, %v", asked, r.self.claim)
	}
	if r.Live() != 3 || r.Deadline() <= r.now {
		t.Errorf("%d live, deadline %v", r.Live(), r.Deadline().Sub(r.now))
	}
	r.accuse(1, 0, 1, claim(member.Dead, 1, 1)) // not worth coming back for
	r.hear(newPerson(0).record(member.Alive, 9, 0))
	if r.self.claim.State != member.Left {
		t.Errorf("the goodbye was taken back: %v", r.self.claim)
	}
	checkInvariants(t, r.Machine)
}

func TestAGoodbyeAsksAFew(t *testing.T) {
	r := newRig(t, 40)
	if asked := r.Leave(r.now); asked != leaveFanout || len(r.out.Sends) != leaveFanout {
		t.Errorf("asked %d, %d packets", asked, len(r.out.Sends))
	}
	if r := newRig(t, 0); r.Leave(r.now) != 0 {
		t.Error("a lonely node asks nobody")
	}
}

func TestAGoodbyeIsConfirmedWhenItIsBelieved(t *testing.T) {
	r := newRig(t, 2)
	leave := &wire.Leave{Seq: 1, ID: newPerson(1).id}
	r.OnLeave(newPerson(1).peer(), leave)
	r.wantSaid()
	r.hear(newPerson(1).record(member.Left, 1, 1))
	r.OnLeave(newPerson(1).peer(), leave)
	r.wantSaid("1 datagram: leave-ack")
}

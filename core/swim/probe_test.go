package swim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// SWIM section 4.3.
func TestEveryLiveMemberIsProbedOnceARound(t *testing.T) {
	for _, people := range []int{1, 2, 9} {
		r := newRig(t, people)
		for round := range 20 {
			var targets []int
			for range people {
				targets = append(targets, r.startProbe())
				r.answer()
			}
			slices.Sort(targets)
			if !slices.Equal(targets, numbers(1, people)) {
				t.Fatalf("%d people, round %d: probed %v", people, round, targets)
			}
		}
	}
}

// SWIM section 4.3: a joiner is inserted at a random place of the round.
func TestNewMemberIsProbedWithinTheRound(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, 8, seeded(seed))
		var targets []int
		for range 3 {
			targets = append(targets, r.startProbe())
			r.answer()
		}
		r.hear(newPerson(9).record(member.Alive, 1, 0))
		for range 6 {
			targets = append(targets, r.startProbe())
			r.answer()
		}
		slices.Sort(targets)
		if !slices.Equal(targets, numbers(1, 9)) {
			t.Fatalf("seed %d: probed %v", seed, targets)
		}
	}
}

func TestForgettingAMemberCostsNobodyAProbe(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, 8, seeded(seed))
		var targets []int
		probe := func() {
			targets = append(targets, r.startProbe())
			r.answer()
		}
		for range 3 {
			probe()
		}
		r.kill(targets[0], 8) // its place in the round is behind us
		r.forget(r.entry(targets[0]))
		for range 5 {
			probe()
		}
		slices.Sort(targets)
		if !slices.Equal(targets, numbers(1, 8)) {
			t.Fatalf("seed %d: probed %v", seed, targets)
		}
	}
}

func TestTheGoneAreNotProbed(t *testing.T) {
	r := newRig(t, 3)
	r.kill(2, 3)
	r.hear(newPerson(3).record(member.Left, 1, 1))
	for range 10 {
		if n := r.startProbe(); n != 1 {
			t.Fatalf("probed %d", n)
		}
		r.answer()
	}
	r.kill(1, 1)
	r.pass(time.Minute)
	if r.probe.stage != idle {
		t.Errorf("nobody is left to probe, yet: %+v", r.probe)
	}
}

// SWIM section 3.1 with the repeated ping and the stream ping; each timeout and
// the period stretched by local health (Lifeguard section IV-A).
func TestProbeSchedule(t *testing.T) {
	for health := range LAN().HealthMax + 1 {
		r := newRig(t, 2)
		r.health = health
		stretch := func(d time.Duration) time.Duration { return d * time.Duration(health+1) }
		target := r.startProbe()
		other := 3 - target
		r.wantSaid(fmt.Sprintf("%d datagram: ping", target))

		quiet := func(d time.Duration) { r.now = r.now.Add(d); r.clear(); r.tickProbe(r.now); r.wantSaid() }
		loud := func(want ...string) { r.now++; r.clear(); r.tickProbe(r.now); r.wantSaid(want...) }
		quiet(stretch(200*time.Millisecond) - 1)
		loud(fmt.Sprintf("%d datagram: ping", target))
		quiet(stretch(200*time.Millisecond) - 1)
		loud(fmt.Sprintf("%d datagram: ping-req %d %s", other, target, stretch(600*time.Millisecond)),
			fmt.Sprintf("%d stream: ping", target))
		quiet(stretch(600*time.Millisecond) - 1)
		if r.entry(target).claim.State != member.Alive {
			t.Fatalf("health %d: suspected before the period was over", health)
		}
		r.now++
		r.clear()
		r.tickProbe(r.now)
		r.wantClaim(target, claim(member.Suspect, 1, 0))
		if r.events()[0] != effect.HealthChanged && health < LAN().HealthMax || !slices.Contains(r.events(), effect.ProbeFailed) {
			t.Errorf("health %d: events %v", health, r.events())
		}
	}
}

func TestLateTimersLeaveTheHelpersTheirTime(t *testing.T) {
	r := newRig(t, 2)
	target := r.startProbe()
	r.pass(390 * time.Millisecond) // less than a timeout late: a busy driver
	r.pass(390 * time.Millisecond)
	r.wantSaid(fmt.Sprintf("%d datagram: ping-req %d 400ms", 3-target, target), fmt.Sprintf("%d stream: ping", target))
	r.pass(399 * time.Millisecond)
	r.wantClaim(target, claim(member.Alive, 1, 0))
	r.pass(time.Millisecond)
	r.wantClaim(target, claim(member.Suspect, 1, 0))
}

func TestProbeOfALateNodeAccusesNobody(t *testing.T) {
	r := newRig(t, 2)
	target := r.startProbe()
	r.pass(400 * time.Millisecond) // a whole timeout late
	r.pass(200 * time.Millisecond)
	r.pass(time.Second)
	r.wantClaim(target, claim(member.Alive, 1, 0))
	if r.health == 0 {
		t.Error("local health did not suffer")
	}
}

func TestVerdictOfALateNodeWaits(t *testing.T) {
	r := newRig(t, 5)
	r.suspectBy(1, 2)
	e := r.entry(1)
	r.now = e.suspicion.deadline.Add(r.cfg.Timing.ProbeTimeout)
	r.tickSuspects(r.now)
	r.wantClaim(1, claim(member.Suspect, 1, 0))
	r.now = e.suspicion.deadline
	r.tickSuspects(r.now)
	r.wantClaim(1, claim(member.Dead, 1, 0))
}

func TestOnlyTheAnswerCounts(t *testing.T) {
	r := newRig(t, 3)
	r.health = 3
	target := r.startProbe()
	stranger := newPerson(target%3 + 1)
	r.OnAck(r.now, newPerson(target).peer(), &wire.Ack{Seq: r.probe.seq - 1})
	r.OnAck(r.now, stranger.peer(), &wire.Ack{Seq: r.probe.seq})
	r.Heard(stranger.id)
	if r.probe.stage != direct || r.health != 3 {
		t.Fatalf("stage %d, health %d", r.probe.stage, r.health)
	}
	r.now += 5
	r.OnAck(r.now, newPerson(target).peer(), &wire.Ack{Seq: r.probe.seq})
	r.wantEvents(effect.HealthChanged, effect.ProbeAcked)
	if e := r.out.Events[1]; e.Elapsed != 5 || r.health != 2 || r.probe.stage != answered {
		t.Errorf("%s, health %d, stage %d", e.Describe(), r.health, r.probe.stage)
	}
	r.OnAck(r.now, newPerson(target).peer(), &wire.Ack{Seq: r.probe.seq})
	if r.health != 2 {
		t.Error("a duplicate counted twice")
	}
}

func TestAnyWordOfTheTargetAnswersAProbe(t *testing.T) {
	r := newRig(t, 3)
	target := r.startProbe()
	r.Heard(newPerson(target).id)
	if r.probe.stage != answered {
		t.Errorf("stage %d", r.probe.stage)
	}
	r = newRig(t, 3)
	helper := newPerson(r.startProbe()%3 + 1)
	r.OnAck(r.now, helper.peer(), &wire.Ack{Seq: r.probe.seq, Relayed: true})
	if r.probe.stage != answered || slices.Contains(r.events(), effect.ProbeAcked) {
		t.Errorf("stage %d, events %v: a relayed ack says nothing of the path", r.probe.stage, r.events())
	}
}

// The round trip of an ack that may answer the second ping is not known.
func TestAmbiguousRoundTripsAreNotReported(t *testing.T) {
	r := newRig(t, 1)
	r.startProbe()
	r.pass(200 * time.Millisecond)
	r.answer()
	if r.probe.stage != answered || slices.Contains(r.events(), effect.ProbeAcked) {
		t.Errorf("stage %d, events %v", r.probe.stage, r.events())
	}
}

// Lifeguard section IV-A: success −1, a failed probe +1 for each nack missing.
func TestLocalHealth(t *testing.T) {
	for _, tt := range []struct{ people, nacks, start, want int }{
		{1, 0, 0, 1}, // no helpers to ask: the probe alone counts
		{4, 0, 0, 3},
		{4, 1, 0, 2},
		{4, 3, 0, 0}, // all nacked: it is not us
		{4, 3, 5, 5},
		{4, 9, 0, 0},
		{4, 0, 6, 7}, // the bound
	} {
		r := newRig(t, tt.people)
		r.health = tt.start
		r.startProbe()
		for r.probe.stage != indirect {
			r.now = r.probe.next
			r.tickProbe(r.now)
		}
		for range tt.nacks {
			r.OnNack(&wire.Nack{Seq: r.probe.seq})
			r.OnNack(&wire.Nack{Seq: r.probe.seq + 1})
		}
		r.now = r.probe.next
		r.tickProbe(r.now)
		if r.Health() != tt.want {
			t.Errorf("%+v: health %d", tt, r.Health())
		}
	}
	r := newRig(t, 1)
	r.startProbe()
	r.answer()
	if r.Health() != 0 {
		t.Errorf("health %d below the bound", r.Health())
	}
}

func TestHelpersAreLiveAndNotTheTarget(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, 6, seeded(seed))
		r.kill(1, 6)
		r.suspectBy(2, 6)
		target := r.startProbe()
		r.pass(200 * time.Millisecond)
		r.pass(200 * time.Millisecond)
		helpers := map[string]bool{}
		for i := range r.out.Sends {
			s := &r.out.Sends[i]
			if s.Lane == effect.Datagram {
				n := number(s.To)
				if helpers[fmt.Sprint(n)] || n == target || n <= 2 {
					t.Errorf("seed %d: helper %d for %d", seed, n, target)
				}
				helpers[fmt.Sprint(n)] = true
			}
		}
		if len(helpers) != LAN().Helpers {
			t.Errorf("seed %d: %d helpers", seed, len(helpers))
		}
	}
}

// Lifeguard section IV-A: the nack leaves at 80 % of the asker's budget, and an
// ack is still passed on after it.
func TestRelay(t *testing.T) {
	ask := func(r *rig, budget time.Duration) {
		r.OnPingReq(r.now, newPerson(1).peer(), &wire.PingReq{Seq: 7, Target: newPerson(2).id, Addr: newPerson(9).addr, Budget: budget})
	}
	r := newRig(t, 2)
	ask(r, 500*time.Millisecond)
	r.wantSaid("2 datagram: ping")
	if s := r.out.Sends[0]; s.Addr != newPerson(2).addr {
		t.Errorf("pinged at %s, where the asker says, not where the target does", s.Addr)
	}
	r.now = r.now.Add(400*time.Millisecond - 1)
	r.clear()
	r.tickRelays(r.now)
	r.wantSaid()
	r.now++
	r.tickRelays(r.now)
	r.tickRelays(r.now)
	r.wantSaid("1 datagram: nack")
	r.clear()
	r.OnAck(r.now, newPerson(1).peer(), &wire.Ack{Seq: r.relays[0].ours}) // not the target
	r.wantSaid()
	r.OnAck(r.now, newPerson(2).peer(), &wire.Ack{Seq: r.relays[0].ours})
	r.wantSaid("1 datagram: ack relayed")
	if len(r.relays) != 0 {
		t.Error("an answered relay is kept")
	}

	r = newRig(t, 2)
	ask(r, time.Minute) // longer than our own period: a stranger may not hold us
	r.now = r.now.Add(r.period() - 1)
	r.tickRelays(r.now)
	if len(r.relays) != 1 {
		t.Error("the relay ended early")
	}
	r.now++
	r.tickRelays(r.now)
	if len(r.relays) != 0 {
		t.Error("the relay outlived the period")
	}
}

func TestRelaysAreBounded(t *testing.T) {
	r := newRig(t, 2)
	ask := func(asker int) {
		r.OnPingReq(r.now, newPerson(asker).peer(), &wire.PingReq{Target: newPerson(2).id, Budget: time.Second})
	}
	for range relaysPerAsker + 3 {
		ask(1)
	}
	if len(r.relays) != relaysPerAsker {
		t.Errorf("%d relays for one asker", len(r.relays))
	}
	r.wantDrops(DropRelays, 3)
	for asker := range 2 * relaysMax {
		ask(10 + asker)
	}
	if len(r.relays) != relaysMax || len(r.out.Sends) != relaysMax {
		t.Errorf("%d relays, %d pings", len(r.relays), len(r.out.Sends))
	}
	r.wantDrops(DropRelays, 3+2*relaysMax-(relaysMax-relaysPerAsker))
}

func TestPauseVoidsProbesAndPostponesVerdicts(t *testing.T) {
	r := newRig(t, 5)
	r.suspectBy(1, 2)
	r.startProbe()
	before := r.entry(1).suspicion
	r.OnPingReq(r.now, newPerson(1).peer(), &wire.PingReq{Target: newPerson(2).id, Budget: time.Second})
	r.now = r.now.Add(time.Hour)
	r.clear()
	r.OnPause(r.now, time.Hour)
	r.Tick(r.now)
	r.wantEvents(effect.Paused)
	after := r.entry(1).suspicion
	if after.deadline != before.deadline.Add(time.Hour) || after.started != before.started.Add(time.Hour) {
		t.Errorf("suspicion %+v, before %+v", after, before)
	}
	if r.probe.waiting() || len(r.relays) != 0 {
		t.Error("a probe or relay outlived the pause")
	}
	if d := r.Deadline(); d < r.now || d > r.now.Add(LAN().ProbePeriod) {
		t.Errorf("deadline %v from now", d.Sub(r.now))
	}
}

// Lifeguard section IV-C.
func TestSuspectIsToldWithThePing(t *testing.T) {
	r := newRig(t, 1)
	r.suspectBy(1, 1)
	r.startProbe()
	r.wantSaid("1 datagram: accuse 1 suspect 1.0 | ping")
}

func TestPingOfAStrangerIsAnsweredWithIntroductions(t *testing.T) {
	r := newRig(t, 1)
	r.OnPing(newPerson(1).peer(), &wire.Ping{Seq: 1})
	r.OnPing(newPerson(2).peer(), &wire.Ping{Seq: 1})
	r.wantSaid("1 datagram: ack", "2 datagram: ack | record 0 alive 1.0 | want 2")
}

// A cluster that replaces its nodes daily remembers more of the gone than of
// the live; rumors and helpers must still find them.
func TestContactsAreFoundAmongManyGone(t *testing.T) {
	r := newRig(t, 503)
	for n := 1; n <= 500; n++ {
		r.hear(newPerson(n).record(member.Left, 1, 1))
	}
	for range 50 {
		var got []int
		for _, c := range r.Contacts(nil, 3) {
			got = append(got, number(c.ID))
		}
		slices.Sort(got)
		if !slices.Equal(got, []int{501, 502, 503}) {
			t.Fatalf("contacts %v of 3 live ones among 500 gone", got)
		}
	}
}

func TestContactsAreDistinctAndFair(t *testing.T) {
	r := newRig(t, 20)
	count := map[int]int{}
	for range 2000 {
		contacts := r.Contacts(nil, 3)
		seen := map[member.NodeID]bool{}
		for _, c := range contacts {
			if seen[c.ID] || c.ID == r.self.id {
				t.Fatalf("contacts %v", contacts)
			}
			seen[c.ID] = true
			count[number(c.ID)]++
		}
		if len(contacts) != 3 {
			t.Fatalf("%d contacts", len(contacts))
		}
	}
	for n, c := range count {
		if c < 225 || c > 375 { // 300 expected, 5 standard deviations are 80
			t.Errorf("person %d was drawn %d times of 6000", n, c)
		}
	}
}

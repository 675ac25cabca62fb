package check

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
)

// watched returns a cluster with a checker on it.
func watched(t *testing.T, opts sim.Options) (*sim.Cluster, *Checker) {
	t.Helper()
	checker := New(opts.Seed, core.LAN())
	opts.Watch = checker
	c, err := sim.NewCluster(opts)
	if err != nil {
		t.Fatal(err)
	}
	checker.Attach(c)
	return c, checker
}

func formed(t *testing.T, n int) (*sim.Cluster, *Checker) {
	t.Helper()
	c, checker := watched(t, sim.Options{Nodes: n, Seed: 1})
	c.StartAll(0)
	if _, ok := c.RunUntil(10*time.Second, 10*time.Millisecond, c.Full); !ok {
		t.Fatal("the cluster did not form")
	}
	c.Run(10 * time.Second)
	return c, checker
}

func TestSunnyClusterViolatesNothing(t *testing.T) {
	c, checker := formed(t, 32)
	c.Run(5 * time.Minute)
	if v := checker.Violation(); v != nil {
		t.Error(v)
	}
	for _, i := range []Invariant{M1, M2, M3, M5, F2, X1, X5} {
		if checker.Checks(i) == 0 {
			t.Errorf("%v was never checked", i)
		}
	}
}

// Loss, cuts, crashes, restarts, freezes, goodbyes and facts: the protocol keeps
// its word, and every invariant is put to the test.
func TestFaultsViolateNothing(t *testing.T) {
	var checks [invariants]uint64
	for seed := range uint64(8) {
		n := 6 + 4*int(seed)
		c, checker := watched(t, sim.Options{Nodes: n, Seed: seed, Network: sim.Network{
			Latency: time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.05 * float64(seed%4), Duplicate: 0.02,
		}})
		c.StartAll(3 * time.Second)
		checker.Faulty()
		c.Run(20 * time.Second)
		c.Kill(2)
		c.Pause(3)
		c.Slow(1, 150*time.Millisecond)
		c.Run(40 * time.Second)
		c.Resume(3)
		c.Start(2, 0)
		c.Slow(1, 0)
		c.CutBoth([]int{0, 1, 2}, []int{3, 4, 5})
		c.Step(4, &core.Put{Key: "k", Value: []byte("v")})
		c.Run(2 * time.Minute)
		c.Heal()
		c.Step(5, &core.Leave{})
		c.Run(2 * time.Minute)
		c.Kill(5)
		c.Start(5, 0)
		c.Run(2 * time.Minute)
		if v := checker.Violation(); v != nil {
			t.Error(v)
		}
		for _, i := range All() {
			checks[i] += checker.Checks(i)
		}
	}
	for _, i := range All() {
		if checks[i] == 0 && i != F2 {
			t.Errorf("%v was never checked", i)
		}
	}
}

// Each rule is broken once, by an output that no correct node has.
func TestViolationsAreCaught(t *testing.T) {
	const observer, about = 1, 3
	second := time.Second
	alive := member.Claim{Epoch: 1, State: member.Alive}
	state := func(s member.State) member.Claim { return member.Claim{Epoch: 1, State: s} }
	type told struct {
		kind  effect.Kind
		claim member.Claim
		at    time.Duration
	}
	suspected := told{effect.MemberSuspected, state(member.Suspect), 100 * second}
	died := told{effect.MemberDied, state(member.Dead), 110 * second}
	cases := []struct {
		name  string
		want  Invariant
		story []told
	}{
		{"an incarnation nobody issued", M1, []told{{effect.MemberUpdated, member.Claim{Epoch: 1, Incarnation: 9, State: member.Alive}, 100 * second}}},
		{"an epoch nobody was in", M1, []told{{effect.MemberUpdated, member.Claim{Epoch: 2, State: member.Alive}, 100 * second}}},
		{"an event that the view does not show", M2, []told{suspected}},
		{"dead without a suspicion", M3, []told{{effect.MemberDied, state(member.Dead), 100 * second}}},
		{"suspect, and the event says alive", M3, []told{{effect.MemberSuspected, alive, 100 * second}}},
		{"the same life again", M3, []told{{effect.MemberUpdated, alive, 100 * second}}},
		{"revived in the life it died in", M4, []told{suspected, died, {effect.MemberRefuted, alive, 120 * second}}},
		{"a verdict after a second", F1, []told{suspected, {effect.MemberDied, state(member.Dead), 101 * second}}},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			c, checker := formed(t, 5)
			checker.Faulty()
			for _, e := range tt.story {
				out := &core.Output{Events: []core.Event{{Kind: e.kind, ID: c.ID(about), Claim: e.claim}}}
				if tt.want == M2 {
					checker.Stepped(observer, e.at, out)
				} else {
					checker.checkEvent(observer, e.at, &out.Events[0])
				}
			}
			expectViolation(t, checker, tt.want, observer)
		})
	}
}

func expectViolation(t *testing.T, checker *Checker, want Invariant, node int) {
	t.Helper()
	v := checker.Violation()
	if v == nil || v.Invariant != want || v.Node != node {
		t.Fatalf("violation %v, want one of %v by node %d", v, want, node+1)
	}
	var typed *Violation
	if err := fmt.Errorf("run: %w", v); !errors.As(err, &typed) || !strings.Contains(err.Error(), want.String()) {
		t.Errorf("%v does not name %v", v, want)
	}
}

func TestTheWordOfTheDeadIsCaught(t *testing.T) {
	c, checker := formed(t, 5)
	checker.Faulty()
	checker.beliefs[1][2].claim.State = member.Dead
	claim := member.Claim{Epoch: 1, State: member.Suspect}
	checker.checkEvent(1, 100*time.Second, &core.Event{Kind: effect.MemberSuspected, ID: c.ID(3), By: c.ID(2), Claim: claim})
	expectViolation(t, checker, F3, 1)
}

func TestSuspicionUnderTheSunIsCaught(t *testing.T) {
	c, checker := formed(t, 5)
	c.CutBoth([]int{2}, []int{0, 1, 3, 4}) // and the checker is not told
	c.Run(10 * time.Second)
	if v := checker.Violation(); v == nil || v.Invariant != F2 {
		t.Errorf("violation %v, want one of F2", v)
	}
}

func TestSizesPanicsAndEndlessStepsAreCaught(t *testing.T) {
	for _, lane := range []core.Lane{core.Datagram, core.Stream} {
		_, checker := formed(t, 3)
		size := core.PayloadMaxDefault + 1
		if lane == core.Stream {
			size = 1<<20 + 1
		}
		checker.Stepped(2, time.Minute, &core.Output{Packets: []core.Packet{{Lane: lane, Payload: make([]byte, size)}}})
		expectViolation(t, checker, M5, 2)
	}
	_, checker := formed(t, 3)
	for range instantMax + 1 {
		checker.Stepped(0, time.Minute, &core.Output{})
	}
	expectViolation(t, checker, X5, 0)
	_, checker = formed(t, 3)
	checker.Panicked(1, time.Minute, "index out of range")
	expectViolation(t, checker, X1, 1)
}

func TestFirstViolationIsKept(t *testing.T) {
	_, checker := formed(t, 3)
	checker.Panicked(1, time.Second, "one")
	checker.Panicked(2, 2*time.Second, "two")
	if got, want := checker.Violation().Error(), "invariant X1 violated: seed 1, time 1.000000 s, node 2: panic: one"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

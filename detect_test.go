package hearsay

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// watch collects the events of a node until the end of the test.
func watch(t *testing.T, n *Node) (seen func() []Event) {
	events := n.Events(t.Context())
	collected := make(chan Event, 10_000)
	go func() {
		for e := range events {
			collected <- e
		}
	}()
	var all []Event
	return func() []Event {
		synctest.Wait()
		for len(collected) > 0 {
			all = append(all, <-collected)
		}
		return all
	}
}

// kinds returns what happened to a member, in order.
func kinds(events []Event, id member.NodeID) []EventKind {
	var all []EventKind
	for _, e := range events {
		if e.Member.ID == id {
			all = append(all, e.Kind)
		}
	}
	return all
}

func TestAKilledMemberIsFoundDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		victim := nodes[2]
		seen := watch(t, nodes[0])
		killed := time.Now()
		closeNode(t, victim)
		for _, n := range nodes[:2] {
			m := v.awaitState(n, victim.id, member.Dead)
			if m.Accuser.IsZero() || m.Since.Before(killed) || m.Since.After(time.Now()) {
				t.Errorf("accuser %s, dead since %s", m.Accuser, m.Since)
			}
			s := n.Stats()
			if s.Alive != 2 || s.Dead != 1 || s.Deaths != 1 || s.Suspicions == 0 {
				t.Errorf("%s counts %d alive, %d dead, %d deaths, %d suspicions", n.Self().Name, s.Alive, s.Dead, s.Deaths, s.Suspicions)
			}
		}
		// Stretched to its longest by the two that remain: 3 × 500 ms × 6, and
		// two probe periods to notice.
		if took := time.Since(killed); took > 11*time.Second {
			t.Errorf("found after %v", took)
		}
		if got := kinds(seen(), victim.id); !slices.Equal(got, []EventKind{Suspected, Died}) {
			t.Errorf("events %v, want suspected, died", got)
		}
		if got := nodes[0].MetaOf(victim.id); got != nil {
			t.Errorf("metadata of a dead member: %v, want none", got)
		}
	})
}

func TestAGoodbyeIsConfirmedAndKnownToAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		leaver := nodes[2]
		own, other := watch(t, leaver), watch(t, nodes[0])
		begun := time.Now()
		report, err := leaver.Leave(t.Context())
		if err != nil || report != (LeaveReport{Asked: 2, Acked: 2}) {
			t.Errorf("Leave = %+v, %v, want 2 of 2", report, err)
		}
		if took := time.Since(begun); took != 2*time.Millisecond {
			t.Errorf("Leave took %v, want a round trip of 2ms", took)
		}
		if got := leaver.Self().State; got != member.Left {
			t.Errorf("the leaver lists itself as %s", got)
		}
		for _, n := range nodes[:2] {
			v.awaitState(n, leaver.id, member.Left)
		}
		for name, events := range map[string][]Event{"own": own(), "another's": other()} {
			last := events[len(events)-1]
			if last.Kind != Left || last.Member.ID != leaver.id || last.Reason != "goodbye" {
				t.Errorf("%s last event: %+v", name, last)
			}
		}
		again, err := leaver.Leave(t.Context())
		if err != nil || again != report {
			t.Errorf("Leave again = %+v, %v", again, err)
		}
		if err := leaver.Meta().Set(t.Context(), "a", nil); !errors.Is(err, ErrLeft) {
			t.Errorf("Set after Leave = %v, want ErrLeft", err)
		}
		if _, err := leaver.Join(t.Context(), addrOf(1).String()); !errors.Is(err, ErrLeft) {
			t.Errorf("Join after Leave = %v, want ErrLeft", err)
		}
	})
}

// One confirmation suffices: a member that was asked may have crashed a moment
// ago.
func TestLeaveWaitsASecondForTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		closeNode(t, nodes[0])
		begun := time.Now()
		report, err := nodes[1].Leave(t.Context())
		if err != nil || report != (LeaveReport{Asked: 2, Acked: 1}) {
			t.Errorf("Leave = %+v, %v, want 1 of 2", report, err)
		}
		if took := time.Since(begun).Truncate(10 * time.Millisecond); took != leaveGrace {
			t.Errorf("Leave took %v", took)
		}
	})
}

func TestLeaveWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		closeNode(t, nodes[0])
		closeNode(t, nodes[2])
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		report, err := nodes[1].Leave(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || report != (LeaveReport{Asked: 2}) {
			t.Errorf("Leave = %+v, %v, want 0 of 2 and DeadlineExceeded", report, err)
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("Leave took %v", took)
		}
		if _, err := nodes[1].Leave(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Leave without a deadline = %v, want DeadlineExceeded", err)
		}
		if took := time.Since(begun); took != time.Second+leaveWait {
			t.Errorf("Leave without a deadline ended after %v", took-time.Second)
		}
	})
}

func TestLeavingAloneAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newVirtual(t).start(1)
		if report, err := n.Leave(t.Context()); err != nil || report != (LeaveReport{}) {
			t.Errorf("Leave = %+v, %v", report, err)
		}
	})
}

func TestARestartElsewhereIsTheSameMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		seen := watch(t, nodes[0])
		closeNode(t, nodes[1])
		tr, err := v.network.Listen(addrOf(22))
		if err != nil {
			t.Fatal(err)
		}
		again := v.start(2, func(c *Config) { c.Transport = tr })
		v.await("the new address", func() bool {
			m, _ := nodes[0].LookupID(again.id)
			return m.Addr == addrOf(22) && m.State == member.Alive
		})
		if got := len(nodes[0].Members()); got != 3 {
			t.Errorf("%d members, want 3: a restart is no new member", got)
		}
		if got := kinds(seen(), again.id); !slices.Equal(got, []EventKind{Updated}) {
			t.Errorf("events %v, want updated alone", got)
		}
		time.Sleep(patience)
		for _, n := range []*Node{nodes[0], nodes[2], again} {
			if s := n.Stats(); s.Alive != 3 || s.Deaths != 0 {
				t.Errorf("%s: %d alive, %d deaths", n.Self().Name, s.Alive, s.Deaths)
			}
		}
	})
}

func TestTwoOfOneNameAreShownOnBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		a := v.start(1, func(c *Config) { c.Name = "twin" })
		seen := watch(t, a)
		logs := &recorder{}
		b := v.start(2, func(c *Config) { c.Name, c.Logger = "twin", logs.logger() })
		v.awaitState(a, b.id, member.Alive)
		v.awaitState(b, a.id, member.Alive)
		if got := kinds(seen(), b.id); !slices.Contains(got, NameConflict) {
			t.Errorf("events at a about b: %v", got)
		}
		if got := logs.count("name conflict"); got != 1 {
			t.Errorf("b warns of the conflict %d times", got)
		}
		for _, at := range []*Node{a, b} { // they agree: a was there first
			newcomer, _ := at.LookupID(b.id)
			if holder, _ := at.Lookup("twin"); !newcomer.NameConflict || holder.ID != a.id || holder.NameConflict {
				t.Errorf("%s: conflict %v, holder %s", at.id.Short(), newcomer.NameConflict, holder.ID.Short())
			}
		}
		closeNode(t, a)
		v.awaitState(b, a.id, member.Dead)
		if holder, _ := b.Lookup("twin"); holder.ID != b.id {
			t.Error("the name of the dead still means it")
		}
	})
}

func TestOnlyTheDeadAreRetired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		ctx := t.Context()
		if err := nodes[0].Retire(ctx, "node-3"); !errors.Is(err, ErrNotDead) {
			t.Errorf("Retire of the living = %v, want ErrNotDead", err)
		}
		if err := nodes[0].Retire(ctx, "nobody"); !errors.Is(err, ErrUnknownMember) {
			t.Errorf("Retire of nobody = %v, want ErrUnknownMember", err)
		}
		if err := nodes[0].Retire(ctx, identity(77).ID().String()); !errors.Is(err, ErrUnknownMember) {
			t.Errorf("Retire of an unknown ID = %v, want ErrUnknownMember", err)
		}
		closeNode(t, nodes[2])
		closeNode(t, nodes[1])
		v.awaitState(nodes[0], nodes[2].id, member.Dead)
		v.awaitState(nodes[0], nodes[1].id, member.Dead)
		for i, which := range []string{"node-3", nodes[1].id.String()} {
			if err := nodes[0].Retire(ctx, which); err != nil {
				t.Error(err)
			}
			if got := nodes[0].Stats().Left; got != i+1 {
				t.Errorf("%d have left after retiring %s", got, which)
			}
		}
	})
}

func TestAPausedNodeAccusesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		seen := watch(t, nodes[0])
		const pause = 3 * time.Second
		if err := nodes[0].do(t.Context(), func(*driver) { time.Sleep(pause) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(patience)
		events := seen()
		i := slices.IndexFunc(events, func(e Event) bool { return e.Kind == Paused })
		if i < 0 || events[i].Elapsed < pause-time.Second || events[i].Elapsed > pause || !events[i].Member.Self {
			t.Errorf("no pause among %+v", events)
		}
		if s := nodes[0].Stats(); s.Pauses != 1 || s.Suspicions != 0 || s.Alive != 3 {
			t.Errorf("%d pauses, %d suspicions, %d alive", s.Pauses, s.Suspicions, s.Alive)
		}
	})
}

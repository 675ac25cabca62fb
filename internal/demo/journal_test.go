package demo

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// still is a source that says always the same.
type still struct {
	members []hearsay.Member
	facts   map[string][]byte // of each member
}

func (s still) Members() []hearsay.Member              { return s.members }
func (s still) MetaOf(member.NodeID) map[string][]byte { return s.facts }

var (
	idX = member.NodeID{1}
	idY = member.NodeID{2}
	t0  = time.Unix(1000, 0)
)

func about(kind hearsay.EventKind, id member.NodeID, state member.State, after time.Duration) hearsay.Event {
	return hearsay.Event{Kind: kind, Time: t0.Add(after), Member: hearsay.Member{ID: id, State: state}}
}

func reached(g *goal) bool {
	select {
	case <-g.met:
		return true
	default:
		return false
	}
}

func TestAGoalIsMetWhenItHoldsEverywhereAtOnce(t *testing.T) {
	j := newJournal(2)
	g := j.expect([]int{0, 1}, seesDead([]member.NodeID{idX}))
	j.note(0, nil, about(hearsay.Died, idX, member.Dead, time.Second))
	j.note(0, nil, about(hearsay.Recovered, idX, member.Alive, 2*time.Second))
	j.note(1, nil, about(hearsay.Died, idX, member.Dead, 3*time.Second))
	if reached(g) {
		t.Fatal("met, though node 0 has taken it back")
	}
	j.note(0, nil, about(hearsay.Died, idX, member.Dead, 4*time.Second))
	since, missing, err := g.wait(t.Context())
	if err != nil || len(missing) != 0 {
		t.Fatalf("wait = %v, %v", missing, err)
	}
	if !since[0].Equal(t0.Add(4*time.Second)) || !since[1].Equal(t0.Add(3*time.Second)) {
		t.Errorf("since %v, want 4 s and 3 s after %v", since, t0)
	}
	j.note(0, nil, about(hearsay.Recovered, idX, member.Alive, 5*time.Second)) // closes nothing twice
	if since[0].IsZero() || len(j.goals) != 0 {
		t.Error("a goal that was met goes on")
	}
}

func TestAGoalThatHoldsAlreadyIsMet(t *testing.T) {
	j := newJournal(1)
	j.begin(0, still{members: []hearsay.Member{{ID: idX, State: member.Alive}}})
	c := &cluster{}
	if g := j.expect([]int{0}, c.seesAlive(nil)); !reached(g) {
		t.Error("a goal about nobody is not met")
	}
	if g := j.expect([]int{0}, seesDead([]member.NodeID{idX})); reached(g) {
		t.Error("a living node is seen dead")
	}
	if g := j.expect([]int{0}, seesDead([]member.NodeID{idY})); reached(g) {
		t.Error("an unknown node is seen dead")
	}
}

func TestAViewFollowsEvents(t *testing.T) {
	j := newJournal(1)
	set := hearsay.Event{Kind: hearsay.FactSet, Time: t0, Member: hearsay.Member{ID: idX}, Key: "k", Value: []byte("v"), Hops: 3}
	j.note(0, nil, about(hearsay.Joined, idX, member.Alive, 0))
	j.note(0, nil, set)
	v := &j.views[0]
	if a := v.facts[fact{idX, "k"}]; a != (arrival{"v", t0, 3}) {
		t.Errorf("the fact arrived as %+v", a)
	}
	j.note(0, nil, about(hearsay.HealthChanged, idY, member.Alive, 0))
	set.Kind = hearsay.FactDeleted
	j.note(0, nil, set)
	j.note(0, nil, about(hearsay.Forgotten, idX, member.Dead, 0))
	if _, known := v.states[idX]; known || len(v.facts) != 0 || len(v.states) != 1 {
		t.Errorf("view is %+v, want idY alone", v)
	}
}

func TestAFactWithoutHopsIsTheWritersOrARepair(t *testing.T) {
	j := newJournal(1)
	for self, want := range map[bool]int{true: 0, false: compared} {
		j.note(0, nil, hearsay.Event{Kind: hearsay.FactSet, Member: hearsay.Member{ID: idX, Self: self}, Key: "k"})
		if got := j.views[0].facts[fact{idX, "k"}].hops; got != want {
			t.Errorf("self %v: hops %d, want %d", self, got, want)
		}
	}
}

func TestAResyncReadsAllAgain(t *testing.T) {
	j := newJournal(1)
	from := still{
		members: []hearsay.Member{{ID: idX, State: member.Dead}},
		facts:   map[string][]byte{"k": []byte("v"), "new": []byte("w")},
	}
	j.note(0, from, about(hearsay.Joined, idY, member.Alive, 0))
	j.note(0, from, hearsay.Event{
		Kind: hearsay.FactSet, Time: t0, Member: hearsay.Member{ID: idX}, Key: "k", Value: []byte("v"), Hops: 2,
	})
	later := t0.Add(time.Minute)
	j.note(0, from, hearsay.Event{Kind: hearsay.Resync, Time: later, Count: 7})
	v := &j.views[0]
	if len(v.states) != 1 || v.states[idX] != member.Dead {
		t.Errorf("states are %v, want idX dead", v.states)
	}
	if a := v.facts[fact{idX, "k"}]; a != (arrival{"v", t0, 2}) {
		t.Errorf("what was known is %+v now", a)
	}
	if a := v.facts[fact{idX, "new"}]; a != (arrival{"w", later, compared}) {
		t.Errorf("what was lost arrived as %+v", a)
	}
}

func TestAJournalKeepsTheLatest(t *testing.T) {
	j := newJournal(1)
	for i := range noticesMax + 10 {
		j.note(0, nil, about(hearsay.Joined, idX, member.Alive, time.Duration(i)))
	}
	all, next := j.since(0)
	if next != noticesMax+10 || len(all) != noticesMax/2+10 {
		t.Errorf("%d notices up to number %d, want %d up to %d", len(all), next, noticesMax/2+10, noticesMax+10)
	}
	late, _ := j.since(next - 1)
	if len(late) != 1 || !late[0].event.Time.Equal(t0.Add(noticesMax+9)) {
		t.Errorf("the last notice is %+v", late)
	}
	if none, _ := j.since(next); len(none) != 0 {
		t.Errorf("%d notices after the last", len(none))
	}
}

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
	"github.com/hearsay-gossip/hearsay/sim"
)

// town is the cache on each node of a lab, with a network between the caches that
// is cut where that of the lab is.
type town struct {
	t      *testing.T
	lab    *sim.Lab
	of     []*Cache
	rings  []*ring.Keeper
	side   []int // nodes of one side reach each other
	deaf   int   // a node that hears no requests, though it gossips; -1: none
	index  map[member.NodeID]int
	random *rand.Rand
	// acked is the newest version of each key that a user was told is kept.
	acked map[string]Version
	lost  int // requests without an answer
}

var errTimeout = errors.New("no answer in time")

// newTown runs n nodes in three zones, and waits until all have one ring.
func newTown(t *testing.T, n int, seed uint64) *town {
	lab := sim.New(t, sim.Options{Nodes: n, Seed: seed})
	w := &town{
		t: t, lab: lab, of: make([]*Cache, n), rings: make([]*ring.Keeper, n), side: make([]int, n), deaf: -1,
		index: make(map[member.NodeID]int), random: rand.New(rand.NewPCG(seed, 1)), acked: make(map[string]Version),
	}
	lab.OnStart(w.inhabit)
	w.until(5*time.Second, "one ring", func() bool { return w.agree(sim.Span(0, n)) })
	return w
}

// inhabit gives a node its ring and its cache.
func (w *town) inhabit(n *sim.Node) {
	i := n.Index()
	w.index[n.ID()] = i
	keeper, err := ring.NewKeeper(n, func(m sim.Member) ring.Member {
		return ring.Member{ID: m.ID, Epoch: member.Epoch(m.Epoch), State: m.State}
	}, placing)
	if err != nil {
		w.t.Fatal(err)
	}
	// Clocks of different hosts differ: by up to a second here.
	skew := int64(i) * 100_000
	c := NewCache(n.ID(), keeper.Ring, wire{w, n}, func() int64 { return w.lab.Now().Microseconds() + skew })
	n.OnEvent(func(e sim.Event) { c.RingChanged(keeper.Update(e.Member.ID)) })
	w.of[i], w.rings[i] = c, keeper
	for _, fact := range [][2]string{{"zone", "z" + strconv.Itoa(i%3)}, {"weight", "100"}} {
		if err := n.Meta().Set(w.t.Context(), fact[0], []byte(fact[1])); err != nil {
			w.t.Fatal(err)
		}
	}
	var tick func()
	tick = func() {
		c.Tick()
		n.After(tickInterval, tick)
	}
	n.After(tickInterval, tick)
}

// wire is Peers of a node in the lab.
type wire struct {
	town *town
	from *sim.Node
}

// Ask implements Peers: the request takes 1 ms each way, if both nodes live and
// reach each other at either end of it.
func (p wire) Ask(to member.NodeID, req Request, answer func(Entry, error)) {
	w := p.town
	target := w.index[to]
	reached := func() bool {
		return target != w.deaf && w.side[p.from.Index()] == w.side[target] && slices.Contains(w.lab.Running(), w.lab.Node(target))
	}
	answered := false
	p.from.After(answerTimeout, func() {
		if !answered {
			answered = true
			w.lost++
			answer(Entry{}, errTimeout)
		}
	})
	w.lab.After(time.Millisecond, func() {
		if !reached() {
			return
		}
		e := w.of[target].Serve(req)
		p.from.After(time.Millisecond, func() {
			if reached() && !answered {
				answered = true
				answer(e, nil)
			}
		})
	})
}

func (w *town) until(limit time.Duration, what string, condition func() bool) {
	w.t.Helper()
	w.lab.AdvanceUntil(limit, what, condition)
}

// agree reports whether some nodes, and nobody else, are on one ring of them all.
func (w *town) agree(nodes []int) bool {
	first := w.rings[nodes[0]].Ring().Members()
	return len(first) == len(nodes) && !slices.ContainsFunc(nodes, func(i int) bool {
		return !slices.Equal(w.rings[i].Ring().Members(), first)
	}) && !slices.ContainsFunc(first, func(m ring.Member) bool { return m.State != member.Alive })
}

// settled reports whether some nodes owe nothing, and hold what is at home there.
func (w *town) settled(nodes []int) bool {
	return w.agree(nodes) && !slices.ContainsFunc(nodes, func(i int) bool {
		if w.of[i].Owes() > 0 {
			return true
		}
		return slices.ContainsFunc(w.of[i].Held(), func(key string) bool {
			_, home := w.rings[i].Ring().Replicas([]byte(key)).Homes().Find(w.of[i].self)
			return !home
		})
	})
}

// put writes at a node, at this moment; what comes of it is noted.
func (w *town) put(at int, key, value string) {
	w.of[at].Put(key, []byte(value), func(v Version, err error) {
		if err == nil && v.Compare(w.acked[key]) > 0 {
			w.acked[key] = v
		}
	})
}

// get reads at a node, and lets the time pass that it takes.
func (w *town) get(at int, key string) (entry Entry, err error) {
	w.t.Helper()
	done := false
	w.of[at].Get(key, func(e Entry, failed error) { entry, err, done = e, failed, true })
	w.until(time.Minute, "an answer", func() bool { return done })
	return entry, err
}

// work lets some nodes take writes of 40 keys for a while, one each 50 ms.
func (w *town) work(nodes []int, d time.Duration) {
	for range d / (50 * time.Millisecond) {
		at := nodes[w.random.IntN(len(nodes))]
		w.put(at, fmt.Sprint("key-", w.random.IntN(40)), fmt.Sprintf("%v at %d", w.lab.Now(), at))
		w.lab.Advance(50 * time.Millisecond)
	}
}

// requireNothingLost fails unless every node reads each key as it was last
// acknowledged, or newer: a write that failed may be kept as well.
func (w *town) requireNothingLost(nodes []int) {
	w.t.Helper()
	if len(w.acked) == 0 {
		w.t.Fatal("no write was acknowledged")
	}
	for key, version := range w.acked {
		for _, i := range nodes {
			e, err := w.get(i, key)
			if err != nil || e.Version.Compare(version) < 0 {
				w.t.Errorf("node %d reads %s as of %d (%v), acknowledged was %d\n%s", i, key, e.Version.Clock, err, version.Clock, w.lab.Dump())
				return
			}
		}
	}
}

var seeds = []uint64{1, 2, 3, 4, 5}

// A node dies while all write, is missed, and starts again with nothing. No
// acknowledged write is lost, and in the end only the homes hold a key.
func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	for _, seed := range seeds {
		w := newTown(t, 7, seed)
		all, others := sim.Span(0, 7), sim.Span(0, 6)
		w.work(all, 2*time.Second)
		w.lab.Kill(6)
		w.work(others, 20*time.Second) // from before the suspicion until after the verdict
		w.until(30*time.Second, "six have settled", func() bool { return w.settled(others) })
		w.requireNothingLost(others)
		w.lab.Restart(6)
		w.work(all, 5*time.Second)
		w.until(30*time.Second, "seven have settled", func() bool { return w.settled(all) })
		w.requireNothingLost(all)
		if len(w.of[6].Held()) == 0 {
			t.Error("nothing was handed back")
		}
		if w.lost == 0 {
			t.Error("nobody met the dead node: the test tests nothing")
		}
	}
}

// Both sides of a partition take writes, each by its own ring. When it heals, the
// newer of two values stays, and no key is without one that was acknowledged.
func TestNothingAcknowledgedIsLostInAPartition(t *testing.T) {
	for _, seed := range seeds {
		w := newTown(t, 9, seed)
		all, left, right := sim.Span(0, 9), sim.Span(0, 4), sim.Span(4, 9)
		w.work(all, 2*time.Second)
		w.cut(left, right)
		for range 40 {
			w.work(left, time.Second/2)
			w.work(right, time.Second/2)
		}
		w.until(time.Minute, "two rings", func() bool { return w.agree(left) && w.agree(right) })
		w.requireServed(left)
		w.requireServed(right)
		w.heal()
		w.work(all, 10*time.Second)
		w.until(time.Minute, "one ring, settled", func() bool { return w.settled(all) })
		w.requireNothingLost(all)
	}
}

// requireServed fails unless a side of a partition takes a write and reads it.
func (w *town) requireServed(side []int) {
	w.t.Helper()
	key, value := fmt.Sprint("of side ", side), "here"
	w.put(side[0], key, value)
	if e, err := w.get(side[1], key); err != nil || string(e.Value) != value {
		w.t.Errorf("side %v reads %q, %v", side, e.Value, err)
	}
}

func (w *town) cut(left, right []int) {
	w.lab.Cut(left, right)
	for _, i := range right {
		w.side[i] = 1
	}
}

func (w *town) heal() {
	w.lab.Heal()
	clear(w.side)
}

// A single node that is cut off refuses writes: it has no second replica.
func TestAMinorityOfOneRefusesWrites(t *testing.T) {
	w := newTown(t, 4, 1)
	w.cut([]int{0}, sim.Span(1, 4))
	w.lab.Advance(time.Minute)
	var refused error
	w.of[0].Put("key", []byte("alone"), func(_ Version, err error) { refused = err })
	w.lab.Advance(5 * time.Second)
	if !errors.Is(refused, ErrReplicas) {
		t.Errorf("a write of one is %v", refused)
	}
	if _, err := w.get(0, "key"); !errors.Is(err, ErrReplicas) {
		t.Errorf("a read of one is %v", err)
	}
}

// While a home is suspect, its stand-in keeps what is written for it, and no more;
// when it comes back before a verdict, the stand-in hands that over and forgets it.
func TestStandInHandsOver(t *testing.T) {
	w := newTown(t, 6, 3)
	all := sim.Span(0, 6)
	const key = "key-7"
	w.put(0, "old", "before")
	w.lab.Advance(time.Second)
	homes := w.rings[0].Ring().Replicas([]byte(key)).Homes()
	away := w.index[homes[1].ID]
	if away == 0 {
		away = w.index[homes[2].ID]
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return i == away })
	w.cut(rest, []int{away})
	doubtful := func() bool {
		p, found := w.rings[0].Ring().Replicas([]byte(key)).Find(w.lab.Node(away).ID())
		return found && p.Doubted
	}
	w.until(10*time.Second, "a suspicion", doubtful)
	w.put(0, key, "meanwhile")
	w.lab.Advance(100 * time.Millisecond)
	places := w.rings[0].Ring().Replicas([]byte(key))
	standIn := places[len(places)-1]
	if standIn.For != w.lab.Node(away).ID() {
		t.Fatalf("nobody stands in: %+v", places)
	}
	if held := w.of[w.index[standIn.ID]].Held(); !slices.Contains(held, key) {
		t.Fatalf("the stand-in holds %v", held)
	}
	w.heal()
	w.until(30*time.Second, "handoff", func() bool { return w.settled(all) })
	if held := w.of[away].Held(); !slices.Contains(held, key) {
		t.Errorf("after the handoff the home holds %v", held)
	}
	if held := w.of[w.index[standIn.ID]].Held(); slices.Contains(held, key) {
		t.Error("the stand-in still holds what it has handed over")
	}
	if w.lab.Stats().Deaths > 0 {
		t.Error("there was a verdict: the test shows no suspicion")
	}
}

// A home that gossips but gives no answer is never suspect, and no change of the
// ring will remind anybody of it: the hint alone does. Where nobody can stand in,
// another home takes the hint.
func TestHintsReachWhoWasNeverSuspect(t *testing.T) {
	for _, nodes := range []int{6, 3} {
		w := newTown(t, nodes, 5)
		home := w.index[w.rings[0].Ring().Replicas([]byte("key")).Homes()[2].ID]
		taker := (home + 1) % nodes
		w.deaf = home
		w.put(taker, "key", "unheard")
		w.lab.Advance(3 * time.Second)
		if _, acked := w.acked["key"]; !acked {
			t.Fatalf("of %d nodes, two homes do not suffice", nodes)
		}
		if len(w.of[home].Held()) != 0 {
			t.Fatal("the deaf one heard")
		}
		w.deaf = -1
		w.lab.Advance(3 * time.Second)
		if e := w.of[home].Serve(Request{Key: "key"}); string(e.Value) != "unheard" {
			t.Errorf("of %d nodes, the home has %q in the end", nodes, e.Value)
		}
		if !w.settled(sim.Span(0, nodes)) {
			t.Errorf("%d nodes have not settled", nodes)
		}
		if s := w.lab.Stats(); s.Suspicions > 0 {
			t.Errorf("%d suspicions: the ring has changed", s.Suspicions)
		}
	}
}

// still is Peers of which nothing is heard until the test lets it.
type still struct{ answers []func(Entry, error) }

// Ask implements Peers.
func (s *still) Ask(_ member.NodeID, _ Request, answer func(Entry, error)) {
	s.answers = append(s.answers, answer)
}

// A home that confirms a value which was replaced meanwhile is still owed the new
// one; one in a former life, everything.
func TestConfirmationsOfThePastDoNotCount(t *testing.T) {
	me, home := member.NodeID{1}, ring.Member{ID: member.NodeID{2}, Epoch: 1, State: member.Alive}
	r, err := ring.New(placing, []ring.Member{{ID: me, State: member.Alive}, home})
	if err != nil {
		t.Fatal(err)
	}
	peers := &still{}
	c := NewCache(me, func() *ring.Ring { return r }, peers, func() int64 { return 0 })
	first, second := Entry{Version: Version{Clock: 1}}, Entry{Version: Version{Clock: 2}}
	c.Serve(Request{Key: "key", Store: &first, For: home.ID})
	c.Tick()
	c.Tick() // it is on its way already
	c.Serve(Request{Key: "key", Store: &second, For: home.ID})
	peers.answers[0](first, nil)
	if len(peers.answers) != 1 || c.Owes() != 1 {
		t.Fatalf("after an old confirmation: %d requests, %d owed", len(peers.answers), c.Owes())
	}
	c.Tick()
	home.Epoch = 2
	before := r
	r = before.With([]ring.Member{{ID: me, State: member.Alive}, home})
	c.RingChanged(before, r)
	peers.answers[1](second, nil)
	if c.Owes() != 1 {
		t.Fatal("a former life confirmed for this one")
	}
	c.Tick()
	peers.answers[2](Entry{}, errTimeout)
	if c.Owes() != 1 {
		t.Fatal("silence counts")
	}
	c.Tick()
	peers.answers[3](second, nil)
	if c.Owes() != 0 || len(c.Held()) != 1 {
		t.Errorf("in the end %d are owed and %d held", c.Owes(), len(c.Held()))
	}
	home.Epoch = 3 // before anybody missed it
	before = r
	r = before.With([]ring.Member{{ID: me, State: member.Alive}, home})
	if c.RingChanged(before, r); c.Owes() != 1 {
		t.Error("a home that started again is owed nothing")
	}
}

// A reader repairs a replica that is behind.
func TestReadersRepair(t *testing.T) {
	w := newTown(t, 6, 4)
	w.put(0, "key", "new")
	w.lab.Advance(time.Second)
	home := w.rings[0].Ring().Replicas([]byte("key")).Homes()[2]
	behind := w.of[w.index[home.ID]]
	behind.mu.Lock()
	delete(behind.held, "key")
	behind.mu.Unlock()
	if e, err := w.get(5, "key"); err != nil || string(e.Value) != "new" {
		t.Fatalf("read %q, %v", e.Value, err)
	}
	w.lab.Advance(time.Second)
	if e := behind.Serve(Request{Key: "key"}); string(e.Value) != "new" {
		t.Errorf("the replica has %q after a read", e.Value)
	}
}

// One random seed, one history.
func TestHistoryRepeats(t *testing.T) {
	history := func() (map[string]Version, uint64) {
		w := newTown(t, 6, 9)
		w.work(sim.Span(0, 6), time.Second)
		w.lab.Kill(5)
		w.work(sim.Span(0, 5), 10*time.Second)
		return w.acked, w.lab.Hash()
	}
	first, hash := history()
	again, hash2 := history()
	if hash != hash2 || fmt.Sprint(first) != fmt.Sprint(again) {
		t.Error("two histories of one random seed")
	}
}

// The same cache over real nodes.
func TestStory(t *testing.T) {
	var out strings.Builder
	if err := story(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if strings.Count(out.String(), "nothing is lost") != 2 {
		t.Errorf("the story is\n%s", out.String())
	}
}

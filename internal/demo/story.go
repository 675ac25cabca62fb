package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// ErrLate: the nodes did not do in time what they should.
var ErrLate = errors.New("not done in time")

// How long each chapter may take with up to boundNodes nodes, together less than
// a minute; with more, in proportion. The whole story of 25 takes nine seconds
// on two cores and ten with four endless loops beside it; that of 100 takes 13 s
// and 31 s.
const (
	boundNodes = 50

	boundForm  = 12 * time.Second
	boundFact  = 5 * time.Second
	boundCrash = 12 * time.Second
	boundSplit = 16 * time.Second
	boundHeal  = 13 * time.Second
)

// Story starts nodes, plays what a cluster lives through, writes it to w for a
// newcomer, and returns what it measured. It fails with [ErrNodes], with
// [ErrLate], with the context's error, or with what a node or w says. When it
// returns, no node is left.
func Story(ctx context.Context, nodes int, w io.Writer, colour bool) (report Report, err error) {
	c, err := newCluster(nodes)
	if err != nil {
		return Report{}, err
	}
	s := &story{cluster: c, teller: teller{w: w, colour: colour}, report: Report{Nodes: nodes}}
	defer func() { err = errors.Join(err, c.close()) }()
	began := time.Now()
	s.prologue()
	for _, chapter := range []func(context.Context) error{s.form, s.tell, s.crash, s.split, s.mend} {
		if err := errors.Join(chapter(ctx), s.teller.err); err != nil {
			return s.report, err
		}
	}
	s.report.TookS = seconds(began, time.Now())
	s.epilogue()
	return s.report, s.teller.err
}

// story is one telling.
type story struct {
	*cluster
	teller
	report Report
	wrote  []fact // one on each side of the cut
}

// within bounds a chapter.
func (s *story) within(ctx context.Context, bound time.Duration) (context.Context, context.CancelFunc) {
	nodes := max(len(s.places), boundNodes)
	return context.WithTimeout(ctx, bound*time.Duration(nodes)/boundNodes)
}

func (s *story) prologue() {
	s.printf("%s\n", s.paint(styleTitle, fmt.Sprintf("hearsay: the life of a cluster of %d nodes", s.report.Nodes)))
	s.say("Everything here is real: each node has its own port, for UDP and TCP, on",
		"this machine's loopback interface, its own key, and only its own view. No",
		"node is in charge. Times are those of the nodes' own events.")
}

// await waits for a goal of the present chapter and says what is missing if it
// is not reached.
func (s *story) await(ctx context.Context, g *goal, what string) (map[int]time.Time, error) {
	since, missing, err := g.wait(ctx)
	if err == nil {
		return since, nil
	}
	slices.Sort(missing)
	var who []string
	for _, i := range missing {
		who = append(who, s.places[i].name)
	}
	return nil, fmt.Errorf("%s: %w: not at %d of %d nodes (%s)", what, late(err), len(missing), len(g.since), strings.Join(who, ", "))
}

func (s *story) form(ctx context.Context) error {
	ctx, cancel := s.within(ctx, boundForm)
	defer cancel()
	s.begin("A cluster forms",
		fmt.Sprintf("%d nodes start. Each is told the address of a few that started before it,", s.report.Nodes),
		"and hears of all the others by gossip.")
	all := make([]int, len(s.places))
	for i := range all {
		all[i] = i
	}
	whole := s.journal.expect(all, s.seesAlive(all))
	began := time.Now()
	for _, i := range all {
		if err := s.start(ctx, i); err != nil {
			return err
		}
	}
	since, err := s.await(ctx, whole, "forming the cluster")
	if err != nil {
		return err
	}
	who, when := first(since)
	s.report.FormedS = seconds(began, last(since))
	s.at(seconds(began, when), "%s is the first to see all %d as alive.", s.places[who].name, len(all))
	s.at(s.report.FormedS, "Everybody sees everybody. Nobody was told more than %d addresses.", seedsMax)
	if err := s.calm(ctx); err != nil {
		return err
	}
	s.report.CalmS = seconds(began, time.Now())
	s.at(s.report.CalmS, "Nobody has news left to tell; all hold the same view.")
	return nil
}

// calmCheck is how often the nodes are asked whether they have calmed down.
const calmCheck = 10 * time.Millisecond

// calm waits until no node has a rumor to spread and all know the same, so that
// what follows is not slowed by what was before.
func (s *story) calm(ctx context.Context) error {
	tick := time.NewTicker(calmCheck)
	defer tick.Stop()
	for {
		roots, hot := make(map[uint64]bool), 0
		for _, i := range s.running() {
			stats := s.node(i).Stats()
			roots[stats.Root] = true
			hot += stats.HotRumors
		}
		if hot == 0 && len(roots) == 1 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("calming down: %w: %d rumors are hot, %d views differ", late(ctx.Err()), hot, len(roots))
		}
	}
}

// late is the error of a chapter whose bound is over.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrLate
	}
	return err
}

func (s *story) tell(ctx context.Context) error {
	ctx, cancel := s.within(ctx, boundFact)
	defer cancel()
	writer := len(s.places) / 5
	const key, value = "greeting", "hello"
	name := s.places[writer].name
	s.begin("A fact spreads",
		fmt.Sprintf("%s publishes %s = %q and tells a few nodes at random;", name, key, value),
		"they tell a few others, and so on. A hop is one such telling.")
	known := s.journal.expect(s.running(), knows(fact{s.places[writer].identity.ID(), key}, value))
	began := time.Now()
	f, err := s.set(ctx, writer, key, value)
	if err != nil {
		return err
	}
	if _, err := s.await(ctx, known, "spreading a fact"); err != nil {
		return err
	}
	arrivals := s.arrivals(f)
	s.report.FactBy = byHop(began, arrivals)
	for _, a := range arrivals {
		s.report.FactAllS = max(s.report.FactAllS, seconds(began, a.at))
		s.report.FactHops = max(s.report.FactHops, a.hops)
	}
	s.hops(s.report.FactBy)
	s.at(s.report.FactAllS, "All %d nodes have it, the farthest over %d hops.", len(arrivals), s.report.FactHops)
	return nil
}

func (s *story) crash(ctx context.Context) error {
	ctx, cancel := s.within(ctx, boundCrash)
	defer cancel()
	victim := len(s.places) / 3
	id, name := s.places[victim].identity.ID(), s.places[victim].name
	s.report.Killed = name
	s.begin("A node crashes",
		fmt.Sprintf("%s is killed in mid-sentence: it says no goodbye. The others probe each", name),
		"other all the time; who gets no answer asks others to try, then voices a",
		fmt.Sprintf("suspicion. Only when %s does not deny it in time is it declared dead.", name))
	_, before := s.journal.since(0)
	witnesses := slices.DeleteFunc(s.running(), func(i int) bool { return i == victim })
	gone := s.journal.expect(witnesses, seesDead([]member.NodeID{id}))
	began := time.Now()
	if err := s.kill(victim); err != nil {
		return err
	}
	since, err := s.await(ctx, gone, "detecting the crash of "+name)
	if err != nil {
		return err
	}
	notices, _ := s.journal.since(before)
	s.accusers(began, id, notices)
	who, when := first(since)
	s.report.DetectedBy, s.report.DetectedFirstS = s.places[who].name, seconds(began, when)
	s.report.DetectedAllS = seconds(began, last(since))
	s.at(s.report.DetectedFirstS, "No denial came: %s declares %s dead and spreads the word.", s.report.DetectedBy, name)
	s.at(s.report.DetectedAllS, "All %d others hold %s dead.", len(witnesses), name)
	return nil
}

// accusersShown bounds the list of who noticed a crash by itself; more are
// counted.
const accusersShown = 4

// accusers tells who noticed a crash by its own probes, and when.
func (s *story) accusers(began time.Time, victim member.NodeID, notices []notice) {
	slices.SortStableFunc(notices, func(a, b notice) int { return a.event.Time.Compare(b.event.Time) })
	own := 0
	for _, n := range notices {
		e := &n.event
		if e.Kind != hearsay.Suspected || e.Member.ID != victim {
			continue
		}
		if s.report.SuspectedBy == "" {
			s.report.SuspectedBy, s.report.SuspectedS = s.name(e.By), seconds(began, e.Time)
		}
		if s.name(e.By) != s.places[n.node].name {
			continue // heard of it
		}
		if own++; own <= accusersShown {
			s.at(seconds(began, e.Time), "%s gets no answer, nor do its helpers: it suspects %s.",
				s.places[n.node].name, e.Member.Name)
		}
	}
	if own > accusersShown {
		s.say(fmt.Sprintf("%11s%d more find out by themselves, before the verdict reaches them.", "", own-accusersShown))
	}
}

func (s *story) split(ctx context.Context) error {
	ctx, cancel := s.within(ctx, boundSplit)
	defer cancel()
	s.begin("The network is cut",
		"Not a packet passes between the two halves any more. Neither can know",
		"whether the other has crashed: each sees the other die, and goes on.")
	dropped := s.network.dropped.Load()
	sides := s.halves()
	s.report.Sides = [2]int{len(sides[0]), len(sides[1])}
	ids := [2][]member.NodeID{s.identities(sides[0]), s.identities(sides[1])}
	apart := s.journal.expect(s.running(), func(i int, v *view) bool {
		own := s.sideOf(i)
		return allIn(v, ids[1-own], member.State.Gone) && allIn(v, ids[own], alive)
	})
	began := time.Now()
	s.cut()
	since, err := s.await(ctx, apart, "noticing the cut")
	if err != nil {
		return err
	}
	who, when := first(since)
	s.report.SplitSeenS = seconds(began, last(since))
	s.at(seconds(began, when), "%s is the first to hold the other side dead, its own alive.", s.places[who].name)
	s.at(s.report.SplitSeenS, "Everybody does: these are two clusters now, of %d and %d nodes.", len(sides[0]), len(sides[1]))
	if err := s.writeApart(ctx, sides); err != nil {
		return err
	}
	s.report.Dropped = s.network.dropped.Load() - dropped
	return nil
}

// writeApart sets a fact on each side, and waits until that side has it.
func (s *story) writeApart(ctx context.Context, sides [2][]int) error {
	const key = "half"
	values := [2]string{"first", "second"}
	for side, nodes := range sides {
		writer := nodes[0]
		known := s.journal.expect(nodes, knows(fact{s.places[writer].identity.ID(), key}, values[side]))
		began := time.Now()
		f, err := s.set(ctx, writer, key, values[side])
		if err != nil {
			return err
		}
		since, err := s.await(ctx, known, "spreading a fact on one side of the cut")
		if err != nil {
			return err
		}
		s.wrote = append(s.wrote, f)
		s.say(fmt.Sprintf("Meanwhile %s publishes %s = %q; its side has it %s later.",
			s.places[writer].name, key, values[side], span(seconds(began, last(since)))))
	}
	return nil
}

func (s *story) mend(ctx context.Context) error {
	ctx, cancel := s.within(ctx, boundHeal)
	defer cancel()
	s.begin("The network heals",
		"Nobody tells the nodes. But now and then a node still calls one that it",
		"holds dead; as soon as one answers, both sides compare what they know.")
	nodes := s.running()
	whole := s.journal.expect(nodes, s.seesAlive(nodes))
	merged := s.journal.expect(nodes, func(_ int, v *view) bool {
		return !slices.ContainsFunc(s.wrote, func(f fact) bool { _, ok := v.facts[f]; return !ok })
	})
	began := time.Now()
	s.heal()
	since, err := s.await(ctx, whole, "healing")
	if err != nil {
		return err
	}
	both, err := s.await(ctx, merged, "exchanging the facts of both sides")
	if err != nil {
		return err
	}
	who, when := first(since)
	s.report.HealedS, s.report.MergedS = seconds(began, last(since)), seconds(began, last(both))
	lines := []line{
		{seconds(began, when), fmt.Sprintf("%s is the first to see all %d as alive again.", s.places[who].name, len(nodes))},
		{s.report.HealedS, "Everybody sees everybody again. One cluster."},
		{s.report.MergedS, "Everybody has what was written on either side."},
	}
	s.inOrder(lines)
	return nil
}

func (s *story) epilogue() {
	r := &s.report
	s.printf("\n%s\n", s.paint(styleTitle, "Measured"))
	for _, row := range []struct {
		what  string
		value string
	}{
		{"cluster formed", span(r.FormedS)},
		{"fact at all nodes", fmt.Sprintf("%s, %d hops", span(r.FactAllS), r.FactHops)},
		{"crash of " + r.Killed + " suspected", span(r.SuspectedS) + " by " + r.SuspectedBy},
		{"  declared dead", span(r.DetectedFirstS) + " by " + r.DetectedBy},
		{"  known to all", span(r.DetectedAllS)},
		{"cut seen by all", span(r.SplitSeenS)},
		{"healed", span(r.HealedS)},
		{"facts of both sides at all", span(r.MergedS)},
	} {
		s.printf("   %-28s %s\n", row.what, s.paint(styleTime, row.value))
	}
	s.printf("\n%s\n", s.paint(styleQuiet, fmt.Sprintf(
		"The whole story took %.1f s. To break things yourself: hearsay demo", r.TookS)))
}

// byHop counts arrivals by hops.
func byHop(began time.Time, arrivals map[int]arrival) []Hop {
	hops := make(map[int]*Hop)
	for _, a := range arrivals {
		when := seconds(began, a.at)
		h := hops[a.hops]
		if h == nil {
			h = &Hop{Hop: a.hops, FirstS: when}
			hops[a.hops] = h
		}
		h.Nodes++
		h.FirstS, h.LastS = min(h.FirstS, when), max(h.LastS, when)
	}
	var sorted []Hop
	for _, hop := range slices.Sorted(maps.Keys(hops)) {
		sorted = append(sorted, *hops[hop])
	}
	return sorted
}

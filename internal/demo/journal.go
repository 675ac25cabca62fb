package demo

import (
	"context"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// noticesMax is how many notices a journal keeps. A cut and a heal of the
// largest cluster are about 30,000 (100 nodes, each about 50 others, suspected,
// died, back, and their facts); of the default one, 2,000.
const noticesMax = 1 << 15

// notice is one event of one node.
type notice struct {
	node  int // who noticed
	event hearsay.Event
}

// source is the part of [hearsay.Node] that a journal reads.
type source interface {
	Members() []hearsay.Member
	MetaOf(id member.NodeID) map[string][]byte
}

// fact names one fact of one node.
type fact struct {
	owner member.NodeID
	key   string
}

// arrival is when and over how many members a fact reached a node.
type arrival struct {
	value string
	at    time.Time
	hops  int // 0 at its owner; compared if it came otherwise than as a rumor
}

// compared is in the place of hops when two nodes found by comparing what they
// know that one of them lacks the fact, which nobody counts hops of.
const compared = -1

// view is the cluster as one node sees it.
type view struct {
	states map[member.NodeID]member.State
	facts  map[fact]arrival
}

// read replaces the view by what a node says of itself, as of now.
func (v *view) read(from source, now time.Time) {
	v.states = make(map[member.NodeID]member.State)
	old := v.facts
	v.facts = make(map[fact]arrival)
	for _, m := range from.Members() {
		v.states[m.ID] = m.State
		for key, value := range from.MetaOf(m.ID) {
			f, a := fact{m.ID, key}, arrival{string(value), now, compared}
			if known, ok := old[f]; ok && known.value == a.value {
				a = known
			}
			v.facts[f] = a
		}
	}
}

// apply brings the view up to date with one event.
func (v *view) apply(e *hearsay.Event) {
	switch e.Kind {
	case hearsay.FactSet:
		hops := e.Hops
		if hops == 0 && !e.Member.Self {
			hops = compared
		}
		v.facts[fact{e.Member.ID, e.Key}] = arrival{string(e.Value), e.Time, hops}
	case hearsay.FactDeleted:
		delete(v.facts, fact{e.Member.ID, e.Key})
	case hearsay.Forgotten:
		delete(v.states, e.Member.ID)
	default:
		v.states[e.Member.ID] = e.Member.State
	}
}

// journal collects the events of all nodes. It is safe for concurrent use.
type journal struct {
	mu      sync.Mutex
	views   []view // by node
	notices []notice
	count   int // notices ever, so len(notices) unless the oldest were dropped
	goals   map[*goal]struct{}
}

func newJournal(nodes int) *journal {
	j := &journal{views: make([]view, nodes), goals: make(map[*goal]struct{})}
	for i := range j.views {
		j.views[i] = view{make(map[member.NodeID]member.State), make(map[fact]arrival)}
	}
	return j
}

// begin takes a node's view as it is; events that follow go to note. To miss
// nothing, subscribe first.
func (j *journal) begin(node int, from source) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.views[node].read(from, time.Now())
	j.judge(node, time.Now())
}

// note takes one event of a node.
func (j *journal) note(node int, from source, e hearsay.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.Kind == hearsay.Resync {
		j.views[node].read(from, e.Time)
	} else {
		j.views[node].apply(&e)
	}
	if len(j.notices) == noticesMax { // seldom: drop half at once
		j.notices = append([]notice(nil), j.notices[noticesMax/2:]...)
	}
	j.notices = append(j.notices, notice{node, e})
	j.count++
	j.judge(node, e.Time)
}

// since returns the notices from number first on, as counted from the start of
// the journal, and the number of the next.
func (j *journal) since(first int) ([]notice, int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	dropped := j.count - len(j.notices)
	from := min(max(first-dropped, 0), len(j.notices))
	return append([]notice(nil), j.notices[from:]...), j.count
}

// read calls see with the views of all nodes. They are only lent.
func (j *journal) read(see func(views []view)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	see(j.views)
}

// condition is what a goal waits for: whether it holds at a node.
type condition func(node int, v *view) bool

// goal waits until a condition holds at several nodes at once.
type goal struct {
	journal *journal
	holds   condition
	since   map[int]time.Time // by node: since when it holds; zero while it does not
	met     chan struct{}     // closed when it holds everywhere
}

// expect begins to wait. Say what is expected first and cause it second, so
// that nothing is too quick to be seen.
func (j *journal) expect(nodes []int, holds condition) *goal {
	j.mu.Lock()
	defer j.mu.Unlock()
	g := &goal{journal: j, holds: holds, since: make(map[int]time.Time), met: make(chan struct{})}
	for _, node := range nodes {
		g.since[node] = time.Time{}
	}
	j.goals[g] = struct{}{}
	now := time.Now()
	for _, node := range nodes {
		g.judge(node, &j.views[node], now)
	}
	return g
}

func (j *journal) judge(node int, at time.Time) {
	for g := range j.goals {
		g.judge(node, &j.views[node], at)
	}
}

// judge looks at one node again.
func (g *goal) judge(node int, v *view, at time.Time) {
	since, concerned := g.since[node]
	if !concerned {
		return
	}
	switch holds := g.holds(node, v); {
	case holds && since.IsZero():
		g.since[node] = at
	case !holds:
		g.since[node] = time.Time{}
	}
	if len(g.missing()) == 0 {
		delete(g.journal.goals, g)
		close(g.met)
	}
}

// missing returns the nodes at which the condition does not hold.
func (g *goal) missing() []int {
	var missing []int
	for node, since := range g.since {
		if since.IsZero() {
			missing = append(missing, node)
		}
	}
	return missing
}

// wait returns, by node, since when the condition holds. When ctx ends first it
// returns the nodes at which it does not, and ctx.Err().
func (g *goal) wait(ctx context.Context) (since map[int]time.Time, missing []int, err error) {
	select {
	case <-g.met:
		return g.since, nil, nil
	case <-ctx.Done():
	}
	g.journal.mu.Lock()
	defer g.journal.mu.Unlock()
	if missing = g.missing(); len(missing) == 0 {
		return g.since, nil, nil
	}
	delete(g.journal.goals, g)
	return nil, missing, ctx.Err()
}

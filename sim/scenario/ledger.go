package scenario

import (
	"fmt"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/sim"
)

// ledger keeps what is true of the nodes beside what they believe of each other,
// and counts where the two differ. An event costs constant time, a change of
// what is true O(n), and a cut O(n²).
type ledger struct {
	cluster *sim.Cluster
	n       int

	// What is true.
	up, frozen, left []bool
	epoch            []member.Epoch
	group            []int32 // nodes with the same number are connected
	actives          int

	// What is believed: [observer][subject].
	beliefs [][]belief
	rows    []row
	holders []int32 // of subject: how many active nodes hold it alive or suspect

	wrong     int           // sum of missing and stale over active observers
	rightAt   time.Duration // when wrong last became 0
	changedAt time.Duration // when the truth last changed

	falsePositives, suspicions, refutations, verdicts, cutVerdicts int
	stops                                                          []stop
	open                                                           []int              // of stops: not over, and not found out by all
	changed                                                        func(observer int) // a row may look different
}

// belief is what a node's events say of another.
type belief struct {
	epoch member.Epoch
	state member.State // 0: unknown, or forgotten
}

// holds reports whether the member is expected to answer.
func (b belief) holds() bool { return b.state == member.Alive || b.state == member.Suspect }

// row counts in what an observer differs from the truth.
type row struct {
	missing int32 // live and connected, but held gone, unknown or in a former epoch
	stale   int32 // gone or cut off, but held alive
	suspect int32
}

// stop is a node that ceased to answer, and how the others found out.
type stop struct {
	node       int
	at         time.Duration
	epoch      member.Epoch
	first, all time.Duration // after at; negative: not yet, or never
	over       bool          // it answered again before all had found out
}

func newLedger(cluster *sim.Cluster) *ledger {
	n := cluster.Len()
	l := &ledger{
		cluster: cluster, n: n,
		up: make([]bool, n), frozen: make([]bool, n), left: make([]bool, n),
		epoch: make([]member.Epoch, n), group: make([]int32, n),
		beliefs: make([][]belief, n), rows: make([]row, n), holders: make([]int32, n),
	}
	return l
}

// active reports whether a node takes part: it runs, is not frozen and has not
// said goodbye.
func (l *ledger) active(i int) bool { return l.up[i] && !l.frozen[i] && !l.left[i] }

// converged reports whether all active nodes are right about all others.
func (l *ledger) converged() bool { return l.wrong == 0 && l.actives > 0 }

// verdict says how a belief stands to the truth.
type verdict uint8

const (
	right verdict = iota
	missing
	stale
)

func (l *ledger) judge(observer, subject int) verdict {
	b := l.beliefs[observer][subject]
	switch {
	case observer == subject || l.up[subject] && l.frozen[subject]:
		return right
	case l.up[subject] && !l.left[subject] && l.group[observer] == l.group[subject]:
		if b.holds() && b.epoch == l.epoch[subject] {
			return right
		}
		return missing
	case b.holds():
		return stale
	}
	return right
}

// add counts one belief of an active observer in or out.
func (l *ledger) add(observer, subject int, by int32) {
	r := &l.rows[observer]
	b := l.beliefs[observer][subject]
	if b.holds() && observer != subject {
		l.holders[subject] += by
	}
	if b.state == member.Suspect {
		r.suspect += by
	}
	switch l.judge(observer, subject) {
	case missing:
		r.missing += by
		l.wrong += int(by)
	case stale:
		r.stale += by
		l.wrong += int(by)
	case right:
	}
}

// change makes something true that concerns one node, as an observer and as a
// subject, and brings the counts up to date.
func (l *ledger) change(node int, now time.Duration, apply func()) {
	wasWrong := l.wrong > 0
	l.count(node, -1)
	apply()
	l.count(node, +1)
	l.changedAt = now
	l.settled(wasWrong, now)
	l.look(node)
	l.closeStops(now)
}

// count counts all that concerns a node in or out.
func (l *ledger) count(node int, by int32) {
	if l.active(node) {
		l.actives += int(by)
		for s := range l.n {
			l.add(node, s, by)
		}
	}
	for o := range l.n {
		if o != node && l.active(o) {
			l.add(o, node, by)
			if by > 0 {
				l.look(o)
			}
		}
	}
}

// settled notes the moment at which all became right.
func (l *ledger) settled(wasWrong bool, now time.Duration) {
	if l.wrong == 0 && (wasWrong || l.rightAt < l.changedAt) {
		l.rightAt = now
	}
}

func (l *ledger) look(observer int) {
	if l.changed != nil {
		l.changed(observer)
	}
}

// started, stopping, freeze, thaw and goodbye keep up with the nodes.
func (l *ledger) started(node int, now time.Duration, epoch member.Epoch) {
	l.change(node, now, func() {
		l.up[node], l.frozen[node], l.left[node], l.epoch[node] = true, false, false, epoch
		if l.beliefs[node] == nil {
			l.beliefs[node] = make([]belief, l.n)
		} else {
			clear(l.beliefs[node])
		}
		l.rows[node] = row{}
	})
	l.answersAgain(node)
}

func (l *ledger) stopping(node int, now time.Duration) {
	l.change(node, now, func() { l.up[node] = false })
	l.stopped(node, now)
}

func (l *ledger) freeze(node int, now time.Duration) {
	l.change(node, now, func() { l.frozen[node] = true })
	l.stopped(node, now)
}

func (l *ledger) thaw(node int, now time.Duration) {
	l.change(node, now, func() { l.frozen[node] = false })
	l.answersAgain(node)
}

func (l *ledger) goodbye(node int, now time.Duration) {
	l.change(node, now, func() { l.left[node] = true })
}

func (l *ledger) stopped(node int, now time.Duration) {
	if !l.left[node] && l.actives > 0 {
		l.answersAgain(node) // frozen, and now killed
		l.open = append(l.open, len(l.stops))
		l.stops = append(l.stops, stop{node: node, at: now, epoch: l.epoch[node], first: -1, all: -1})
	}
}

// answersAgain ends the stop of a node, if there is one.
func (l *ledger) answersAgain(node int) {
	l.open = slices.DeleteFunc(l.open, func(i int) bool {
		s := &l.stops[i]
		s.over = s.node == node
		return s.over
	})
}

// regroup works out who is connected to whom, after a cut or its end.
func (l *ledger) regroup(now time.Duration) {
	for i := range l.group {
		l.group[i] = -1
	}
	var groups int32
	var reached []int
	for first := range l.n {
		if l.group[first] >= 0 {
			continue
		}
		l.group[first] = groups
		for reached = append(reached[:0], first); len(reached) > 0; {
			i := reached[len(reached)-1]
			reached = reached[:len(reached)-1]
			for j := range l.n {
				if l.group[j] < 0 && l.cluster.Open(i, j) && l.cluster.Open(j, i) {
					l.group[j] = groups
					reached = append(reached, j)
				}
			}
		}
		groups++
	}
	l.recount(now)
}

// recount counts everything anew.
func (l *ledger) recount(now time.Duration) {
	wasWrong := l.wrong > 0
	clear(l.rows)
	clear(l.holders)
	l.wrong = 0
	for o := range l.n {
		if l.active(o) {
			for s := range l.n {
				l.add(o, s, +1)
			}
			l.look(o)
		}
	}
	l.changedAt = now
	l.settled(wasWrong, now)
}

// states are those that events about a member leave it in.
var states = [256]member.State{
	effect.MemberJoined: member.Alive, effect.MemberUpdated: member.Alive, effect.MemberRefuted: member.Alive,
	effect.MemberSuspected: member.Suspect, effect.MemberDied: member.Dead, effect.MemberLeft: member.Left,
}

// note takes an event of a node.
func (l *ledger) note(observer int, now time.Duration, e *core.Event) {
	state := states[e.Kind]
	if state == 0 && e.Kind != effect.MemberForgotten {
		return
	}
	subject, known := l.cluster.Index(e.ID)
	if !known || subject == observer {
		return
	}
	wasWrong := l.wrong > 0
	counted := l.active(observer)
	if counted {
		l.add(observer, subject, -1)
	}
	l.beliefs[observer][subject] = belief{e.Claim.Epoch, state}
	if counted {
		l.add(observer, subject, +1)
		l.tally(observer, subject, now, e)
		l.settled(wasWrong, now)
		l.look(observer)
	}
}

// tally counts what an active node says.
func (l *ledger) tally(observer, subject int, now time.Duration, e *core.Event) {
	switch e.Kind {
	case effect.MemberSuspected:
		l.suspicions++
	case effect.MemberRefuted:
		l.refutations++
	case effect.MemberDied:
		l.verdicts++
		alive := l.active(subject) && e.Claim.Epoch == l.epoch[subject]
		switch {
		case alive && l.group[observer] == l.group[subject]:
			l.falsePositives++
		case alive:
			l.cutVerdicts++
		}
	}
	if !states[e.Kind].Gone() {
		return
	}
	for _, i := range l.open {
		if s := &l.stops[i]; s.node == subject && s.first < 0 && s.epoch == e.Claim.Epoch {
			s.first = now - s.at
		}
	}
	if l.holders[subject] == 0 {
		l.closeStops(now)
	}
}

// closeStops notes whose stop has been found out by all.
func (l *ledger) closeStops(now time.Duration) {
	l.open = slices.DeleteFunc(l.open, func(i int) bool {
		s := &l.stops[i]
		if s.first < 0 || l.holders[s.node] > 0 {
			return false
		}
		s.all = now - s.at
		return true
	})
}

// disagreement says who is wrong about whom, for a failed expectation.
func (l *ledger) disagreement() string {
	if l.actives == 0 {
		return "nobody runs"
	}
	off := 0
	example := ""
	for o := range l.n {
		if !l.active(o) || l.rows[o].missing+l.rows[o].stale == 0 {
			continue
		}
		off++
		for s := 0; s < l.n && example == ""; s++ {
			if l.judge(o, s) != right {
				example = fmt.Sprintf("node %d is %s to node %d", s+1, stateName(l.beliefs[o][s].state), o+1)
			}
		}
	}
	if off == 0 {
		return "all are right"
	}
	return fmt.Sprintf("%d of %d nodes are wrong about somebody: %s", off, l.actives, example)
}

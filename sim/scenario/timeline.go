package scenario

import "time"

// Status is how a node stood at some moment, the gravest that applies.
type Status uint8

// The statuses, from harmless to grave.
const (
	// Right: it is right about everybody.
	Right Status = iota
	// Doubting: it suspects somebody.
	Doubting
	// Behind: it holds alive somebody who has stopped or is cut off.
	Behind
	// Mistaken: it holds dead, or does not know, somebody who runs and is
	// connected to it.
	Mistaken
	// Frozen: it is paused.
	Frozen
	// Down: it does not run, or has left.
	Down
	statuses
)

// Statuses is how many there are.
const Statuses = int(statuses)

// Timeline is what each node was right or wrong about, and when. Times are since
// time 0 of the script.
type Timeline struct {
	Nodes  int
	Length time.Duration
	// Changes are in order of time; before its first one a node is Down.
	Changes []Change
	// Learnt is when nodes came to know a payload.
	Learnt []Moment
	last   []Status
}

// Change is a new status of a node.
type Change struct {
	At     time.Duration
	Node   int
	Status Status
}

// Moment is a node at a time.
type Moment struct {
	At   time.Duration
	Node int
}

func newTimeline(n int) *Timeline {
	t := &Timeline{Nodes: n, last: make([]Status, n)}
	for i := range t.last {
		t.last[i] = Down
	}
	return t
}

func (t *Timeline) note(now time.Duration, node int, s Status) {
	if t.last[node] != s {
		t.last[node] = s
		t.Changes = append(t.Changes, Change{now, node, s})
	}
}

// finish moves the times to those of the script.
func (t *Timeline) finish(zero, length time.Duration) {
	t.Length = length
	for i := range t.Changes {
		t.Changes[i].At -= zero
	}
	for i := range t.Learnt {
		t.Learnt[i].At -= zero
	}
}

// status is how a node stands.
func (l *ledger) status(i int) Status {
	switch {
	case !l.up[i] || l.left[i]:
		return Down
	case l.frozen[i]:
		return Frozen
	case l.rows[i].missing > 0:
		return Mistaken
	case l.rows[i].stale > 0:
		return Behind
	case l.rows[i].suspect > 0:
		return Doubting
	}
	return Right
}

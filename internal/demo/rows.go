package demo

import (
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// row is one thing that happened, as seen by all: many notices of one kind
// about one subject.
type row struct {
	subject
	about    int // the node of the subject
	first    int // who noticed first
	from, to time.Time
	nodes    map[int]bool // who noticed
}

// subject is what a row is about.
type subject struct {
	kind hearsay.EventKind
	id   member.NodeID
	key  string // of facts
}

const (
	// rowGap ends a row: what is noticed later is another occurrence. Verdicts
	// of different nodes about one crash are at most about as far apart.
	rowGap = 5 * time.Second
	// rowsMax is as many as a large terminal shows, and a few more.
	rowsMax = 200
)

// rows gathers notices.
type rows struct {
	all     []*row
	open    map[subject]*row
	started map[int]int // by node: the how-manieth start it was
	starts  int
}

func newRows() *rows { return &rows{open: make(map[subject]*row), started: make(map[int]int)} }

// start says that a node is about to be started.
func (r *rows) start(node int) {
	r.starts++
	r.started[node] = r.starts
}

// add takes a notice about a node. What is of no interest to people is passed
// over.
func (r *rows) add(n notice, about int) {
	e := &n.event
	switch e.Kind {
	case hearsay.HealthChanged, hearsay.Resync, hearsay.Updated, hearsay.Forgotten, hearsay.FactDeleted:
		return
	case hearsay.Left:
		if e.Member.Self {
			return // its own goodbye
		}
	case hearsay.Joined:
		if r.started[n.node] > r.started[about] {
			return // the news is that the other one joined
		}
	}
	s := subject{e.Kind, e.Member.ID, e.Key}
	if o := r.open[s]; o != nil && !o.nodes[n.node] && e.Time.Sub(o.to) < rowGap {
		o.nodes[n.node] = true
		if e.Time.Before(o.from) {
			o.first, o.from = n.node, e.Time
		}
		if e.Time.After(o.to) {
			o.to = e.Time
		}
		return
	}
	fresh := &row{subject: s, about: about, first: n.node, from: e.Time, to: e.Time, nodes: map[int]bool{n.node: true}}
	r.open[s] = fresh
	if len(r.all) == rowsMax {
		oldest := r.all[0]
		if r.open[oldest.subject] == oldest {
			delete(r.open, oldest.subject)
		}
		r.all = r.all[1:]
	}
	r.all = append(r.all, fresh)
}

// last returns up to n rows, the latest last.
func (r *rows) last(n int) []*row { return r.all[max(len(r.all)-max(n, 0), 0):] }

package scenario

import (
	"time"

	"github.com/hearsay-gossip/hearsay/sim"
)

// Script is a scenario that was read.
type Script struct {
	Name  string
	Text  string
	setup setup
	lines []line
}

// setup is what the head of a script says; fields it does not mention are nil.
type setup struct {
	nodes           *int
	profile         *Profile
	latency, jitter *time.Duration
	cost            *time.Duration
	loss, duplicate *float64
	empty           bool
}

// line is one thing that happens.
type line struct {
	number  int
	text    string
	timing  timing
	delay   time.Duration // at: since time 0; after: since the line before
	every   time.Duration // 0: once
	until   time.Duration
	action  action
	extends []operand // what it mentions, to be checked against the size
}

// timing says what a line's delay counts from.
type timing uint8

const (
	at timing = iota
	after
)

// action is what a line does.
type action interface{ run(r *runner) }

// operand is what a line says of nodes and where, for errors.
type operand struct {
	set interface {
		// check returns what is wrong in a cluster of n; nil if nothing.
		check(n int) error
	}
	column int
}

// Nodes returns how many nodes the script is for, unless overridden.
func (s *Script) Nodes() int {
	if s.setup.nodes != nil {
		return *s.setup.nodes
	}
	return nodesDefault
}

// nodesDefault is large enough to be a cluster and small enough to be read.
const nodesDefault = 64

// Profile returns the profile that the script is for, unless overridden.
func (s *Script) Profile() Profile {
	if s.setup.profile != nil {
		return *s.setup.profile
	}
	return LAN
}

// Network returns how packets fare under a profile, as far as the script does
// not say otherwise.
func (s *Script) Network(p Profile) sim.Network {
	net := p.Network()
	for _, f := range []struct {
		to   *time.Duration
		from *time.Duration
	}{{&net.Latency, s.setup.latency}, {&net.Jitter, s.setup.jitter}, {&net.Processing, s.setup.cost}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	for _, f := range []struct{ to, from *float64 }{{&net.Loss, s.setup.loss}, {&net.Duplicate, s.setup.duplicate}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return net
}

// Formed reports whether all have met and come to rest before time 0.
func (s *Script) Formed() bool { return !s.setup.empty }

// Length returns how long the script takes at most: when every line waits for
// all of its time.
func (s *Script) Length() time.Duration {
	var cursor, horizon time.Duration
	for i := range s.lines {
		l := &s.lines[i]
		if l.timing == at {
			cursor = max(cursor, l.delay)
		} else {
			cursor += l.delay
		}
		if isEnd(l.action) {
			return cursor
		}
		switch a := l.action.(type) {
		case *expect:
			cursor += a.within
		case lasting:
			horizon = max(horizon, cursor+a.lasts(), l.until+a.lasts())
		}
		horizon = max(horizon, cursor, l.until)
	}
	return horizon
}

// lasting is an action that is undone later.
type lasting interface{ lasts() time.Duration }

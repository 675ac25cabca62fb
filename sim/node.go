package sim

import (
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Node is one life of one node of a [Lab], with the methods of a Node of the
// root package. It is not for concurrent use. What is read from it after its end
// is as it was then.
type Node struct {
	lab     *Lab
	index   int
	machine *core.Machine
	closed  bool
	leaving *LeaveReport // nil before the goodbye

	onEvent    []func(Event)
	onMessage  []func(*Message)
	onQuestion []func(*Question)
	waiting    []func() // handlers with their arguments
	overdue    []func() // timers that came due while it was frozen
	roused     bool     // a call that sees to both is scheduled

	unread         []Event   // for Events
	unreadMessages []Message // for Messages

	receipts   map[uint64]*Receipt // by Seq; not those that are done
	queries    map[uint64]*Answers // by Seq, until their timeout
	publishing *Receipt            // of the step under way, before its Seq is known
	asking     *Answers
}

// Birth is what the wall clock of a lab shows when it is made: midnight UTC
// 2000-01-01, as in package testing/synctest.
func Birth() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// wall translates a time of the cluster, which begins with 1.
func wall(t member.Time) time.Time { return Birth().Add(time.Duration(t - 1)) }

// Index returns which node of the lab this is.
func (n *Node) Index() int { return n.index }

// ID returns the node's identity, the same in all its lives.
func (n *Node) ID() member.NodeID { return n.lab.cluster.ID(n.index) }

// Name returns the node's name.
func (n *Node) Name() string { return string(n.machine.Member(0).Name) }

// Self returns this node as its members see it.
func (n *Node) Self() Member { return n.lens().At(0) }

// After calls f when d has passed, as a timer of this node's application: not if
// the node ends before, and late if it is frozen then.
func (n *Node) After(d time.Duration, f func()) {
	n.lab.After(d, func() {
		switch {
		case n.closed:
		case n.paused():
			n.overdue = append(n.overdue, f)
		default:
			f()
		}
	})
}

// LeaveReport says how far a goodbye came.
type LeaveReport struct {
	Asked int // members that were told directly
	Acked int // of them, those that confirmed
}

// Leave says goodbye: a few members are told directly, again and again until
// they confirm, and the rest by gossip, while time passes; see
// [Node.LeaveReport]. From the call on the node only answers; Close it. Leaving
// again does nothing. Errors: [ErrClosed], [ErrPaused].
func (n *Node) Leave() error {
	if err := n.usable(); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	if n.leaving != nil {
		return nil
	}
	n.leaving = &LeaveReport{}
	var in core.Leave
	n.lab.cluster.Step(n.index, &in)
	n.leaving.Asked = in.Asked
	n.emit(Event{Kind: Left, Time: n.wall(), Member: n.Self(), Reason: "goodbye"})
	return nil
}

// LeaveReport returns how far the goodbye has come, zero before [Node.Leave].
func (n *Node) LeaveReport() LeaveReport {
	if n.leaving == nil {
		return LeaveReport{}
	}
	return *n.leaving
}

// Close stops the node at once and without a goodbye, as [Lab.Kill] does. It
// returns nil, also when it is closed already.
func (n *Node) Close() error {
	if !n.closed {
		n.lab.Kill(n.index)
	}
	return nil
}

// epoch returns that of this life.
func (n *Node) epoch() member.Epoch { return n.machine.Member(0).Claim.Epoch }

func (n *Node) paused() bool { return n.lab.cluster.Paused(n.index) }

// wall returns the time by the clock of this node's host, for people.
func (n *Node) wall() time.Time { return wall(n.lab.cluster.now) }

// usable returns why the node cannot do what it is told.
func (n *Node) usable() error {
	switch {
	case n.closed:
		return ErrClosed
	case n.paused():
		return ErrPaused
	}
	return nil
}

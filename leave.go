package hearsay

import (
	"context"
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// LeaveReport says how far a goodbye came.
type LeaveReport struct {
	Asked int // members that were told directly
	Acked int // of them, those that confirmed
}

// leaving is a goodbye under way.
type leaving struct {
	report LeaveReport
	first  chan struct{} // closed when one has confirmed, or nobody is asked
	acked  chan struct{} // closed when all have confirmed
}

const (
	// leaveWait bounds the wait for a confirmation where the context does not:
	// 25 attempts on a LAN.
	leaveWait = 5 * time.Second
	// leaveGrace is how long the other confirmations are waited for after the
	// first: a member that was asked may itself have crashed a moment ago.
	leaveGrace = time.Second
)

// Leave says goodbye: a few members are told directly, again and again until
// they confirm, and the rest by gossip. It returns when all of the few have
// confirmed, or a second after the first of them: one suffices for the cluster to
// know. If none does before the context ends, or within five seconds, the error
// is that of the context, or [context.DeadlineExceeded]. From the call on the
// node only answers; Close it. Leaving again waits for what is missing.
func (n *Node) Leave(ctx context.Context) (LeaveReport, error) {
	ctx, cancel := context.WithTimeout(ctx, leaveWait)
	defer cancel()
	var l *leaving
	if err := n.do(ctx, func(d *driver) { l = d.leave() }); err != nil {
		return LeaveReport{}, fmt.Errorf("leave: %w", err)
	}
	err := l.wait(ctx, n.done)
	var report LeaveReport
	n.read(func(*driver) { report = l.report })
	return report, err
}

// wait waits for the confirmations, for the first as long as the context lasts.
func (l *leaving) wait(ctx context.Context, closed <-chan struct{}) error {
	select {
	case <-l.first:
	case <-ctx.Done():
		return fmt.Errorf("leave: %w", ctx.Err())
	case <-closed:
		return fmt.Errorf("leave: %w", ErrClosed)
	}
	grace := time.NewTimer(leaveGrace)
	defer grace.Stop()
	select {
	case <-l.acked:
	case <-grace.C:
	case <-ctx.Done():
	case <-closed:
	}
	return nil
}

func (d *driver) leave() *leaving {
	if d.leaving != nil {
		return d.leaving
	}
	l := &leaving{first: make(chan struct{}), acked: make(chan struct{})}
	d.leaving = l
	in := core.Leave{}
	d.step(&in)
	l.report.Asked = in.Asked
	if in.Asked == 0 {
		close(l.first)
		close(l.acked)
	}
	d.emit(Event{Kind: Left, Time: d.wall(), Member: d.lens.At(0), Reason: "goodbye"})
	d.seeding.next = never
	d.publishNow()
	return l
}

func (d *driver) leaveAcked(count int) {
	l := d.leaving
	l.report.Acked = count
	if count == 1 {
		close(l.first)
	}
	if count == l.report.Asked {
		close(l.acked)
	}
}

// Retire turns a dead member, by name or ID, into one that has left: it is no
// longer retried, and its name is free. Errors are [ErrUnknownMember] and
// [ErrNotDead]. A member that lives after all comes back by itself.
func (n *Node) Retire(ctx context.Context, nameOrID string) error {
	var retired error
	if err := n.do(ctx, func(d *driver) { retired = d.retire(nameOrID) }); err != nil {
		retired = err
	}
	if retired != nil {
		return fmt.Errorf("retire %q: %w", nameOrID, retired)
	}
	return nil
}

func (d *driver) retire(nameOrID string) error {
	id, err := member.ParseNodeID(nameOrID)
	found := err == nil
	if found {
		_, found = d.machine.Lookup(id)
	}
	for i := 0; !found && i < d.machine.Len(); i++ {
		if v := d.machine.Member(i); string(v.Name) == nameOrID && v.Claim.State == member.Dead {
			id, found = v.ID, true
		}
	}
	if !found {
		return d.whyNotDead(nameOrID)
	}
	in := core.Retire{ID: id}
	d.step(&in)
	if !in.OK {
		return ErrNotDead
	}
	d.publishNow()
	return nil
}

// whyNotDead tells apart a name that nobody has from one of the living.
func (d *driver) whyNotDead(name string) error {
	for i := range d.machine.Len() {
		if string(d.machine.Member(i).Name) == name {
			return ErrNotDead
		}
	}
	return ErrUnknownMember
}

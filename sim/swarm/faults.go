package swarm

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// inflict begins a fault.
func (r *run) inflict(f *Fault) {
	r.say("fault %d: %s", f.ID, f.Describe())
	if slices.Contains(onLinks, f.Op) {
		r.meddler.open(f)
		return
	}
	i := f.Node - 1
	slot := r.slots[i]
	running := r.c.Machine(slot) != nil
	length := time.Duration(f.For)
	switch f.Op {
	case Crash:
		r.c.Kill(slot)
		r.after(length, func() { r.start(i) })
	case Wipe:
		r.wipe(i, length)
	case Rollback:
		r.c.Kill(slot)
		r.after(length, func() { r.rollback(i, member.Epoch(max(f.Count, 0))) })
	case Move:
		r.move(i, f.ID, length)
	case Leave:
		if running && !r.c.Paused(slot) {
			r.leave(i, time.Duration(f.Delay), length)
		}
	case Pause, Suspend:
		if running && !r.c.Paused(slot) {
			r.freeze(slot, f.Op, length)
		}
	case Slow:
		r.c.Slow(slot, time.Duration(f.Delay))
		r.after(length, func() { r.c.Slow(slot, 0) })
	case Drift:
		r.checker.Warped(slot)
		r.c.Drift(slot, f.Count)
		r.after(length, func() { r.c.Drift(slot, 0) })
	case Jump:
		r.checker.Warped(slot)
		r.c.Jump(slot, time.Duration(f.Delay))
		r.leaps = append(r.leaps, leap{slot, r.c.Now(), time.Duration(f.Delay)})
	}
}

func (r *run) freeze(slot int, op Op, length time.Duration) {
	if op == Suspend {
		r.c.Suspend(slot)
		r.said.Stood(slot)
	} else {
		r.c.Pause(slot)
	}
	epoch := r.c.Epoch(slot)
	r.after(length, func() {
		if r.c.Epoch(slot) == epoch {
			r.c.Resume(slot)
		}
	})
}

// wipe ends a node for ever and starts another one with its name at its address.
func (r *run) wipe(i int, down time.Duration) {
	old := r.slots[i]
	r.c.Kill(old)
	slot := r.spare
	r.spare++
	r.c.Rename(slot, r.c.Name(old))
	r.c.Move(slot, r.c.Addr(old))
	r.slots[i], r.nodes[slot] = slot, i
	r.after(down, func() { r.start(i) })
}

func (r *run) rollback(i int, starts member.Epoch) {
	slot := r.slots[i]
	if r.c.Machine(slot) != nil {
		return // something else has started it meanwhile
	}
	if starts > 0 {
		r.c.Rollback(slot, starts)
		r.checker.RolledBack(slot)
	}
	r.start(i)
}

// move restarts a node at an address that only this fault gives.
func (r *run) move(i, fault int, down time.Duration) {
	slot := r.slots[i]
	r.c.Kill(slot)
	addr := netip.AddrFrom4([4]byte{10, 1, byte(fault >> 8), byte(fault)})
	r.c.Move(slot, netip.AddrPortFrom(addr, 7946))
	r.after(down, func() {
		r.start(i)
		if i < r.s.Seeds {
			r.tellSeeds()
		}
	})
}

// leave lets a node say goodbye, end, and come back. One that was started anew
// in between is left alone.
func (r *run) leave(i int, ends, back time.Duration) {
	slot := r.slots[i]
	epoch := r.c.Epoch(slot)
	r.c.Step(slot, &core.Leave{})
	r.after(ends, func() {
		if r.c.Epoch(slot) == epoch {
			r.c.Kill(slot)
		}
	})
	r.after(back, func() { r.start(i) })
}

// say tells the tale, if there is one, what the schedule does.
func (r *run) say(format string, args ...any) {
	if r.tale != nil {
		r.tale.fault(r.c.Now(), fmt.Sprintf(format, args...))
	}
}

// Describe returns one line without time and number.
func (f *Fault) Describe() string {
	b := string(f.Op)
	if f.Node > 0 {
		b += fmt.Sprintf(" n%d", f.Node)
	}
	nodes := func(list []int) string {
		if len(list) == 0 {
			return "all"
		}
		return strings.Trim(fmt.Sprint(list), "[]")
	}
	if slices.Contains(onLinks, f.Op) {
		b += fmt.Sprintf(" from %s to %s", nodes(f.From), nodes(f.To))
	}
	if f.Share > 0 {
		b += fmt.Sprintf(" share %.4g", f.Share)
	}
	if f.Delay > 0 {
		b += fmt.Sprintf(" delay %v", f.Delay)
	}
	if f.Size > 0 {
		b += fmt.Sprintf(" size %d", f.Size)
	}
	if f.Count != 0 {
		b += fmt.Sprintf(" count %d", f.Count)
	}
	if f.For > 0 {
		b += fmt.Sprintf(" for %v", f.For)
	}
	return b
}

package core

import (
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// Input is one thing that a driver tells a [Machine]: a payload that arrived,
// the time, or a command. The set is closed. Pass pointers to values that are
// reused: a step retains nothing of its input.
type Input interface{ input() }

// Receive is an authentic payload. Payload is only read during the step.
type Receive struct {
	From    effect.Peer
	Payload []byte
}

// Tick lets the machine do what has come due. A driver gives what has arrived
// first, so that a late timer does not accuse somebody whose answer is waiting.
type Tick struct{}

// Flush lets the events leave that are collected, and judges nobody: for a driver
// that has more to hand in before it may give a Tick.
type Flush struct{}

// Join asks the nodes at some addresses for their view. Each address is
// answered by an event: JoinDone, JoinRefused or JoinFailed.
type Join struct{ Addrs []netip.AddrPort }

// Unreachable says that no stream to an address could be opened or kept.
type Unreachable struct{ Addr netip.AddrPort }

// Seeds replaces the addresses at which the cluster may be found when nobody in
// it is known to live. The slice is kept.
type Seeds struct{ Addrs []netip.AddrPort }

// Put writes an own fact. Err is set by the step: a sentinel of package store,
// wrapped.
type Put struct {
	Key   string
	Value []byte
	Err   error
}

// Delete removes an own fact. Err is set by the step.
type Delete struct {
	Key string
	Err error
}

// Leave says goodbye. Asked is set by the step to how many members will be
// asked to confirm; each that does is an event LeaveAcked.
type Leave struct{ Asked int }

// Retire turns a dead member into one that has left. OK is set by the step: it
// is false if the member is unknown or not dead.
type Retire struct {
	ID member.NodeID
	OK bool
}

// Publish sends a message to all members; only those that match Filter report
// it. Topic and Payload are copied. The step sets the rest: Seq numbers the message in this node's epoch, Live counts the
// members that carry it, this node included, Self is whether this node matches,
// and Err is a sentinel of package broadcast, wrapped: ErrTopic, ErrSize,
// ErrFilter or ErrBackpressure. What became of it is told by events
// ReceiptUpdated.
type Publish struct {
	Topic   string
	Payload []byte
	Ordered bool
	Filter  broadcast.Filter
	Seq     uint64
	Live    int
	Self    bool
	Err     error
}

// Ask sends a query to the members that match Filter. The step sets Seq, Live
// and Err as for Publish. Answers are events QueryAnswered, until Timeout.
type Ask struct {
	Topic   string
	Payload []byte
	Filter  broadcast.Filter
	Timeout time.Duration
	WantAck bool
	Seq     uint64
	Live    int
	Err     error
}

// Answer answers a query that was reported as QueryReceived; several answers are
// allowed. The step keeps Payload. Err is set: broadcast.ErrSize, or
// broadcast.ErrExpired when the asker waits no more.
type Answer struct {
	Asker   member.NodeID
	Epoch   member.Epoch
	Seq     uint64
	Payload []byte
	Err     error
}

func (*Publish) input()     {}
func (*Ask) input()         {}
func (*Answer) input()      {}
func (*Receive) input()     {}
func (Tick) input()         {}
func (Flush) input()        {}
func (*Join) input()        {}
func (*Unreachable) input() {}
func (*Seeds) input()       {}
func (*Put) input()         {}
func (*Delete) input()      {}
func (*Leave) input()       {}
func (*Retire) input()      {}

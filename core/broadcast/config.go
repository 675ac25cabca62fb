package broadcast

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// What may be wrong with a command; returned wrapped.
var (
	// ErrTopic: a topic must have 1 to [wire.TopicMax] bytes.
	ErrTopic = errors.New("topic length out of range")
	// ErrSize: the payload, or the answer, is over its limit.
	ErrSize = errors.New("payload too large")
	// ErrBackpressure: too many own messages are still on their way. Try again
	// when a receipt is done.
	ErrBackpressure = errors.New("too many messages in flight")
	// ErrExpired: the query is not known, or its asker waits no more.
	ErrExpired = errors.New("query expired")
	// ErrFilter: a filter has too many or too long conditions.
	ErrFilter = errors.New("filter too large")
)

// Filter says which members a query is for; an empty part matches all. Name, tag
// and zone conditions all have to hold: one of Names, every one of Tags, Zone.
// Names and tag values may hold the wildcard *.
type Filter = wire.Filter

// Tag is one condition of a [Filter]: the member's own fact Key matches Value.
type Tag = wire.Tag

// Peer is a member and where it is reached.
type Peer struct {
	ID   member.NodeID
	Addr netip.AddrPort
}

// Members is what the machine needs to know of the cluster. All machines of a
// test may share one.
type Members interface {
	// Version changes whenever Live would return something else.
	Version() uint64
	// Live returns the members alive or suspect, ordered by ID. It may hold the
	// asking node itself, which is skipped. The slice is shared, and not changed
	// while its version stands.
	Live() []Peer
	// Life returns the epoch that a member is in, as it signed it, and whether it
	// is a member that has not left.
	Life(id member.NodeID) (member.Epoch, bool)
}

// Config is what a Machine is made of. ID, Members, Out and Rand are required;
// the zero value of any other field means its default.
type Config struct {
	ID    member.NodeID
	Epoch member.Epoch
	// Name and Fact are what filters of queries are compared with. Fact returns
	// one of the node's own facts; nil: it has none.
	Name member.Name
	Fact func(key string) ([]byte, bool)

	Members Members
	Out     *effect.Out
	Rand    *rand.Rand
	Timing  Timing
	Limits  Limits
	// PayloadMax bounds a datagram's payload; what does not fit goes by stream.
	PayloadMax int
	// Hub makes the origin hand the whole ring to one member, the same for all
	// origins, which relays for everybody: it costs a hop, and many origins share
	// its datagrams.
	Hub bool
}

// Timing is every duration of the protocol.
type Timing struct {
	// RTOStart is how long an ack is awaited before anything is known of the
	// network; default 500 ms. The detector's probe timeout is a good value.
	RTOStart time.Duration
	// RTOMin is the least wait, so that a busy scheduler causes no repetition;
	// default 10 ms.
	RTOMin time.Duration
	// HeardDelay is the pause between something new and the digest that tells
	// two others of it; default 20 ms. Below zero there are none: what was missed
	// shows by later messages of its origin, and by comparisons.
	HeardDelay time.Duration
	// PullDelay is the least time that something missed may still be on its way;
	// default 60 ms. On slow paths it is the current timeout.
	PullDelay time.Duration
	// Window is how long payloads are kept for repair; default 60 s.
	Window time.Duration
	// BatchWindow delays relays, so that more share a datagram; default 0. What
	// goes to a hub does not wait.
	BatchWindow time.Duration
	// AckDelay lets acks and reports wait for something to ride on; default 0. All
	// nodes must have the same: each waits as much longer for an ack, and takes
	// round trips from probes alone.
	AckDelay time.Duration
}

// Limits bound what is held. The defaults are for a node that does other work
// besides.
type Limits struct {
	// EventSize is the largest payload of a message; default 4 MiB, most
	// [wire.EventSizeMax]. All nodes of a cluster should have the same.
	EventSize int
	// WindowBytes bounds the payloads kept for repair; default 16 MiB, and at
	// least four of the largest messages.
	WindowBytes int
	// InFlight and InFlightBytes bound own messages that hold back their
	// publisher: 1,024 and 8 MiB, at least two of the largest. One does until
	// each relay of it is acknowledged, or its receiver is late: it has let the
	// time for one ack pass. As many bytes of large messages again may be kept
	// for the late. When they are more, the oldest are left to repair.
	InFlight      int
	InFlightBytes int
}

func (c *Config) setDefaults() {
	set(&c.Timing.RTOStart, 500*time.Millisecond)
	set(&c.Timing.RTOMin, 10*time.Millisecond)
	set(&c.Timing.HeardDelay, 20*time.Millisecond)
	set(&c.Timing.PullDelay, 60*time.Millisecond)
	set(&c.Timing.Window, time.Minute)
	set(&c.Limits.EventSize, 4<<20)
	c.Limits.EventSize = min(c.Limits.EventSize, wire.EventSizeMax)
	set(&c.Limits.WindowBytes, max(16<<20, 4*c.Limits.EventSize))
	set(&c.Limits.InFlight, 1024)
	set(&c.Limits.InFlightBytes, max(8<<20, 2*c.Limits.EventSize))
	set(&c.PayloadMax, wire.DatagramMax-176)
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// AnswerSizeMax is the largest answer to a query: one frame of a stream.
const AnswerSizeMax = wire.FrameMax - 256

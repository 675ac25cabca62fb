package view

import (
	"fmt"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Message is something that a member told all others. A publisher sets Topic,
// Payload, Ordered and Filter; the rest is what a subscriber sees beside.
//
// Two kinds of markers stand among the messages of a subscriber, so that nothing
// is lost silently. One with Lagged set has no other field. One with Missed set
// has those of an origin and Time.
type Message struct {
	// Topic says what it is about: 1 to 128 bytes.
	Topic string
	// Payload is shared by all subscribers and must not be changed.
	Payload []byte
	// Ordered messages of one origin are delivered in the order in which they
	// were published, or reported as missed.
	Ordered bool
	// Filter says whom it is for: others pass it on without delivering it. It is
	// not set in what arrives.
	Filter Filter

	// OriginID published it, and had the name OriginName when it arrived here.
	OriginID   member.NodeID
	OriginName string
	// Epoch is that of the origin's run, Seq counts its messages from 1.
	Epoch, Seq uint64
	// Hops is how many members it came over: 0 for one's own, 1 straight from
	// the origin.
	Hops int
	// Time is when it was delivered, by the clock of this node's host.
	Time time.Time

	// Lagged > 0: so many messages were lost here, because the subscriber was
	// slow.
	Lagged int
	// Missed > 0: so many messages of the origin never came, and nobody has them
	// any more. Their topics are not known.
	Missed int
}

// ID returns the identity of the message; zero for a marker.
func (m *Message) ID() MessageID {
	if m.Seq == 0 {
		return MessageID{}
	}
	return MessageID{m.OriginID, m.Epoch, m.Seq}
}

// MessageID tells all messages apart, for ever.
type MessageID struct {
	Origin     member.NodeID
	Epoch, Seq uint64
}

// String returns the ID as origin, epoch and sequence number with dots between
// them.
func (id MessageID) String() string { return fmt.Sprintf("%s.%d.%d", id.Origin, id.Epoch, id.Seq) }

// Progress is how far a message came, as its origin knows.
type Progress struct {
	// Reached is how many members are known to have it, the origin included.
	Reached int
	// Live is how many were alive or suspect when it was published, the origin
	// included. A member that has joined since may have it, too, and counts.
	Live int
	// Elapsed is the time from publishing to the last news.
	Elapsed time.Duration
	// Done is set when no more news will come: all were reached, or those that
	// were not have been given up. These get it later, if they live: from any
	// member, for as long as one keeps it.
	Done bool
}

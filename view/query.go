package view

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/member"
)

// Filter says which members a message or a query is for; the zero value means
// all. One of Names, every one of Tags and Zone must match; names and values may
// hold the wildcard *. Tags and zone are facts of the member itself.
type Filter = broadcast.Filter

// Tag is one condition of a [Filter].
type Tag = broadcast.Tag

// Query is a question to the members of a cluster, this node included.
type Query struct {
	// Topic says what it is about: 1 to 128 bytes. Topics of queries are not those
	// of messages.
	Topic   string
	Payload []byte
	Filter  Filter
	// Timeout is how long answers are of use; 0 means [QueryTimeout].
	Timeout time.Duration
	// WantAck asks all who match to say so before they answer.
	WantAck bool
}

// QueryTimeout is how long answers to a [Query] are waited for by default: five
// times what it takes to reach a member over two hops that each lose a packet.
const QueryTimeout = 5 * time.Second

// Question is a query as one who may answer it sees it.
type Question struct {
	Topic string
	// Payload is shared and must not be changed.
	Payload []byte
	// AskerID asks, and has the name AskerName.
	AskerID   member.NodeID
	AskerName string
	// Epoch and Seq are those of the query as a message.
	Epoch, Seq uint64
	// Deadline is when answers are no longer of use, by the clock of this node's
	// host.
	Deadline time.Time

	// Lagged > 0: so many questions were lost here, because nobody took them; all
	// else is zero.
	Lagged int
}

// Answer is what one member answered to a query.
type Answer struct {
	// ID answered, and has the name Name.
	ID   member.NodeID
	Name string
	// Payload is shared and must not be changed.
	Payload []byte
	// Elapsed is the time since the query.
	Elapsed time.Duration

	// Lagged > 0: so many answers were lost here, because nobody took them; all
	// else is zero.
	Lagged int
}

// QueryStats is what became of a query.
type QueryStats struct {
	// Live and Reached are those of its [Progress]. Not all that were reached are
	// meant.
	Live, Reached int
	// Acks is how many members said that they are meant, if they were asked to.
	Acks int
	// Answers is how many answers came.
	Answers int
	// Elapsed is the time from the query to now, or to its end.
	Elapsed time.Duration
	// Done is set when no more answers are waited for.
	Done bool
}

package api

import "time"

// Kinds of events beside those of package hearsay.
const (
	// KindMessage: Message was delivered.
	KindMessage = "message"
	// KindLagged: Count messages were lost here because the reader was slow.
	KindLagged = "lagged"
	// KindMissed: Count messages of Message's origin never came, and nobody has
	// them any more.
	KindMissed = "missed"
)

// Message is what a member told all others.
type Message struct {
	ID         string    `json:"id,omitempty"` // the same on every node
	Topic      string    `json:"topic,omitempty"`
	Payload    *Bytes    `json:"payload,omitempty"`
	Ordered    bool      `json:"ordered,omitempty"`
	Origin     string    `json:"origin"` // ID of the member that published it
	OriginName string    `json:"origin_name"`
	Epoch      uint64    `json:"epoch"`
	Seq        uint64    `json:"seq,omitempty"` // counts the origin's messages in the epoch
	Hops       int       `json:"hops"`          // members that it came over; 0: published by the agent itself
	Time       time.Time `json:"time"`
}

// SendReport says how far a message came.
type SendReport struct {
	ID             string  `json:"id"`
	Reached        int     `json:"reached"` // members that have it, the agent included
	Live           int     `json:"live"`    // members that were live when it was published
	ElapsedSeconds float64 `json:"elapsed_seconds"`
	Done           bool    `json:"done"` // no more news will come
}

// SizeHeader gives the limit of a message's payload in bytes, on every answer to
// one that was too large.
const SizeHeader = "X-Hearsay-Size-Max"

// Filter says which members something is for; empty: all. One of Names, every
// one of Tags and Zone have to match; names and values may hold the wildcard *.
// Tags and zone are metadata of the member.
type Filter struct {
	Names []string          `json:"names,omitempty"`
	Tags  map[string]string `json:"tags,omitempty"`
	Zone  string            `json:"zone,omitempty"`
}

// QueryRequest asks members.
type QueryRequest struct {
	Topic          string  `json:"topic"`
	Payload        Bytes   `json:"payload"`
	Filter         Filter  `json:"filter"`
	TimeoutSeconds float64 `json:"timeout_seconds,omitempty"` // default 5
	WantAck        bool    `json:"want_ack,omitempty"`
}

// Answer is what one member answered.
type Answer struct {
	ID             string  `json:"id"`
	Name           string  `json:"name"`
	Payload        Bytes   `json:"payload"`
	ElapsedSeconds float64 `json:"elapsed_seconds"` // since the query
	Lagged         int     `json:"lagged,omitempty"`
}

// QueryStats is what became of a query.
type QueryStats struct {
	Live           int     `json:"live"`
	Reached        int     `json:"reached"` // not all of them are meant
	Acks           int     `json:"acks"`
	Answers        int     `json:"answers"`
	ElapsedSeconds float64 `json:"elapsed_seconds"`
}

// QueryNews is one event of the stream that answers a query: an answer, or at
// the end the stats.
type QueryNews struct {
	Answer *Answer     `json:"answer,omitempty"`
	Stats  *QueryStats `json:"stats,omitempty"`
}

// Question is a query that this agent's node is asked.
type Question struct {
	ID          string    `json:"id"` // names it in the path of an answer
	Topic       string    `json:"topic"`
	Payload     Bytes     `json:"payload"`
	Asker       string    `json:"asker"`
	AskerName   string    `json:"asker_name"`
	Deadline    time.Time `json:"deadline"`
	SecondsLeft float64   `json:"seconds_left"`
	Lagged      int       `json:"lagged,omitempty"` // so many were lost here; all else is empty
}

// UserEvent is a message in the shape of Consul's interface.
type UserEvent struct {
	ID            string
	Name          string
	Payload       []byte // null when empty
	NodeFilter    string
	ServiceFilter string
	TagFilter     string
	Version       int
	LTime         uint64
}

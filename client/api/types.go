package api

import "time"

// Member is one node of the cluster as the agent sees it.
type Member struct {
	Name        string    `json:"name"`
	ID          string    `json:"id"`      // 32 hexadecimal digits
	Address     string    `json:"address"` // host:port where it is reached
	Addresses   []string  `json:"addresses,omitempty"`
	State       string    `json:"state"` // alive, suspect, dead, left
	Epoch       uint64    `json:"epoch"`
	Incarnation uint64    `json:"incarnation"`
	Since       time.Time `json:"since"`             // when it came into this state here
	Accuser     string    `json:"accuser,omitempty"` // ID of who doubts it
	Conflict    bool      `json:"conflict"`          // claims a name that another holds
	Self        bool      `json:"self"`
}

// Counts is how many members are in each state.
type Counts struct {
	Alive   int `json:"alive"`
	Suspect int `json:"suspect"`
	Dead    int `json:"dead"`
	Left    int `json:"left"`
}

// Build says which program answers.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
}

// Info is the agent about itself.
type Info struct {
	Self      Member `json:"self"`
	Cluster   string `json:"cluster"` // cluster id, 32 hexadecimal digits
	Security  string `json:"security"`
	Root      string `json:"root"`   // hash of all it knows, 16 hexadecimal digits
	Health    int    `json:"health"` // local health score; 0 is well
	Counts    Counts `json:"counts"`
	Facts     int    `json:"facts"`
	HotRumors int    `json:"hot_rumors"`
	Ready     bool   `json:"ready"`
	Durable   bool   `json:"durable"`           // state is kept in a data directory
	Problem   string `json:"problem,omitempty"` // why the state was last not saved
	Build     Build  `json:"build"`
}

// JoinRequest asks the agent to contact nodes.
type JoinRequest struct {
	Addrs []string `json:"addrs"`
}

// JoinReport says how many of them answered, at least one.
type JoinReport struct {
	Contacts int `json:"contacts"`
}

// RetireRequest names a dead member by name or ID.
type RetireRequest struct {
	Member string `json:"member"`
}

// LeaveReport says how many members were told of the goodbye and confirmed it.
type LeaveReport struct {
	Asked int `json:"asked"`
	Acked int `json:"acked"`
}

// Fact is one key of a member's metadata.
type Fact struct {
	Key   string `json:"key"`
	Value Bytes  `json:"value"`
}

// FactWrite is the body of a write.
type FactWrite struct {
	Value Bytes `json:"value"`
}

// WriteReport says whether a write will survive a crash of this agent.
type WriteReport struct {
	Durable bool   `json:"durable"`
	Problem string `json:"problem,omitempty"` // why it is not, where it should be
}

// Event is one thing that happened, as in package hearsay. Kind resync stands
// in for events that were lost because the reader was slow, and opens each
// stream: read the state anew.
type Event struct {
	Kind   string    `json:"kind"`
	Time   time.Time `json:"time"`
	Member *Member   `json:"member,omitempty"` // whom it is about
	Key    string    `json:"key,omitempty"`
	Value  *Bytes    `json:"value,omitempty"`
	Hops   int       `json:"hops,omitempty"`
	By     string    `json:"by,omitempty"` // ID of the other party
	Reason string    `json:"reason,omitempty"`
	Count  int       `json:"count,omitempty"` // health-changed: the score; resync: events lost
	// ElapsedSeconds is how long the node was paused.
	ElapsedSeconds float64  `json:"elapsed_seconds,omitempty"`
	Message        *Message `json:"message,omitempty"`
}

// KindResync is the kind of the event that asks its reader to read anew.
const KindResync = "resync"

// Stats are the node's counters since its start.
type Stats struct {
	Counts        Counts            `json:"counts"`
	Health        int               `json:"health"`
	HotRumors     int               `json:"hot_rumors"`
	Facts         int               `json:"facts"`
	Root          string            `json:"root"`
	Datagrams     Traffic           `json:"datagrams"`
	Frames        Traffic           `json:"frames"`
	StreamsOpened uint64            `json:"streams_opened"`
	StreamsOpen   uint64            `json:"streams_open"`
	Probes        uint64            `json:"probes"`
	ProbeFailures uint64            `json:"probe_failures"`
	Suspicions    uint64            `json:"suspicions"`
	Deaths        uint64            `json:"deaths"`
	FalseDeaths   uint64            `json:"false_deaths"`
	Refutations   uint64            `json:"refutations"`
	Pauses        uint64            `json:"pauses"`
	Syncs         uint64            `json:"syncs"`
	Joins         uint64            `json:"joins"`
	JoinFailures  uint64            `json:"join_failures"`
	Drops         map[string]uint64 `json:"drops"` // by reason, all reasons
}

// Traffic counts what went over one lane.
type Traffic struct {
	Sent          uint64 `json:"sent"`
	Received      uint64 `json:"received"`
	SentBytes     uint64 `json:"sent_bytes"`
	ReceivedBytes uint64 `json:"received_bytes"`
}

// Problem is the body of every answer above 399.
type Problem struct {
	Error  string `json:"error"`  // a sentence for people
	Reason Reason `json:"reason"` // a word for programs
}

// Reason is why a request was refused. The set may grow.
type Reason string

// The reasons.
const (
	ReasonBadRequest     Reason = "bad_request"     // 400
	ReasonBadJSON        Reason = "bad_json"        // 400
	ReasonBadKey         Reason = "bad_key"         // 400: empty, or over 256 bytes
	ReasonBadTopic       Reason = "bad_topic"       // 400: empty, or over 128 bytes
	ReasonBadFilter      Reason = "bad_filter"      // 400: too many conditions, or too long ones
	ReasonKeysLimit      Reason = "limit_keys"      // 400: over 1,024 keys
	ReasonToken          Reason = "token_required"  // 401: no token, or a wrong one
	ReasonCrossOrigin    Reason = "cross_origin"    // 403: a browser sent it for another site
	ReasonRemoteWrite    Reason = "remote_write"    // 403: a write from another host, and no token is set
	ReasonNotFound       Reason = "not_found"       // 404: no such endpoint
	ReasonUnknownMember  Reason = "unknown_member"  // 404
	ReasonUnknownKey     Reason = "unknown_key"     // 404
	ReasonUnknownQuery   Reason = "unknown_query"   // 404: never asked here, or no longer waiting
	ReasonMethod         Reason = "method"          // 405
	ReasonNotDead        Reason = "not_dead"        // 409: only the dead can be retired
	ReasonBodyLimit      Reason = "body_limit"      // 413
	ReasonValueLimit     Reason = "limit_value"     // 413: value over 64 KiB
	ReasonMessageLimit   Reason = "limit_message"   // 413: message or answer over its limit
	ReasonContentType    Reason = "content_type"    // 415: bodies are application/json
	ReasonHost           Reason = "host"            // 421: the Host header names no host of ours
	ReasonBackpressure   Reason = "backpressure"    // 429: too much of this node is on its way
	ReasonInternal       Reason = "internal"        // 500
	ReasonNeedsConsensus Reason = "needs_consensus" // 501: gossip does not decide
	ReasonUnreachable    Reason = "unreachable"     // 502: no contact answered
	ReasonClosed         Reason = "closed"          // 503: the node has left or stopped
	ReasonNotReady       Reason = "not_ready"       // 503
	ReasonTimeout        Reason = "timeout"         // 504
)

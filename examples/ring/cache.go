package main

import (
	"cmp"
	"errors"
	"slices"
	"sync"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
)

// quorum is W and R: how many of the three replicas must confirm a write, and how
// many must answer a read. Two and two overlap while both go by the same list.
const quorum = 2

// ErrReplicas: too few replicas answered. A write may be kept by some all the same.
var ErrReplicas = errors.New("too few replicas answered")

// Version orders the values of a key: the later clock wins and, of equal clocks,
// the higher writer.
type Version struct {
	Clock  int64 // microseconds, or one more than the highest that the writer has seen
	Writer member.NodeID
}

// Compare returns -1, 0 or +1.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Clock, other.Clock), v.Writer.Compare(other.Writer))
}

// Entry is the value of a key. The zero entry, older than all, stands for none.
type Entry struct {
	Version Version
	Value   []byte
}

// Request is what one node asks of another that keeps a key.
type Request struct {
	Key   string
	Store *Entry        // keep this, unless you have a newer one; nil: read only
	For   member.NodeID // a hint: hand it to this home as soon as it answers
}

// Peers carries requests to other nodes.
type Peers interface {
	// Ask calls answer once, and never before it returns: with the entry that the
	// node has thereafter, or with an error if none came in time.
	Ask(to member.NodeID, req Request, answer func(Entry, error))
}

// Cache is one node of a replicated cache in the manner of Dynamo. Any node takes
// any request and passes it on to the homes of the key. All methods may be called
// from anywhere.
type Cache struct {
	self  member.NodeID
	ring  func() *ring.Ring
	peers Peers
	clock func() int64 // microseconds

	mu      sync.Mutex
	highest int64 // clock of all versions seen
	held    map[string]*holding
}

// holding is an entry that this node keeps, and who is still to get it.
type holding struct {
	Entry
	owed map[member.NodeID]bool // true while it is on its way
}

// NewCache returns an empty cache.
func NewCache(self member.NodeID, ring func() *ring.Ring, peers Peers, clock func() int64) *Cache {
	return &Cache{self: self, ring: ring, peers: peers, clock: clock, held: make(map[string]*holding)}
}

// Put writes a value, and calls done once when two replicas have it, or with
// [ErrReplicas].
func (c *Cache) Put(key string, value []byte, done func(Version, error)) {
	c.mu.Lock()
	c.highest = max(c.highest+1, c.clock())
	e := Entry{Version{c.highest, c.self}, value}
	c.mu.Unlock()
	o := &operation{cache: c, store: &e, key: key, done: func(_ Entry, err error) { done(e.Version, err) }}
	o.start()
}

// Get reads the newest value that two replicas know of, and calls done once: with
// the zero entry if there is none, or with [ErrReplicas]. Replicas that turn out
// to be behind are repaired.
func (c *Cache) Get(key string, done func(Entry, error)) {
	o := &operation{cache: c, key: key, done: done}
	o.start()
}

// Serve does what another node asks for, and returns what this one has then.
func (c *Cache) Serve(req Request) Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if req.Store != nil {
		c.keep(req)
	}
	if h := c.held[req.Key]; h != nil {
		return h.Entry
	}
	return Entry{}
}

func (c *Cache) keep(req Request) {
	c.highest = max(c.highest, req.Store.Version.Clock)
	h := c.held[req.Key]
	if h == nil {
		h = &holding{owed: make(map[member.NodeID]bool)}
		c.held[req.Key] = h
	}
	if req.Store.Version.Compare(h.Version) > 0 {
		h.Entry = *req.Store
	}
	homes := c.ring().Replicas([]byte(req.Key)).Homes()
	_, home := homes.Find(c.self)
	switch {
	case !req.For.IsZero():
		c.owe(h, req.For)
	case !home: // the writer has another ring than we
		for _, other := range homes {
			c.owe(h, other.ID)
		}
	}
}

// Held returns the keys that this node keeps, in order, those that it keeps for
// others included.
func (c *Cache) Held() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys()
}

func (c *Cache) keys() []string {
	keys := make([]string, 0, len(c.held))
	for key := range c.held {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

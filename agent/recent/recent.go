// Package recent remembers the last messages that reached a node, for tools
// that ask again and again instead of listening.
package recent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"sync"

	"github.com/hearsay-gossip/hearsay"
)

// Bounds of what is remembered. The number is the one that tools for this kind
// of interface expect; of large messages there are fewer.
const (
	entriesMax = 256
	bytesMax   = 16 << 20
)

// Source is where messages come from; a [hearsay.Node] is one.
type Source interface {
	Messages(ctx context.Context, topics ...string) iter.Seq[hearsay.Message]
}

// Log remembers. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	entries []hearsay.Message // oldest first
	bytes   int
	changed chan struct{} // closed when something is added, and replaced
}

// Keep returns a log that takes all messages of a source from now on, and run,
// which does so until ctx ends.
func Keep(ctx context.Context, source Source) (l *Log, run func()) {
	l = &Log{changed: make(chan struct{})}
	messages := source.Messages(ctx)
	return l, func() {
		for m := range messages {
			l.add(m)
		}
	}
}

func (l *Log) add(m hearsay.Message) {
	if m.Lagged > 0 || m.Missed > 0 {
		return // what is lost here was not the newest
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, m)
	l.bytes += size(&m)
	for len(l.entries) > entriesMax || l.bytes > bytesMax && len(l.entries) > 1 {
		l.bytes -= size(&l.entries[0])
		l.entries[0] = hearsay.Message{}
		l.entries = l.entries[1:]
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

func size(m *hearsay.Message) int { return len(m.Topic) + len(m.Payload) }

// List returns the messages on a topic, or all if it is empty, oldest first, and
// a channel that is closed when there is another message on any topic. Payloads
// are shared.
func (l *Log) List(topic string) (messages []hearsay.Message, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.entries {
		if topic == "" || l.entries[i].Topic == topic {
			messages = append(messages, l.entries[i])
		}
	}
	return messages, l.changed
}

// UUID is the identity of a message in the form that tools know, the same on
// every node (RFC 9562 section 5.8: version 8, made from a hash).
type UUID [16]byte

// UUIDOf returns the UUID of a message.
func UUIDOf(id hearsay.MessageID) (u UUID) {
	sum := sha256.Sum256([]byte(id.String()))
	copy(u[:], sum[:])
	u[6] = u[6]&0x0f | 8<<4
	u[8] = u[8]&0x3f | 2<<6
	return u
}

// String returns the UUID in its usual form.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Index returns what a blocking read compares: the exclusive or of the halves of
// the UUID. Only equality has a meaning.
func (u UUID) Index() uint64 {
	return binary.BigEndian.Uint64(u[:8]) ^ binary.BigEndian.Uint64(u[8:])
}

// Index returns that of the newest of some messages, 1 for none.
func Index(messages []hearsay.Message) uint64 {
	if len(messages) == 0 {
		return 1
	}
	return UUIDOf(messages[len(messages)-1].ID()).Index()
}

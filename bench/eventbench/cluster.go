package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// deliver takes what a node hands to its application. It is safe for concurrent
// use and keeps no reference to the payload.
type deliver func(node int, payload []byte)

// cluster is a set of nodes of one system, living in this process. Start is
// called once and Close once, also after an error of Start.
type cluster interface {
	// Start creates the given number of nodes and begins to join them; that goes
	// on behind its back until ctx ends. Until Close returns, deliver is called
	// for every payload that the system hands to the application of a node, once
	// or, if the system does that, several times. Whether the publisher gets its
	// own is left to the system.
	Start(ctx context.Context, nodes int, d deliver) error

	// Ready reports whether a broadcast of any node may now be expected to reach
	// all others.
	Ready() bool

	// Publish broadcasts a payload from a node. It keeps the payload, which
	// nobody changes. An error means that the system refused it.
	Publish(ctx context.Context, node int, payload []byte) error

	// Sent is what all nodes have sent since Start.
	Sent() sent

	// Close stops all nodes.
	Close() error
}

// sent counts what leaves the nodes of a cluster.
type sent struct {
	Packets     uint64 // datagrams
	Bytes       uint64 // of datagrams, after encryption and compression, without IP and UDP headers
	StreamBytes uint64 // written to TCP connections, without IP and TCP headers
	Copies      uint64 // of payloads, counted where they arrive, duplicates included
}

// bytes is all that was written to sockets.
func (s sent) bytes() uint64 { return s.Bytes + s.StreamBytes }

// sub returns what was sent since an earlier reading.
func (s sent) sub(earlier sent) sent {
	return sent{
		Packets:     s.Packets - earlier.Packets,
		Bytes:       s.Bytes - earlier.Bytes,
		StreamBytes: s.StreamBytes - earlier.StreamBytes,
		Copies:      s.Copies - earlier.Copies,
	}
}

// system is one that can be measured. Each registers itself from the file that
// adapts it.
type system struct {
	module string                 // path of its Go module, for the version
	about  string                 // how it is configured, for the report
	ours   bool                   // the loss count asks more of it
	open   func(size int) cluster // a cluster for payloads of a size, not yet started
}

// systems by the name that -systems takes. Filled by init functions only.
var systems = make(map[string]system)

// joinRetry is how long a node waits after a join that failed. Anything shorter
// adds to the load that made it fail.
const joinRetry = time.Second

// startAll makes a cluster in which all nodes join the first at once: create
// makes the node of an index without joining it; join makes one attempt and is
// repeated, behind the back of the caller, until it succeeds or ctx ends. The
// wait group covers what goes on then.
func startAll(ctx context.Context, nodes int, joins *sync.WaitGroup, create, join func(index int) error) error {
	if err := create(0); err != nil {
		return fmt.Errorf("create node 0: %w", err)
	}
	errs := make([]error, nodes)
	var created sync.WaitGroup
	created.Add(nodes - 1)
	for i := 1; i < nodes; i++ {
		joins.Go(func() {
			err := create(i)
			if err != nil {
				errs[i] = fmt.Errorf("create node %d: %w", i, err)
			}
			created.Done()
			for err == nil && join(i) != nil {
				select {
				case <-ctx.Done():
					return
				case <-time.After(joinRetry):
				}
			}
		})
	}
	created.Wait()
	return errors.Join(errs...)
}

// closeAll closes nodes at the same time.
func closeAll(nodes int, closeNode func(index int) error) error {
	errs := make([]error, nodes)
	var closed sync.WaitGroup
	for i := range nodes {
		closed.Go(func() { errs[i] = closeNode(i) })
	}
	closed.Wait()
	return errors.Join(errs...)
}

// scan answers a question about every node, beginning where the answer was no
// the last time, so that asking again costs little until it is yes.
type scan struct{ next int }

func (s *scan) all(nodes int, ok func(index int) bool) bool {
	for range nodes {
		if !ok(s.next) {
			return false
		}
		s.next = (s.next + 1) % nodes
	}
	return true
}

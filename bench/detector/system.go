package main

import (
	"sync"
	"time"
)

// system is a cluster of one library on a [network] in virtual time. What its
// nodes tell their applications goes to a [journal].
type system interface {
	// Start runs a node that joins through contacts; without any it is alone.
	Start(i int, contacts ...int) error
	// Stop ends a node at once, without a goodbye.
	Stop(i int) error
	// Run lets time pass.
	Run(d time.Duration)
	// Now returns the time since the cluster was made.
	Now() time.Duration
	// Holds reports whether a running node lists another as a live member.
	// Suspects count as live.
	Holds(observer, subject int) bool
	// Hold blocks the sends and dials of nodes for a while, and queues what they
	// receive; timers and processors go on.
	Hold(nodes []int, d time.Duration)
	// Sent returns what all nodes have sent.
	Sent() traffic
	// Close ends all. A cluster that cannot be trusted returns why.
	Close() error
}

// freezer is a system that can stop its nodes altogether, as a debugger or an
// overcommitted host does. One clock drives all goroutines of a bubble, so that
// memberlist cannot be frozen.
type freezer interface {
	Freeze(nodes []int, d time.Duration)
}

// traffic is what was sent, lost or not: datagrams, and bytes on connections.
// Bytes are those of payloads, without encryption and headers of IP, UDP and
// TCP.
type traffic struct{ packets, packetBytes, streamBytes uint64 }

func (t traffic) sub(earlier traffic) traffic {
	return traffic{t.packets - earlier.packets, t.packetBytes - earlier.packetBytes, t.streamBytes - earlier.streamBytes}
}

// meter counts traffic. For concurrent use.
type meter struct {
	mu  sync.Mutex
	sum traffic
}

func (m *meter) packet(size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum.packets++
	m.sum.packetBytes += uint64(size)
}

func (m *meter) stream(size int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum.streamBytes += uint64(size)
}

func (m *meter) read() traffic {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

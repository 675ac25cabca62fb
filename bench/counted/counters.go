// Package counted puts a meter on what leaves a node, at the last place before
// the sockets: after encryption, compression and batching, whatever the library
// on top. A meter adds no goroutine, and no allocation to a packet.
package counted

import (
	"net"
	"sync/atomic"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// Loopback is where every node of a benchmark lives.
const Loopback = "127.0.0.1"

// Counters add up what all nodes of a cluster send. The zero value is ready;
// its methods are safe for concurrent use.
type Counters struct {
	packets, bytes, streamBytes atomic.Uint64
}

// Packet counts a datagram that the kernel took.
func (c *Counters) Packet(size int) {
	c.packets.Add(1)
	c.bytes.Add(uint64(size))
}

// Read returns the sums so far.
func (c *Counters) Read() benchcluster.Traffic {
	return benchcluster.Traffic{
		Packets:     c.packets.Load(),
		Bytes:       c.bytes.Load(),
		StreamBytes: c.streamBytes.Load(),
	}
}

// Conn counts both directions of a connection at the end that dialed: both ends
// are nodes of the cluster, so what one reads the other has written. A meter on
// accepted connections would need a goroutine more for each node.
type Conn struct {
	net.Conn
	sent *Counters
}

// NewConn puts a meter on a connection that this process dialed.
func NewConn(dialed net.Conn, sent *Counters) *Conn { return &Conn{Conn: dialed, sent: sent} }

// Read implements [net.Conn].
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.sent.streamBytes.Add(uint64(n))
	return n, err
}

// Write implements [net.Conn].
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.streamBytes.Add(uint64(n))
	return n, err
}

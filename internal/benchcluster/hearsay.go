package benchcluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport/udp"
)

const (
	// Library is the name of our own library in results.
	Library = "hearsay"
	// Module is where it comes from.
	Module = "github.com/hearsay-gossip/hearsay"

	// anyPort is where every node listens: loopback, a port of the system's
	// choice.
	anyPort = "127.0.0.1:0"
)

// NodeName is the name of the node with the given index. It is the same in all
// libraries, so that names cost all of them the same bytes.
func NodeName(index int) string { return fmt.Sprintf("node-%04d", index) }

// Nodes is a [Cluster] of hearsay nodes with LAN defaults. Nothing is changed
// but names, addresses, the log (discarded) and a meter on what leaves.
type Nodes struct {
	sealed bool
	sent   meter
	nodes  []*hearsay.Node // [0] is the seed; fixed once Start returns
	behind int             // index of a node whose view was not full when last seen
}

// NewNodes returns a cluster not yet started. Unless it is sealed, datagrams
// and streams are plain; records are signed and verified in either case.
func NewNodes(sealed bool) *Nodes { return &Nodes{sealed: sealed} }

// Start implements [Cluster]. The seed is started first because its address is
// not known earlier; all others start and join at once.
func (c *Nodes) Start(ctx context.Context, nodes int) error {
	base := hearsay.LAN()
	base.Logger = slog.New(slog.DiscardHandler)
	if base.Insecure = !c.sealed; c.sealed {
		ring, err := seal.NewRing(rand.Reader)
		if err != nil {
			return fmt.Errorf("make ring: %w", err)
		}
		base.Ring = ring
	}
	c.nodes = make([]*hearsay.Node, nodes)
	if err := c.create(ctx, base, 0); err != nil {
		return err
	}
	base.Seeds = []string{c.nodes[0].Self().Addr.String()}

	errs := make([]error, nodes)
	var created sync.WaitGroup
	for i := 1; i < nodes; i++ {
		created.Go(func() { errs[i] = c.create(ctx, base, i) })
	}
	created.Wait()
	return errors.Join(errs...)
}

// create starts the node with the given index.
func (c *Nodes) create(ctx context.Context, cfg hearsay.Config, index int) error {
	sockets, err := udp.Listen(ctx, anyPort)
	if err != nil {
		return fmt.Errorf("open transport of node %d: %w", index, err)
	}
	cfg.Name = NodeName(index)
	cfg.Transport = &metered{Transport: sockets, sent: &c.sent} // the node closes it
	node, err := hearsay.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("create node %d: %w", index, err)
	}
	c.nodes[index] = node
	return nil
}

// Full implements [Cluster]. It looks first at the node that was not full the
// last time, so that it costs little until all but the last are.
func (c *Nodes) Full() bool {
	for range c.nodes {
		if !full(c.nodes[c.behind].Members(), len(c.nodes)) {
			return false
		}
		c.behind = (c.behind + 1) % len(c.nodes)
	}
	return true
}

func full(view []hearsay.Member, nodes int) bool {
	live := 0
	for i := range view {
		if view[i].Live() {
			live++
		}
	}
	return live == nodes
}

// FalseDeaths implements [Cluster].
func (c *Nodes) FalseDeaths() uint64 {
	var deaths uint64
	for _, n := range c.nodes {
		deaths += n.Stats().Deaths
	}
	return deaths
}

// Traffic implements [Cluster].
func (c *Nodes) Traffic() Traffic { return c.sent.read() }

// Close implements [Cluster]. Nodes stop without a goodbye, which takes time
// and is not what is measured.
func (c *Nodes) Close() error {
	errs := make([]error, len(c.nodes))
	var stopped sync.WaitGroup
	for i, n := range c.nodes {
		if n != nil {
			stopped.Go(func() { errs[i] = n.Close() })
		}
	}
	stopped.Wait()
	return errors.Join(errs...)
}

// meter adds up what all nodes of a cluster send.
type meter struct {
	packets, bytes, streamBytes atomic.Uint64
}

func (m *meter) read() Traffic {
	return Traffic{
		Packets:     m.packets.Load(),
		Bytes:       m.bytes.Load(),
		StreamBytes: m.streamBytes.Load(),
	}
}

// metered is the node's usual transport with a meter on what leaves it. It adds
// no goroutine and no allocation to a packet.
type metered struct {
	*udp.Transport
	sent *meter
}

// Send implements [transport.Transport]. A packet that the kernel refuses is
// not counted.
func (t *metered) Send(to netip.AddrPort, packet []byte) error {
	err := t.Transport.Send(to, packet)
	if err == nil {
		t.sent.packets.Add(1)
		t.sent.bytes.Add(uint64(len(packet)))
	}
	return err
}

// Dial implements [transport.Transport].
func (t *metered) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	conn, err := t.Transport.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return &meteredConn{Conn: conn, sent: t.sent}, nil
}

// meteredConn counts both directions of a connection at the end that dialled:
// both ends are nodes of the cluster, so what one reads the other has written.
type meteredConn struct {
	net.Conn
	sent *meter
}

// Read implements [net.Conn].
func (c *meteredConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.sent.streamBytes.Add(uint64(n))
	return n, err
}

// Write implements [net.Conn].
func (c *meteredConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.streamBytes.Add(uint64(n))
	return n, err
}

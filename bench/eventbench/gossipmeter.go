package main

import (
	"context"
	"sync/atomic"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/transport"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/hearsay-gossip/hearsay/bench/counted"
)

// countedUpgrader puts a meter on connections before they are encrypted, at the
// end that dialed. Listeners upgrade through the upgrader inside.
type countedUpgrader struct {
	transport.Upgrader
	meter *counted.Counters
}

// Upgrade implements [transport.Upgrader].
func (u *countedUpgrader) Upgrade(
	ctx context.Context, t transport.Transport, raw manet.Conn,
	direction network.Direction, p peer.ID, scope network.ConnManagementScope,
) (transport.CapableConn, error) {
	return u.Upgrader.Upgrade(ctx, t, &countedConn{Conn: raw, meter: counted.NewConn(raw, u.meter)}, direction, p, scope)
}

// countedConn is a connection of libp2p with a meter.
type countedConn struct {
	manet.Conn
	meter *counted.Conn
}

// Read implements [net.Conn].
func (c *countedConn) Read(b []byte) (int, error) { return c.meter.Read(b) }

// Write implements [net.Conn].
func (c *countedConn) Write(b []byte) (int, error) { return c.meter.Write(b) }

// gossipTracer counts the neighbours of a node and the payloads it receives. It
// is called from the one goroutine of a node that runs gossipsub.
type gossipTracer struct {
	mesh   atomic.Int64
	copies *atomic.Uint64
}

var _ pubsub.RawTracer = (*gossipTracer)(nil)

// Graft implements [pubsub.RawTracer].
func (t *gossipTracer) Graft(peer.ID, string) { t.mesh.Add(1) }

// Prune implements [pubsub.RawTracer].
func (t *gossipTracer) Prune(peer.ID, string) { t.mesh.Add(-1) }

// RecvRPC implements [pubsub.RawTracer].
func (t *gossipTracer) RecvRPC(rpc *pubsub.RPC) { t.copies.Add(uint64(len(rpc.GetPublish()))) }

// The rest of [pubsub.RawTracer] is of no interest here.

func (t *gossipTracer) OnNewOutboundStream(peer.ID, protocol.ID) {}
func (t *gossipTracer) OnClosedOutboundStream(peer.ID)           {}
func (t *gossipTracer) Join(string)                              {}
func (t *gossipTracer) Leave(string)                             {}
func (t *gossipTracer) ValidateMessage(*pubsub.Message)          {}
func (t *gossipTracer) DeliverMessage(*pubsub.Message)           {}
func (t *gossipTracer) RejectMessage(*pubsub.Message, string)    {}
func (t *gossipTracer) DuplicateMessage(*pubsub.Message)         {}
func (t *gossipTracer) ThrottlePeer(peer.ID)                     {}
func (t *gossipTracer) SendRPC(*pubsub.RPC, peer.ID)             {}
func (t *gossipTracer) DropRPC(*pubsub.RPC, peer.ID)             {}
func (t *gossipTracer) UndeliverableMessage(*pubsub.Message)     {}

package hearsay

import (
	"errors"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/view"
)

// What the caller of a method may want to tell apart. All are wrapped with what
// was attempted, so compare with [errors.Is].
var (
	// ErrClosed: the node was closed, or stopped by itself; see [Node.Err].
	ErrClosed = view.ErrClosed
	// ErrLeft: the node has said goodbye and only answers until it is closed.
	ErrLeft = view.ErrLeft
	// ErrNoKey: a configuration without a ring that does not ask for plaintext.
	ErrNoKey = errors.New("no ring key: make one (hearsay init), or set Insecure to run without")
	// ErrUnknownMember: no member has this name or ID.
	ErrUnknownMember = errors.New("no such member")
	// ErrNotDead: the member is alive or has left; only the dead are retired.
	ErrNotDead = errors.New("member is not dead")
	// ErrConsensus: something that takes agreement was asked of gossip.
	ErrConsensus = errors.New("gossip spreads facts and cannot decide between writers; " +
		"for compare-and-swap, locks or leaders use a Raft or Paxos system (etcd, Consul, ZooKeeper)")
)

// Why a contact did not let a node join. Beside these a join fails with the
// error of its dial, and with the [seal.Reason] of its handshake: wrong_cluster
// and unknown_key are those of a wrong ring.
var (
	// ErrFull: the contact has no room for another member.
	ErrFull = errors.New("member table of the contact is full")
	// ErrNoAnswer: the contact accepted a stream and did not complete the join.
	ErrNoAnswer = errors.New("no answer in time")
	// ErrSelf: the address is that of the joining node itself.
	ErrSelf = errors.New("address of this very node")
	// ErrNoAddress: a contact's name has no address.
	ErrNoAddress = errors.New("name has no address")
)

// What [Node.Broadcast] and [Node.Query] refuse; see there.
var (
	// ErrTopic: a topic is empty or longer than 128 bytes.
	ErrTopic = broadcast.ErrTopic
	// ErrSize: the payload, or the answer, is over its limit.
	ErrSize = broadcast.ErrSize
	// ErrBackpressure: too much of this node is on its way already. Try again
	// when a receipt is done.
	ErrBackpressure = broadcast.ErrBackpressure
	// ErrFilter: a filter has too many conditions, or too long ones.
	ErrFilter = broadcast.ErrFilter
	// ErrExpired: a question was not asked here, or its asker waits no more.
	ErrExpired = broadcast.ErrExpired
)

// What [Meta] refuses; see there.
var (
	// ErrKey: a key is empty or longer than 256 bytes.
	ErrKey = store.ErrKey
	// ErrValue: a value is longer than 64 KiB.
	ErrValue = store.ErrValue
	// ErrKeys: the node has 1,024 keys already.
	ErrKeys = store.ErrKeys
	// ErrUnknownKey: the node has no such key.
	ErrUnknownKey = store.ErrUnknown
)

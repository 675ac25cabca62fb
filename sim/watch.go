package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Watcher sees a run as it happens, in order, from the goroutine that runs the
// cluster. It may read machines and must not step them.
type Watcher interface {
	// Started says that a node runs in a new epoch.
	Started(node int, now time.Duration, epoch member.Epoch)
	// Stopping says that a node is about to be killed; its machine may be read
	// for the last time.
	Stopping(node int, now time.Duration)
	// Stepped shows what a step of a node asked for: its packets before they
	// meet the network, and its events. The output is valid during the call.
	Stepped(node int, now time.Duration, out *core.Output)
}

// Listener is a [Watcher] that wants to know of payloads, too.
type Listener interface {
	// Receiving shows a payload that a node is about to be given; a call of
	// Stepped follows.
	Receiving(node int, now time.Duration, from int, payload []byte)
}

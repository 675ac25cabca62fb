package hearsay

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/view"
)

// Progress is how far a message came; see [view.Progress].
type Progress = view.Progress

// Receipt tells the publisher of a message how far it came. What its members
// have got is summed up on the way back, so that it costs a packet or two, not
// one for each. Its methods are safe for concurrent use.
type Receipt struct {
	id    MessageID
	begun core.Time
	done  chan struct{}

	mu       sync.Mutex
	progress Progress
}

// ID returns the identity of the message.
func (r *Receipt) ID() MessageID { return r.id }

// Progress returns how far the message has come as of now.
func (r *Receipt) Progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

// Done is closed when no more news will come: [Progress.Done] is set then, or
// the node has stopped.
func (r *Receipt) Done() <-chan struct{} { return r.done }

// Wait waits for the end of the news and returns them. If the context ends
// first, or the node stops, the error is that of the context or [ErrClosed], and
// the progress is what is known so far.
func (r *Receipt) Wait(ctx context.Context) (Progress, error) {
	var err error
	select {
	case <-r.done:
		if p := r.Progress(); p.Done {
			return p, nil
		}
		err = ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	return r.Progress(), fmt.Errorf("receipt: %w", err)
}

// begin starts the clock of a receipt.
func (r *Receipt) begin(now core.Time) { r.begun = now }

// update takes news; the driver calls it.
func (r *Receipt) update(now core.Time, reached int, done bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Reached, r.progress.Done = reached, done
	r.progress.Elapsed = now.Sub(r.begun)
}

// track keeps a receipt until it is done, which it may be already.
func (d *driver) track(r *Receipt, seq uint64, live int) {
	r.id = MessageID{Origin: d.id, Epoch: uint64(d.machine.Member(0).Claim.Epoch), Seq: seq}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Live = live
	r.progress.Reached = max(r.progress.Reached, 1)
	if r.progress.Done {
		return
	}
	if former := d.receipts[seq]; former != nil { // of an epoch that had to end
		former.update(d.now(), former.Progress().Reached, true)
		close(former.done)
	}
	d.receipts[seq] = r
}

// onReceipt takes the news of a message: one of those that are tracked or, while
// it is being published, that one.
func (d *driver) onReceipt(e *core.Event) {
	if e.Done {
		d.node.admission.open()
	}
	r := d.receipts[e.Seq]
	if r == nil {
		r = d.publishing
	}
	if r == nil {
		return
	}
	r.update(d.now(), e.Count, e.Done)
	if e.Done {
		delete(d.receipts, e.Seq)
		close(r.done)
	}
}

// endReceipts tells those who wait that no more news will come.
func (d *driver) endReceipts() {
	for _, r := range d.receipts {
		close(r.done)
	}
	clear(d.receipts)
}

// since returns the time that has passed since the message was published.
func (r *Receipt) since(now core.Time) time.Duration { return now.Sub(r.begun) }

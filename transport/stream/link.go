package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/internal/backoff"
)

// keepBatch is how much buffer an idle link keeps, in bytes: an ordinary
// round. After a burst the rest goes back to the heap.
const keepBatch = 4 << 10

// link is the sending side towards one peer. Its goroutine owns the connection
// and lives until the link was idle for Config.Idle or made room for another.
type link struct {
	peer netip.AddrPort
	wake chan struct{} // has room for one: the queue is not empty
	gone chan struct{} // closed when evicted

	// Guarded by Transport.mu.
	queue   []byte // frames; ≤ Config.Queue bytes
	waiting int    // frames in queue
	busy    bool   // the goroutine connects or writes
	used    uint64 // Transport.sends at the last Send: the least is idle for longest
	retry   backoff.Delay
	resume  time.Time // no attempt before it
	cause   error     // of the last failure; nil after a success
}

// outbound is a connection that carries datagrams to a peer.
type outbound struct {
	net.Conn
	closedByPeer func() bool
}

// enqueue appends packet to the queue of its peer, with a new link if need be.
func (t *Transport) enqueue(to netip.AddrPort, packet []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.ended(); err != nil {
		return err
	}
	l, err := t.linkTo(to)
	if err != nil {
		return err
	}
	t.sends++
	l.used = t.sends
	if l.cause != nil && time.Now().Before(l.resume) {
		return fmt.Errorf("%w: %w", ErrUnreachable, l.cause)
	}
	if len(l.queue)+headerSize+len(packet) > t.config.Queue {
		return transport.ErrQueueFull
	}
	l.queue = appendFrame(l.queue, packet)
	l.waiting++
	select {
	case l.wake <- struct{}{}:
	default: // it has been told already
	}
	return nil
}

// linkTo returns the link to a peer. t.mu is held.
func (t *Transport) linkTo(peer netip.AddrPort) (*link, error) {
	if l := t.links[peer]; l != nil {
		return l, nil
	}
	if len(t.links) >= t.config.Peers && !t.evict() {
		return nil, ErrBusy
	}
	l := &link{
		peer:  peer,
		wake:  make(chan struct{}, 1),
		gone:  make(chan struct{}),
		retry: backoff.Delay{Min: retryMin, Max: retryMax},
	}
	t.links[peer] = l
	t.workers.Go(func() { t.run(l) })
	return l, nil
}

// evict ends the link that is idle for longest, if any is idle. t.mu is held.
func (t *Transport) evict() bool {
	var oldest *link
	for _, l := range t.links {
		if !l.busy && l.waiting == 0 && (oldest == nil || l.used < oldest.used) {
			oldest = l
		}
	}
	if oldest == nil {
		return false
	}
	delete(t.links, oldest.peer)
	close(oldest.gone)
	return true
}

// run writes what is queued on l, batch by batch.
func (t *Transport) run(l *link) {
	var conn *outbound // nil: not connected
	var batch []byte
	idle := time.NewTimer(t.config.Idle)
	defer idle.Stop()
	for t.await(l, idle.C) {
		var frames int
		var err error
		if batch, frames = t.take(l, batch); frames == 0 {
			continue // woken for what was lost with a failure
		}
		conn, err = t.flush(conn, l.peer, batch)
		t.settle(l, frames, err)
		if cap(batch) > keepBatch {
			batch = nil
		}
		idle.Reset(t.config.Idle)
	}
	t.hangUp(conn)
}

// await waits for something to send and reports false when l has ended.
func (t *Transport) await(l *link, idle <-chan time.Time) bool {
	select {
	case <-l.wake:
		return true
	case <-idle:
		return !t.retire(l)
	case <-l.gone:
		return false
	case <-t.closed.Done():
		t.abandon(l)
		return false
	}
}

// retire removes l unless something was queued in the last moment.
func (t *Transport) retire(l *link) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.waiting > 0 {
		return false
	}
	if t.links[l.peer] == l { // not evicted meanwhile
		delete(t.links, l.peer)
	}
	return true
}

// abandon counts what l had queued as lost.
func (t *Transport) abandon(l *link) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counters.Lost.Add(uint64(l.waiting))
	l.queue, l.waiting = nil, 0
}

// take exchanges the queue for an empty buffer.
func (t *Transport) take(l *link, buffer []byte) (batch []byte, frames int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	batch, frames = l.queue, l.waiting
	l.queue, l.waiting, l.busy = buffer[:0], 0, frames > 0
	return batch, frames
}

// settle records how a batch went. After a failure, what was queued meanwhile
// is lost with it: it would be stale after the wait, and the peer that the
// packets were meant for may be another process by then.
func (t *Transport) settle(l *link, frames int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.busy, l.cause = false, err
	if err == nil {
		l.retry.Reset()
		return
	}
	t.counters.Lost.Add(uint64(frames + l.waiting))
	l.queue, l.waiting = nil, 0
	// Spread over a quarter, lest a cluster knock at a restarted node at once.
	delay := l.retry.Next()
	l.resume = time.Now().Add(delay - rand.N(delay/4))
}

// revive lets the next Send to a peer connect at once: the peer has just
// connected to us, so it is there.
func (t *Transport) revive(peer netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.links[peer]; l != nil && !l.busy {
		l.cause = nil
		l.retry.Reset()
	}
}

// flush writes batch on conn or, if that is nil or was closed by the peer, on
// a new connection. It returns the connection to use next; nil after an error.
func (t *Transport) flush(conn *outbound, peer netip.AddrPort, batch []byte) (*outbound, error) {
	if conn != nil && conn.closedByPeer() {
		t.hangUp(conn)
		conn = nil
	}
	var err error
	if conn == nil {
		if conn, err = t.connect(peer); err != nil {
			return nil, err
		}
	}
	if err = conn.SetWriteDeadline(time.Now().Add(t.config.WriteTimeout)); err == nil {
		_, err = conn.Write(batch)
	}
	if err != nil {
		t.hangUp(conn) // perhaps within a frame: of no use any more
		return nil, err
	}
	return conn, nil
}

// connect opens a connection that carries datagrams.
func (t *Transport) connect(peer netip.AddrPort) (*outbound, error) {
	ctx, cancel := context.WithTimeout(t.closed, t.config.DialTimeout)
	defer cancel()
	conn, err := t.open(ctx, peer, appendOpening(nil, t.Addr().Port()))
	if err != nil {
		return nil, err
	}
	if !t.adopt(conn) {
		_ = conn.Close() // the transport has closed: nobody waits for it
		return nil, net.ErrClosed
	}
	return &outbound{Conn: conn, closedByPeer: watch(conn)}, nil
}

func (t *Transport) hangUp(conn *outbound) {
	if conn != nil {
		t.disown(conn.Conn)
		_ = conn.Close() // datagrams are best effort: what is lost is lost
	}
}

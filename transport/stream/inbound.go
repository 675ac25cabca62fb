package stream

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/transport/internal/tcp"
)

// inbound is a connection that brings datagrams. Its goroutine reads a frame,
// offers itself to Receive, and leaves packet alone until it was taken.
type inbound struct {
	from   netip.AddrPort
	packet []byte        // lies in the connection's buffer
	taken  chan struct{} // has room for one, so that Receive never waits
}

// serve accepts connections until the listener ends.
func (t *Transport) serve() {
	for {
		conn, err := t.endpoint.Accept()
		if err != nil {
			t.shut(err) // no effect after Close
			t.closeConns()
			return
		}
		if !t.admit(conn) {
			t.counters.Refused.Add(1)
			_ = conn.Close() // the peer will notice; we have counted
			continue
		}
		t.workers.Go(func() { t.welcome(conn) })
	}
}

// admit registers a connection of a peer, unless there are too many.
func (t *Transport) admit(conn net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed.Err() != nil || t.serving >= t.config.Inbound {
		return false
	}
	t.conns[conn] = struct{}{}
	t.serving++
	return true
}

// dismiss ends what admit began, without closing the connection.
func (t *Transport) dismiss(conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, conn)
	t.serving--
}

// welcome finds out what a connection is for and serves it to its end.
func (t *Transport) welcome(conn net.Conn) {
	err := conn.SetReadDeadline(time.Now().Add(t.config.DialTimeout))
	if err == nil {
		var kind byte
		if kind, err = readKind(conn); err == nil {
			switch kind {
			case kindStream:
				t.handOver(conn)
				return
			case kindDatagrams:
				err = t.receiveFrom(conn)
			default:
				err = errMalformed
			}
		}
	}
	if errors.Is(err, errMalformed) {
		t.counters.Refused.Add(1)
	}
	t.dismiss(conn)
	_ = conn.Close() // it has ended one way or another
}

// handOver gives a stream to the caller of Accept.
func (t *Transport) handOver(conn net.Conn) {
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.dismiss(conn)
		_ = conn.Close() // it is unusable already
		return
	}
	// While it waits it counts as served, but is no longer ours to close: Close
	// must not reach a stream that Accept has returned.
	defer t.dismiss(conn)
	t.disown(conn)
	select {
	case t.streams <- conn:
	case <-t.closed.Done():
		_ = conn.Close() // nobody will accept it
	}
}

// receiveFrom reads frames until the connection ends, and says why it did.
func (t *Transport) receiveFrom(conn net.Conn) error {
	from, err := readPort(conn, tcp.AddrPort(conn.RemoteAddr()).Addr())
	if err != nil {
		return err
	}
	t.revive(from)
	in := &inbound{from: from, taken: make(chan struct{}, 1)}
	frames := newFrameReader(conn)
	for {
		if in.packet, err = t.nextPacket(conn, frames); err != nil {
			return err
		}
		select {
		case t.packets <- in:
			<-in.taken
		case <-t.closed.Done():
			t.counters.Lost.Add(1)
			return context.Cause(t.closed)
		}
		if err := dropFrame(frames, in.packet); err != nil {
			return err
		}
	}
}

// nextPacket waits for a whole frame. The dialer closes an idle connection; in
// case it is gone without a word, this side does after twice the time.
func (t *Transport) nextPacket(conn net.Conn, frames *bufio.Reader) ([]byte, error) {
	if !holdsFrame(frames) {
		if err := conn.SetReadDeadline(time.Now().Add(2 * t.config.Idle)); err != nil {
			return nil, err
		}
	}
	return peekFrame(frames)
}

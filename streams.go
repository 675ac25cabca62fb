package hearsay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Bounds of the stream lane.
const (
	// streamInboundMax is how many streams of others are served at once. A
	// thousand joiners take turns: what waits is in the backlog of the system.
	streamInboundMax = 128
	// streamDialledMax is how many streams this node keeps to others, those being
	// dialled included. It talks to a few random members a second and keeps each
	// stream for streamIdle.
	streamDialledMax = 128
	// streamPeerMax is how many streams one peer may have here: one of each
	// direction, and as many again from before its restart.
	streamPeerMax = 4
	// streamQueueMax bounds the control that waits for one peer: the whole view of
	// 16,384 members with 3.5 KiB of facts each. They are of use to a joiner
	// only if none is missing.
	streamQueueMax = 64 << 20
	// streamQueueAllMax bounds the bytes that wait for all peers.
	streamQueueAllMax = 256 << 20

	// streamDialTimeout bounds dial and handshake.
	streamDialTimeout = seal.HandshakeTimeout
	// streamIdle is after how long without a byte the side that dialled closes a
	// stream. An exchange is over in a few round trips; to keep each stream
	// longer would mean one to every member in a large cluster.
	streamIdle = 3 * time.Second
	// streamIdleAccepted is the same for the other side: later, so that it does
	// not close what the dialler is about to use.
	streamIdleAccepted = 2 * streamIdle
	// streamIdleJoin is how long a contact may think about a join; the core
	// gives up after as long.
	streamIdleJoin = 10 * time.Second
	// streamChunk is what must pass in the idle time for a stream to count as
	// moving: 4 KiB a second.
	streamChunk = 12 << 10
	// streamEvictIdle is how long a stream must have rested before it is closed
	// to make room for another.
	streamEvictIdle = 250 * time.Millisecond
	// streamAdmitRetry is how often a full lane looks for room.
	streamAdmitRetry = 20 * time.Millisecond
)

// streams is the stream lane: proven connections to peers, opened when there is
// something to send, shared by both directions, closed when idle.
type streams struct {
	node  *Node
	proof *seal.Streams

	mu      sync.Mutex // never held while waiting
	closed  bool
	links   []*link
	dialled map[destination]*link
	peers   map[member.NodeID][]*link // open ones, oldest first
	queued  int                       // bytes in all queues
	inbound int                       // accepted, the unproven included
	opened  uint64
}

// destination is what was asked for when a link was dialled. The zero ID is
// whoever answers.
type destination struct {
	to   member.NodeID
	addr netip.AddrPort
}

func newStreams(n *Node, proof *seal.Streams) *streams {
	return &streams{
		node: n, proof: proof,
		dialled: make(map[destination]*link), peers: make(map[member.NodeID][]*link),
	}
}

// send queues one payload of the core as a frame.
func (s *streams) send(p *core.Packet) {
	frame := make([]byte, 0, wire.FrameHeaderSize+len(p.Payload))
	frame = append(wire.AppendFrameHeader(frame, len(p.Payload)), p.Payload...)
	class := classOf(p.Payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.linkTo(destination{p.To, p.Addr})
	switch {
	case l == nil:
		s.node.drops.add(dropStreamLimit)
	case !l.queue.room(class, len(frame)) || s.queued+len(frame) > streamQueueAllMax:
		s.node.drops.add(dropStreamQueue)
	default:
		l.enqueue(class, frame)
	}
}

// linkTo returns the link by which a destination is reached, dialling one if
// there is none; nil if there may be no more.
func (s *streams) linkTo(to destination) *link {
	if open := s.peers[to.to]; len(open) > 0 {
		return open[len(open)-1]
	}
	if l := s.dialled[to]; l != nil {
		return l
	}
	if s.closed || len(s.dialled) >= streamDialledMax && !s.evict(true) {
		return nil
	}
	l := &link{lane: s, to: to, dialled: true, addr: to.addr, idleAfter: streamIdle}
	if to.to.IsZero() {
		l.idleAfter = streamIdleJoin
	}
	s.dialled[to] = l
	s.links = append(s.links, l)
	s.node.running.Go(func() { s.dial(l) })
	return l
}

// dial opens a link and reads from it until it ends.
func (s *streams) dial(l *link) {
	if err := s.connect(l); err != nil {
		s.node.drops.refused(err)
		s.node.log.streamFailed(l.addr, err)
		lost := l.close()
		s.node.drops.addSome(dropStreamDial, lost)
		s.node.post(func(d *driver) { d.unreachable(l.addr, err) })
		return
	}
	err := l.read()
	s.node.drops.addSome(dropStreamLost, l.close())
	if l.to.to.IsZero() {
		s.node.post(func(d *driver) { d.unreachable(l.addr, fmt.Errorf("%w: %w", ErrNoAnswer, err)) })
	}
}

func (s *streams) connect(l *link) error {
	ctx, cancel := context.WithTimeout(s.node.ctx, streamDialTimeout)
	defer cancel()
	raw, err := s.node.transport.Dial(ctx, l.addr)
	if err != nil {
		return fmt.Errorf("dial %s: %w", l.addr, err)
	}
	conn, err := s.proof.Client(ctx, raw, l.to.to)
	if err != nil {
		return fmt.Errorf("%s: %w", l.addr, err)
	}
	if conn.Peer() == s.node.id {
		_ = raw.Close() // our own other end
		return fmt.Errorf("%s: %w", l.addr, ErrSelf)
	}
	if !l.open(conn, raw) {
		_ = raw.Close() // the lane is closing
		return net.ErrClosed
	}
	return nil
}

// accept serves the streams that peers open.
func (s *streams) accept() {
	for {
		raw, err := s.node.transport.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.node.fail(fmt.Errorf("accept streams: %w", err))
			}
			return
		}
		if !s.admit() {
			_ = raw.Close() // the node is stopping
			return
		}
		s.node.running.Go(func() { s.serve(raw) })
	}
}

// admit waits until one more stream may be served; false means that the node is
// stopping.
func (s *streams) admit() bool {
	for {
		s.mu.Lock()
		room := s.inbound < streamInboundMax || s.evict(false)
		if room {
			s.inbound++
		}
		s.mu.Unlock()
		if room {
			return true
		}
		select {
		case <-time.After(streamAdmitRetry):
		case <-s.node.ctx.Done():
			return false
		}
	}
}

// serve proves one stream and reads from it until it ends.
func (s *streams) serve(raw net.Conn) {
	defer func() {
		s.mu.Lock()
		s.inbound--
		s.mu.Unlock()
	}()
	from := remote(raw)
	conn, err := s.proof.Server(s.node.ctx, raw)
	if err != nil {
		s.node.drops.refused(err)
		s.node.log.streamFailed(from, err)
		return
	}
	l := &link{lane: s, addr: from, idleAfter: streamIdleAccepted}
	if conn.Peer() == s.node.id || !l.open(conn, raw) {
		_ = raw.Close() // our own other end, or the lane is closing
		return
	}
	_ = l.read() // how a peer's stream ends says nothing
	s.node.drops.addSome(dropStreamLost, l.close())
}

func remote(conn net.Conn) netip.AddrPort {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		a := tcp.AddrPort()
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return netip.AddrPort{}
}

// evict closes the open link of a direction that has rested longest, and
// reports whether there was one. The caller holds mu.
func (s *streams) evict(dialled bool) bool {
	var oldest *link
	for _, l := range s.links {
		if l.dialled == dialled && l.conn != nil && !l.writing && !l.handing && (oldest == nil || l.used.Before(oldest.used)) {
			oldest = l
		}
	}
	if oldest == nil || time.Since(oldest.used) < streamEvictIdle {
		return false
	}
	s.remove(oldest)
	return true
}

// remove takes a link out and ends its reader. The caller holds mu.
func (s *streams) remove(l *link) {
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	if l.raw != nil {
		_ = l.raw.Close() // its reader returns; there is no one to tell
	}
	if i := slices.Index(s.links, l); i >= 0 {
		s.links = slices.Delete(s.links, i, i+1)
	}
	if l.dialled && s.dialled[l.to] == l {
		delete(s.dialled, l.to)
	}
	rest := slices.DeleteFunc(s.peers[l.peer], func(other *link) bool { return other == l })
	if len(rest) == 0 {
		delete(s.peers, l.peer)
	} else {
		s.peers[l.peer] = rest
	}
}

// close ends every link and lets none open.
func (s *streams) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for len(s.links) > 0 {
		s.remove(s.links[0])
	}
}

// numbers returns how many streams were ever opened and how many are open.
func (s *streams) numbers() (opened, open uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l.conn != nil {
			open++
		}
	}
	return s.opened, open
}

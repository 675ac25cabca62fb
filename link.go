package hearsay

import (
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/wire"
)

// link is one stream to a peer. A goroutine reads from it while it is open,
// another writes while something is queued. Fields after the blank line, and the
// setting of those before it, are guarded by the lane's lock.
type link struct {
	lane    *streams
	dialled bool
	to      destination // of a dialled link
	addr    netip.AddrPort
	conn    *seal.Conn // nil until it is proven, then it stays
	raw     net.Conn
	peer    member.NodeID

	idleAfter time.Duration
	timer     *time.Timer // closes the link when nothing has moved for idleAfter
	used      time.Time   // when something moved last
	queue     frameQueue
	writing   bool // a goroutine empties the queue
	handing   bool // a frame waits for the driver
	closed    bool
}

// frame is one payload of a stream on its way to the driver.
type frame struct {
	from    core.Peer
	payload []byte
}

// open makes a proven connection of a link usable; false means that it came too
// late.
func (l *link) open(conn *seal.Conn, raw net.Conn) bool {
	s := l.lane
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.closed || s.closed {
		return false
	}
	l.conn, l.raw, l.peer, l.used = conn, raw, conn.Peer(), time.Now()
	if !l.dialled {
		s.links = append(s.links, l)
	}
	if others := s.peers[l.peer]; len(others) >= streamPeerMax {
		s.node.drops.add(dropStreamLimit)
		s.remove(others[0])
	}
	s.peers[l.peer] = append(s.peers[l.peer], l)
	s.opened++
	l.timer = time.AfterFunc(l.idleAfter, l.expire)
	if l.queue.len() > 0 {
		l.startWriting()
	}
	return true
}

// expire closes a link on which nothing has moved, unless that is this node's
// own fault.
func (l *link) expire() {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	if l.handing && !l.closed {
		l.timer.Reset(l.idleAfter)
		return
	}
	l.lane.remove(l)
}

// end closes a link that is broken; its reader sees to the rest.
func (l *link) end() {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	l.lane.remove(l)
}

// hand gives a frame to the driver; false means that the node is stopping.
// Meanwhile the link is not idle, however long the driver takes.
func (l *link) hand(f frame) bool {
	l.setHanding(true)
	defer l.setHanding(false)
	select {
	case l.lane.node.frames <- f:
		return true
	case <-l.lane.node.ctx.Done():
		return false
	}
}

func (l *link) setHanding(handing bool) {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	l.handing, l.used = handing, time.Now()
}

// close ends a link and returns how many frames are lost with it. Doing so
// again does nothing.
func (l *link) close() (lost int) {
	s := l.lane
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(l)
	lost = l.queue.len()
	s.queued -= l.queue.bytes()
	l.queue = frameQueue{}
	return lost
}

// moved notes that bytes have passed.
func (l *link) moved() {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	if l.closed {
		return
	}
	l.used = time.Now()
	l.timer.Reset(l.idleAfter)
}

// answered ends the patience with a contact that had to think about a join.
func (l *link) answered() {
	l.lane.mu.Lock()
	defer l.lane.mu.Unlock()
	if l.dialled {
		l.idleAfter = streamIdle
	}
}

// enqueue adds a frame. The caller holds the lane's lock.
func (l *link) enqueue(class frameClass, frame []byte) {
	l.queue.push(class, frame)
	l.lane.queued += len(frame)
	if l.conn != nil && !l.writing {
		l.startWriting()
	}
}

func (l *link) startWriting() {
	l.writing = true
	l.lane.node.running.Go(l.write)
}

// write empties the queue. A link whose writes fail is ended, and its reader
// sees to what is left.
func (l *link) write() {
	for {
		f, ok := l.nextFrame()
		if !ok {
			return
		}
		if err := l.writeFrame(f); err != nil {
			l.lane.node.drops.add(dropStreamLost)
			l.end()
			return
		}
		l.lane.node.traffic.framesSent.Add(1)
		l.lane.node.traffic.streamBytesSent.Add(uint64(len(f)))
	}
}

func (l *link) writeFrame(f []byte) error {
	for chunk := range slices.Chunk(f, streamChunk) {
		if _, err := l.conn.Write(chunk); err != nil {
			return err
		}
		l.moved()
	}
	return nil
}

// nextFrame takes a frame out of the queue; false means that the writer ends.
func (l *link) nextFrame() ([]byte, bool) {
	s := l.lane
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.closed || l.queue.len() == 0 {
		l.writing = false
		return nil, false
	}
	f := l.queue.pop()
	s.queued -= len(f)
	return f, true
}

// read hands every frame to the driver until the link ends, and returns why.
func (l *link) read() error {
	n := l.lane.node
	var header [wire.FrameHeaderSize]byte
	for {
		if err := l.fill(header[:]); err != nil {
			return err
		}
		l.answered()
		size, err := wire.FrameLength(header[:])
		if err != nil {
			n.drops.add(dropFrame)
			return err
		}
		payload, err := l.payload(size)
		if err != nil {
			return err
		}
		n.traffic.framesReceived.Add(1)
		n.traffic.streamBytesReceived.Add(uint64(wire.FrameHeaderSize + size))
		if !l.hand(frame{core.Peer{ID: l.peer, Addr: l.addr, Lane: core.Stream}, payload}) {
			return net.ErrClosed
		}
	}
}

// payload reads as many bytes as a header promised. Beyond what senders aim at
// (with a message more), memory grows with what arrives, not with the promise.
func (l *link) payload(size int) ([]byte, error) {
	b := make([]byte, 0, min(size, 2*wire.FrameTarget))
	for len(b) < size {
		have := len(b)
		part := min(size-have, streamChunk)
		b = slices.Grow(b, part)[:have+part]
		if err := l.fill(b[have:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (l *link) fill(b []byte) error {
	if _, err := io.ReadFull(l.conn, b); err != nil {
		return err
	}
	l.moved()
	return nil
}

package main

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// stream is one end of a connection in virtual time. Writes are buffered
// without bound, as by a kernel whose buffers suffice, and arrive after the
// latency of the connection. A write of a held node waits.
type stream struct {
	owner     *memberlists
	from, to  int
	latency   time.Duration
	in        *half // what the other end wrote
	out       *half
	localAddr net.Addr
	peerAddr  net.Addr
}

// newStreams returns both ends of a connection.
func newStreams(owner *memberlists, from, to int, latency time.Duration) (dialled, accepted *stream) {
	there, back := newHalf(owner), newHalf(owner)
	near, far := owner.places[from].tcp, owner.places[to].tcp
	return &stream{owner: owner, from: from, to: to, latency: latency, in: back, out: there, localAddr: near, peerAddr: far},
		&stream{owner: owner, from: to, to: from, latency: latency, in: there, out: back, localAddr: far, peerAddr: near}
}

// Read implements [net.Conn].
func (s *stream) Read(b []byte) (int, error) { return s.in.read(b) }

// Write implements [net.Conn]. Its deadline is not looked at: only a hold can
// delay a write, and holds end by themselves.
func (s *stream) Write(b []byte) (int, error) {
	s.owner.awaitRelease(s.from)
	s.owner.sent.stream(len(b))
	now := s.owner.Now()
	if at, lost := s.owner.net.carry(s.from, s.to, now, s.latency); !lost {
		if !s.out.write(b, at) {
			return 0, io.ErrClosedPipe
		}
	}
	return len(b), nil
}

// Close implements [net.Conn]: the other end reads what is under way, then EOF.
func (s *stream) Close() error {
	at, _ := s.owner.net.carry(s.from, s.to, s.owner.Now(), s.latency)
	s.out.finish(at)
	s.in.abandon()
	return nil
}

// LocalAddr implements [net.Conn].
func (s *stream) LocalAddr() net.Addr { return s.localAddr }

// RemoteAddr implements [net.Conn].
func (s *stream) RemoteAddr() net.Addr { return s.peerAddr }

// SetDeadline implements [net.Conn].
func (s *stream) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetReadDeadline implements [net.Conn].
func (s *stream) SetReadDeadline(t time.Time) error {
	s.in.setDeadline(t)
	return nil
}

// SetWriteDeadline implements [net.Conn].
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

// half is one direction of a connection.
type half struct {
	owner *memberlists
	wake  chan struct{} // holds one token when something has changed

	mu       sync.Mutex
	chunks   []chunk // in the order of their arrival
	last     time.Duration
	finished bool // the writer is done; chunks end with an empty one
	closed   bool // the reader is done
	deadline time.Time
}

type chunk struct {
	at   time.Duration
	data []byte // empty: the end
}

func newHalf(owner *memberlists) *half { return &half{owner: owner, wake: make(chan struct{}, 1)} }

func (h *half) write(b []byte, at time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.finished || h.closed {
		return false
	}
	h.push(chunk{at, append([]byte(nil), b...)})
	return true
}

func (h *half) finish(at time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.finished {
		h.finished = true
		h.push(chunk{at: at})
	}
}

func (h *half) push(c chunk) {
	h.last = max(h.last, c.at)
	c.at = h.last
	h.chunks = append(h.chunks, c)
	h.signal()
}

func (h *half) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.signal()
}

func (h *half) setDeadline(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deadline = t
	h.signal()
}

func (h *half) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// read waits for what has arrived, the end, the deadline or a close.
func (h *half) read(b []byte) (int, error) {
	for {
		n, pause, err := h.take(b)
		if pause == 0 {
			return n, err
		}
		if pause < 0 {
			<-h.wake
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-h.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take reads without waiting. A pause says how long to wait before the next
// try; a negative one, until something changes.
func (h *half) take(b []byte) (n int, pause time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.owner.Now()
	pause = -1
	if len(h.chunks) > 0 {
		pause = h.chunks[0].at - now
	}
	var left time.Duration
	if !h.deadline.IsZero() {
		left = time.Until(h.deadline)
	}
	switch {
	case h.closed:
		return 0, 0, io.ErrClosedPipe
	case !h.deadline.IsZero() && left <= 0:
		return 0, 0, os.ErrDeadlineExceeded
	case len(h.chunks) > 0 && pause <= 0:
		first := &h.chunks[0]
		if len(first.data) == 0 {
			return 0, 0, io.EOF
		}
		n = copy(b, first.data)
		if first.data = first.data[n:]; len(first.data) == 0 {
			h.chunks = h.chunks[1:]
		}
		return n, 0, nil
	case !h.deadline.IsZero() && (pause < 0 || left < pause):
		return 0, left, nil
	}
	return 0, pause, nil
}

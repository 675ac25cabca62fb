package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/internal/tcp"
)

// What Send returns beside the errors of [transport.Transport].
var (
	// ErrUnreachable wraps why the last connection to a peer failed, while
	// the next attempt is not yet due.
	ErrUnreachable = errors.New("peer is unreachable")
	// ErrBusy means that Config.Peers connections are open and all have
	// something to send.
	ErrBusy = errors.New("too many peers at once")
)

// Endpoint is what connections are made of: the listener and dialer of one
// address, as [transport.Transport] has them.
type Endpoint interface {
	Addr() netip.AddrPort
	Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	Accept() (net.Conn, error)
	Close() error
}

// Transport is a listener and its connections; see [transport.Transport].
type Transport struct {
	config   Config
	endpoint Endpoint
	counters *transport.Counters

	packets chan *inbound // readers of connections hand over to Receive
	streams chan net.Conn // and openings to Accept
	workers sync.WaitGroup

	closed context.Context // ends at Close, or when the listener breaks: see its cause
	shut   context.CancelCauseFunc

	mu      sync.Mutex // never held while waiting
	links   map[netip.AddrPort]*link
	conns   map[net.Conn]struct{} // those that Close must close
	serving int                   // how many of conns were dialled by others, and streams not yet accepted
	sends   uint64                // calls of Send that found or made a link
}

// Listen opens a transport at bind, "host:port", with the default [Config].
// Port 0 takes a free one. An address in use is syscall.EADDRINUSE to
// [errors.Is] on every system.
func Listen(ctx context.Context, bind string) (*Transport, error) {
	return Config{}.Listen(ctx, bind)
}

// Listen is [Listen] with c.
func (c Config) Listen(ctx context.Context, bind string) (*Transport, error) {
	c, err := c.filled()
	if err != nil {
		return nil, fmt.Errorf("stream transport: %w", err)
	}
	counters := new(transport.Counters)
	endpoint, err := tcp.Listen(ctx, bind, counters)
	if err != nil {
		return nil, fmt.Errorf("stream transport: %w", err)
	}
	return c.over(endpoint, counters), nil
}

// Over opens a transport on the streams of endpoint, which it owns from then
// on: Close closes it. A mem.Transport as endpoint puts all of this package
// into virtual time.
func (c Config) Over(endpoint Endpoint) (*Transport, error) {
	c, err := c.filled()
	if err != nil {
		return nil, fmt.Errorf("stream transport: %w", err)
	}
	return c.over(endpoint, new(transport.Counters)), nil
}

func (c Config) over(endpoint Endpoint, counters *transport.Counters) *Transport {
	t := &Transport{
		config:   c,
		endpoint: endpoint,
		counters: counters,
		packets:  make(chan *inbound),
		streams:  make(chan net.Conn),
		links:    make(map[netip.AddrPort]*link),
		conns:    make(map[net.Conn]struct{}),
	}
	t.closed, t.shut = context.WithCancelCause(context.Background())
	t.workers.Go(t.serve)
	return t
}

// Addr returns where the transport listens; see [transport.Transport].
func (t *Transport) Addr() netip.AddrPort { return t.endpoint.Addr() }

// Stats returns what was counted; see [transport.Counting].
func (t *Transport) Stats() transport.Stats { return t.counters.Stats() }

// Send queues one datagram; see [transport.Transport]. It never waits. Errors
// beyond those of every transport: [ErrUnreachable], [ErrBusy].
func (t *Transport) Send(to netip.AddrPort, packet []byte) error {
	err := transport.CheckSend(to, packet)
	if err == nil {
		err = t.enqueue(transport.Unmap(to), packet)
	}
	return t.counters.Send(len(packet), err)
}

// Receive waits for a datagram; see [transport.Transport].
func (t *Transport) Receive(buf []byte) (int, netip.AddrPort, error) {
	if err := t.ended(); err != nil {
		return 0, netip.AddrPort{}, err
	}
	select {
	case in := <-t.packets:
		from, copied := in.from, copy(buf, in.packet)
		n, err := t.counters.Receive(copied, copied < len(in.packet))
		in.taken <- struct{}{}
		return n, from, err
	case <-t.closed.Done():
		return 0, netip.AddrPort{}, context.Cause(t.closed)
	}
}

// Dial opens a stream; see [transport.Transport].
func (t *Transport) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if err := t.ended(); err != nil {
		return nil, err
	}
	return t.open(ctx, to, []byte{kindStream})
}

// Accept waits for a stream; see [transport.Transport].
func (t *Transport) Accept() (net.Conn, error) {
	if err := t.ended(); err != nil {
		return nil, err
	}
	select {
	case conn := <-t.streams:
		return conn, nil
	case <-t.closed.Done():
		return nil, context.Cause(t.closed)
	}
}

// Close closes the listener and every connection that carries datagrams; see
// [transport.Transport].
func (t *Transport) Close() error {
	t.shut(net.ErrClosed)
	err := t.endpoint.Close()
	t.closeConns()
	t.workers.Wait()
	return err
}

// ended returns why the transport has ended, or nil.
func (t *Transport) ended() error {
	if t.closed.Err() == nil {
		return nil
	}
	return context.Cause(t.closed)
}

// adopt makes conn one that Close closes, unless Close came first.
func (t *Transport) adopt(conn net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed.Err() != nil {
		return false
	}
	t.conns[conn] = struct{}{}
	return true
}

func (t *Transport) disown(conn net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, conn)
}

// closeConns closes them; after the transport has shut, none is adopted later.
func (t *Transport) closeConns() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for conn := range t.conns {
		_ = conn.Close() // whoever uses it gets the error
	}
}

// open dials and writes the first bytes, all within ctx.
func (t *Transport) open(ctx context.Context, to netip.AddrPort, opening []byte) (net.Conn, error) {
	conn, err := t.endpoint.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, t.config.DialTimeout, errOpening)
	defer cancel()
	// Whatever ends the attempt closes the connection, hence the write.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	stopToo := context.AfterFunc(t.closed, func() { _ = conn.Close() })
	_, err = conn.Write(opening)
	inTime, stillOpen := stop(), stopToo()
	switch {
	case inTime && stillOpen && err == nil:
		return conn, nil
	case !stillOpen:
		err = context.Cause(t.closed)
	case !inTime:
		err = context.Cause(ctx)
	}
	_ = conn.Close() // perhaps again; the error that matters is there
	return nil, fmt.Errorf("stream transport: open %s: %w", to, err)
}

var errOpening = errors.New("peer did not take the opening in time")

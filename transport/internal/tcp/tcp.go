// Package tcp is the stream half of the socket transports: one listener, and a
// dialer that speaks from the listener's IP.
package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/internal/backoff"
)

// Accept waits this long after a passing error: at first little, since one
// reset connection says nothing about the next, then up to a second, since a
// process without file descriptors must not also burn a core.
const (
	acceptRetryMin = 5 * time.Millisecond
	acceptRetryMax = time.Second
)

// Endpoint listens at one address and dials from it. Dial and Close may be
// called from any goroutine, Accept from one.
type Endpoint struct {
	listener net.Listener
	addr     netip.AddrPort
	dialer   net.Dialer
	counters *transport.Counters

	closed context.Context // ends at Close
	shut   context.CancelFunc
}

// Network returns the name that package net wants for bind: "tcp" or "udp"
// followed by "4" if the host is an IPv4 literal. Without the digit, 0.0.0.0
// would listen on IPv6 too, which is not what was asked for; "::" and an empty
// host take both families on purpose.
func Network(name, bind string) string {
	host, _, err := net.SplitHostPort(bind)
	if err != nil {
		return name
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		return name + "4"
	}
	return name
}

// Listen opens a listener at bind, "host:port". Troubles of Accept are counted
// in counters. An address in use is syscall.EADDRINUSE to [errors.Is] on every
// system.
func Listen(ctx context.Context, bind string, counters *transport.Counters) (*Endpoint, error) {
	// Package net looks at ctx only while it resolves a name.
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("listen %s %s: %w", Network("tcp", bind), bind, err)
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, Network("tcp", bind), bind)
	if err != nil {
		return nil, ListenError(err)
	}
	return serve(listener, counters), nil
}

func serve(listener net.Listener, counters *transport.Counters) *Endpoint {
	e := &Endpoint{listener: listener, counters: counters}
	e.addr = AddrPort(listener.Addr())
	if ip := e.addr.Addr(); !ip.IsUnspecified() {
		// A peer takes the IP it sees for ours, so on a host with several it
		// must see the one that we listen on.
		e.dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0))
	}
	e.closed, e.shut = context.WithCancel(context.Background())
	return e
}

// ListenError adds the portable meaning to an error of listening. What package
// net says already names protocol and address.
func ListenError(err error) error {
	if Taken(err) && !errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w (%w)", err, syscall.EADDRINUSE)
	}
	return err
}

// AddrPort returns the normalised address of a TCP or UDP socket, or the zero
// value for another kind.
func AddrPort(addr net.Addr) netip.AddrPort {
	if a, ok := addr.(interface{ AddrPort() netip.AddrPort }); ok {
		return transport.Unmap(a.AddrPort())
	}
	return netip.AddrPort{}
}

// Addr returns where the listener is bound.
func (e *Endpoint) Addr() netip.AddrPort { return e.addr }

// Dial connects to a peer; see [transport.Transport].
func (e *Endpoint) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if err := transport.CheckAddress(to); err != nil {
		return nil, err
	}
	if e.closed.Err() != nil {
		return nil, net.ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.closed, cancel)()
	conn, err := e.dialer.DialContext(ctx, "tcp", transport.Unmap(to).String())
	if e.closed.Err() == nil {
		return conn, err
	}
	if err == nil {
		_ = conn.Close() // nobody has seen it: there is no one to tell
	}
	return nil, net.ErrClosed
}

// Accept waits for a connection; see [transport.Transport].
func (e *Endpoint) Accept() (net.Conn, error) {
	delay := backoff.Delay{Min: acceptRetryMin, Max: acceptRetryMax}
	for {
		conn, err := e.listener.Accept()
		switch {
		case err == nil:
			return conn, nil
		case e.closed.Err() != nil || errors.Is(err, net.ErrClosed):
			return nil, net.ErrClosed
		case !passing(err):
			return nil, err
		}
		e.counters.AcceptErrors.Add(1)
		if !backoff.Wait(e.closed, delay.Next()) {
			return nil, net.ErrClosed
		}
	}
}

// Close ends Accept and every Dial. Only the first call can return an error.
func (e *Endpoint) Close() error {
	e.shut()
	if err := e.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// HasPortZero reports whether bind leaves the port to the system.
func HasPortZero(bind string) bool {
	_, port, err := net.SplitHostPort(bind)
	return err == nil && strings.Trim(port, "0") == ""
}

// passing reports whether a later Accept may succeed after err.
func passing(err error) bool {
	return slices.ContainsFunc(passingErrnos, func(errno error) bool { return errors.Is(err, errno) })
}

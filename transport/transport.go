package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// MaxPacket is the largest datagram in bytes that a transport carries: what
// macOS sends by default (net.inet.udp.maxdgram), and seven times the size of
// an ordinary gossip packet (1,232 B). Larger ones would only make fragments,
// one lost fragment loses the datagram, and every receive buffer would have to
// be as large.
const MaxPacket = 9216

// What Send and Receive return about one datagram. None of them is about the
// transport itself: the next call may well succeed.
var (
	// ErrOversize is returned by Send for a packet above [MaxPacket], and by
	// Receive for a datagram larger than the buffer it was given.
	ErrOversize = errors.New("datagram is too large")
	// ErrEmpty is returned by Send for a packet without bytes, and by Receive
	// for such a datagram off the network. An empty datagram says nothing that
	// could be authenticated, and a stream cannot tell it from a keep-alive.
	ErrEmpty = errors.New("datagram is empty")
	// ErrQueueFull is returned by Send when the peer takes datagrams more
	// slowly than they are sent to it. The packet was dropped.
	ErrQueueFull = errors.New("send queue is full")
	// ErrAddress is returned by Send and Dial for an address without an IP or
	// without a port.
	ErrAddress = errors.New("not an address with a port")
)

// Transport is one node's place on a network.
//
// Send and Dial may be called from any goroutine, Receive and Accept from one
// goroutine each, Close from any. Every address in and out is normalised: an
// IPv4 address is never in its IPv6-mapped form, and an IPv6 zone is kept.
type Transport interface {
	// Addr is where peers reach this transport: one port number for datagrams
	// and streams. If it was bound to an unspecified address (0.0.0.0 or ::),
	// the IP is that, and the owner must choose which one to advertise.
	Addr() netip.AddrPort

	// Send sends packet, 1 to [MaxPacket] bytes, as one datagram. It keeps no
	// reference to packet and does not wait for the peer. A nil error means
	// that this machine accepted the datagram, no more. Errors: [ErrEmpty],
	// [ErrOversize], [ErrAddress], [ErrQueueFull], [net.ErrClosed] after
	// Close, and whatever the operating system says.
	Send(to netip.AddrPort, packet []byte) error

	// Receive waits for the next datagram, copies it into buf, and returns its
	// length and where it came from: the Addr of the peer that sent it, as far
	// as this side can see. A datagram that does not fit or has no bytes is
	// consumed and counted; it returns n = 0, the sender, and [ErrOversize] or
	// [ErrEmpty]: call Receive again. [net.ErrClosed] follows Close. Any other
	// error means that the transport is broken.
	Receive(buf []byte) (n int, from netip.AddrPort, err error)

	// Dial opens a byte stream to a peer. It gives up when ctx ends, with an
	// error that is ctx.Err() to [errors.Is], and with [net.ErrClosed] when
	// the transport closes. The stream belongs to the caller: Close of the
	// transport leaves it open.
	Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error)

	// Accept waits for a stream that a peer dialled. The stream belongs to
	// the caller; its RemoteAddr has the peer's IP but not its port. An error
	// is final: [net.ErrClosed] after Close, or the transport is broken.
	// Passing troubles (no file descriptor left, a connection reset in the
	// backlog) are waited out and counted.
	Accept() (net.Conn, error)

	// Close ends every call in progress and all later ones with
	// [net.ErrClosed], and returns when no goroutine of the transport is left.
	// Datagrams still queued are dropped. Closing again does nothing more.
	Close() error
}

// Unmap returns addr with an IPv4-mapped IPv6 address as plain IPv4, so that
// one peer has one address whatever kind of socket saw it.
func Unmap(addr netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// CheckSend returns the error that every transport owes a caller of Send
// before it touches the network: [ErrEmpty], [ErrOversize] or [ErrAddress].
func CheckSend(to netip.AddrPort, packet []byte) error {
	switch {
	case len(packet) == 0:
		return ErrEmpty
	case len(packet) > MaxPacket:
		return fmt.Errorf("%w: %d bytes, limit %d", ErrOversize, len(packet), MaxPacket)
	default:
		return CheckAddress(to)
	}
}

// CheckAddress returns [ErrAddress] unless addr has an IP and a port.
func CheckAddress(addr netip.AddrPort) error {
	if !addr.IsValid() || addr.Port() == 0 {
		return fmt.Errorf("%w: %s", ErrAddress, addr)
	}
	return nil
}

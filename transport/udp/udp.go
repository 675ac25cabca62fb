// Package udp is the transport of ordinary networks: UDP for datagrams, TCP
// for streams, on one port number.
//
// One system call moves one datagram. Batched calls and segmentation offload
// were measured and left out; docs/adr/0004-one-packet-per-call.md has the
// figures. Sending and receiving allocate nothing.
package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/internal/backoff"
	"github.com/hearsay-gossip/hearsay/transport/internal/tcp"
)

// portAttempts bounds the search for a port that is free for both protocols.
// The system hands out a free TCP port; an attempt fails if some program has
// the UDP port of that number. Were half of all UDP ports taken, 32 attempts
// would fail once in four thousand million.
const portAttempts = 32

// Receive waits this long when the system has no memory for packets: a moment
// first, and never so long that a healed host looks dead to its peers.
const (
	readRetryMin = time.Millisecond
	readRetryMax = 100 * time.Millisecond
)

// Config says how to open the sockets. The zero value is the default.
type Config struct {
	// ReceiveBuffer is the wanted size of the kernel's receive buffer in
	// bytes; 0 means [DefaultReceiveBuffer]. More survives a longer burst
	// while the node is busy and pins as much memory at worst; less drops
	// acks, which makes live nodes look dead. The kernel may grant less: see
	// [Transport.Buffers].
	ReceiveBuffer int
	// SendBuffer is the same for sending; 0 means [DefaultSendBuffer].
	SendBuffer int
}

// Default sizes of the kernel's buffers in bytes.
const (
	// DefaultReceiveBuffer lets 1,000 peers answer or join at once while the
	// node does something else for a moment. The kernel charges what a packet
	// occupies, not its payload: on Linux 6.18 loopback this holds 1,820
	// packets of 1,232 B or 5,041 of 100 B, and the system's own default 92 or
	// 256. Half would drop acks in a mass restart of 1,000 nodes; twice is
	// memory without a use, and above the limit of more systems.
	DefaultReceiveBuffer = 2 << 20
	// DefaultSendBuffer holds one push of 100 full packets to slow hardware.
	// A larger one would only let probes wait behind bulk.
	DefaultSendBuffer = 256 << 10
)

// Buffers are sizes of the kernel's buffers in bytes, as the system reports
// them. Linux reports (and uses) twice what was asked, to pay for bookkeeping.
type Buffers struct{ Receive, Send int }

// packetConn is the part of [net.UDPConn] that carries datagrams.
type packetConn interface {
	ReadMsgUDPAddrPort(b, oob []byte) (n, oobn, flags int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// Transport is a UDP socket and a TCP listener; see [transport.Transport].
type Transport struct {
	packets  packetConn
	patience patience
	streams  *tcp.Endpoint
	buffers  Buffers
	counters *transport.Counters

	kernelDrops func() uint64 // datagrams that found the receive buffer full
	closing     sync.Once
	closeErr    error
	closed      context.Context // ends at Close
	shut        context.CancelFunc
}

// Listen opens a transport at bind, "host:port", with the default [Config].
// Port 0 finds a port that is free for both protocols. An empty or unspecified
// host takes all addresses ("0.0.0.0" those of IPv4 only). A port in use is an
// error that names the protocol and address, and is syscall.EADDRINUSE to
// [errors.Is] on every system.
func Listen(ctx context.Context, bind string) (*Transport, error) {
	return Config{}.Listen(ctx, bind)
}

// Listen is [Listen] with c.
func (c Config) Listen(ctx context.Context, bind string) (*Transport, error) {
	c, err := c.filled()
	if err != nil {
		return nil, err
	}
	counters := new(transport.Counters)
	streams, conn, err := listenBoth(ctx, bind, counters, listenPackets)
	if err != nil {
		return nil, fmt.Errorf("udp transport: %w", err)
	}
	t := &Transport{
		packets:     conn,
		patience:    patience{extend: conn.SetWriteDeadline},
		streams:     streams,
		counters:    counters,
		kernelDrops: func() uint64 { return 0 },
	}
	t.closed, t.shut = context.WithCancel(context.Background())
	if err := t.tune(conn, c); err != nil {
		return nil, errors.Join(fmt.Errorf("udp transport: %w", err), t.Close())
	}
	return t, nil
}

func (c Config) filled() (Config, error) {
	if c.ReceiveBuffer < 0 || c.SendBuffer < 0 {
		return c, fmt.Errorf("udp transport: negative buffer size: receive %d, send %d", c.ReceiveBuffer, c.SendBuffer)
	}
	if c.ReceiveBuffer == 0 {
		c.ReceiveBuffer = DefaultReceiveBuffer
	}
	if c.SendBuffer == 0 {
		c.SendBuffer = DefaultSendBuffer
	}
	return c, nil
}

// listenBoth opens TCP first, since its ports are the scarcer: connections
// occupy them too. UDP then takes the same number or the pair is given up.
func listenBoth(
	ctx context.Context, bind string, counters *transport.Counters,
	listenPackets func(ctx context.Context, bind string, port uint16) (*net.UDPConn, error),
) (*tcp.Endpoint, *net.UDPConn, error) {
	attempts := 1
	if tcp.HasPortZero(bind) {
		attempts = portAttempts
	}
	for {
		attempts--
		streams, err := tcp.Listen(ctx, bind, counters)
		if err != nil {
			return nil, nil, err
		}
		conn, err := listenPackets(ctx, bind, streams.Addr().Port())
		if err == nil {
			return streams, conn, nil
		}
		err = errors.Join(err, streams.Close())
		if attempts == 0 || !tcp.Taken(err) {
			return nil, nil, err
		}
	}
}

func listenPackets(ctx context.Context, bind string, port uint16) (*net.UDPConn, error) {
	host, _, err := net.SplitHostPort(bind)
	if err != nil {
		return nil, err
	}
	bind = net.JoinHostPort(host, strconv.Itoa(int(port)))
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(ctx, tcp.Network("udp", bind), bind)
	if err != nil {
		return nil, tcp.ListenError(err)
	}
	return conn.(*net.UDPConn), nil
}

// Addr returns the bound address; see [transport.Transport].
func (t *Transport) Addr() netip.AddrPort { return t.streams.Addr() }

// Buffers returns what the kernel granted. If Receive is below what was asked,
// the host's limit is lower (Linux: sysctl net.core.rmem_max) and bursts may
// be dropped; [transport.Stats.Overflow] counts them on Linux.
func (t *Transport) Buffers() Buffers { return t.buffers }

// Send sends one datagram; see [transport.Transport]. It waits at most a tenth
// of a second for a full send buffer; then the error is
// [os.ErrDeadlineExceeded] and the packet is dropped. Errors of the system
// (ENOBUFS, EPERM from a firewall, no route) are wrapped in [net.OpError].
func (t *Transport) Send(to netip.AddrPort, packet []byte) error {
	err := transport.CheckSend(to, packet)
	if err == nil {
		err = t.patience.renew()
	}
	if err == nil {
		_, err = t.packets.WriteToUDPAddrPort(packet, to)
	}
	return t.counters.Send(len(packet), err)
}

// Receive waits for a datagram; see [transport.Transport].
func (t *Transport) Receive(buf []byte) (int, netip.AddrPort, error) {
	delay := backoff.Delay{Min: readRetryMin, Max: readRetryMax}
	for {
		n, _, flags, from, err := t.packets.ReadMsgUDPAddrPort(buf, nil)
		from = transport.Unmap(from)
		switch {
		case err == nil || isTooLong(err):
			n, err = t.counters.Receive(n, flags&flagTruncated != 0 || err != nil)
			return n, from, err
		case t.closed.Err() != nil || errors.Is(err, net.ErrClosed):
			return 0, netip.AddrPort{}, net.ErrClosed
		case aboutAPeer(err):
			t.counters.ReadErrors.Add(1)
		case lacksMemory(err):
			t.counters.ReadErrors.Add(1)
			_ = backoff.Wait(t.closed, delay.Next()) // the next read sees a Close
		default:
			return 0, netip.AddrPort{}, fmt.Errorf("udp transport: %w", err)
		}
	}
}

// Dial opens a TCP connection; see [transport.Transport].
func (t *Transport) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	return t.streams.Dial(ctx, to)
}

// Accept waits for a TCP connection; see [transport.Transport].
func (t *Transport) Accept() (net.Conn, error) { return t.streams.Accept() }

// Close closes both sockets; see [transport.Transport].
func (t *Transport) Close() error {
	t.closing.Do(func() {
		t.counters.Overflow.Store(t.kernelDrops())
		t.shut()
		t.closeErr = errors.Join(t.streams.Close(), t.packets.Close())
	})
	return t.closeErr
}

// Stats returns what was counted; see [transport.Counting]. Overflow is the
// kernel's count, on Linux only: elsewhere the system does not tell.
func (t *Transport) Stats() transport.Stats {
	stats := t.counters.Stats()
	if t.closed.Err() == nil {
		stats.Overflow = t.kernelDrops()
	}
	return stats
}

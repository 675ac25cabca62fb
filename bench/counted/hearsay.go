package counted

import (
	"context"
	"net"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/udp"
)

// Hearsay is hearsay's usual transport with a meter.
type Hearsay struct {
	*udp.Transport
	sent *Counters
}

var _ transport.Transport = (*Hearsay)(nil)

// ListenHearsay opens a transport on a loopback port of the system's choice.
func ListenHearsay(ctx context.Context, sent *Counters) (*Hearsay, error) {
	t, err := udp.Listen(ctx, net.JoinHostPort(Loopback, "0"))
	if err != nil {
		return nil, err
	}
	return &Hearsay{Transport: t, sent: sent}, nil
}

// Send implements [transport.Transport]. A packet that the kernel refuses is
// not counted.
func (t *Hearsay) Send(to netip.AddrPort, packet []byte) error {
	err := t.Transport.Send(to, packet)
	if err == nil {
		t.sent.Packet(len(packet))
	}
	return err
}

// Dial implements [transport.Transport].
func (t *Hearsay) Dial(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	conn, err := t.Transport.Dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return NewConn(conn, t.sent), nil
}

package counted

import (
	"errors"
	"log"
	"net"
	"time"

	"github.com/hashicorp/memberlist"
)

// bindAttempts is how often a node tries to find a port that is free for UDP
// and TCP alike; the kernel picks it for TCP only. It is the number memberlist
// uses when it opens its own transport.
const bindAttempts = 10

// Memberlist is memberlist's own transport with a meter. Serf runs on it too.
type Memberlist struct {
	*memberlist.NetTransport
	sent *Counters
}

var _ memberlist.NodeAwareTransport = (*Memberlist)(nil)

// ListenMemberlist opens a transport on a loopback port of the kernel's choice.
func ListenMemberlist(logger *log.Logger, sent *Counters) (*Memberlist, error) {
	var errs []error
	for range bindAttempts {
		t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{Loopback},
			Logger:    logger,
		})
		if err == nil {
			return &Memberlist{NetTransport: t, sent: sent}, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// WriteTo implements [memberlist.Transport].
func (t *Memberlist) WriteTo(b []byte, addr string) (time.Time, error) {
	return t.WriteToAddress(b, memberlist.Address{Addr: addr})
}

// WriteToAddress implements [memberlist.NodeAwareTransport]. A packet that the
// kernel refuses is not counted.
func (t *Memberlist) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	at, err := t.NetTransport.WriteToAddress(b, a)
	if err == nil {
		t.sent.Packet(len(b))
	}
	return at, err
}

// DialTimeout implements [memberlist.Transport].
func (t *Memberlist) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout implements [memberlist.NodeAwareTransport].
func (t *Memberlist) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	conn, err := t.NetTransport.DialAddressTimeout(a, timeout)
	if err != nil {
		return nil, err
	}
	return NewConn(conn, t.sent), nil
}

package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
)

// peer is an address for documentation (RFC 5737): nothing is sent to it.
var peer = netip.MustParseAddrPort("192.0.2.1:7946")

// scripted is a socket whose reads fail as scripted, then yield "hello", and
// whose writes all fail with writeErr.
type scripted struct {
	reads    []error
	writeErr error
}

func (s *scripted) ReadMsgUDPAddrPort(b, _ []byte) (n, oobn, flags int, from netip.AddrPort, err error) {
	if len(s.reads) > 0 {
		err, s.reads = s.reads[0], s.reads[1:]
		return 0, 0, 0, netip.AddrPort{}, &net.OpError{Op: "read", Net: "udp", Err: err}
	}
	return copy(b, "hello"), 0, 0, netip.AddrPortFrom(netip.AddrFrom16(peer.Addr().As16()), peer.Port()), nil
}

func (s *scripted) WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error) {
	return 0, &net.OpError{Op: "write", Net: "udp", Err: s.writeErr}
}

func (s *scripted) Close() error { return nil }

func over(conn packetConn) *Transport {
	t := &Transport{
		packets:     conn,
		patience:    patience{extend: func(time.Time) error { return nil }},
		counters:    new(transport.Counters),
		kernelDrops: func() uint64 { return 0 },
	}
	t.closed, t.shut = context.WithCancel(context.Background())
	return t
}

func TestReceiveOutlivesWhatICMPReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := over(&scripted{reads: []error{syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNREFUSED}})
		start := time.Now()
		n, from, err := tr.Receive(make([]byte, 10))
		if n != 5 || from != peer || err != nil {
			t.Errorf("Receive = %d, %v, %v, want the datagram after the errors", n, from, err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %v, want none: nothing is wrong with the socket", waited)
		}
		if got := tr.Stats().ReadErrors; got != 3 {
			t.Errorf("ReadErrors = %d, want 3", got)
		}
	})
}

func TestReceiveWaitsOutALackOfMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := over(&scripted{reads: []error{syscall.ENOBUFS, syscall.ENOBUFS, syscall.ENOBUFS}})
		start := time.Now()
		if n, _, err := tr.Receive(make([]byte, 10)); n != 5 || err != nil {
			t.Errorf("Receive = %d, %v, want the datagram after the errors", n, err)
		}
		if got, want := time.Since(start), (1+2+4)*time.Millisecond; got != want {
			t.Errorf("waited %v, want %v", got, want)
		}
	})
}

func TestReceiveReturnsABrokenSocket(t *testing.T) {
	tr := over(&scripted{reads: []error{syscall.EBADF}})
	if _, _, err := tr.Receive(make([]byte, 10)); !errors.Is(err, syscall.EBADF) {
		t.Errorf("Receive = %v, want EBADF", err)
	}
}

func TestSendReturnsWhatTheSystemSays(t *testing.T) {
	for _, errno := range []error{syscall.ENOBUFS, syscall.EAGAIN, syscall.EPERM} {
		tr := over(&scripted{writeErr: errno})
		if err := tr.Send(peer, []byte("x")); !errors.Is(err, errno) {
			t.Errorf("Send = %v, want %v", err, errno)
		}
		if got, want := tr.Stats(), (transport.Stats{SendErrors: 1}); got != want {
			t.Errorf("Stats = %+v, want %+v", got, want)
		}
	}
}

func TestPatienceKeepsTheDeadlineAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var deadline time.Time
		set := 0
		p := patience{extend: func(d time.Time) error {
			deadline = d
			set++
			return nil
		}}
		for range 1000 {
			if err := p.renew(); err != nil {
				t.Fatal(err)
			}
			if left := time.Until(deadline); left <= sendPatience/2 || left > sendPatience {
				t.Fatalf("%v left of the deadline, want above %v and at most %v", left, sendPatience/2, sendPatience)
			}
			time.Sleep(time.Millisecond)
		}
		if set != 20 {
			t.Errorf("deadline was set %d times in a second, want 20", set)
		}
		time.Sleep(time.Hour)
		if err := p.renew(); err != nil || time.Until(deadline) != sendPatience {
			t.Errorf("after an hour: %v, %v left", err, time.Until(deadline))
		}
	})
}

// busyFor returns an opener of UDP sockets that finds the port taken for the
// first calls.
func busyFor(calls int) func(context.Context, string, uint16) (*net.UDPConn, error) {
	return func(ctx context.Context, bind string, port uint16) (*net.UDPConn, error) {
		if calls--; calls >= 0 {
			return nil, fmt.Errorf("listen udp4 :%d: %w", port, syscall.EADDRINUSE)
		}
		return listenPackets(ctx, bind, port)
	}
}

func TestPortZeroTriesUntilBothProtocolsHaveIt(t *testing.T) {
	streams, conn, err := listenBoth(t.Context(), "127.0.0.1:0", new(transport.Counters), busyFor(3))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer streams.Close()
	if got := conn.LocalAddr().(*net.UDPAddr).AddrPort(); got != streams.Addr() {
		t.Errorf("UDP is at %v, TCP at %v", got, streams.Addr())
	}
}

func TestPortZeroGivesUpInTheEnd(t *testing.T) {
	calls := 0
	_, _, err := listenBoth(t.Context(), "127.0.0.1:0", new(transport.Counters),
		func(context.Context, string, uint16) (*net.UDPConn, error) {
			calls++
			return nil, syscall.EADDRINUSE
		})
	if !errors.Is(err, syscall.EADDRINUSE) || calls != portAttempts {
		t.Errorf("%d attempts, then %v, want %d and EADDRINUSE", calls, err, portAttempts)
	}
}

func TestAGivenPortIsTriedOnce(t *testing.T) {
	// The port must be free for TCP, and any other program may take it in
	// between: then UDP is not asked, and another port will do.
	for asked := 0; asked == 0; {
		free := listen(t, "127.0.0.1:0")
		if err := free.Close(); err != nil {
			t.Fatal(err)
		}
		_, _, err := listenBoth(t.Context(), free.Addr().String(), new(transport.Counters),
			func(_ context.Context, _ string, port uint16) (*net.UDPConn, error) {
				if asked++; port != free.Addr().Port() {
					t.Errorf("asked for port %d, want %d", port, free.Addr().Port())
				}
				return nil, syscall.EADDRINUSE
			})
		if !errors.Is(err, syscall.EADDRINUSE) || asked > 1 {
			t.Errorf("%d attempts, then %v, want one and EADDRINUSE", asked, err)
		}
	}
}

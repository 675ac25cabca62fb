package udp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/internal/tcp"
	"github.com/hearsay-gossip/hearsay/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ interface {
	transport.Transport
	transport.Counting
} = (*Transport)(nil)

// listen opens a transport that the test closes.
func listen(t testing.TB, bind string) *Transport {
	t.Helper()
	tr, err := Listen(t.Context(), bind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

func TestConformance(t *testing.T) {
	for _, family := range []struct{ name, bind string }{
		{"IPv4", "127.0.0.1:0"},
		{"IPv6", "[::1]:0"},
	} {
		t.Run(family.name, func(t *testing.T) {
			if probe, err := net.Listen("tcp", family.bind); err != nil {
				t.Skipf("no %s here: %v", family.name, err)
			} else {
				_ = probe.Close()
			}
			transporttest.Run(t, func(t *testing.T) (a, b transport.Transport) {
				return listen(t, family.bind), listen(t, family.bind)
			})
		})
	}
}

func TestDualStackSocketReportsPlainIPv4(t *testing.T) {
	both := listen(t, ":0")
	if !both.Addr().Addr().IsUnspecified() {
		t.Fatalf("bound to %v, want an unspecified address", both.Addr())
	}
	peer := listen(t, "127.0.0.1:0")
	here := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), both.Addr().Port())
	if err := peer.Send(here, []byte("ping")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	_, from, err := both.Receive(buf)
	if err != nil || from != peer.Addr() {
		t.Fatalf("Receive from %v, %v, want %v", from, err, peer.Addr())
	}
	if err := both.Send(from, []byte("pong")); err != nil {
		t.Fatal(err)
	}
	if n, from, err := peer.Receive(buf); err != nil || from != here || string(buf[:n]) != "pong" {
		t.Errorf("Receive = %q from %v, %v, want pong from %v", buf[:n], from, err, here)
	}
}

func TestIPv4WildcardTakesIPv4Only(t *testing.T) {
	tr := listen(t, "0.0.0.0:0")
	if got := tr.Addr().Addr(); got != netip.IPv4Unspecified() {
		t.Errorf("bound to %v, want 0.0.0.0", got)
	}
}

func TestListenNamesTheProtocolWhosePortIsTaken(t *testing.T) {
	taken := listen(t, "127.0.0.1:0").Addr().String()
	_, err := Listen(t.Context(), taken)
	expectTaken(t, err, "listen tcp4 "+taken)

	// Whichever port TCP gets, UDP finds it taken.
	_, _, err = listenBoth(t.Context(), "127.0.0.1:0", new(transport.Counters),
		func(ctx context.Context, bind string, port uint16) (*net.UDPConn, error) {
			taken = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String()
			if holder, err := net.ListenPacket("udp4", taken); err == nil {
				defer holder.Close() // else somebody else holds it
			}
			return listenPackets(ctx, bind, port)
		})
	expectTaken(t, err, "listen udp4 "+taken)
}

func expectTaken(t *testing.T, err error, words string) {
	t.Helper()
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("error is %v, want EADDRINUSE", err)
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("error %q does not say %q", err, words)
	}
}

func TestListenReportsWhatIsNoAddress(t *testing.T) {
	for _, bind := range []string{"", "127.0.0.1", "127.0.0.1:99999", "256.0.0.1:0"} {
		if tr, err := Listen(t.Context(), bind); err == nil {
			t.Errorf("Listen(%q) opened %v", bind, tr.Addr())
			_ = tr.Close()
		}
	}
	if _, err := (Config{ReceiveBuffer: -1}).Listen(t.Context(), "127.0.0.1:0"); err == nil {
		t.Error("a negative buffer size was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Listen(ctx, "127.0.0.1:0"); !errors.Is(err, context.Canceled) {
		t.Errorf("Listen with a cancelled context = %v, want context.Canceled", err)
	}
}

func TestSendAndReceiveAllocateNothing(t *testing.T) {
	for _, bind := range []string{"127.0.0.1:0", "[::1]:0"} {
		if probe, err := net.Listen("tcp", bind); err != nil {
			t.Logf("skipping %s: %v", bind, err)
			continue
		} else {
			_ = probe.Close()
		}
		tr := listen(t, bind)
		packet, buf := make([]byte, 1232), make([]byte, 2048)
		allocs := testing.AllocsPerRun(1000, func() {
			if err := tr.Send(tr.Addr(), packet); err != nil {
				t.Fatal(err)
			}
			if n, _, err := tr.Receive(buf); err != nil || n != len(packet) {
				t.Fatal(n, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations per datagram sent and received, want 0", bind, allocs)
		}
	}
}

func TestEmptyDatagramIsReported(t *testing.T) {
	tr := listen(t, "127.0.0.1:0")
	conn, err := net.Dial("udp", tr.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(nil); err != nil {
		t.Fatal(err)
	}
	n, from, err := tr.Receive(make([]byte, 10))
	if n != 0 || from != tcp.AddrPort(conn.LocalAddr()) || !errors.Is(err, transport.ErrEmpty) {
		t.Errorf("Receive = %d, %v, %v, want 0, %v, %v", n, from, err, conn.LocalAddr(), transport.ErrEmpty)
	}
	if got := tr.Stats().Empty; got != 1 {
		t.Errorf("Empty = %d, want 1", got)
	}
}

func TestKernelGrantsTheBuffersAskedFor(t *testing.T) {
	// Small enough for every system's limit.
	tr, err := Config{ReceiveBuffer: 64 << 10, SendBuffer: 48 << 10}.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if got := tr.Buffers(); got.Receive < 64<<10 || got.Send < 48<<10 {
		t.Errorf("Buffers = %+v, want at least 64 KiB and 48 KiB", got)
	}
}

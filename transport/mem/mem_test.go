package mem

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

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ interface {
	transport.Transport
	transport.Counting
} = (*Transport)(nil)

var (
	addrA = netip.MustParseAddrPort("10.0.0.1:7946")
	addrB = netip.MustParseAddrPort("10.0.0.2:7946")
)

func pair(t *testing.T, options Options) (a, b *Transport) {
	t.Helper()
	network := NewNetwork(options)
	return listen(t, network, addrA), listen(t, network, addrB)
}

func listen(t *testing.T, network *Network, addr netip.AddrPort) *Transport {
	t.Helper()
	tr, err := network.Listen(addr)
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

func fixed(d time.Duration) func(_, _ netip.AddrPort) time.Duration {
	return func(_, _ netip.AddrPort) time.Duration { return d }
}

func TestConformance(t *testing.T) {
	for name, options := range map[string]Options{
		"Instant": {},
		"Delayed": {Latency: fixed(time.Millisecond)},
	} {
		t.Run(name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) (a, b transport.Transport) { return pair(t, options) })
		})
	}
}

func TestDatagramsArriveWhenTheirLatencySays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latency := map[string]time.Duration{"slow": 30 * time.Millisecond, "quick": 10 * time.Millisecond}
		network := NewNetwork(Options{Latency: func(from, _ netip.AddrPort) time.Duration {
			if from == addrA {
				return latency["slow"]
			}
			return latency["quick"]
		}})
		a, b := listen(t, network, addrA), listen(t, network, addrB)
		c := listen(t, network, netip.MustParseAddrPort("10.0.0.3:7946"))
		start := time.Now()
		for _, sender := range []*Transport{a, b, a, b} {
			if err := sender.Send(c.Addr(), fmt.Appendf(nil, "from %v", sender.Addr())); err != nil {
				t.Fatal(err)
			}
		}
		var got string
		buf := make([]byte, 100)
		for range 4 {
			_, from, err := c.Receive(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%v %v\n", time.Since(start), from)
		}
		want := "10ms 10.0.0.2:7946\n10ms 10.0.0.2:7946\n30ms 10.0.0.1:7946\n30ms 10.0.0.1:7946\n"
		if got != want {
			t.Errorf("arrivals:\n%swant:\n%s", got, want)
		}
	})
}

func TestAQuickDatagramOvertakesOneAlreadyAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, Options{Latency: func(from, to netip.AddrPort) time.Duration {
			if from == to {
				return time.Second
			}
			return time.Minute
		}})
		if err := a.Send(addrB, []byte("slow")); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(10*time.Second, func() { _ = b.Send(addrB, []byte("quick")) })
		buf := make([]byte, 10)
		n, _, err := b.Receive(buf)
		if got := string(buf[:n]); err != nil || got != "quick" || time.Since(start) != 11*time.Second {
			t.Errorf("first came %q, %v, after %v, want quick after 11s", got, err, time.Since(start))
		}
		n, _, err = b.Receive(buf)
		if got := string(buf[:n]); err != nil || got != "slow" || time.Since(start) != time.Minute {
			t.Errorf("then came %q, %v, after %v, want slow after 1m", got, err, time.Since(start))
		}
	})
}

func TestLostDatagramsAreNotToldToTheSender(t *testing.T) {
	a, b := pair(t, Options{Lose: func(from, to netip.AddrPort, packet []byte) bool {
		return from == addrA && to == addrB && string(packet) == "lose me"
	}})
	for _, packet := range []string{"lose me", "keep me"} {
		if err := a.Send(addrB, []byte(packet)); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 10)
	if n, _, err := b.Receive(buf); err != nil || string(buf[:n]) != "keep me" {
		t.Errorf("Receive = %q, %v, want the one that was not lost", buf[:n], err)
	}
}

func TestAFullQueueDropsAndCounts(t *testing.T) {
	a, b := pair(t, Options{Queue: 3})
	for i := range byte(5) {
		if err := a.Send(addrB, []byte{i}); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.Stats().Overflow; got != 2 {
		t.Errorf("Overflow = %d, want 2", got)
	}
	buf := make([]byte, 10)
	for want := range byte(3) {
		if _, _, err := b.Receive(buf); err != nil || buf[0] != want {
			t.Errorf("Receive = %d, %v, want %d: the oldest stay", buf[0], err, want)
		}
	}
}

func TestDialTakesARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t, Options{Latency: fixed(20 * time.Millisecond)})
		start := time.Now()
		conn, err := a.Dial(t.Context(), addrB)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got, want := time.Since(start), 40*time.Millisecond; got != want {
			t.Errorf("Dial took %v, want %v", got, want)
		}
		accepted, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
		remote := accepted.RemoteAddr().(*net.TCPAddr).AddrPort()
		if remote.Addr() != addrA.Addr() || remote == addrA {
			t.Errorf("stream is from %v, want the IP of %v and another port", remote, addrA)
		}
	})
}

func TestDialEndsWithItsContextAndWithItsTransport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := pair(t, Options{Latency: fixed(time.Hour)})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := a.Dial(ctx, addrB); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial = %v, want context.DeadlineExceeded", err)
		}
		time.AfterFunc(time.Second, func() { _ = a.Close() })
		if _, err := a.Dial(t.Context(), addrB); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial = %v, want net.ErrClosed", err)
		}
		if got, want := time.Since(start), 2*time.Second; got != want {
			t.Errorf("both dials took %v, want %v", got, want)
		}
	})
}

func TestDialIsRefused(t *testing.T) {
	nowhere := netip.MustParseAddrPort("10.0.0.9:1")
	a, b := pair(t, Options{
		Backlog: 1,
		Refuse:  func(from, to netip.AddrPort) bool { return from == addrB && to == addrA },
	})
	first, err := a.Dial(t.Context(), addrB)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for _, c := range []struct {
		name string
		from *Transport
		to   netip.AddrPort
	}{
		{"nobody listens", a, nowhere},
		{"the backlog is full", a, addrB},
		{"the network says so", b, addrA},
	} {
		if _, err := c.from.Dial(t.Context(), c.to); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("when %s: %v, want ECONNREFUSED", c.name, err)
		}
	}
	if got := b.Stats().Refused; got != 1 {
		t.Errorf("Refused = %d, want 1", got)
	}
}

func TestAnAddressHasOneTransportAtATime(t *testing.T) {
	network := NewNetwork(Options{})
	first := listen(t, network, addrA)
	if _, err := network.Listen(netip.MustParseAddrPort("[::ffff:10.0.0.1]:7946")); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen = %v, want EADDRINUSE", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	listen(t, network, addrA)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := network.Listen(addrA); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("closing the former holder again freed the address: %v", err)
	}
	if _, err := network.Listen(netip.AddrPort{}); !errors.Is(err, transport.ErrAddress) {
		t.Errorf("Listen without an IP = %v, want %v", err, transport.ErrAddress)
	}
}

func TestPortZeroTakesAFreePort(t *testing.T) {
	network := NewNetwork(Options{})
	seen := make(map[netip.AddrPort]bool)
	for range 100 {
		addr := listen(t, network, netip.AddrPortFrom(addrA.Addr(), 0)).Addr()
		if addr.Port() < firstPort || seen[addr] {
			t.Errorf("got %v, want a new dynamic port", addr)
		}
		seen[addr] = true
	}
}

func TestCloseEndsStreamsThatNobodyAccepted(t *testing.T) {
	a, b := pair(t, Options{})
	conn, err := a.Dial(t.Context(), addrB)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the stream is still open")
	}
}

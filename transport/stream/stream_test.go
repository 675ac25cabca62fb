package stream

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ interface {
	transport.Transport
	transport.Counting
} = (*Transport)(nil)

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
	transporttest.Run(t, func(t *testing.T) (a, b transport.Transport) {
		return listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	})
}

func TestAWildcardListenerIsKnownByTheIPItIsSeenFrom(t *testing.T) {
	everywhere, here := listen(t, ":0"), listen(t, "127.0.0.1:0")
	addr := netip.AddrPortFrom(here.Addr().Addr(), everywhere.Addr().Port())
	send(t, here, addr, "ping")
	expect(t, everywhere, here.Addr(), "ping")
	send(t, everywhere, here.Addr(), "pong")
	expect(t, here, addr, "pong")
}

func TestListenNamesATakenPort(t *testing.T) {
	taken := listen(t, "127.0.0.1:0")
	if _, err := Listen(t.Context(), taken.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen = %v, want EADDRINUSE", err)
	}
}

func TestASendAllocatesNothingOnceConnected(t *testing.T) {
	a, b := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	packet, buf := make([]byte, 1232), make([]byte, transport.MaxPacket)
	exchange := func() {
		if err := a.Send(b.Addr(), packet); err != nil {
			t.Fatal(err)
		}
		if n, _, err := b.Receive(buf); err != nil || n != len(packet) {
			t.Fatal(n, err)
		}
	}
	exchange()
	if allocs := testing.AllocsPerRun(1000, exchange); allocs != 0 {
		t.Errorf("%v allocations per datagram, want 0", allocs)
	}
}

package demo

import (
	"errors"
	"io"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/mem"
	"github.com/hearsay-gossip/hearsay/transport/transporttest"
	"github.com/hearsay-gossip/hearsay/transport/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	addrA = netip.MustParseAddrPort("10.0.0.1:7946")
	addrB = netip.MustParseAddrPort("10.0.0.2:7946")
)

var _ interface {
	transport.Transport
	transport.Counting
} = (*port)(nil)

// pair returns two ports on one network.
func pair(t *testing.T, n *network) (a, b transport.Transport) {
	t.Helper()
	under := mem.NewNetwork(mem.Options{})
	attach := func(addr netip.AddrPort) transport.Transport {
		tr, err := under.Listen(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tr.Close() }) // most tests have closed it by then
		return n.attach(tr)
	}
	return attach(addrA), attach(addrB)
}

func TestWithoutFaultsAPortIsATransport(t *testing.T) {
	t.Run("mem", func(t *testing.T) {
		transporttest.Run(t, func(t *testing.T) (a, b transport.Transport) { return pair(t, newNetwork()) })
	})
	t.Run("udp", func(t *testing.T) {
		if testing.Short() {
			t.Skip("real sockets")
		}
		transporttest.Run(t, func(t *testing.T) (a, b transport.Transport) {
			n := newNetwork()
			var both [2]transport.Transport
			for i := range both {
				tr, err := udp.Listen(t.Context(), "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				both[i] = n.attach(tr)
			}
			return both[0], both[1]
		})
	})
}

// receive returns the next datagram at a port, or "" if there is none and all
// else has come to rest.
func receive(t *testing.T, at transport.Transport) string {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		buf := make([]byte, transport.MaxPacket)
		n, _, err := at.Receive(buf)
		if err != nil {
			got <- "" // closed below
			return
		}
		got <- string(buf[:n])
	}()
	synctest.Wait()
	select {
	case text := <-got:
		return text
	default:
		if err := at.Close(); err != nil {
			t.Error(err)
		}
		return <-got
	}
}

func TestDatagramsDoNotCrossACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := pair(t, n)
		mapped := netip.AddrPortFrom(netip.AddrFrom16(addrB.Addr().As16()), addrB.Port())
		if err := a.Send(addrB, []byte("under way")); err != nil {
			t.Fatal(err)
		}
		n.cut(map[netip.AddrPort]int{addrA: 0, addrB: 1})
		for _, to := range []netip.AddrPort{addrB, mapped} {
			if err := a.Send(to, []byte("during")); err != nil {
				t.Errorf("Send across a cut = %v, want silence", err)
			}
		}
		if err := a.Send(addrB, nil); !errors.Is(err, transport.ErrEmpty) {
			t.Errorf("Send of nothing across a cut = %v, want ErrEmpty", err)
		}
		if got := receive(t, b); got != "" {
			t.Errorf("%q crossed the cut", got)
		}
		if got := n.dropped.Load(); got != 3 {
			t.Errorf("dropped %d datagrams, want 3", got)
		}
	})
}

func TestDatagramsCrossAfterTheHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := pair(t, n)
		n.cut(map[netip.AddrPort]int{addrB: 1})
		n.heal()
		if err := a.Send(addrB, []byte("after")); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, b); got != "after" {
			t.Errorf("received %q, want after", got)
		}
	})
}

func TestTheSameSideIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := pair(t, n)
		n.cut(map[netip.AddrPort]int{addrA: 1, addrB: 1})
		if err := a.Send(addrB, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, b); got != "hello" {
			t.Errorf("received %q, want hello", got)
		}
	})
}

func TestAnUnpluggedPortIsSilentUntilPlugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := pair(t, n)
		n.unplug(addrA)
		n.heal() // is about cuts
		if err := a.Send(addrB, []byte("unplugged")); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Dial(t.Context(), addrA); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("Dial of an unplugged port = %v, want EHOSTUNREACH", err)
		}
		n.plug(addrA)
		if err := a.Send(addrB, []byte("plugged")); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, b); got != "plugged" {
			t.Errorf("received %q, want what was sent after plugging in", got)
		}
	})
}

func TestACutBreaksStreamsAcrossIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		a, b := pair(t, n)
		near, err := a.Dial(t.Context(), addrB)
		if err != nil {
			t.Fatal(err)
		}
		far, err := b.Accept()
		if err != nil {
			t.Fatal(err)
		}
		inside, err := a.Dial(t.Context(), addrA)
		if err != nil {
			t.Fatal(err)
		}
		n.cut(map[netip.AddrPort]int{addrB: 1})
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("Read at the far end = %v, want EOF", err)
		}
		if _, err := near.Write([]byte{1}); err == nil {
			t.Error("the near end still takes bytes")
		}
		if _, err := a.Dial(t.Context(), addrB); !errors.Is(err, syscall.EHOSTUNREACH) {
			t.Errorf("Dial across the cut = %v, want EHOSTUNREACH", err)
		}
		if got := len(n.streams); got != 1 {
			t.Errorf("%d streams are left, want the one that stays on its side", got)
		}
		if err := errors.Join(inside.Close(), far.Close()); err != nil {
			t.Error(err)
		}
		if got := len(n.streams); got != 0 {
			t.Errorf("%d streams are remembered after Close", got)
		}
	})
}

func TestAStreamDialledDuringTheCutIsRefused(t *testing.T) {
	n := newNetwork()
	a, _ := pair(t, n)
	conn, err := a.(*port).Transport.Dial(t.Context(), addrB)
	if err != nil {
		t.Fatal(err)
	}
	n.cut(map[netip.AddrPort]int{addrB: 1}) // after the dial, before the stream is known
	if _, err := n.adopt(&stream{Conn: conn, network: n, from: addrA, to: addrB}); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("adopt = %v, want EHOSTUNREACH", err)
	}
	if len(n.streams) != 0 {
		t.Error("the refused stream is remembered")
	}
}

// Package transporttest checks that a transport keeps the promises of
// [transport.Transport]. It is to transports what testing/slogtest is to log
// handlers: call [Run] from a test of your own.
package transporttest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/transport"
)

// stuckAfter is when a case that waits for something that never comes is ended
// by closing its transports, so that it fails with a name and not with the
// whole test binary. It decides nothing else: a case that passes in a
// millisecond and one that passes in ten seconds are the same.
const stuckAfter = 30 * time.Second

// NewPair opens two transports that reach each other over a network without
// loss, such as loopback. It may use t.Fatal and t.Cleanup; closing both is
// done for it.
type NewPair func(t *testing.T) (a, b transport.Transport)

// Run runs every case in a subtest of its own with a fresh pair. Cases run one
// after the other, since each also checks that no goroutine outlives Close.
func Run(t *testing.T, newPair NewPair) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, a, b transport.Transport)
	}{
		{"AddressesAreNormalisedAndDistinct", addresses},
		{"DatagramsArriveBothWaysFromThePeersAddress", bothWays},
		{"ATransportReachesItself", toItself},
		{"SizesUpToMaxPacketArriveWhole", sizes},
		{"SendRefusesWhatCannotBeADatagram", refusals},
		{"ReceiveReportsWhatDoesNotFit", truncation},
		{"SendKeepsNoReferenceToThePacket", retention},
		{"ConcurrentSendersLoseNothing", concurrentSenders},
		{"StatsCountWhatHappened", stats},
		{"ADeadPeerBreaksNothing", deadPeer},
		{"StreamsAreOrderedAndLarge", largeStream},
		{"StreamsAreIndependent", manyStreams},
		{"StreamsOutliveTheirTransport", streamsOutlive},
		{"DialHonoursItsContext", dialContext},
		{"DialRefusesWhatIsNoAddress", dialRefusals},
		{"CloseUnblocksEverything", closeUnblocks},
		{"AfterCloseEverythingIsClosed", afterClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			a, b := newPair(t)
			stuck := time.AfterFunc(stuckAfter, func() {
				t.Errorf("stuck for %v: closing the transports", stuckAfter)
				_, _ = a.Close(), b.Close()
			})
			c.run(t, a, b)
			stuck.Stop()
			closeAll(t, a, b)
			goleak.VerifyNone(t, before)
		})
	}
}

func closeAll(t *testing.T, transports ...transport.Transport) {
	t.Helper()
	for _, tr := range transports {
		if err := tr.Close(); err != nil {
			t.Errorf("Close of %v: %v", tr.Addr(), err)
		}
	}
}

// send sends and expects no error.
func send(t *testing.T, from transport.Transport, to netip.AddrPort, packet []byte) {
	t.Helper()
	if err := from.Send(to, packet); err != nil {
		t.Fatalf("Send of %d bytes from %v to %v: %v", len(packet), from.Addr(), to, err)
	}
}

// expect receives one datagram and compares it.
func expect(t *testing.T, at transport.Transport, from netip.AddrPort, packet []byte) {
	t.Helper()
	buf := make([]byte, transport.MaxPacket)
	n, addr, err := at.Receive(buf)
	if err != nil {
		t.Fatalf("Receive at %v: %v", at.Addr(), err)
	}
	if addr != from {
		t.Errorf("datagram is from %v, want %v", addr, from)
	}
	if !bytes.Equal(buf[:n], packet) {
		t.Errorf("datagram of %d bytes %.16x differs from the %d bytes %.16x sent", n, buf[:n], len(packet), packet)
	}
}

// pattern returns size bytes that differ by position and by salt.
func pattern(size int, salt byte) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(i) ^ byte(i>>8) ^ byte(i>>16) ^ salt
	}
	return p
}

func addresses(t *testing.T, a, b transport.Transport) {
	for _, addr := range []netip.AddrPort{a.Addr(), b.Addr()} {
		if !addr.IsValid() || addr.Port() == 0 {
			t.Errorf("address %v has no IP or no port", addr)
		}
		if addr != transport.Unmap(addr) {
			t.Errorf("address %v is not normalised", addr)
		}
	}
	if a.Addr() == b.Addr() {
		t.Errorf("both transports are at %v", a.Addr())
	}
}

func bothWays(t *testing.T, a, b transport.Transport) {
	for round := range byte(3) {
		send(t, a, b.Addr(), pattern(100, round))
		expect(t, b, a.Addr(), pattern(100, round))
		send(t, b, a.Addr(), pattern(200, round))
		expect(t, a, b.Addr(), pattern(200, round))
	}
	if to := b.Addr(); to.Addr().Is4() {
		mapped := netip.AddrPortFrom(netip.AddrFrom16(to.Addr().As16()), to.Port())
		send(t, a, mapped, []byte("by its mapped address"))
		expect(t, b, a.Addr(), []byte("by its mapped address"))
	}
}

func toItself(t *testing.T, a, _ transport.Transport) {
	send(t, a, a.Addr(), []byte("note to self"))
	expect(t, a, a.Addr(), []byte("note to self"))
}

func sizes(t *testing.T, a, b transport.Transport) {
	for _, size := range []int{1, 1232, transport.MaxPacket} {
		send(t, a, b.Addr(), pattern(size, byte(size)))
		expect(t, b, a.Addr(), pattern(size, byte(size)))
	}
}

func refusals(t *testing.T, a, b transport.Transport) {
	for _, c := range []struct {
		name string
		to   netip.AddrPort
		size int
		want error
	}{
		{"without bytes", b.Addr(), 0, transport.ErrEmpty},
		{"above the limit", b.Addr(), transport.MaxPacket + 1, transport.ErrOversize},
		{"to nowhere", netip.AddrPort{}, 1, transport.ErrAddress},
		{"to no port", netip.AddrPortFrom(b.Addr().Addr(), 0), 1, transport.ErrAddress},
	} {
		if err := a.Send(c.to, make([]byte, c.size)); !errors.Is(err, c.want) {
			t.Errorf("Send %s = %v, want %v", c.name, err, c.want)
		}
	}
	// Nothing of the above may have left.
	send(t, a, b.Addr(), []byte("next"))
	expect(t, b, a.Addr(), []byte("next"))
}

func truncation(t *testing.T, a, b transport.Transport) {
	send(t, a, b.Addr(), pattern(100, 1))
	send(t, a, b.Addr(), pattern(64, 2))
	buf := make([]byte, 64)
	n, from, err := b.Receive(buf)
	if n != 0 || from != a.Addr() || !errors.Is(err, transport.ErrOversize) {
		t.Errorf("Receive of 100 bytes into 64 = %d, %v, %v, want 0, %v, %v", n, from, err, a.Addr(), transport.ErrOversize)
	}
	n, from, err = b.Receive(buf)
	if err != nil || from != a.Addr() || !bytes.Equal(buf[:n], pattern(64, 2)) {
		t.Errorf("Receive of an exact fit afterwards = %d, %v, %v", n, from, err)
	}
}

func retention(t *testing.T, a, b transport.Transport) {
	const packets = 16
	packet := make([]byte, 1000)
	for i := range byte(packets) {
		copy(packet, pattern(len(packet), i))
		send(t, a, b.Addr(), packet)
		clear(packet)
	}
	for i := range byte(packets) {
		expect(t, b, a.Addr(), pattern(len(packet), i))
	}
}

func concurrentSenders(t *testing.T, a, b transport.Transport) {
	// All of it fits the smallest default receive buffer of the systems we
	// know (FreeBSD: 42,080 bytes), so no reader has to keep up.
	const senders, each = 8, 16
	var sending sync.WaitGroup
	for s := range byte(senders) {
		sending.Go(func() {
			for i := range byte(each) {
				if err := a.Send(b.Addr(), append([]byte{s, i}, pattern(30, s^i)...)); err != nil {
					t.Errorf("sender %d, packet %d: %v", s, i, err)
				}
			}
		})
	}
	sending.Wait()
	if t.Failed() {
		return
	}
	seen := make(map[[2]byte]bool)
	buf := make([]byte, transport.MaxPacket)
	for range senders * each {
		n, _, err := b.Receive(buf)
		if err != nil {
			t.Fatalf("Receive after %d datagrams: %v", len(seen), err)
		}
		id := [2]byte(buf[:2])
		if seen[id] {
			t.Errorf("datagram %v arrived twice", id)
		}
		if !bytes.Equal(buf[2:n], pattern(30, id[0]^id[1])) {
			t.Errorf("datagram %v is mixed up", id)
		}
		seen[id] = true
	}
}

func stats(t *testing.T, a, b transport.Transport) {
	sender, ok := a.(transport.Counting)
	receiver, ok2 := b.(transport.Counting)
	if !ok || !ok2 {
		t.Skip("this transport does not count")
	}
	send(t, a, b.Addr(), pattern(100, 1))
	send(t, a, b.Addr(), pattern(10, 2))
	if err := a.Send(b.Addr(), nil); !errors.Is(err, transport.ErrEmpty) {
		t.Errorf("Send of nothing = %v", err)
	}
	buf := make([]byte, 64)
	if _, _, err := b.Receive(buf); !errors.Is(err, transport.ErrOversize) {
		t.Errorf("Receive of what does not fit = %v", err)
	}
	if _, _, err := b.Receive(buf); err != nil {
		t.Errorf("Receive = %v", err)
	}
	if got, want := sender.Stats(), (transport.Stats{Sent: 2, SentBytes: 110, SendErrors: 1}); got != want {
		t.Errorf("sender counted %+v, want %+v", got, want)
	}
	if got, want := receiver.Stats(), (transport.Stats{Received: 1, ReceivedBytes: 10, Oversize: 1}); got != want {
		t.Errorf("receiver counted %+v, want %+v", got, want)
	}
}

func deadPeer(t *testing.T, a, b transport.Transport) {
	dead := b.Addr()
	closeAll(t, b)
	for range 20 {
		// Whether this side can know is up to the transport and the moment.
		_ = a.Send(dead, []byte("anyone there?"))
	}
	if conn, err := a.Dial(t.Context(), dead); err == nil {
		t.Errorf("Dial of a dead peer returned %v", conn.RemoteAddr())
	}
	for i := range byte(20) {
		send(t, a, a.Addr(), pattern(50, i))
		expect(t, a, a.Addr(), pattern(50, i))
		_ = a.Send(dead, []byte("anyone there?"))
	}
	near, far := connect(t, a, a)
	exchange(t, near, far, 1000)
	_, _ = near.Close(), far.Close()
}

func dialContext(t *testing.T, a, b transport.Transport) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Dial(ctx, b.Addr()); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial with a cancelled context = %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	if _, err := a.Dial(ctx, b.Addr()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial past its deadline = %v, want context.DeadlineExceeded", err)
	}
	near, far := connect(t, a, b)
	exchange(t, near, far, 1000)
	_, _ = near.Close(), far.Close()
}

func dialRefusals(t *testing.T, a, b transport.Transport) {
	for _, to := range []netip.AddrPort{{}, netip.AddrPortFrom(b.Addr().Addr(), 0)} {
		if _, err := a.Dial(t.Context(), to); !errors.Is(err, transport.ErrAddress) {
			t.Errorf("Dial of %v = %v, want %v", to, err, transport.ErrAddress)
		}
	}
}

func closeUnblocks(t *testing.T, a, b transport.Transport) {
	started := make(chan struct{}, 2)
	results := make(chan error, 2)
	go func() {
		started <- struct{}{}
		_, _, err := a.Receive(make([]byte, transport.MaxPacket))
		results <- err
	}()
	go func() {
		started <- struct{}{}
		_, err := a.Accept()
		results <- err
	}()
	<-started
	<-started
	var closing sync.WaitGroup
	for range 4 {
		closing.Go(func() { closeAll(t, a) })
	}
	closing.Wait()
	for range 2 {
		if err := <-results; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Receive or Accept = %v, want net.ErrClosed", err)
		}
	}
}

func afterClose(t *testing.T, a, b transport.Transport) {
	addr := a.Addr()
	closeAll(t, a, a)
	if a.Addr() != addr {
		t.Errorf("Addr changed from %v to %v", addr, a.Addr())
	}
	if err := a.Send(b.Addr(), []byte("late")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send = %v, want net.ErrClosed", err)
	}
	if _, _, err := a.Receive(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive = %v, want net.ErrClosed", err)
	}
	if _, err := a.Dial(t.Context(), b.Addr()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Dial = %v, want net.ErrClosed", err)
	}
	if _, err := a.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept = %v, want net.ErrClosed", err)
	}
}

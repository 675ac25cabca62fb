package stream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/mem"
)

// The tests below run over transport/mem in virtual time. A pipe of it holds
// nothing: a Write waits until the other end has read all of it, which makes
// for the slowest of readers.

var (
	addrA = netip.MustParseAddrPort("10.0.0.1:7946")
	addrB = netip.MustParseAddrPort("10.0.0.2:7946")
	addrC = netip.MustParseAddrPort("10.0.0.3:7946")
)

func join(t *testing.T, network *mem.Network, addr netip.AddrPort) *mem.Transport {
	t.Helper()
	endpoint, err := network.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := endpoint.Close(); err != nil {
			t.Error(err)
		}
	})
	return endpoint
}

func over(t *testing.T, config Config, endpoint Endpoint) *Transport {
	t.Helper()
	tr, err := config.Over(endpoint)
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

func send(t *testing.T, from *Transport, to netip.AddrPort, packet string) {
	t.Helper()
	if err := from.Send(to, []byte(packet)); err != nil {
		t.Fatalf("Send %q to %v: %v", packet, to, err)
	}
}

func expect(t *testing.T, at *Transport, from netip.AddrPort, packet string) {
	t.Helper()
	buf := make([]byte, transport.MaxPacket)
	n, addr, err := at.Receive(buf)
	if err != nil || addr != from || string(buf[:n]) != packet {
		t.Fatalf("Receive = %q from %v, %v, want %q from %v", buf[:n], addr, err, packet, from)
	}
}

// open returns how many links and served connections a transport has.
func open(tr *Transport) (links, serving int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return len(tr.links), tr.serving
}

func expectOpen(t *testing.T, tr *Transport, wantLinks, wantServing int) {
	t.Helper()
	synctest.Wait()
	if links, serving := open(tr); links != wantLinks || serving != wantServing {
		t.Errorf("%v has %d links and serves %d connections, want %d and %d",
			tr.Addr(), links, serving, wantLinks, wantServing)
	}
}

func TestEachWayHasItsOwnConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{Latency: func(_, _ netip.AddrPort) time.Duration { return time.Millisecond }})
		a, b := over(t, Config{}, join(t, network, addrA)), over(t, Config{}, join(t, network, addrB))
		send(t, a, addrB, "ping")
		expect(t, b, addrA, "ping")
		send(t, b, addrA, "pong")
		expect(t, a, addrB, "pong")
		expectOpen(t, a, 1, 1)
		expectOpen(t, b, 1, 1)
	})
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		config := Config{Idle: time.Minute}
		a, b := over(t, config, join(t, network, addrA)), over(t, config, join(t, network, addrB))
		send(t, a, addrB, "one")
		expect(t, b, addrA, "one")
		time.Sleep(30 * time.Second)
		send(t, a, addrB, "two")
		expect(t, b, addrA, "two")
		time.Sleep(time.Minute - time.Nanosecond)
		expectOpen(t, a, 1, 0)
		expectOpen(t, b, 0, 1)
		time.Sleep(time.Nanosecond)
		expectOpen(t, a, 0, 0)
		expectOpen(t, b, 0, 0)
		send(t, a, addrB, "three")
		expect(t, b, addrA, "three")
		if got := a.Stats().Lost; got != 0 {
			t.Errorf("Lost = %d, want 0", got)
		}
	})
}

func TestASlowReaderFillsItsQueueAndBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		packet := make([]byte, 1000)
		config := Config{Queue: 10 * (headerSize + 1000), WriteTimeout: 5 * time.Second}
		a, c := over(t, config, join(t, network, addrA)), over(t, config, join(t, network, addrC))
		slow := join(t, network, addrB)
		go func() {
			conn, err := slow.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 3)) // the opening, and nothing after
		}()
		start := time.Now()
		if err := a.Send(addrB, packet); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the first is being written
		for i := range 10 {
			if err := a.Send(addrB, packet); err != nil {
				t.Fatalf("Send %d: %v", i, err)
			}
		}
		if err := a.Send(addrB, packet); !errors.Is(err, transport.ErrQueueFull) {
			t.Errorf("Send beyond the queue = %v, want %v", err, transport.ErrQueueFull)
		}
		send(t, a, addrC, "beside")
		expect(t, c, addrA, "beside")
		if waited := time.Since(start); waited != 0 {
			t.Errorf("all of this took %v, want no time", waited)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := a.Stats().Lost; got != 11 {
			t.Errorf("Lost = %d after the write timeout, want 11", got)
		}
		if err := a.Send(addrB, packet); !errors.Is(err, ErrUnreachable) {
			t.Errorf("Send after the write timeout = %v, want %v", err, ErrUnreachable)
		}
	})
}

func TestReconnectingBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var attempts []time.Time
		network := mem.NewNetwork(mem.Options{Refuse: func(_, _ netip.AddrPort) bool {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, time.Now())
			return true
		}})
		a := over(t, Config{}, join(t, network, addrA))
		const step = time.Millisecond
		refused := 0
		for range 60 * time.Second / step {
			switch err := a.Send(addrB, []byte("anyone there?")); {
			case err == nil:
			case errors.Is(err, ErrUnreachable) && errors.Is(err, syscall.ECONNREFUSED):
				refused++
			default:
				t.Fatalf("Send = %v, want %v and its cause", err, ErrUnreachable)
			}
			time.Sleep(step)
		}
		var delays []time.Duration
		for i := range attempts[1:] {
			delays = append(delays, attempts[i+1].Sub(attempts[i]))
		}
		want := retryMin
		for i, delay := range delays {
			if delay <= want*3/4-step || delay > want+step {
				t.Errorf("delay %d is %v, want three to four quarters of %v; all: %v", i, delay, want, delays)
			}
			want = min(2*want, retryMax)
		}
		if len(delays) < 11 {
			t.Errorf("%d attempts in a minute, want at least 12: %v", len(attempts), delays)
		}
		if got, want := a.Stats(), uint64(len(attempts)); got.Lost != want || got.SendErrors != uint64(refused) {
			t.Errorf("Stats = %+v, want Lost = %d and SendErrors = %d", got, want, refused)
		}
	})
}

func TestAPeerThatReturnsIsReachedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		a := over(t, Config{}, join(t, network, addrA))
		// Fail until the delay is at its longest.
		for range 10 {
			send(t, a, addrB, "anyone there?")
			time.Sleep(retryMax)
		}
		send(t, a, addrB, "anyone there?")
		synctest.Wait()
		b := over(t, Config{}, join(t, network, addrB))
		if err := a.Send(addrB, []byte("too early")); !errors.Is(err, ErrUnreachable) {
			t.Errorf("Send = %v, want %v", err, ErrUnreachable)
		}
		send(t, b, addrA, "I am back")
		expect(t, a, addrB, "I am back")
		send(t, a, addrB, "welcome")
		expect(t, b, addrA, "welcome")
	})
}

func TestALostConnectionIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		a, b := over(t, Config{}, join(t, network, addrA)), over(t, Config{}, join(t, network, addrB))
		send(t, a, addrB, "one")
		expect(t, b, addrA, "one")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = over(t, Config{}, join(t, network, addrB))
		send(t, a, addrB, "lost with the old connection")
		synctest.Wait()
		if got := a.Stats().Lost; got != 1 {
			t.Errorf("Lost = %d, want 1", got)
		}
		time.Sleep(retryMin)
		send(t, a, addrB, "two")
		expect(t, b, addrA, "two")
	})
}

func TestThePeerIdleForLongestMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		a := over(t, Config{Peers: 2}, join(t, network, addrA))
		b, c := over(t, Config{}, join(t, network, addrB)), over(t, Config{}, join(t, network, addrC))
		for _, peer := range []*Transport{b, c, b} { // c is idle for longest
			send(t, a, peer.Addr(), "hello")
			expect(t, peer, addrA, "hello")
		}
		synctest.Wait()
		send(t, a, addrA, "hello")
		expect(t, a, addrA, "hello")
		expectOpen(t, a, 2, 1)
		expectOpen(t, b, 0, 1)
		expectOpen(t, c, 0, 0)
	})
}

func TestNobodyMakesRoomWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{Latency: func(_, _ netip.AddrPort) time.Duration { return time.Second }})
		a := over(t, Config{Peers: 2}, join(t, network, addrA))
		send(t, a, addrB, "hello")
		send(t, a, addrC, "hello")
		if err := a.Send(addrA, []byte("hello")); !errors.Is(err, ErrBusy) {
			t.Errorf("Send to a third peer = %v, want %v", err, ErrBusy)
		}
	})
}

func TestConnectionsOverTheLimitAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		b := over(t, Config{Inbound: 2, DialTimeout: time.Second}, join(t, network, addrB))
		client := join(t, network, addrA)
		var conns []net.Conn
		for range 3 {
			conn, err := client.Dial(t.Context(), addrB)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conns = append(conns, conn)
			synctest.Wait()
		}
		expectOpen(t, b, 0, 2)
		if got := b.Stats().Refused; got != 1 {
			t.Errorf("Refused = %d, want 1", got)
		}
		if _, err := conns[2].Read(make([]byte, 1)); err == nil {
			t.Error("the third connection is open")
		}
		// The two have said nothing: they do not hold their places for long.
		time.Sleep(time.Second)
		expectOpen(t, b, 0, 0)
	})
}

func TestMalformedConnectionsAreEnded(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"unknown kind": {0x16, 0x03, 0x01}, // TLS
		"no port":      {kindDatagrams, 0, 0},
		"empty frame":  {kindDatagrams, 0x1f, 0x0a, 0, 0},
		"large frame":  {kindDatagrams, 0x1f, 0x0a, 0x24, 0x01}, // 9,217
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := mem.NewNetwork(mem.Options{})
				b := over(t, Config{}, join(t, network, addrB))
				conn, err := join(t, network, addrA).Dial(t.Context(), addrB)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				_, _ = conn.Write(bytes) // may fail in the middle: the other end hangs up
				if _, err := conn.Read(make([]byte, 1)); err == nil {
					t.Error("the connection is open")
				}
				expectOpen(t, b, 0, 0)
				if waited := time.Since(start); waited != 0 {
					t.Errorf("ended after %v, want at once", waited)
				}
				if got := b.Stats().Refused; got != 1 {
					t.Errorf("Refused = %d, want 1", got)
				}
			})
		})
	}
}

func TestTheClaimedPortAndTheSeenIPMakeTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		b := over(t, Config{}, join(t, network, addrB))
		conn, err := join(t, network, addrA).Dial(t.Context(), addrB)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(slices.Concat(appendOpening(nil, 4321), appendFrame(nil, []byte("hello")))); err != nil {
			t.Fatal(err)
		}
		expect(t, b, netip.AddrPortFrom(addrA.Addr(), 4321), "hello")
	})
}

func TestASilentPeerIsDroppedAfterTwiceTheIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		b := over(t, Config{Idle: time.Minute}, join(t, network, addrB))
		conn, err := join(t, network, addrA).Dial(t.Context(), addrB)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write(appendFrame(appendOpening(nil, 7946), []byte("bye"))[:6]); err != nil {
			t.Fatal(err) // a frame cut short
		}
		time.Sleep(2*time.Minute - time.Nanosecond)
		expectOpen(t, b, 0, 1)
		time.Sleep(time.Nanosecond)
		expectOpen(t, b, 0, 0)
	})
}

func TestDialGivesUpOnAPeerThatTakesNoOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		a := over(t, Config{DialTimeout: 3 * time.Second}, join(t, network, addrA))
		join(t, network, addrB) // connects, but nobody reads
		start := time.Now()
		if _, err := a.Dial(t.Context(), addrB); !errors.Is(err, errOpening) {
			t.Errorf("Dial = %v, want %v", err, errOpening)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Dial(ctx, addrB); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial = %v, want context.DeadlineExceeded", err)
		}
		time.AfterFunc(time.Second, func() { _ = a.Close() })
		if _, err := a.Dial(t.Context(), addrB); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Dial = %v, want net.ErrClosed", err)
		}
		if got, want := time.Since(start), 5*time.Second; got != want {
			t.Errorf("the three took %v, want %v", got, want)
		}
	})
}

func TestCloseCountsWhatWasQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := mem.NewNetwork(mem.Options{})
		a := over(t, Config{}, join(t, network, addrA))
		join(t, network, addrB) // connects, but nobody reads
		for range 3 {
			send(t, a, addrB, "hello")
			synctest.Wait() // the first is under way, the others wait
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if got := a.Stats().Lost; got != 3 {
			t.Errorf("Lost = %d, want 3", got)
		}
	})
}

package hearsay

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/mem"
)

func TestAFaultStopsTheNodeAndNotItsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		tr, err := v.network.Listen(addrOf(1))
		if err != nil {
			t.Fatal(err)
		}
		cfg := v.config(1)
		cfg.Transport = tr
		n, err := Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.do(t.Context(), func(*driver) { panic("invariant") }); !errors.Is(err, ErrClosed) {
			t.Errorf("the command that panicked = %v, want ErrClosed", err)
		}
		<-n.Done()
		if err := n.Err(); err == nil || !strings.Contains(err.Error(), "invariant") {
			t.Errorf("Err = %v", err)
		}
		if got := len(n.Members()); got != 1 {
			t.Errorf("%d members after the fault", got)
		}
		if got := n.MetaOf(n.id); got != nil {
			t.Errorf("metadata %v of a machine that is broken", got)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := tr.Send(addrOf(1), []byte("x")); err == nil {
			t.Error("the transport is still open")
		}
	})
}

// brokenTransport fails to receive once its channel is closed.
type brokenTransport struct {
	transport.Transport
	receive chan struct{}
}

var errBroken = errors.New("cable cut")

func (b brokenTransport) Receive([]byte) (int, netip.AddrPort, error) {
	<-b.receive
	return 0, netip.AddrPort{}, errBroken
}

func TestABrokenTransportStopsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		tr, err := v.network.Listen(addrOf(1))
		if err != nil {
			t.Fatal(err)
		}
		broken := brokenTransport{Transport: tr, receive: make(chan struct{})}
		logs := &recorder{}
		cfg := v.config(1)
		cfg.Transport, cfg.Logger = broken, logs.logger()
		n, err := Start(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if n.Err() != nil {
			t.Errorf("Err before the fault: %v", n.Err())
		}
		close(broken.receive)
		<-n.Done()
		if err := n.Err(); !errors.Is(err, errBroken) {
			t.Errorf("Err = %v, want %v", err, errBroken)
		}
		if got := logs.count("node stopped"); got != 1 {
			t.Errorf("%d lines about it, want 1", got)
		}
	})
}

func TestCloseIsIdempotentAndConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		n := v.cluster(3)[1]
		var closing sync.WaitGroup
		for range 10 {
			closing.Go(func() { closeNode(t, n) })
		}
		closing.Wait()
		select {
		case <-n.Done():
		default:
			t.Error("Done is not closed")
		}
		if got := len(n.Members()); got != 3 {
			t.Errorf("%d members after Close, want the last view of 3", got)
		}
		if s := n.Stats(); s.StreamsOpen != 0 || s.Joins != 1 {
			t.Errorf("after Close: %d streams open, %d joins", s.StreamsOpen, s.Joins)
		}
	})
}

// TestStartAndCloseLeaveNothingBehind compares the process before and after
// many nodes, one in twenty of which joined a cluster.
func TestStartAndCloseLeaveNothingBehind(t *testing.T) {
	rounds := 10_000
	if testing.Short() {
		rounds = 500
	}
	network := mem.NewNetwork(mem.Options{})
	cycle := func(rounds int) {
		for i := range rounds {
			n := startQuiet(t, network, 1, i+1)
			if i%20 == 0 {
				if _, err := n.Join(t.Context(), addrOf(2).String()); err != nil {
					t.Fatal(err)
				}
			}
			closeNode(t, n)
		}
	}
	defer closeNode(t, startQuiet(t, network, 2, 1))
	cycle(100) // pools and tables of the runtime reach their size
	before := footprint()
	cycle(rounds)
	after := footprint()
	if after.goroutines > before.goroutines {
		t.Errorf("%d goroutines after %d rounds, were %d", after.goroutines, rounds, before.goroutines)
	}
	if grown := int64(after.heap) - int64(before.heap); grown > 256<<10 {
		t.Errorf("heap grew by %d bytes in %d rounds", grown, rounds)
	}
}

func startQuiet(t *testing.T, network *mem.Network, place, epoch int) *Node {
	t.Helper()
	tr, err := network.Listen(addrOf(place))
	if err != nil {
		t.Fatal(err)
	}
	n, err := Start(t.Context(), Config{
		Name: fmt.Sprint("n", place), Ring: seal.DevRing("test"), Identity: identity(place), Epoch: uint64(epoch),
		Transport: tr, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStartAndCloseOverSocketsLeaveNothingBehind(t *testing.T) {
	if testing.Short() {
		t.Skip("real sockets")
	}
	ctx := limited(t)
	seed := loopback(t, 0)
	cycle := func(rounds int) {
		for i := range rounds {
			n := loopback(t, i)
			if _, err := n.Join(ctx, seed.Self().Addr.String()); err != nil {
				t.Fatal(err)
			}
			closeNode(t, n)
		}
	}
	cycle(10)
	before := footprint()
	cycle(100)
	// The seed's ends of the streams see the close a moment later.
	for after := footprint(); after.goroutines > before.goroutines || after.files > before.files; after = footprint() {
		if ctx.Err() != nil {
			t.Fatalf("after: %+v, before: %+v", after, before)
		}
		runtime.Gosched()
	}
}

type process struct {
	goroutines, files int
	heap              uint64
}

func footprint() process {
	runtime.GC()
	runtime.GC() // the second empties what the first left in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p := process{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux; elsewhere 0 both times
		p.files = len(entries)
	}
	return p
}

func TestAnIdleNodeHasAtMostThreeGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		before := runtime.NumGoroutine()
		v.cluster(10)
		time.Sleep(time.Minute) // streams have closed, seeds sleep
		synctest.Wait()
		if got := runtime.NumGoroutine() - before; got > 30 {
			t.Errorf("%d goroutines for ten nodes, want at most 30", got)
		}
	})
}

func TestAnInsecureNodeSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		for _, insecure := range []bool{true, false} {
			logs := &recorder{}
			n := v.start(1, func(c *Config) {
				c.Insecure, c.Logger = insecure, logs.logger()
				if insecure {
					c.Ring = nil
				}
			})
			warned := logs.count("node is insecure: anybody who reaches it can read and forge its traffic") == 1
			if warned != insecure {
				t.Errorf("insecure %v, warned %v", insecure, warned)
			}
			closeNode(t, n)
		}
	})
}

func TestASetClockRenewsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		logs := &recorder{}
		n := v.start(1, func(c *Config) { c.Logger = logs.logger() })
		session := func() string {
			sealed, err := n.box.Seal(nil, n.now(), identity(2).ID(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return string(sealed[5:17]) // where the session ID stands
		}
		before := session()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if session() != before {
			t.Error("the session changed though nothing happened")
		}
		for i, ahead := range []time.Duration{time.Hour, -time.Hour} {
			before = session()
			if err := n.do(t.Context(), func(d *driver) { d.lastWall = d.lastWall.Add(-ahead) }); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if session() == before {
				t.Errorf("the session outlived a jump of %v", ahead)
			}
			if got := logs.count("clock jumped: suspended, or set"); got != i+1 {
				t.Errorf("%d lines about %d jumps", got, i+1)
			}
		}
	})
}

package hearsay

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport/mem"
)

func TestNodesJoinThroughOneSeed(t *testing.T) {
	for _, size := range []int{2, 3, 10} {
		synctest.Test(t, func(t *testing.T) {
			nodes := newVirtual(t).cluster(size)
			for _, n := range nodes {
				s := n.Stats()
				if got := len(n.Members()); got != size || s.Alive != size {
					t.Errorf("%s lists %d members, %d alive, want %d", n.Self().Name, got, s.Alive, size)
				}
				if s.FalseDeaths != 0 || s.Deaths != 0 {
					t.Errorf("%s buried %d members", n.Self().Name, s.Deaths)
				}
			}
		})
	}
}

func TestAfterJoinTheContactIsAMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(3)
		late := v.start(4, func(c *Config) { c.Seeds = nil })
		joined, err := late.Join(t.Context(), addrOf(1).String(), addrOf(2).String(), addrOf(77).String())
		if joined != 2 || err != nil {
			t.Errorf("Join = %d, %v, want 2 contacts", joined, err)
		}
		for _, n := range nodes {
			if _, known := late.LookupID(n.id); !known {
				t.Errorf("%s is missing after Join", n.Self().Name)
			}
		}
	})
}

// dropped returns how often a node dropped something for a reason.
func dropped(t *testing.T, n *Node, reason string) uint64 {
	t.Helper()
	for _, d := range n.Stats().Drops {
		if d.Reason == reason {
			return d.Count
		}
	}
	t.Fatalf("there is no reason %q", reason)
	return 0
}

func TestAWrongRingNeverJoinsAndSaysWhy(t *testing.T) {
	key := seal.Key{1}
	for _, c := range []struct {
		name string
		ring *seal.Ring
		why  seal.Reason
	}{
		{"wrong key", seal.RingOf(seal.DevRing("test").Cluster(), key), seal.UnknownKey},
		{"wrong cluster", seal.DevRing("another"), seal.WrongCluster},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVirtual(t)
				a := v.start(1)
				logs := &recorder{}
				b := v.start(2, func(cfg *Config) { cfg.Ring, cfg.Logger = c.ring, logs.logger() })
				joined, err := b.Join(t.Context(), addrOf(1).String())
				if joined != 0 || !errors.Is(err, c.why) {
					t.Errorf("Join = %d, %v, want %v", joined, err, c.why)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if len(a.Members()) != 1 || len(b.Members()) != 1 {
					t.Errorf("members: %d and %d, want each alone", len(a.Members()), len(b.Members()))
				}
				if got := dropped(t, a, c.why.String()); got == 0 {
					t.Errorf("a refused b and did not count %s", c.why)
				}
				if got := logs.count("join failed, retrying"); got != 1 {
					t.Errorf("b warns %d times of one cause, want once", got)
				}
			})
		})
	}
}

func TestADatagramUnderAnotherKeyIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		a, b := v.start(1), v.start(2, func(c *Config) { c.Seeds, c.Ring = nil, seal.DevRing("another") })
		sealed, err := b.box.Seal(nil, b.now(), a.id, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.transport.Send(addrOf(1), sealed); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := dropped(t, a, "unknown_key"); got != 1 {
			t.Errorf("unknown_key = %d, want 1", got)
		}
	})
}

func TestJoinSaysWhatWentWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		slow := addrOf(66)
		v.network = mem.NewNetwork(mem.Options{Latency: func(_, to netip.AddrPort) time.Duration {
			if to == slow {
				return time.Hour
			}
			return time.Millisecond
		}})
		full := v.start(1, func(c *Config) { c.MembersMax = 2 })
		v.start(2)
		v.await("the first two", func() bool { return len(full.Members()) == 2 })
		n := v.start(3, func(c *Config) { c.Seeds, c.Resolver = nil, fakeResolver{} })
		for _, c := range []struct {
			name  string
			addrs []string
			want  error
			after time.Duration
		}{
			{"nobody listens", []string{addrOf(77).String()}, syscall.ECONNREFUSED, 2 * time.Millisecond},
			{"the way is too long", []string{slow.String()}, context.DeadlineExceeded, streamDialTimeout},
			{"the name is unknown", []string{"nowhere.example"}, ErrNoAddress, 0},
			{"the port is no number", []string{"host:http"}, errPort, 0},
			{"there is no address", nil, ErrNoAddress, 0},
			{"the contact is full", []string{addrOf(1).String()}, ErrFull, 2 * time.Millisecond},
		} {
			begun := time.Now()
			joined, err := n.Join(t.Context(), c.addrs...)
			if joined != 0 || !errors.Is(err, c.want) {
				t.Errorf("%s: Join = %d, %v, want %v", c.name, joined, err, c.want)
			}
			if got := time.Since(begun); got != c.after {
				t.Errorf("%s: took %v, want %v", c.name, got, c.after)
			}
		}
		_, err := n.Join(t.Context(), addrOf(77).String(), "nowhere.example", addrOf(1).String())
		for _, want := range []error{syscall.ECONNREFUSED, ErrNoAddress, ErrFull} {
			if !errors.Is(err, want) {
				t.Errorf("Join of three bad contacts does not say %v: %v", want, err)
			}
		}
	})
}

func TestJoinEndsWithItsContextAndWithTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		v.network = mem.NewNetwork(mem.Options{Latency: func(_, _ netip.AddrPort) time.Duration { return time.Hour }})
		v.start(1)
		n := v.start(2, func(c *Config) { c.Seeds = nil })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if _, err := n.Join(ctx, addrOf(1).String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Join = %v, want DeadlineExceeded", err)
		}
		if got := time.Since(begun); got != time.Second {
			t.Errorf("Join took %v, want 1s", got)
		}
		time.AfterFunc(time.Second, func() { closeNode(t, n) })
		if _, err := n.Join(t.Context(), addrOf(1).String()); !errors.Is(err, ErrClosed) {
			t.Errorf("Join = %v, want ErrClosed", err)
		}
		if got := time.Since(begun); got != 2*time.Second {
			t.Errorf("both joins took %v, want 2s", got)
		}
		if _, err := n.Join(t.Context(), addrOf(1).String()); !errors.Is(err, ErrClosed) {
			t.Errorf("Join after Close = %v, want ErrClosed", err)
		}
	})
}

func TestJoinsAtOneAddressShareTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		v.start(1)
		n := v.start(2, func(c *Config) { c.Seeds = nil })
		answers := make(chan error)
		for range 5 {
			go func() {
				joined, err := n.Join(t.Context(), addrOf(1).String())
				if joined != 1 {
					err = errors.Join(err, errors.New("nobody answered"))
				}
				answers <- err
			}()
		}
		for range 5 {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		if s := n.Stats(); s.Joins != 1 || s.StreamsOpened != 1 {
			t.Errorf("%d joins over %d streams, want one of each", s.Joins, s.StreamsOpened)
		}
	})
}

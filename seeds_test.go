package hearsay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

func (r fakeResolver) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	var records []*net.SRV
	for _, text := range r[name] {
		host, digits, _ := net.SplitHostPort(text)
		port, err := parsePort(digits)
		if err != nil {
			return "", nil, err
		}
		records = append(records, &net.SRV{Target: host + ".", Port: port})
	}
	return name, records, nil
}

func TestSeedsResolve(t *testing.T) {
	resolver := fakeResolver{
		"a.example":                    {"10.0.0.1", "10.0.0.2", "2001:db8::1"},
		"_gossip._udp.cluster.example": {"a.example:70", "b.example:71", "none.example:72"},
		"b.example":                    {"10.0.0.3"},
	}
	for text, want := range map[string]string{
		"10.1.1.1":                         "[10.1.1.1:7946]",
		"10.1.1.1:5":                       "[10.1.1.1:5]",
		"2001:db8::5":                      "[[2001:db8::5]:7946]",
		"[2001:db8::5]":                    "[[2001:db8::5]:7946]",
		"[2001:db8::5]:9":                  "[[2001:db8::5]:9]",
		"a.example":                        "[10.0.0.1:7946 10.0.0.2:7946 [2001:db8::1]:7946]",
		"a.example:1":                      "[10.0.0.1:1 10.0.0.2:1 [2001:db8::1]:1]",
		"srv:_gossip._udp.cluster.example": "[10.0.0.1:70 10.0.0.2:70 [2001:db8::1]:70 10.0.0.3:71]",
	} {
		s, err := parseSeed(text)
		if err != nil {
			t.Errorf("parse %s: %v", text, err)
			continue
		}
		got, err := s.resolve(t.Context(), resolver)
		if err != nil || fmt.Sprint(got) != want {
			t.Errorf("%s = %v, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"none.example", "srv:_none._udp.example", "srv:none"} {
		s, err := parseSeed(text)
		if err != nil {
			t.Errorf("parse %s: %v", text, err)
		}
		if got, err := s.resolve(t.Context(), resolver); !errors.Is(err, ErrNoAddress) {
			t.Errorf("%s = %v, %v, want ErrNoAddress", text, got, err)
		}
	}
}

func TestResolvedSeedsAreDistinct(t *testing.T) {
	resolver := fakeResolver{"a.example": {"10.0.0.1", "10.0.0.2"}}
	res := resolveSeeds(t.Context(), resolver, []seed{
		{host: "a.example", port: 1}, {host: "10.0.0.1", port: 1}, {text: "none", host: "none", port: 1},
	})
	if got := fmt.Sprint(res.addrs); got != "[10.0.0.1:1 10.0.0.2:1]" {
		t.Errorf("addresses %s", got)
	}
	if res.errs[0] != nil || res.errs[1] != nil || !errors.Is(res.errs[2], ErrNoAddress) {
		t.Errorf("errors %v", res.errs)
	}
}

func TestASeedThatComesUpLaterIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		late := v.start(2)
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := len(late.Members()); got != 1 {
			t.Fatalf("%d members before there is a seed", got)
		}
		v.start(1)
		// The back-off ends at 5 s, half as much again with its jitter.
		time.Sleep(seedsRetryMax*3/2 + time.Second)
		synctest.Wait()
		if got := len(late.Members()); got != 2 {
			t.Errorf("%d members, want 2", got)
		}
	})
}

// changingResolver is a fakeResolver whose answers change.
type changingResolver struct {
	mu      sync.Mutex
	answers fakeResolver
	asked   int
}

func (r *changingResolver) set(answers fakeResolver) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = answers
}

func (r *changingResolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	return r.answers.LookupNetIP(ctx, network, host)
}

func (r *changingResolver) LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.answers.LookupSRV(ctx, service, proto, name)
}

func TestSeedsAreResolvedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		v.start(1)
		resolver := &changingResolver{answers: fakeResolver{}}
		logs := &recorder{}
		n := v.start(2, func(c *Config) {
			c.Seeds, c.Resolver, c.Logger = []string{"seed.example"}, resolver, logs.logger()
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := logs.count("seeds not resolved, retrying"); got != 1 {
			t.Errorf("%d warnings of one problem, want 1", got)
		}
		resolver.set(fakeResolver{"seed.example": {addrOf(1).Addr().String()}})
		v.awaitState(n, identity(1).ID(), member.Alive)
		resolver.mu.Lock()
		before := resolver.asked
		resolver.mu.Unlock()
		time.Sleep(10 * seedsInterval)
		synctest.Wait()
		resolver.mu.Lock()
		defer resolver.mu.Unlock()
		if got := resolver.asked - before; got < 6 || got > 20 {
			t.Errorf("resolved %d times in ten intervals, want 6 to 20", got)
		}
	})
}

func TestANodeDoesNotJoinItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		// The alias is not known to be this node's before a handshake.
		n := v.start(1, func(c *Config) {
			c.Advertise = "10.7.7.7"
			c.Seeds = []string{"10.7.7.7", addrOf(1).String()}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		s := n.Stats()
		if len(n.Members()) != 1 || s.JoinFailures > 1 {
			t.Errorf("%d members, %d failed joins, want 1 and at most 1", len(n.Members()), s.JoinFailures)
		}
		if _, err := n.Join(t.Context(), "10.7.7.7"); !errors.Is(err, ErrSelf) {
			t.Errorf("Join of itself = %v, want ErrSelf", err)
		}
	})
}

func TestSeedsAreCalledWhenEverybodyIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		nodes := v.cluster(2)
		closeNode(t, nodes[0])
		v.awaitState(nodes[1], nodes[0].id, member.Dead)
		// Somebody else under the seed's address, who knows nobody.
		other := v.start(1, func(c *Config) { c.Identity, c.Name, c.Seeds = identity(9), "other", nil })
		v.awaitState(other, nodes[1].id, member.Alive)
		if !slices.ContainsFunc(nodes[1].Members(), func(m Member) bool { return m.ID == other.id }) {
			t.Error("the caller does not know whom it called")
		}
	})
}

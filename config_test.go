package hearsay

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport/mem"
)

func TestValidateReturnsEveryProblemAtOnce(t *testing.T) {
	cfg := Config{
		Name: "no spaces", Bind: "7946", Advertise: "0.0.0.0:1", MembersMax: -1,
		Seeds: []string{"host:70000", "good.example", "what?:1", "srv:", "[::]:1", "10.0.0.1:0"},
	}
	cfg.Timing = core.LAN()
	cfg.Timing.Fanout = 0
	err := cfg.Validate()
	for _, want := range []error{member.ErrName, ErrNoKey, errPort} {
		if !errors.Is(err, want) {
			t.Errorf("Validate does not say %q", want)
		}
	}
	for _, want := range []string{
		`bind "7946"`, `advertise "0.0.0.0:1"`, "members max -1", "fanout",
		`seed "host:70000"`, `seed "what?:1"`, `seed "srv:"`, `seed "[::]:1"`, `seed "10.0.0.1:0"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Validate does not mention %s:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "good.example") {
		t.Errorf("Validate complains about a good seed:\n%v", err)
	}
}

func TestPresetsAreValidOnceNamedAndKeyed(t *testing.T) {
	for name, cfg := range map[string]Config{"lan": LAN(), "wan": WAN(), "local": Local(), "zero": {}} {
		cfg.Name, cfg.Ring = "a", seal.DevRing("test")
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStartRefusesToRunWithoutAKey(t *testing.T) {
	tr, err := mem.NewNetwork(mem.Options{}).Listen(addrOf(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Config{Name: "a", Transport: tr}); !errors.Is(err, ErrNoKey) {
		t.Errorf("Start = %v, want ErrNoKey", err)
	}
	if err := tr.Send(addrOf(2), []byte("x")); err == nil {
		t.Error("the transport is open after a failed Start")
	}
}

func TestStartReportsAPortInUse(t *testing.T) {
	if testing.Short() {
		t.Skip("real sockets")
	}
	a := loopback(t, 1)
	cfg := Config{Name: "b", Ring: seal.DevRing("test"), Bind: a.Self().Addr.String()}
	for _, streamOnly := range []bool{false, true} {
		cfg.StreamOnly = streamOnly
		if _, err := Start(t.Context(), cfg); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("Start (stream only %v) = %v, want EADDRINUSE", streamOnly, err)
		}
	}
}

func TestAdvertisedAddress(t *testing.T) {
	ctx := t.Context()
	resolver := fakeResolver{"node.example": {"10.9.8.7"}}
	for _, c := range []struct{ advertise, bound, want string }{
		{"", "10.0.0.1:7946", "10.0.0.1:7946"},
		{"", "[::ffff:10.0.0.1]:7946", "10.0.0.1:7946"},
		{"192.0.2.1", "0.0.0.0:7946", "192.0.2.1:7946"},
		{"192.0.2.1:99", "0.0.0.0:7946", "192.0.2.1:99"},
		{"node.example:0", "10.0.0.1:1234", "10.9.8.7:1234"},
		{"2001:db8::1", "[::]:7946", "[2001:db8::1]:7946"},
		{"[2001:db8::1]:5", "[::]:7946", "[2001:db8::1]:5"},
	} {
		cfg := Config{Advertise: c.advertise, Resolver: resolver}
		got, err := cfg.advertised(ctx, netip.MustParseAddrPort(c.bound))
		if err != nil || got.String() != c.want {
			t.Errorf("advertised(%q at %s) = %s, %v, want %s", c.advertise, c.bound, got, err, c.want)
		}
	}
	cfg := Config{Advertise: "nowhere.example", Resolver: resolver}
	if _, err := cfg.advertised(ctx, netip.MustParseAddrPort("10.0.0.1:1")); !errors.Is(err, ErrNoAddress) {
		t.Errorf("advertised(nowhere.example) = %v, want ErrNoAddress", err)
	}
}

func TestBestAddressOfAnInterface(t *testing.T) {
	for _, c := range []struct {
		have  string
		only4 bool
		want  string
	}{
		{"127.0.0.1 ::1 fe80::1 203.0.113.7 192.168.1.5 10.1.1.1", false, "192.168.1.5"},
		{"2001:db8::1 fd00::1 203.0.113.7", false, "203.0.113.7"},
		{"2001:db8::1 fd00::1", false, "fd00::1"},
		{"2001:db8::1", false, "2001:db8::1"},
		{"2001:db8::1 169.254.1.1", true, ""},
		{"127.0.0.1", false, ""},
	} {
		var all []netip.Addr
		for text := range strings.FieldsSeq(c.have) {
			all = append(all, netip.MustParseAddr(text))
		}
		got, err := bestAddr(all, c.only4)
		if c.want == "" {
			if !errors.Is(err, errNoInterface) {
				t.Errorf("bestAddr(%s) = %s, %v, want errNoInterface", c.have, got, err)
			}
		} else if err != nil || got.String() != c.want {
			t.Errorf("bestAddr(%s) = %s, %v, want %s", c.have, got, err, c.want)
		}
	}
}

func TestDefaultsDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVirtual(t)
		fresh := func(c *Config) { c.Identity, c.Epoch, c.RandomSeed = nil, 0, 0 }
		a, b := v.start(1, fresh), v.start(2, fresh)
		if a.Self().ID == b.Self().ID || a.cfg.RandomSeed == b.cfg.RandomSeed {
			t.Error("two nodes drew the same identity or random seed")
		}
		if a.Self().Epoch == 0 {
			t.Error("epoch is 0, want the wall clock")
		}
	})
}

// fakeResolver knows the addresses of some names; an SRV name lists host:port.
type fakeResolver map[string][]string

func (r fakeResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var ips []netip.Addr
	for _, text := range r[host] {
		ips = append(ips, netip.MustParseAddr(text))
	}
	return ips, nil
}

func TestAnInterfaceAddressIsOneOfThisHost(t *testing.T) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	local := map[netip.Addr]bool{}
	for _, a := range all {
		if ip := netip.MustParsePrefix(a.String()).Addr(); ip.IsGlobalUnicast() {
			local[ip] = true
		}
	}
	if len(local) == 0 {
		t.Skip("this host has the loopback interface alone")
	}
	if got, err := interfaceAddr(false); err != nil || !local[got] {
		t.Errorf("interfaceAddr = %s, %v, want one of %v", got, err, local)
	}
}

package netlab

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestNamespaceNamesTellTheirOwner(t *testing.T) {
	name := labName{owner: 4321, random: 0xbeef}
	for _, own := range []string{name.host(0), name.host(127), name.hub()} {
		if pid, ok := ownerOf(own); !ok || pid != 4321 {
			t.Errorf("ownerOf(%q) = %d, %v; want 4321, true", own, pid, ok)
		}
	}
	if got, want := name.host(7), "hslab-4321-0000beef-h7"; got != want {
		t.Errorf("host name %q, want %q", got, want)
	}
}

func TestForeignNamespacesHaveNoOwner(t *testing.T) {
	for _, name := range []string{
		"", "hslab", "blue", "hslab-1-0000beef", "hslab-0-0000beef-h1", "hslab-x-0000beef-h1",
		"hslab-12-beef-h1", "hslab-12-0000beef-h1234", "hslab-12-0000beef-h1 ", "my-hslab-12-0000beef-h1",
		"hslab-12-0000BEEF-h1", "hslab-9999999999-0000beef-h1", "hslab-12-0000beef-sw2", "hslab--1-0000beef-sw",
	} {
		if pid, ok := ownerOf(name); ok {
			t.Errorf("ownerOf(%q) = %d, want none", name, pid)
		}
	}
}

func TestHardwareAddressesNameTheirHost(t *testing.T) {
	for i := range MaxHosts {
		got, ok := hostOf(hostMAC(i), MaxHosts)
		if !ok || got != i {
			t.Errorf("hostOf(hostMAC(%d)) = %d, %v", i, got, ok)
		}
		if last := hostAddr(i).As4()[3]; int(last) != i+1 {
			t.Errorf("host %d has address %v", i, hostAddr(i))
		}
		if last := hostAddr6(i).As16()[15]; int(last) != i+1 || !hostAddr6(i).IsPrivate() {
			t.Errorf("host %d has address %v", i, hostAddr6(i))
		}
	}
	if hostMAC(0)[0]&1 != 0 || hostMAC(0)[0]&2 == 0 {
		t.Errorf("%v is not a locally administered unicast address", hostMAC(0))
	}
}

func TestStrangersHaveNoHost(t *testing.T) {
	zero := hostMAC(0)
	zero[5] = 0
	for _, mac := range [][]byte{nil, hostMAC(0)[:5], zero, hostMAC(3), {0x02, 0x68, 0x73, 0x61, 0x78, 1}} {
		if i, ok := hostOf(mac, 3); ok {
			t.Errorf("hostOf(%x) of 3 hosts = %d, want none", mac, i)
		}
	}
}

func TestPairsAreOrderedOnceAndNeverReflexive(t *testing.T) {
	got, err := pairsBetween([]int{2, 0, 0}, []int{0, 1}, 3)
	want := []pair{{0, 1}, {2, 0}, {2, 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("pairs %v, %v; want %v", got, err, want)
	}
}

func TestPairsRefuseHostsOutsideTheLab(t *testing.T) {
	for _, bad := range []int{-1, 3} {
		if _, err := pairsBetween([]int{0}, []int{bad}, 3); !errors.Is(err, ErrNoHost) {
			t.Errorf("to %d: %v, want ErrNoHost", bad, err)
		}
		if _, err := pairsBetween([]int{bad}, nil, 3); !errors.Is(err, ErrNoHost) {
			t.Errorf("from %d: %v, want ErrNoHost", bad, err)
		}
	}
}

func TestHostScript(t *testing.T) {
	const want = `link set dev lo up
link set dev eth0 address 02:68:73:61:79:02 mtu 1500 txqueuelen 16384
addr add 10.77.0.2/24 dev eth0
link set dev eth0 addrgenmode none
addr add fd68:7361:7900::2/64 dev eth0 nodad
link set dev eth0 up
neigh replace 10.77.0.1 lladdr 02:68:73:61:79:01 dev eth0 nud permanent
neigh replace fd68:7361:7900::1 lladdr 02:68:73:61:79:01 dev eth0 nud permanent
`
	if got := hostScript(1, 2, true); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := hostScript(1, 2, false); strings.Contains(got, "fd68") || strings.Contains(got, "addrgenmode") {
		t.Errorf("IPv6 without a kernel for it:\n%s", got)
	}
}

func TestBridgeScript(t *testing.T) {
	const want = `link add sw0 type bridge forward_delay 0 mcast_snooping 0
link set dev sw0 up
link add p0 type veth peer name eth0 netns a
link set dev p0 master sw0
link set dev p0 up
link add p1 type veth peer name eth0 netns b
link set dev p1 master sw0
link set dev p1 up
`
	if got := bridgeScript([]string{"a", "b"}); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

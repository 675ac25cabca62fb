package netlab

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// MaxHosts bounds a lab. Each host pins an entry for each other host, so
	// set-up grows with the square: 128 hosts make 32,512 neighbour entries.
	// Host numbers must also fit the last byte of an IPv4 address.
	MaxHosts = 128

	// prefix marks the namespaces that are ours to remove.
	prefix = "hslab"

	// device is the Ethernet device of every host.
	device = "eth0"

	// mtu is Ethernet's. The TAP switch sizes its read buffer by it.
	mtu = 1500

	// queueFrames is the transmit queue of a host's device. A TAP device drops
	// what its reader has not taken in time; 16,384 frames outlast any burst a
	// test sends, so that only configured faults lose frames.
	queueFrames = 16_384
)

// ownName matches the namespaces of this package and captures the owner's pid.
var ownName = regexp.MustCompile(`^` + prefix + `-([1-9][0-9]{0,9})-[0-9a-f]{8}-(?:h[0-9]{1,3}|sw)$`)

// labName tells one lab's namespaces from all others.
type labName struct {
	owner  int    // pid of the process that made the lab
	random uint32 // two labs of one process differ here
}

func (n labName) host(i int) string {
	return fmt.Sprintf("%s-%d-%08x-h%d", prefix, n.owner, n.random, i)
}

func (n labName) hub() string { return fmt.Sprintf("%s-%d-%08x-sw", prefix, n.owner, n.random) }

// ownerOf returns the pid in a namespace's name; false if the name is not ours.
func ownerOf(name string) (pid int, ok bool) {
	match := ownName.FindStringSubmatch(name)
	if match == nil {
		return 0, false
	}
	pid, err := strconv.Atoi(match[1])
	return pid, err == nil && pid <= 1<<31-1
}

// hostAddr is 10.77.0.(i+1), in a /24 inside the lab.
func hostAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, byte(i + 1)}) }

// hostAddr6 is fd68:7361:7900::(i+1), in a /64 of the unique local range (RFC 4193).
func hostAddr6(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x68, 2: 0x73, 3: 0x61, 4: 0x79, 15: byte(i + 1)})
}

// hostMAC is a locally administered unicast address that ends in i+1.
func hostMAC(i int) net.HardwareAddr {
	return net.HardwareAddr{0x02, 0x68, 0x73, 0x61, 0x79, byte(i + 1)}
}

// hostOf is the inverse of hostMAC for a lab of n hosts.
func hostOf(mac []byte, n int) (i int, ok bool) {
	own := hostMAC(0)
	if len(mac) != len(own) || !slices.Equal(mac[:5], own[:5]) {
		return 0, false
	}
	i = int(mac[5]) - 1
	return i, i >= 0 && i < n
}

// portName is the switch's end of host i's cable.
func portName(i int) string { return "p" + strconv.Itoa(i) }

// pair is an ordered pair of hosts: frames sent by from and meant for to.
type pair struct{ from, to int }

// pairsBetween lists each ordered pair once, sorted, and leaves out pairs of a
// host with itself, which no frame crosses the switch for.
func pairsBetween(from, to []int, n int) ([]pair, error) {
	for _, i := range slices.Concat(from, to) {
		if i < 0 || i >= n {
			return nil, fmt.Errorf("netlab: host %d of %d: %w", i, n, ErrNoHost)
		}
	}
	var pairs []pair
	for _, f := range from {
		for _, t := range to {
			if f != t {
				pairs = append(pairs, pair{f, t})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	return slices.Compact(pairs), nil
}

// hostScript is the ip(8) batch that sets up host i of n, whose device exists.
func hostScript(i, n int, ipv6 bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("link set dev lo up")
	line("link set dev %s address %s mtu %d txqueuelen %d", device, hostMAC(i), mtu, queueFrames)
	line("addr add %s/24 dev %s", hostAddr(i), device)
	if ipv6 {
		// No link-local address, hence no router solicitation among the frames;
		// no duplicate detection, hence an address that is usable at once.
		line("link set dev %s addrgenmode none", device)
		line("addr add %s/64 dev %s nodad", hostAddr6(i), device)
	}
	line("link set dev %s up", device)
	for peer := range n {
		if peer == i {
			continue
		}
		line("neigh replace %s lladdr %s dev %s nud permanent", hostAddr(peer), hostMAC(peer), device)
		if ipv6 {
			line("neigh replace %s lladdr %s dev %s nud permanent", hostAddr6(peer), hostMAC(peer), device)
		}
	}
	return b.String()
}

// bridgeScript is the ip(8) batch that makes the bridge and its cables, run
// inside the switch's namespace. The far ends appear in the hosts directly, so
// no device ever exists outside the lab.
func bridgeScript(hosts []string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	// Without snooping multicast reaches every host, querier or not.
	line("link add sw0 type bridge forward_delay 0 mcast_snooping 0")
	line("link set dev sw0 up")
	for i, host := range hosts {
		line("link add %s type veth peer name %s netns %s", portName(i), device, host)
		line("link set dev %s master sw0", portName(i))
		line("link set dev %s up", portName(i))
	}
	return b.String()
}

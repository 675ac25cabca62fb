package netlab

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// tableScript is the nft(8) script of a bridge without faults: a set of cut
// pairs, and a chain for whatever befalls the frames that are left.
const tableScript = `table bridge netlab {
	set cut { type ifname . ifname; }
	chain weather { }
	chain between {
		type filter hook forward priority 0; policy accept;
		iifname . oifname @cut drop
		jump weather
	}
}
`

// healScript empties the set of cut pairs.
const healScript = "flush set bridge netlab cut\n"

// cutScript adds pairs to the set of cut pairs; cutting a pair twice is no error.
func cutScript(pairs []pair) string {
	elements := make([]string, len(pairs))
	for i, p := range pairs {
		elements[i] = fmt.Sprintf("%q . %q", portName(p.from), portName(p.to))
	}
	return fmt.Sprintf("add element bridge netlab cut { %s }\n", strings.Join(elements, ", "))
}

// lossScript replaces the loss rule in one transaction: no frame sees both the
// old rule and the new one.
func lossScript(percent int) string {
	script := "flush chain bridge netlab weather\n"
	if percent > 0 {
		script += fmt.Sprintf("add rule bridge netlab weather numgen random mod 100 < %d drop\n", percent)
	}
	return script
}

// forwardingPorts counts the bridge ports that forward, in what
// "ip -details -json link show" printed.
func forwardingPorts(report []byte) (int, error) {
	var links []struct {
		LinkInfo struct {
			SlaveKind string `json:"info_slave_kind"`
			SlaveData struct {
				State string `json:"state"`
			} `json:"info_slave_data"`
		} `json:"linkinfo"`
	}
	if err := json.Unmarshal(report, &links); err != nil {
		return 0, fmt.Errorf("netlab: parse link report: %w", err)
	}
	ports := 0
	for _, link := range links {
		if link.LinkInfo.SlaveKind == "bridge" && link.LinkInfo.SlaveData.State == "forwarding" {
			ports++
		}
	}
	return ports, nil
}

// hasLocalRoute reports whether the kernel accepts packets for an IPv6 address,
// by the text of /proc/net/ipv6_route. It is a worker's job to install that
// route: for a while after the address exists, and can be bound, the kernel
// drops what arrives for it.
func hasLocalRoute(table string, addr netip.Addr) bool {
	const local = 0x80000000 // RTF_LOCAL of linux/ipv6_route.h
	for line := range strings.Lines(table) {
		// Destination and its length, source and its length, next hop, metric,
		// two counters, flags, device: all but the device in hexadecimal.
		fields := strings.Fields(line)
		if len(fields) != 10 || fields[0] != hex.EncodeToString(addr.AsSlice()) || fields[1] != "80" {
			continue
		}
		if flags, err := strconv.ParseUint(fields[8], 16, 32); err == nil && flags&local != 0 {
			return true
		}
	}
	return false
}

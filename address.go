package hearsay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/hearsay-gossip/hearsay/transport"
)

func checkHostPort(field, text string) error {
	_, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = parsePort(port)
	}
	if err != nil {
		return fmt.Errorf("%s %q: want host:port: %w", field, text, err)
	}
	return nil
}

var errPort = errors.New("port is not a number of 0 to 65535")

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errPort
	}
	return uint16(n), nil
}

func checkAdvertise(text string) error {
	host, _, err := splitAdvertise(text, 0)
	if err == nil && host == "" {
		err = errors.New("host is missing")
	}
	if ip, ipErr := netip.ParseAddr(host); ipErr == nil && (ip.IsUnspecified() || ip.IsMulticast()) {
		err = errors.New("others cannot reach this address")
	}
	if err != nil {
		return fmt.Errorf("advertise %q: %w", text, err)
	}
	return nil
}

// splitAdvertise reads "host:port" or "host", which gets the port given.
func splitAdvertise(text string, port uint16) (string, uint16, error) {
	host, digits, ok := cutPort(text)
	if !ok {
		return host, port, nil
	}
	n, err := parsePort(digits)
	if n == 0 {
		n = port
	}
	return host, n, err
}

// cutPort separates "host:port"; ok is false for a host alone, which may be an
// IPv6 address with or without brackets.
func cutPort(text string) (host, port string, ok bool) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, "", false
	}
	if host, port, err := net.SplitHostPort(text); err == nil {
		return host, port, true
	}
	if n := len(text); n > 2 && text[0] == '[' && text[n-1] == ']' {
		return text[1 : n-1], "", false
	}
	return text, "", false
}

// advertised returns where others reach a node that is bound to an address.
func (c Config) advertised(ctx context.Context, bound netip.AddrPort) (netip.AddrPort, error) {
	if c.Advertise != "" {
		host, port, err := splitAdvertise(c.Advertise, bound.Port())
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("advertise %q: %w", c.Advertise, err)
		}
		ips, err := lookupHost(ctx, c.Resolver, host)
		if err != nil {
			return netip.AddrPort{}, fmt.Errorf("advertise %q: %w", c.Advertise, err)
		}
		return netip.AddrPortFrom(ips[0], port), nil
	}
	if !bound.Addr().IsUnspecified() {
		return transport.Unmap(bound), nil
	}
	ip, err := interfaceAddr(bound.Addr().Is4())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("advertise address for %s: %w", bound, err)
	}
	return netip.AddrPortFrom(ip, bound.Port()), nil
}

var errNoInterface = errors.New("no interface has a private or global address; set Advertise")

// interfaceAddr returns the address of an interface that is up by which others
// most likely reach this host.
func interfaceAddr(only4 bool) (netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return netip.Addr{}, err
	}
	var all []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return netip.Addr{}, fmt.Errorf("interface %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				all = append(all, p.Addr().Unmap())
			}
		}
	}
	return bestAddr(all, only4)
}

// bestAddr prefers private over global addresses, since members mostly share a
// site, and IPv4 over IPv6, since it is more often routed within one.
func bestAddr(all []netip.Addr, only4 bool) (best netip.Addr, err error) {
	rank := func(a netip.Addr) int {
		switch {
		case !a.IsGlobalUnicast() || only4 && !a.Is4():
			return 0
		case a.IsPrivate() && a.Is4():
			return 4
		case a.Is4():
			return 3
		case a.IsPrivate():
			return 2
		}
		return 1
	}
	for _, a := range all {
		if r := rank(a); r > 0 && (!best.IsValid() || r > rank(best)) {
			best = a
		}
	}
	if !best.IsValid() {
		return best, errNoInterface
	}
	return best, nil
}

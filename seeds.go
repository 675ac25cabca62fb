package hearsay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/transport"
)

// resolveTimeout bounds one lookup: the resolver of the system asks two servers
// twice within it.
const resolveTimeout = 5 * time.Second

// seed is one address at which the cluster may be found, before it is resolved.
type seed struct {
	text string
	srv  string // name of SRV records; then host and port are unused
	host string
	port uint16
}

const srvPrefix = "srv:"

func parseSeed(text string) (seed, error) {
	s := seed{text: text, port: DefaultPort}
	if name, ok := strings.CutPrefix(text, srvPrefix); ok {
		s.srv = name
		return s, s.check(name)
	}
	host, digits, hasPort := cutPort(text)
	s.host = host
	if hasPort {
		port, err := parsePort(digits)
		if err == nil && port == 0 {
			err = errors.New("port 0 cannot be called")
		}
		if err != nil {
			return s, fmt.Errorf("seed %q: %w", text, err)
		}
		s.port = port
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.IsUnspecified() || ip.IsMulticast() {
			return s, fmt.Errorf("seed %q: not the address of one node", text)
		}
		return s, nil
	}
	return s, s.check(host)
}

// check refuses what can be no DNS name: RFC 1035 section 2.3.4 for the length;
// the underscore is that of RFC 2782.
func (s seed) check(name string) error {
	if len(name) == 0 || len(name) > 253 {
		return fmt.Errorf("seed %q: want a host name or address", s.text)
	}
	for _, r := range name {
		if !strings.ContainsRune("-._", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return fmt.Errorf("seed %q: %q cannot be part of a host name", s.text, r)
		}
	}
	return nil
}

// resolve returns the addresses of a seed, at least one, in the order of the
// resolver.
func (s seed) resolve(ctx context.Context, r Resolver) ([]netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	if s.srv == "" {
		addrs, err := s.at(ctx, r, s.host, s.port)
		if err != nil {
			return nil, fmt.Errorf("seed %q: %w", s.text, err)
		}
		return addrs, nil
	}
	_, records, err := r.LookupSRV(ctx, "", "", s.srv)
	if err == nil && len(records) == 0 {
		err = ErrNoAddress
	}
	var all []netip.AddrPort
	errs := []error{err}
	for _, rec := range records {
		addrs, err := s.at(ctx, r, strings.TrimSuffix(rec.Target, "."), rec.Port)
		errs = append(errs, err)
		all = append(all, addrs...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("seed %q: %w", s.text, errors.Join(errs...))
	}
	return all, nil
}

func (s seed) at(ctx context.Context, r Resolver, host string, port uint16) ([]netip.AddrPort, error) {
	ips, err := lookupHost(ctx, r, host)
	if err != nil {
		return nil, err
	}
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip, port)
	}
	return addrs, nil
}

// lookupHost returns at least one address, without asking for an IP.
func lookupHost(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	ips, err := r.LookupNetIP(ctx, "ip", host)
	if err == nil && len(ips) == 0 {
		err = fmt.Errorf("%s: %w", strconv.Quote(host), ErrNoAddress)
	}
	if err != nil {
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, nil
}

// resolution is what came of resolving some seeds.
type resolution struct {
	addrs []netip.AddrPort // distinct, ordered
	errs  []error          // of each seed, nil where it has addresses
}

// resolveSeeds resolves all seeds, one after the other: they are few, and it
// happens in the background.
func resolveSeeds(ctx context.Context, r Resolver, seeds []seed) resolution {
	res := resolution{errs: make([]error, len(seeds))}
	for i, s := range seeds {
		var addrs []netip.AddrPort
		addrs, res.errs[i] = s.resolve(ctx, r)
		for _, a := range addrs {
			res.addrs = append(res.addrs, transport.Unmap(a))
		}
	}
	slices.SortFunc(res.addrs, netip.AddrPort.Compare)
	res.addrs = slices.Compact(res.addrs)
	return res
}

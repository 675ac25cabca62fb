package hearsay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/hearsay-gossip/hearsay/core"
)

// joining is a join under way at one address, on behalf of all who asked for it.
type joining struct {
	cause error // why the stream to the contact failed
	then  []func(error)
}

// Join asks the nodes at some addresses, in the form of [Config.Seeds], for
// their view, and returns how many of them answered; the rest of the cluster
// follows by gossip. An address of this very node is skipped. If nobody
// answered, the error joins what went wrong with each: it could not be resolved
// or dialled, its ring is another one (seal.UnknownKey, seal.WrongCluster), it
// is full ([ErrFull]), it did not answer ([ErrNoAnswer]), it is this node
// ([ErrSelf]).
//
// Each contact has ten seconds, less if the context ends.
func (n *Node) Join(ctx context.Context, addrs ...string) (int, error) {
	contacts, errs := n.contacts(ctx, addrs)
	answers := make(chan error, len(contacts))
	err := n.do(ctx, func(d *driver) {
		if d.leaving != nil {
			errs, contacts = append(errs, ErrLeft), nil
			return
		}
		d.join(contacts, func(_ netip.AddrPort, err error) { answers <- err })
	})
	if err != nil {
		return 0, fmt.Errorf("join: %w", err)
	}
	joined := 0
	for range contacts {
		select {
		case err := <-answers:
			if err == nil {
				joined++
			} else {
				errs = append(errs, err)
			}
			continue
		case <-ctx.Done():
			errs = append(errs, ctx.Err())
		case <-n.done:
			errs = append(errs, ErrClosed)
		}
		break
	}
	if joined > 0 {
		return joined, nil
	}
	if err := errors.Join(errs...); err != nil {
		return 0, fmt.Errorf("join: %w", err)
	}
	return 0, fmt.Errorf("join: %w", ErrNoAddress)
}

// contacts parses and resolves the addresses of a join.
func (n *Node) contacts(ctx context.Context, addrs []string) ([]netip.AddrPort, []error) {
	var seeds []seed
	var errs []error
	for _, text := range addrs {
		s, err := parseSeed(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		seeds = append(seeds, s)
	}
	res := resolveSeeds(ctx, n.cfg.Resolver, seeds)
	for _, err := range res.errs {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return res.addrs, errs
}

// join starts joins at addresses; then is called for each when it is decided,
// from the driver.
func (d *driver) join(addrs []netip.AddrPort, then func(netip.AddrPort, error)) {
	var fresh []netip.AddrPort
	for _, addr := range addrs {
		decided := func(err error) { then(addr, err) }
		switch j := d.joins[addr]; {
		case d.own[addr]:
			decided(fmt.Errorf("%s: %w", addr, ErrSelf))
		case j != nil:
			j.then = append(j.then, decided)
		default:
			d.joins[addr] = &joining{then: []func(error){decided}}
			fresh = append(fresh, addr)
		}
	}
	if len(fresh) > 0 {
		d.step(&core.Join{Addrs: fresh})
	}
}

// joinEnded tells those who asked what came of a join.
func (d *driver) joinEnded(addr netip.AddrPort, err error) {
	j := d.joins[addr]
	if j == nil {
		return
	}
	delete(d.joins, addr)
	if err != nil {
		if errors.Is(err, ErrNoAnswer) && j.cause != nil {
			err = j.cause
		} else {
			err = fmt.Errorf("%s: %w", addr, err)
		}
		d.counts.joinFailures++
	} else {
		d.counts.joins++
		d.publishNow()
		d.log.joined(addr)
	}
	for _, decided := range j.then {
		decided(err)
	}
}

// unreachable takes the failure of a stream to an address.
func (d *driver) unreachable(addr netip.AddrPort, err error) {
	if errors.Is(err, ErrSelf) {
		d.own[addr] = true
	}
	if j := d.joins[addr]; j != nil {
		j.cause = err
	}
	d.step(&core.Unreachable{Addr: addr})
}

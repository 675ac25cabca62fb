package netlab

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
)

// probe finds the reasons why a lab would fail. The cheap ones are collected;
// only if there are none does it make a namespace and try each mechanism there.
func probe() error {
	var reasons []error
	if os.Geteuid() != 0 {
		reasons = append(reasons, fmt.Errorf("netlab: not root but user %d", os.Geteuid()))
	}
	for _, name := range []string{"ip", "nft"} {
		if _, err := tool(name); err != nil {
			reasons = append(reasons, fmt.Errorf("netlab: %w", err))
		}
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		reasons = append(reasons, fmt.Errorf("netlab: %w", err))
	}
	if len(reasons) > 0 {
		return errors.Join(reasons...)
	}

	ns := namespace{labName{owner: os.Getpid(), random: rand.Uint32()}.host(0)}
	if err := ns.create(); err != nil {
		return err
	}
	return errors.Join(ns.tryTAP(), ns.tryBridge(), ns.remove())
}

func (ns namespace) tryTAP() error {
	tap, err := ns.openTAP()
	if err != nil {
		return err
	}
	return tap.Close()
}

func (ns namespace) tryBridge() error {
	if err := ns.run(bridgeScript(nil), "ip", "-batch", "-"); err != nil {
		return err
	}
	// Every kind of expression that a lab uses: the kernel loads them one by one.
	every := tableScript + cutScript([]pair{{0, 1}}) + lossScript(1) + healScript
	return ns.run(every, "nft", "-f", "-")
}

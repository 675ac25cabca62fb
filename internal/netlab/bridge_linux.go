package netlab

import "errors"

// bridge is a kernel bridge in a namespace of its own, with nftables rules
// between its ports. All state is the kernel's.
type bridge struct {
	ns    namespace
	ports int
}

func newBridge(name labName, hosts []namespace) (fabric, error) {
	b := &bridge{ns: namespace{name.hub()}, ports: len(hosts)}
	names := make([]string, len(hosts))
	for i, host := range hosts {
		names[i] = host.name
	}
	err := b.ns.create()
	if err == nil {
		err = b.ns.run(bridgeScript(names), "ip", "-batch", "-")
	}
	if err == nil {
		err = b.rule(tableScript)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bridge) ready() (bool, error) {
	var report []byte
	err := b.ns.do(func() (err error) {
		report, err = output("", "ip", "-details", "-json", "link", "show")
		return err
	})
	if err != nil {
		return false, err
	}
	forwarding, err := forwardingPorts(report)
	return forwarding == b.ports, err
}

func (b *bridge) rule(script string) error { return b.ns.run(script, "nft", "-f", "-") }

func (b *bridge) cut(pairs []pair) error   { return b.rule(cutScript(pairs)) }
func (b *bridge) heal() error              { return b.rule(healScript) }
func (b *bridge) loss(percent int) error   { return b.rule(lossScript(percent)) }
func (b *bridge) setPath(pair, Path) error { return ErrBridge }
func (b *bridge) close() error             { return b.ns.remove() }

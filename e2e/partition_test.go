//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/netlab"
)

const (
	labHosts = 5
	// partLimit: from a cut until both sides list each other dead. It is no
	// promise of the protocol: the lonely side finds everybody silent, takes
	// itself for the sick one, probes an eighth as often and waits out the longest
	// timeouts, since nobody confirms what it suspects.
	partLimit = 3 * time.Minute
	// muteLimit: from the heal of a mute host until every view is full.
	muteLimit = 30 * time.Second
	// ports of the agents in a lab; each host has a loopback of its own.
	gossipPort, webPort = 7946, 8500
)

// TestNamespaces is the life of a cluster of ten on five hosts that lose 5 % of
// their packets, and then what cuts do to it: on a bridge, and on a switch that
// takes 20 ms each way. The two labs share nothing but the processors.
func TestNamespaces(t *testing.T) {
	netlab.Require(t)
	t.Run("bridge", func(t *testing.T) {
		t.Parallel()
		lab, err := netlab.New(t, labHosts)
		if err != nil {
			t.Fatal(err)
		}
		if err := lab.Loss(5); err != nil {
			t.Fatal(err)
		}
		agents, listed := settle(t, lab)
		partition(t, lab, agents, listed)
		oneWay(t, lab, agents, listed)
		mute(t, lab, agents, listed)
	})
	t.Run("delayed", func(t *testing.T) {
		t.Parallel()
		const seed = 1
		lab, err := netlab.NewTAP(t, labHosts, seed, netlab.Path{Delay: 20 * time.Millisecond, Loss: 5})
		if err != nil {
			t.Fatal(err)
		}
		agents, listed := settle(t, lab)
		partition(t, lab, agents, listed)
	})
}

// settle runs a cluster of ten in a lab, through its life.
func settle(t *testing.T, lab *netlab.Lab) (agents []*agent, listed view) {
	t.Helper()
	return life(t, cluster(t, spread(lab, members(t, 2*labHosts))), func(p *plan) {
		p.bind = at(p.host, gossipPort+2)
	})
}

// spread places plans on the hosts of a lab in turn.
func spread(lab *netlab.Lab, plans []plan) []plan {
	for i := range plans {
		p := &plans[i]
		p.host = lab.Host(i % labHosts)
		p.bind = at(p.host, gossipPort+i/labHosts)
		p.web = fmt.Sprintf("127.0.0.1:%d", webPort+i/labHosts)
	}
	return plans
}

func at(host *netlab.Host, port int) string { return fmt.Sprintf("%s:%d", host.Addr(), port) }

// sides tells the agents on one host from the rest.
func sides(agents []*agent, host *netlab.Host) (inside, outside []*agent) {
	for _, a := range agents {
		if a.plan.host == host {
			inside = append(inside, a)
		} else {
			outside = append(outside, a)
		}
	}
	return inside, outside
}

// lone is the host that is cut off, rest the others.
const lone = 4

var rest = []int{0, 1, 2, 3}

// partition cuts a host off until both sides have declared each other dead, and
// heals the network.
func partition(t *testing.T, lab *netlab.Lab, agents []*agent, listed view) {
	t.Helper()
	inside, outside := sides(agents, lab.Host(lone))
	if err := lab.CutBoth([]int{lone}, rest); err != nil {
		t.Fatal(err)
	}
	took := await(t, partLimit, "each side lists the other dead", func() error {
		return errors.Join(
			agree(listed.but("dead", inside...), outside...)(),
			agree(listed.but("dead", outside...), inside...)(),
		)
	})
	t.Logf("partition: each side lists the other dead after %v", took)
	heal(t, lab, healLimit, agents, listed)
}

// heal ends all cuts: every view is full again, without help.
func heal(t *testing.T, lab *netlab.Lab, limit time.Duration, agents []*agent, listed view) {
	t.Helper()
	if err := lab.Heal(); err != nil {
		t.Fatal(err)
	}
	took := await(t, limit, "full views", agree(listed, agents...))
	t.Logf("healed: full views after %v", took)
}

// oneWay drops what one host sends to one other for a while. Others carry the
// probes between the two, so nobody is declared dead.
func oneWay(t *testing.T, lab *netlab.Lab, agents []*agent, listed view) {
	t.Helper()
	before := make(map[*agent]uint64, len(agents))
	for _, a := range agents {
		before[a] = deaths(t, a)
	}
	if err := lab.Cut([]int{lone}, []int{0}); err != nil {
		t.Fatal(err)
	}
	hold(t, deathLimit, "nobody dies of one bad path", func() error {
		var errs []error
		for _, a := range agents {
			if now := deaths(t, a); now != before[a] {
				errs = append(errs, fmt.Errorf("%s saw %d deaths", a.plan.name, now-before[a]))
			}
		}
		return errors.Join(errs...)
	})
	heal(t, lab, healLimit, agents, listed)
}

// mute drops all that one host sends, until the others declare it dead. What it
// believes of them meanwhile must harm nobody: no other death is seen by any of
// them, neither then nor after the heal.
func mute(t *testing.T, lab *netlab.Lab, agents []*agent, listed view) {
	t.Helper()
	inside, outside := sides(agents, lab.Host(lone))
	before := make(map[*agent]uint64, len(outside))
	for _, a := range outside {
		before[a] = deaths(t, a)
	}
	if err := lab.Cut([]int{lone}, rest); err != nil {
		t.Fatal(err)
	}
	took := await(t, partLimit, "the mute are dead", agree(listed.but("dead", inside...), outside...))
	t.Logf("mute host: dead after %v", took)
	hold(t, deathLimit, "nobody else dies", agree(listed.but("dead", inside...), outside...))
	heal(t, lab, muteLimit, agents, listed)
	for _, a := range outside {
		if seen := deaths(t, a) - before[a]; seen != uint64(len(inside)) {
			t.Errorf("%s saw %d deaths, want %d", a.plan.name, seen, len(inside))
		}
	}
}

package hearsay

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// virtual is a cluster of nodes on a network in memory, inside a bubble of
// testing/synctest.
type virtual struct {
	t       *testing.T
	network *mem.Network
	ring    *seal.Ring
	started int
}

func newVirtual(t *testing.T) *virtual {
	return &virtual{
		t:    t,
		ring: seal.DevRing("test"),
		network: mem.NewNetwork(mem.Options{
			Latency: func(_, _ netip.AddrPort) time.Duration { return time.Millisecond },
		}),
	}
}

// identity returns the key of the i-th node: always the same.
func identity(i int) *seal.Identity { return seal.IdentityFromSeed([32]byte{byte(i), byte(i >> 8), 1}) }

func addrOf(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), DefaultPort)
}

// config returns the configuration of the i-th node, whose only seed is the
// first one.
func (v *virtual) config(i int) Config {
	return Config{
		Name: fmt.Sprintf("node-%d", i), Identity: identity(i), Ring: v.ring, Timing: core.Local(),
		Seeds: []string{addrOf(1).String()}, Logger: slog.New(slog.DiscardHandler), RandomSeed: uint64(i),
	}
}

// start starts a node at its own address and closes it at the end of the test.
func (v *virtual) start(i int, change ...func(*Config)) *Node {
	v.t.Helper()
	v.started++
	cfg := v.config(i)
	cfg.Epoch = uint64(v.started)
	for _, c := range change {
		c(&cfg)
	}
	if cfg.Transport == nil {
		tr, err := v.network.Listen(addrOf(i))
		if err != nil {
			v.t.Fatal(err)
		}
		cfg.Transport = tr
	}
	n, err := Start(v.t.Context(), cfg)
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { closeNode(v.t, n) })
	return n
}

func closeNode(t testing.TB, n *Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := n.Err(); err != nil {
		t.Error(err)
	}
}

// cluster starts nodes 1 to size and waits until each knows all.
func (v *virtual) cluster(size int) []*Node {
	v.t.Helper()
	nodes := make([]*Node, size)
	for i := range nodes {
		nodes[i] = v.start(i + 1)
	}
	v.await("full views", func() bool {
		return !slices.ContainsFunc(nodes, func(n *Node) bool { return n.Stats().Alive != size })
	})
	return nodes
}

// patience is virtual time: more than the longest suspicion of ten members.
const patience = 2 * time.Minute

// await lets virtual time pass until the condition holds.
func (v *virtual) await(what string, holds func() bool) {
	v.t.Helper()
	for range patience / (10 * time.Millisecond) {
		if synctest.Wait(); holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	v.t.Fatalf("waited %v for %s", patience, what)
}

// awaitState waits until a node sees another in a state.
func (v *virtual) awaitState(n *Node, id member.NodeID, want member.State) Member {
	v.t.Helper()
	var m Member
	v.await(fmt.Sprintf("%s to see %s %s", n.Self().Name, id.Short(), want), func() bool {
		m, _ = n.LookupID(id)
		return m.State == want
	})
	return m
}

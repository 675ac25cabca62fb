package ring_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/ring"
	"github.com/hearsay-gossip/hearsay/sim"
)

// Both kinds of nodes can be followed.
var (
	_ ring.Node[hearsay.Member] = (*hearsay.Node)(nil)
	_ ring.Node[sim.Member]     = (*sim.Node)(nil)
)

func describe(m sim.Member) ring.Member {
	return ring.Member{ID: m.ID, Epoch: member.Epoch(m.Epoch), State: m.State}
}

// rings keeps a ring on each node of a lab. Nodes publish their zones, three of
// them, and their weights.
type rings struct {
	*sim.Lab
	of []*ring.Keeper
}

func keep(t *testing.T, opts sim.Options, ringOpts ring.Options) *rings {
	lab := sim.New(t, opts)
	r := &rings{lab, make([]*ring.Keeper, lab.Len())}
	lab.OnStart(func(n *sim.Node) {
		keeper, err := ring.NewKeeper(n, describe, ringOpts)
		if err != nil {
			t.Fatal(err)
		}
		n.OnEvent(func(e sim.Event) { keeper.Update(e.Member.ID) })
		r.of[n.Index()] = keeper
		for _, fact := range [][2]string{{"zone", "z" + strconv.Itoa(n.Index()%3)}, {"weight", strconv.Itoa(100 + n.Index())}} {
			if err := n.Meta().Set(t.Context(), fact[0], []byte(fact[1])); err != nil {
				t.Fatal(err)
			}
		}
	})
	return r
}

// equal reports whether some nodes have the same ring of so many members, all of
// them with their zones and weights.
func (r *rings) equal(nodes []int, size int) bool {
	first := r.of[nodes[0]].Ring().Members()
	return len(first) == size && !slices.ContainsFunc(nodes, func(i int) bool {
		return !slices.Equal(r.of[i].Ring().Members(), first)
	}) && !slices.ContainsFunc(first, func(m ring.Member) bool {
		return m.Zone == "" || m.Weight == ring.WeightNormal && m.ID != r.Node(0).ID()
	})
}

func (r *rings) until(limit time.Duration, what string, nodes []int, size int) {
	r.AdvanceUntil(limit, what, func() bool { return r.equal(nodes, size) })
}

func TestRingsFollowTheCluster(t *testing.T) {
	r := keep(t, sim.Options{Nodes: 12, Seed: 1}, ring.Options{})
	all, left, right := sim.Span(0, 12), sim.Span(0, 5), sim.Span(5, 12)
	r.until(2*time.Second, "equal rings", all, 12)
	whole := r.of[0].Ring()

	r.Cut(left, right)
	r.until(time.Minute, "the ring of the left", left, 5)
	r.until(time.Minute, "the ring of the right", right, 7)
	r.Heal()
	r.until(30*time.Second, "one ring again", all, 12)
	for i := range 100 {
		key := []byte(strconv.Itoa(i))
		before, after := whole.Replicas(key), r.of[7].Ring().Replicas(key)
		if !slices.Equal(before, after) {
			t.Fatalf("after the partition key %s is at %v, before at %v", key, after, before)
		}
	}

	r.Kill(11)
	others := sim.Span(0, 11)
	r.AdvanceUntil(10*time.Second, "a suspicion on a ring", func() bool {
		m, on := r.of[0].Ring().Member(r.Node(11).ID())
		return on && m.State == member.Suspect
	})
	if len(r.of[0].Ring().Members()) != 12 {
		t.Error("a suspect lost its keys")
	}
	r.until(30*time.Second, "the dead off the ring", others, 11)
	r.Restart(11)
	r.until(20*time.Second, "the restarted on the ring", all, 12)
	if m, _ := r.of[0].Ring().Member(r.Node(11).ID()); m.Epoch < 2 {
		t.Errorf("the new life on the ring is %+v", m)
	}

	if err := r.Node(3).Leave(); err != nil {
		t.Fatal(err)
	}
	r.until(10*time.Second, "who left off the ring", []int{0, 1, 2, 4, 11}, 11)
}

// Whoever publishes no weight is a client, and a weight of 0 drains a member.
func TestOptInAndDrain(t *testing.T) {
	r := keep(t, sim.Options{Nodes: 5, Seed: 2}, ring.Options{OptIn: true})
	all := sim.Span(0, 5)
	r.until(2*time.Second, "equal rings", all, 5)
	if err := r.Node(4).Meta().Delete(t.Context(), "weight"); err != nil {
		t.Fatal(err)
	}
	r.until(2*time.Second, "a ring without the client", all, 4)
	if err := r.Node(3).Meta().Set(t.Context(), "weight", []byte("0")); err != nil {
		t.Fatal(err)
	}
	r.until(2*time.Second, "a ring without the drained", all, 3)
	r.Restart(3)
	r.until(10*time.Second, "the drained one back", all, 4)
}

// With opt-in no ring ever holds a member whose zone has not arrived, in a
// network that loses and delays.
func TestNobodyIsPlacedByHalfOfItsFacts(t *testing.T) {
	lossy := sim.Network{Latency: 5 * time.Millisecond, Jitter: 50 * time.Millisecond, Loss: 0.2, Duplicate: 0.05}
	r := keep(t, sim.Options{Nodes: 8, Seed: 3, Network: lossy}, ring.Options{OptIn: true})
	seen := 0
	for i := range 8 {
		keeper := r.of[i]
		r.Node(i).OnEvent(func(sim.Event) {
			for _, m := range keeper.Ring().Members() {
				if seen++; m.Zone == "" {
					t.Errorf("%v is on a ring without its zone", m.ID.Short())
				}
			}
		})
	}
	r.Restart(7)
	r.until(time.Minute, "equal rings", sim.Span(0, 8), 8)
	if seen == 0 {
		t.Error("nothing was looked at")
	}
}

// What an update with members says is what a look at everything says.
func TestUpdateOfOneIsEnough(t *testing.T) {
	r := keep(t, sim.Options{Nodes: 6, Seed: 4}, ring.Options{})
	r.until(2*time.Second, "equal rings", sim.Span(0, 6), 6)
	r.Kill(5)
	r.Advance(time.Minute)
	before, after := r.of[0].Update()
	if before != after {
		t.Errorf("a look at everything finds %v, events had led to %v", after.Members(), before.Members())
	}
	if before, after := r.of[0].Update(member.NodeID{}); before != after {
		t.Error("a resync changes the ring")
	}
	if before, after := r.of[0].Update(member.NodeID{9}); before != after {
		t.Error("an unknown member changes the ring")
	}
}

// crowd is a node whose members change state while rings are kept of it.
type crowd struct {
	mu  sync.Mutex
	all []ring.Member
}

func (c *crowd) Members() []ring.Member {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

func (c *crowd) LookupID(id member.NodeID) (ring.Member, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.all, func(m ring.Member) bool { return m.ID == id })
	return c.all[i], true
}

func (c *crowd) MetaOf(member.NodeID) map[string][]byte { return nil }

func (c *crowd) set(i int, s member.State) member.NodeID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[i].State = s
	return c.all[i].ID
}

// However updates and reads of several goroutines mix, the last update leaves the
// ring of what the node holds.
func TestUpdatesFromManyGoroutines(t *testing.T) {
	c := &crowd{}
	for i := range 8 {
		c.all = append(c.all, ring.Member{ID: member.NodeID{byte(i + 1)}, State: member.Alive})
	}
	k, err := ring.NewKeeper(c, func(m ring.Member) ring.Member { return m }, ring.Options{Tokens: 16})
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	for i := range c.all {
		tasks.Go(func() {
			for n := range 100 {
				k.Update(c.set(i, member.Alive+member.State(n%4))) // ends with Left
				if p := k.Ring().Replicas([]byte{byte(n)}); len(p.Homes()) > 3 {
					t.Errorf("%d homes", len(p.Homes()))
				}
			}
		})
	}
	tasks.Wait()
	if k.Ring().Len() != 0 {
		t.Errorf("%v are on the ring, and all have left", k.Ring().Members())
	}
}

func TestKeeperRefusesBadOptions(t *testing.T) {
	lab := sim.New(t, sim.Options{Nodes: 1})
	if k, err := ring.NewKeeper(lab.Node(0), describe, ring.Options{Replicas: -1}); err == nil || k != nil {
		t.Errorf("NewKeeper = %v, %v", k, err)
	}
}

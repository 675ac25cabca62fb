//go:build e2e && linux

package e2e

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/seal"
)

// Bounds that the protocol promises with its timing for a LAN.
const (
	// deathLimit: from a crash until every member lists it dead.
	deathLimit = 15 * time.Second
	// returnLimit: from the start of a process until every member lists it alive.
	returnLimit = 5 * time.Second
	// healLimit: from the heal of a network until every view is full.
	healLimit = 30 * time.Second
)

// newRing writes a fresh ring to a folder of its own and returns the folder.
func newRing(t *testing.T) string {
	t.Helper()
	ring, err := seal.NewRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return writeRing(t, ring)
}

func writeRing(t *testing.T, ring *seal.Ring) string {
	t.Helper()
	dir := private(t)
	if err := seal.WriteRing(dir, ring); err != nil {
		t.Fatal(err)
	}
	return dir
}

// private returns a new folder that only its owner can read.
func private(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "own")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// members plans n agents of one ring, each with a data directory.
func members(t *testing.T, n int) []plan {
	t.Helper()
	ring := newRing(t)
	plans := make([]plan, n)
	for i := range plans {
		plans[i] = plan{name: fmt.Sprintf("node-%02d", i+1), ring: ring, data: private(t)}
	}
	return plans
}

// cluster runs agents, the first of them as seed of the others, until each lists
// all alive.
func cluster(t *testing.T, plans []plan) []*agent {
	t.Helper()
	agents := make([]*agent, len(plans))
	agents[0] = plans[0].run(t)
	for i, p := range plans[1:] {
		p.seeds = append(p.seeds, agents[0].gossip)
		agents[i+1] = p.start(t)
	}
	for _, a := range agents[1:] {
		a.ready(t)
	}
	took := await(t, patience, "each lists all alive", agree(alive(agents...), agents...))
	t.Logf("%d agents: full views %v after the last one answered", len(agents), took)
	return agents
}

// life is what happens to a cluster of ten: two crash, one of them returns, one
// says goodbye, two strangers knock. It returns the agents that live, and what
// they list. The returned one has been moved to another address by move.
func life(t *testing.T, agents []*agent, move func(*plan)) (living []*agent, listed view) {
	t.Helper()
	full := alive(agents...)

	first, second := agents[3], agents[7]
	first.kill()
	second.kill()
	living = others(agents, first, second)
	took := await(t, deathLimit, "eight list two dead", agree(full.but("dead", first, second), living...))
	t.Logf("two killed: dead everywhere after %v", took)

	before := find(living[0].members(t), first.plan.name)[0]
	p := first.plan
	p.seeds = []string{living[0].gossip}
	move(&p)
	started := time.Now()
	living = append(living, p.run(t))
	await(t, returnLimit-time.Since(started), "the returned is alive everywhere",
		agree(full.but("dead", second), living...))
	t.Logf("restarted: alive everywhere %v after the start of its process", time.Since(started))
	after := find(living[0].members(t), first.plan.name)[0]
	if after.ID != before.ID || after.Epoch <= before.Epoch || after.Address == before.Address {
		t.Errorf("returned as %+v, was %+v; want the same id, a later epoch, another address", after, before)
	}

	gone := living[4]
	gone.signal(t, syscall.SIGTERM)
	if code := gone.exit(t, patience); code != 0 {
		t.Errorf("exit code %d after a goodbye", code)
	}
	living = others(living, gone)
	listed = full.but("dead", second).but("left", gone)
	took = await(t, returnLimit, "the leaver has left everywhere", agree(listed, living...))
	t.Logf("goodbye: left everywhere %v after its process ended", took)
	// Who still probes a leaver must not declare it dead.
	hold(t, 3*time.Second, "left stays left", agree(listed, living...))

	strangers(t, living, listed)
	return living, listed
}

// strangers starts an agent with a wrong key and one of another cluster: nobody
// lists them, they list nobody, and the reason is counted.
func strangers(t *testing.T, living []*agent, listed view) {
	t.Helper()
	contact := living[0]
	ours, err := seal.LoadRing(contact.plan.ring)
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := ours.Secret(ours.Primary())
	elsewhere := ours.Cluster()
	elsewhere[0] ^= 1
	for _, s := range []struct {
		name, reason string
		ring         *seal.Ring
	}{
		{"wrong-key", "unknown_key", seal.RingOf(ours.Cluster(), key)},
		{"wrong-cluster", "wrong_cluster", seal.RingOf(elsewhere, secret)},
	} {
		counted := contact.dropped(t, s.reason)
		p := contact.plan
		p.name, p.ring, p.data, p.bind, p.web = s.name, writeRing(t, s.ring), private(t), "", ""
		p.seeds = []string{contact.gossip}
		p.host = contact.plan.host
		stranger := p.run(t)
		took := await(t, patience, s.reason+" is counted", func() error {
			if now := contact.dropped(t, s.reason); now <= counted {
				return fmt.Errorf("%s counts %v, as before", contact.plan.name, now)
			}
			return nil
		})
		t.Logf("%s: refused and counted after %v", s.name, took)
		hold(t, 2*time.Second, s.name+" appears nowhere", agree(listed, living...))
		if err := agree(alive(stranger), stranger)(); err != nil {
			t.Error(err)
		}
		stranger.kill()
	}
}

//go:build e2e && linux

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// TestTenAgents is the life of a cluster on one machine.
func TestTenAgents(t *testing.T) {
	life(t, cluster(t, members(t, 10)), func(p *plan) { p.bind = "" })
}

// TestRestartBeforeDeath restarts a killed agent at once: it returns under its
// own identity before anybody could declare it dead, and nobody does.
func TestRestartBeforeDeath(t *testing.T) {
	t.Parallel()
	agents := cluster(t, members(t, 3))
	agents[2].kill()
	p := agents[2].plan
	p.seeds = []string{agents[0].gossip}
	agents[2] = p.run(t)
	took := await(t, returnLimit, "the new address is known", func() error {
		for _, a := range agents[:2] {
			m := find(a.members(t), p.name)
			if len(m) != 1 || m[0].Address != agents[2].gossip || m[0].State != "alive" {
				return fmt.Errorf("%s lists %+v", a.plan.name, m)
			}
		}
		return nil
	})
	t.Logf("restarted at once: known everywhere after %v", took)
	hold(t, 3*time.Second, "nobody dies", agree(alive(agents...), agents...))
	for _, a := range agents {
		if n := deaths(t, a); n != 0 {
			t.Errorf("%s has seen %d deaths", a.plan.name, n)
		}
	}
}

// TestDuplicateName has two nodes of one name: both are shown, the conflict is
// shown, and nothing of either is lost.
func TestDuplicateName(t *testing.T) {
	t.Parallel()
	agents := cluster(t, members(t, 2))
	holder := agents[1]
	p := holder.plan
	p.data, p.seeds = private(t), []string{agents[0].gossip}
	rival := p.run(t)
	set(t, holder, "owner", "holder")
	set(t, rival, "owner", "rival")
	all := append(agents, rival)
	await(t, patience, "both and the conflict are listed", func() error {
		for _, a := range all {
			listed := a.members(t)
			pair := find(listed, p.name)
			if len(listed) != 3 || len(pair) != 2 || pair[0].State != "alive" || pair[1].State != "alive" {
				return fmt.Errorf("%s lists %+v", a.plan.name, listed)
			}
			for _, m := range pair { // all agree that the first holds it
				if m.Conflict != (m.ID == rival.id) {
					return fmt.Errorf("%s shows %s with conflict %v", a.plan.name, m.ID, m.Conflict)
				}
			}
		}
		return nil
	})
	await(t, patience, "metadata of the holder", knows(agents[0], holder.id, "owner", "holder"))
	await(t, patience, "metadata of the rival", knows(agents[0], rival.id, "owner", "rival"))
	rival.kill()
	await(t, deathLimit, "the rival is dead and the holder in peace", func() error {
		for _, m := range agents[0].members(t) {
			if m.ID == rival.id && m.State != "dead" || m.ID == holder.id && m.Conflict {
				return fmt.Errorf("%+v", m)
			}
		}
		return nil
	})
}

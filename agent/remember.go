package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/agent/state"
	"github.com/hearsay-gossip/hearsay/member"
)

// rejoinMax is how many remembered peers serve as seeds after a restart. A node
// tries five seeds at a time, so that the configured ones among them have their
// turn within the first attempts even if all peers are gone.
const rejoinMax = 15

// seedsOf returns the addresses of the best remembered peers. A node that was
// made to leave does not return to them by itself.
func seedsOf(kept state.State) []string {
	if kept.Left {
		return nil
	}
	peers := slices.Clone(kept.Peers)
	slices.SortStableFunc(peers, func(a, b state.Peer) int { return cmp.Compare(a.State, b.State) })
	var seeds []string
	for _, p := range peers[:min(len(peers), rejoinMax)] {
		if p.State != member.Left && p.Addr.IsValid() && p.Addr.Port() != 0 {
			seeds = append(seeds, p.Addr.String())
		}
	}
	return seeds
}

// restore publishes what the node published before its restart, and lets the
// keeper watch it from then on.
func (a *Agent) restore(ctx context.Context, kept state.State) error {
	if a.keeper == nil {
		return nil
	}
	for _, f := range kept.Facts {
		if err := a.node.Meta().Set(ctx, f.Key, f.Value); err != nil {
			return fmt.Errorf("restore key %q: %w", f.Key, err)
		}
	}
	a.keeper.Run(a.collect)
	return nil
}

// collect returns the state to be saved.
func (a *Agent) collect() state.State {
	// The node moves to a later epoch by itself when it meets a record of its own
	// from one that this disk does not remember.
	s := state.State{Epoch: member.Epoch(max(a.epoch, a.node.Self().Epoch))}
	for key, value := range a.node.Meta().All() {
		s.Facts = append(s.Facts, state.Fact{Key: key, Value: value})
	}
	live := false
	for _, m := range a.node.Members() {
		if !m.Self {
			live = live || m.Live()
			s.Peers = append(s.Peers, state.Peer{
				ID: m.ID, Name: member.Name(m.Name), Epoch: member.Epoch(m.Epoch), State: m.State, Addr: m.Addr,
			})
		}
	}
	slices.SortStableFunc(s.Peers, func(a, b state.Peer) int { return cmp.Compare(a.State, b.State) })
	if !live { // not rejoined yet: a crash now must not cost the way back
		s.Peers = append(s.Peers, a.unmet(s.Peers)...)
	}
	return s
}

// unmet returns the peers of the earlier run that are not among those known now.
func (a *Agent) unmet(met []state.Peer) []state.Peer {
	return slices.DeleteFunc(slices.Clone(a.known), func(p state.Peer) bool {
		return slices.ContainsFunc(met, func(m state.Peer) bool { return m.ID == p.ID })
	})
}

// changesState reports whether an event makes the saved state outdated.
func changesState(k hearsay.EventKind) bool {
	switch k {
	case hearsay.Paused, hearsay.HealthChanged, hearsay.SelfRefuted, hearsay.NameConflict, hearsay.NameResolved:
		return false
	}
	return true
}

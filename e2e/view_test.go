//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// view is who should be listed, and in which state, by name.
type view map[string]string

// alive returns a view in which all agents are alive.
func alive(agents ...*agent) view {
	v := make(view, len(agents))
	for _, a := range agents {
		v[a.plan.name] = "alive"
	}
	return v
}

// but returns the view with members in another state.
func (v view) but(state string, agents ...*agent) view {
	v = maps.Clone(v)
	for _, a := range agents {
		v[a.plan.name] = state
	}
	return v
}

// String lists the states that differ from alive, after the number of members.
func (v view) String() string {
	var odd []string
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if v[name] != "alive" {
			odd = append(odd, name+" "+v[name])
		}
	}
	return fmt.Sprintf("%d members %v", len(v), odd)
}

// seen compares the view with what is listed: nobody else, nobody twice, and no
// conflict of names.
func (v view) seen(listed []api.Member) error {
	got := make(view, len(listed))
	for _, m := range listed {
		if _, twice := got[m.Name]; twice || m.Conflict {
			return fmt.Errorf("%s (%s) is listed twice or in conflict", m.Name, m.ID)
		}
		got[m.Name] = m.State
	}
	if !maps.Equal(v, got) {
		return fmt.Errorf("lists %v, want %v", got, v)
	}
	return nil
}

// agree returns a condition for await: each agent lists the view. All are asked,
// so that a failure names everyone who differs.
func agree(v view, agents ...*agent) func() error {
	return func() error {
		var errs []error
		for _, a := range agents {
			listed, err := ask(a.Members)
			if err == nil {
				err = v.seen(listed)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", a.plan.name, err))
			}
		}
		return errors.Join(errs...)
	}
}

// others returns the agents without some.
func others(agents []*agent, but ...*agent) []*agent {
	return slices.DeleteFunc(slices.Clone(agents), func(a *agent) bool { return slices.Contains(but, a) })
}

// find returns the members with a name.
func find(listed []api.Member, name string) (found []api.Member) {
	for _, m := range listed {
		if m.Name == name {
			found = append(found, m)
		}
	}
	return found
}

// contains reports as an error that text lacks one of the parts.
func contains(text string, parts ...string) error {
	for _, part := range parts {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(part)) {
			return fmt.Errorf("%q is missing", part)
		}
	}
	return nil
}

// deaths returns how many deaths the agent has seen.
func deaths(t *testing.T, a *agent) uint64 {
	t.Helper()
	stats, err := ask(a.Stats)
	if err != nil {
		t.Fatalf("stats of %s: %v", a.plan.name, err)
	}
	return stats.Deaths
}

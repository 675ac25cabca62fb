//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/hearsay-gossip/hearsay/client/api"
)

// set writes metadata; it must be acknowledged.
func set(t *testing.T, a *agent, key, value string) api.WriteReport {
	t.Helper()
	report, err := ask(func(ctx context.Context) (api.WriteReport, error) {
		return a.SetMeta(ctx, key, []byte(value))
	})
	if err != nil {
		t.Fatalf("set %s of %s: %v", key, a.plan.name, err)
	}
	return report
}

// knows returns a condition for await: the agent has that value of a member.
func knows(a *agent, nameOrID, key, want string) func() error {
	return func() error {
		facts, err := ask(func(ctx context.Context) ([]api.Fact, error) { return a.MetaOf(ctx, nameOrID) })
		if err != nil {
			return err
		}
		for _, f := range facts {
			if f.Key == key && string(f.Value) == want {
				return nil
			}
		}
		return fmt.Errorf("%s knows %q of %s, want %s=%q", a.plan.name, facts, nameOrID, key, want)
	}
}

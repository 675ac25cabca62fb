package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay"
)

// Reload is what may change while an agent runs.
type Reload struct {
	// Seeds are joined where they are new, and otherwise have their effect at the
	// next start.
	Seeds []string
	// TokenFile is read again; empty: writes need no token any more.
	TokenFile string
}

// reloadJoin bounds the join of new seeds.
const reloadJoin = 10 * time.Second

// Reload applies what may change. On an error the part at fault stays as it was.
func (a *Agent) Reload(r Reload) error {
	var errs []error
	if err := a.reloadToken(r.TokenFile); err != nil {
		errs = append(errs, err)
	}
	fresh := slices.DeleteFunc(slices.Clone(r.Seeds), func(s string) bool { return slices.Contains(a.cfg.Seeds, s) })
	if err := (hearsay.Config{Name: a.cfg.Name, Insecure: true, Seeds: fresh}).Validate(); err != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrConfig, err))
	} else if len(fresh) > 0 {
		a.running.Go(func() { a.joinFresh(fresh) })
	}
	return errors.Join(errs...)
}

func (a *Agent) reloadToken(file string) error {
	if file == "" {
		if a.cfg.RequireToken {
			return fmt.Errorf("%w: require-token needs a token-file", ErrConfig)
		}
		a.http.SetToken("")
		return nil
	}
	token, err := LoadToken(file)
	if err != nil {
		return err
	}
	a.http.SetToken(token)
	return nil
}

func (a *Agent) joinFresh(seeds []string) {
	ctx, cancel := context.WithTimeout(a.ctx, reloadJoin)
	defer cancel()
	contacts, err := a.node.Join(ctx, seeds...)
	if err != nil {
		a.cfg.Logger.Warn("new seeds do not answer", "seeds", seeds, "err", err)
		return
	}
	a.cfg.Logger.Info("new seeds joined", "contacts", contacts)
}

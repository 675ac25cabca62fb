package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// surface is the agent as its HTTP interface sees it.
type surface struct{ *Agent }

// Describe implements httpapi.Agent.
func (s surface) Describe() api.Info {
	info := api.Info{
		Cluster: s.ring.Cluster().String(), Security: s.cfg.Security.String(),
		Durable: s.keeper != nil, Build: s.build,
	}
	if s.keeper != nil {
		info.Problem = s.keeper.Problem()
	}
	return info
}

var (
	errAlone = errors.New("no seed has answered yet")
	errLeft  = errors.New("this node has left")
)

// Ready implements httpapi.Agent: a node is ready once it knows a live member
// beside itself, or when it was started to be the first.
func (s surface) Ready() error {
	if err := s.Healthy(); err != nil {
		return err
	}
	members := s.node.Members()
	if !members[0].Live() {
		return errLeft
	}
	if s.alone {
		return nil
	}
	for i := range members[1:] {
		if members[1+i].Live() {
			return nil
		}
	}
	return errAlone
}

// Healthy implements httpapi.Agent.
func (s surface) Healthy() error {
	select {
	case <-s.node.Done():
		return fmt.Errorf("node stopped: %w", errors.Join(s.node.Err(), hearsay.ErrClosed))
	default:
		return nil
	}
}

// Leave implements httpapi.Agent. A goodbye that not all have confirmed in time
// is one all the same.
func (s surface) Leave(ctx context.Context) (api.LeaveReport, error) {
	report, err := s.node.Leave(ctx)
	if errors.Is(err, hearsay.ErrClosed) {
		return api.LeaveReport{}, err
	}
	if s.keeper != nil {
		// The context may be used up; the flag is what keeps a supervisor from
		// bringing the node back.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		if err := s.keeper.Leave(ctx); err != nil {
			s.cfg.Logger.Warn("that this node left is not saved: it will join its peers when it is started again", "err", err)
		}
	}
	s.cfg.Logger.Info("left", "asked", report.Asked, "acked", report.Acked)
	s.end(nil)
	return api.LeaveReport{Asked: report.Asked, Acked: report.Acked}, nil
}

// SetMeta implements httpapi.Agent.
func (s surface) SetMeta(ctx context.Context, key string, value []byte) (api.WriteReport, error) {
	if err := s.node.Meta().Set(ctx, key, value); err != nil {
		return api.WriteReport{}, err
	}
	return s.saved(ctx), nil
}

// DeleteMeta implements httpapi.Agent.
func (s surface) DeleteMeta(ctx context.Context, key string) (api.WriteReport, error) {
	if err := s.node.Meta().Delete(ctx, key); err != nil {
		return api.WriteReport{}, err
	}
	return s.saved(ctx), nil
}

// saved waits until what was written is on disk.
func (s surface) saved(ctx context.Context) api.WriteReport {
	if s.keeper == nil {
		return api.WriteReport{}
	}
	if err := s.keeper.Flush(ctx); err != nil {
		return api.WriteReport{Problem: err.Error()}
	}
	return api.WriteReport{Durable: true}
}

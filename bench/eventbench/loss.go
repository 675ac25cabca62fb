package main

import "context"

// loss broadcasts from random nodes at one rate, one that the system is
// expected to keep up with, and counts who misses what. A refusal ends it early
// and is counted.
func (s *session) loss(ctx context.Context) (*lossResult, error) {
	rate := s.turn.Rates[0]
	t := s.phase(s.turn.Broadcasts)
	// NB: what was refused is in the outcome.
	_ = s.offer(ctx, t, rate, func() int { return s.rand.IntN(s.turn.Nodes) })
	t.await(ctx, s.turn.Timeout, t.allEverywhere)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &lossResult{Rate: rate, outcome: t.outcome()}
	_, r.P99, r.Max = s.percentiles(t)
	return r, nil
}

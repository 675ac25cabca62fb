package main

import (
	"context"
	"time"
)

// latency broadcasts from random nodes, one message at a time, each when the
// one before has reached everybody or timed out, and after a random pause: so
// that it meets the timers of the nodes at any moment.
func (s *session) latency(ctx context.Context) (*latencyResult, error) {
	idle, err := s.idle(ctx)
	if err != nil {
		return nil, err
	}
	start, err := s.read()
	if err != nil {
		return nil, err
	}
	t := s.phase(s.turn.Broadcasts)
	for i := range s.turn.Broadcasts {
		if err := sleep(ctx, s.pause()); err != nil {
			return nil, err
		}
		payload := t.publish(i, s.rand.IntN(s.turn.Nodes), time.Since(t.began))
		if err := s.Publish(ctx, t.messages[i].origin, payload); err != nil {
			t.refuse(i)
			continue
		}
		t.await(ctx, s.turn.Timeout, func() bool { return t.everywhere(i) })
	}
	if err := sleep(ctx, s.turn.Drain); err != nil {
		return nil, err
	}
	use, err := s.since(start)
	if err != nil {
		return nil, err
	}
	r := s.summarize(t)
	s.bill(r, idle, use, int(t.delivered.Load()))
	return r, nil
}

// pause is half of the mean, to one and a half times it.
func (s *session) pause() time.Duration {
	if s.turn.Pause == 0 {
		return 0
	}
	return s.turn.Pause/2 + time.Duration(s.rand.Int64N(int64(s.turn.Pause)))
}

// idle measures what the cluster costs while nobody broadcasts.
func (s *session) idle(ctx context.Context) (used, error) {
	start, err := s.read()
	if err != nil {
		return used{}, err
	}
	if err := sleep(ctx, s.turn.Idle); err != nil {
		return used{}, err
	}
	return s.since(start)
}

// summarize fills in what became of the broadcasts.
func (s *session) summarize(t *tracker) *latencyResult {
	r := &latencyResult{outcome: t.outcome()}
	receivers := s.turn.Nodes - 1
	var half, most, all []time.Duration
	for i := range t.messages {
		if !t.messages[i].accepted() {
			continue
		}
		found := t.latencies(i)
		half = append(half, quantile(found, receivers, 0.5, s.turn.Timeout))
		most = append(most, quantile(found, receivers, 0.99, s.turn.Timeout))
		all = append(all, quantile(found, receivers, 1, s.turn.Timeout))
	}
	r.T50, r.T99, r.T100 = millis(medianOf(half)), millis(medianOf(most)), millis(medianOf(all))
	r.T100P99 = millis(quantile(all, len(all), 0.99, s.turn.Timeout)) // sorted by its median
	return r
}

// bill fills in what the broadcasts cost beyond the idle cluster.
func (s *session) bill(r *latencyResult, idle, use used, deliveries int) {
	nodes := float64(s.turn.Nodes)
	share := use.elapsed.Seconds() / idle.elapsed.Seconds()
	beyond := func(used, idle float64) float64 { return used - idle*share }
	each := nodes * float64(r.Broadcasts)

	r.CopiesPerNode = per(float64(use.sent.Copies), (nodes-1)*float64(r.Broadcasts))
	r.PacketsPerNode = per(beyond(float64(use.sent.Packets), float64(idle.sent.Packets)), each)
	r.BytesPerNode = per(beyond(float64(use.sent.bytes()), float64(idle.sent.bytes())), each)
	r.CPUMicrosPerDelivery = per(beyond(micros(use.cpu), micros(idle.cpu)), float64(deliveries))

	r.IdleBytesPerNodeSecond = per(float64(idle.sent.bytes()), nodes*idle.elapsed.Seconds())
	r.IdleCPUMicrosPerNodeSecond = per(micros(idle.cpu), nodes*idle.elapsed.Seconds())
}

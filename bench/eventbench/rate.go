package main

import (
	"context"
	"math"
	"time"
)

const (
	// sender is the node that sends all messages of the rate workload. It is not
	// the seed, which in some systems has more connections than others.
	sender = 1

	// behind is how far the accepted rate may stay below the offered one before
	// the rate counts as not kept: the publisher itself then waits.
	behind = 0.95
)

// rates raises the rate of one sender step by step until the system does not
// keep up. A step that merely lost something is noted and does not end it.
func (s *session) rates(ctx context.Context) (*rateResult, error) {
	r := &rateResult{}
	for _, rate := range s.turn.Rates {
		step, err := s.step(ctx, rate)
		if err != nil {
			return nil, err
		}
		r.Steps = append(r.Steps, step)
		if !step.KeepsUp {
			break
		}
	}
	return r, nil
}

// step offers one rate for the time of a step and waits until all of it has
// arrived or timed out.
func (s *session) step(ctx context.Context, rate int) (step, error) {
	t := s.phase(int(math.Ceil(float64(rate) * s.turn.Hold.Seconds())))
	start, err := s.read()
	if err != nil {
		return step{}, err
	}
	refusal := s.offer(ctx, t, rate, func() int { return sender })
	use, err := s.since(start)
	if err != nil {
		return step{}, err
	}
	delivered := float64(t.delivered.Load())
	t.await(ctx, s.turn.Timeout, t.allEverywhere)
	if err := ctx.Err(); err != nil {
		return step{}, err
	}
	total, err := s.since(start)
	if err != nil {
		return step{}, err
	}

	r := step{Offered: rate, outcome: t.outcome()}
	if refusal != nil {
		r.Refusal = refusal.Error()
	}
	r.Achieved = per(float64(r.Broadcasts), use.elapsed.Seconds())
	r.P50, r.P99, r.Max = s.percentiles(t)
	r.CPUMicrosPerDelivery = per(micros(use.cpu), delivered)
	r.Processors = per(use.cpu.Seconds(), use.elapsed.Seconds())
	r.CopiesPerNode = per(float64(total.sent.Copies), float64(r.Broadcasts*(s.turn.Nodes-1)))
	r.BytesPerNode = per(float64(total.sent.bytes()), float64(r.Broadcasts*s.turn.Nodes))
	r.KeepsUp = refusal == nil && r.P99 <= millis(s.turn.P99) && r.Achieved >= behind*float64(rate)
	r.Whole = r.KeepsUp && r.Missed == 0
	return r, nil
}

// offer publishes all messages of a phase at a rate, whether or not the cluster
// follows, and returns at the first that is refused, with the error. A message
// is due at its time even if the publisher is late: who makes the publisher
// wait pays for it in latency. The clock of the system wakes it about every
// millisecond, so high rates come in bursts of a millisecond's worth.
func (s *session) offer(ctx context.Context, t *tracker, rate int, origin func() int) error {
	for i := range t.messages {
		due := time.Duration(float64(i) / float64(rate) * float64(time.Second))
		if wait := due - time.Since(t.began); wait > 0 {
			if err := sleep(ctx, wait); err != nil {
				return err
			}
		}
		payload := t.publish(i, origin(), due)
		if err := s.Publish(ctx, t.messages[i].origin, payload); err != nil {
			t.refuse(i)
			return err
		}
	}
	// The last message has its share of the time as well.
	whole := time.Duration(float64(len(t.messages)) / float64(rate) * float64(time.Second))
	return sleep(ctx, max(0, whole-time.Since(t.began)))
}

// percentiles are those of all deliveries that should have happened, in
// milliseconds.
func (s *session) percentiles(t *tracker) (p50, p99, highest float64) {
	found, expected := t.allLatencies()
	at := func(p float64) float64 { return millis(quantile(found, expected, p, s.turn.Timeout)) }
	return at(0.5), at(0.99), at(1)
}

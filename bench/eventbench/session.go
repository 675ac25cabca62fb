package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// readyPoll is how often to ask whether a cluster is ready. Its start is not
// what is measured here, so it may be coarse.
const readyPoll = 20 * time.Millisecond

// session is a cluster under a workload.
type session struct {
	cluster
	turn    turn
	rand    *rand.Rand
	next    uint64                  // sequence number of the next message
	current atomic.Pointer[tracker] // of the phase; nil before the first
}

// measure starts c, makes the measurement t of it, and closes it, also after an
// error. A cluster that never converges is a result, not an error. System and
// version are left to the caller.
func measure(ctx context.Context, c cluster, t turn) (r result, err error) {
	if err := t.validate(); err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	s := &session{cluster: c, turn: t, rand: newRand(t)}
	r = result{Workload: t.Workload, Nodes: t.Nodes, Size: t.Size, Run: t.Run}

	began := time.Now()
	if err := c.Start(ctx, t.Nodes, s.deliver); err != nil {
		return result{}, fmt.Errorf("start %d nodes: %w", t.Nodes, err)
	}
	r.Converged, err = s.ready(ctx)
	r.Seconds = time.Since(began).Seconds()
	if err != nil || !r.Converged {
		return r, err
	}
	if err := sleep(ctx, t.Settle); err != nil {
		return result{}, err
	}
	switch t.Workload {
	case workLatency:
		r.Latency, err = s.latency(ctx)
	case workRate:
		r.Rate, err = s.rates(ctx)
	case workLoss:
		r.Loss, err = s.loss(ctx)
	}
	return r, err
}

// newRand draws origins and pauses: the same for every system, other ones for
// every run.
func newRand(t turn) *rand.Rand { return rand.New(rand.NewPCG(uint64(t.Nodes), uint64(t.Run))) }

// deliver passes on what a node got to the phase at hand.
func (s *session) deliver(node int, payload []byte) {
	if t := s.current.Load(); t != nil {
		t.deliver(node, payload)
	}
}

// phase begins to track that many messages.
func (s *session) phase(messages int) *tracker {
	t := newTracker(s.turn.Nodes, s.turn.Size, messages, s.next)
	s.next += uint64(messages)
	s.current.Store(t)
	return t
}

// ready polls until the cluster is ready (true) or patience ends (false).
func (s *session) ready(ctx context.Context) (bool, error) {
	limit := time.Now().Add(s.turn.Ready)
	for !s.Ready() {
		if err := sleep(ctx, readyPoll); err != nil {
			return false, err
		}
		if time.Now().After(limit) {
			return false, nil
		}
	}
	return true, nil
}

// reading is what is read at both ends of a phase.
type reading struct {
	at   time.Time
	cpu  time.Duration
	sent sent
}

func (s *session) read() (reading, error) {
	cpu, err := processorTime()
	return reading{at: time.Now(), cpu: cpu, sent: s.Sent()}, err
}

// used is the difference of two readings.
type used struct {
	elapsed, cpu time.Duration
	sent         sent
}

// since reads again.
func (s *session) since(start reading) (used, error) {
	end, err := s.read()
	return used{elapsed: end.at.Sub(start.at), cpu: end.cpu - start.cpu, sent: end.sent.sub(start.sent)}, err
}

// sleep waits for d or until ctx ends, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// measured makes a measurement of a fake in a bubble.
func measured(t *testing.T, f *fake, what turn) result {
	t.Helper()
	var r result
	synctest.Test(t, func(t *testing.T) {
		var err error
		if r, err = measure(t.Context(), f, what); err != nil {
			t.Fatal(err)
		}
	})
	if f.closed != 1 {
		t.Errorf("closed %d times, want once", f.closed)
	}
	return r
}

func TestLatencyIsThatOfTheShareOfTheNodes(t *testing.T) {
	r := measured(t, &fake{readyAfter: 30 * time.Millisecond}, latencyTurn)
	if !r.Converged || r.Seconds != 0.04 {
		t.Errorf("converged %t after %v s, want at the second look after 0.03 s", r.Converged, r.Seconds)
	}
	l := r.Latency
	if l.T50 != 5 || l.T99 != 10 || l.T100 != 10 || l.T100P99 != 10 {
		t.Errorf("t50 %v, t99 %v, t100 %v, its p99 %v; want 5, 10, 10, 10", l.T50, l.T99, l.T100, l.T100P99)
	}
	if want := (outcome{Broadcasts: 4}); l.outcome != want {
		t.Errorf("outcome %+v, want %+v", l.outcome, want)
	}
}

func TestLatencyCostsLeaveOutTheIdleCluster(t *testing.T) {
	l := measured(t, &fake{fate: func(int) (int, int) { return 3, 0 }}, latencyTurn).Latency
	if l.CopiesPerNode != 3 {
		t.Errorf("%v copies a node, want 3", l.CopiesPerNode)
	}
	// Ten receivers of three copies, shared by eleven nodes.
	if want := 30.0 / 11; math.Abs(l.PacketsPerNode-want) > 1e-9 {
		t.Errorf("%v packets a node, want %v", l.PacketsPerNode, want)
	}
	if want := 30.0 * fakePacket / 11; math.Abs(l.BytesPerNode-want) > 1e-6 {
		t.Errorf("%v bytes a node, want %v", l.BytesPerNode, want)
	}
	if l.IdleBytesPerNodeSecond != fakeIdleBytes {
		t.Errorf("idle cluster sends %v bytes a node and second, want %d", l.IdleBytesPerNodeSecond, fakeIdleBytes)
	}
	if want := 4 * 10 * 2; l.Repeated != want {
		t.Errorf("%d repeated, want %d", l.Repeated, want)
	}
}

func TestANodeThatNeverGetsItCountsWithTheTimeout(t *testing.T) {
	f := &fake{fate: func(message int) (int, int) {
		if message == 1 {
			return 1, 2
		}
		return 1, 0
	}}
	l := measured(t, f, latencyTurn).Latency
	if want := (outcome{Broadcasts: 4, Missed: 1, MissedDeliveries: 2}); l.outcome != want {
		t.Errorf("outcome %+v, want %+v", l.outcome, want)
	}
	if l.T100 != 10 || l.T100P99 != 10_000 {
		t.Errorf("t100 %v, its p99 %v; want 10 and the timeout of 10,000", l.T100, l.T100P99)
	}
	// The third waits for the timeout of the second.
	if wait := f.published[2] - f.published[1]; wait != latencyTurn.Timeout {
		t.Errorf("next broadcast after %s, want %s", wait, latencyTurn.Timeout)
	}
}

func TestLatencyCountsRefusals(t *testing.T) {
	refused := errors.New("refused")
	l := measured(t, &fake{accept: func(message int) error {
		if message%2 == 0 {
			return refused
		}
		return nil
	}}, latencyTurn).Latency
	if want := (outcome{Broadcasts: 2, Refused: 2}); l.outcome != want {
		t.Errorf("outcome %+v, want %+v", l.outcome, want)
	}
	if l.T100 != 10 {
		t.Errorf("t100 %v, want 10: that of those accepted", l.T100)
	}
}

func TestSpoiledPayloadsAreNotDelivered(t *testing.T) {
	what := latencyTurn
	what.Broadcasts = 1
	l := measured(t, &fake{spoil: true}, what).Latency
	if want := (outcome{Broadcasts: 1, Missed: 1, MissedDeliveries: 10, Corrupt: 11}); l.outcome != want {
		t.Errorf("outcome %+v, want %+v", l.outcome, want)
	}
}

func TestPausesVaryAroundTheirMean(t *testing.T) {
	what := latencyTurn
	what.Broadcasts, what.Pause = 200, 100*time.Millisecond
	f := &fake{delay: func(int) time.Duration { return 0 }}
	measured(t, f, what)
	var shortest, longest time.Duration = time.Hour, 0
	for i := 1; i < len(f.published); i++ {
		gap := f.published[i] - f.published[i-1]
		shortest, longest = min(shortest, gap), max(longest, gap)
	}
	if shortest < 50*time.Millisecond || shortest > 60*time.Millisecond || longest > 150*time.Millisecond || longest < 140*time.Millisecond {
		t.Errorf("pauses of %s to %s, want 50ms to 150ms", shortest, longest)
	}
}

func TestRatesRiseUntilTheSystemFallsBehind(t *testing.T) {
	// 500 a second: half of what the third step offers.
	r := measured(t, &fake{service: 2 * time.Millisecond}, rateTurn).Rate
	if got := len(r.Steps); got != 3 {
		t.Fatalf("%d steps, want 3", got)
	}
	if whole, kept := r.wholeRate(), r.keptRate(); whole.Offered != 300 || kept.Offered != 300 {
		t.Errorf("whole at %d/s, kept at %d/s; want 300 for both", whole.Offered, kept.Offered)
	}
	first, last := r.Steps[0], r.Steps[2]
	// 2 ms in the queue and 1, 2 and 3 ms to the three receivers.
	if first.P50 != 4 || first.P99 != 5 || first.Max != 5 || first.Achieved != 100 || first.CopiesPerNode != 1 {
		t.Errorf("first step %+v; want p50 4, p99 and max 5, 100/s, 1 copy a node", first)
	}
	if want := (outcome{Broadcasts: 5000}); last.outcome != want || last.Whole || last.KeepsUp {
		t.Errorf("last step %+v; want all delivered, but late", last)
	}
	// The last of 5,000 waits for the queue of 10 s, having been due after 5.
	if last.Max < 5000 || last.Max > 5010 {
		t.Errorf("longest latency %v ms, want about 5 s", last.Max)
	}
}

func TestAStepThatLosesIsNotWholeButKept(t *testing.T) {
	f := &fake{fate: func(message int) (int, int) {
		if message == 700 { // of the second step, after the 500 of the first
			return 1, 1
		}
		return 1, 0
	}}
	r := measured(t, f, rateTurn).Rate
	if got := len(r.Steps); got != 4 {
		t.Fatalf("%d steps, want 4", got)
	}
	if whole, kept := r.wholeRate(), r.keptRate(); whole.Offered != 100 || kept.Offered != 2000 {
		t.Errorf("whole at %d/s, kept at %d/s; want 100 and 2000", whole.Offered, kept.Offered)
	}
	if s := r.Steps[1]; s.Missed != 1 || s.MissedDeliveries != 1 || s.Max != 10_000 || s.P99 != 3 {
		t.Errorf("second step %+v; want one missed at one node, max the timeout, p99 3", s)
	}
}

func TestARefusalEndsTheRates(t *testing.T) {
	f := &fake{accept: func(message int) error {
		if message == 600 {
			return errors.New("queue full")
		}
		return nil
	}}
	r := measured(t, f, rateTurn).Rate
	if got := len(r.Steps); got != 2 {
		t.Fatalf("%d steps, want 2", got)
	}
	s := r.Steps[1]
	if want := (outcome{Broadcasts: 100, Refused: 1}); s.outcome != want || s.Refusal != "queue full" || s.KeepsUp {
		t.Errorf("second step %+v; want %+v and the refusal", s, want)
	}
	if r.keptRate().Offered != 100 {
		t.Errorf("kept at %d/s, want 100", r.keptRate().Offered)
	}
}

func TestAPublisherThatIsHeldUpDoesNotKeepTheRate(t *testing.T) {
	r := measured(t, &fake{held: 5 * time.Millisecond}, rateTurn).Rate // 200/s at most
	if got := len(r.Steps); got != 2 {
		t.Fatalf("%d steps, want 2", got)
	}
	if s := r.Steps[1]; s.KeepsUp || math.Abs(s.Achieved-200) > 0.1 {
		t.Errorf("second step %+v; want 200/s and not kept", s)
	}
}

func TestMessagesAreDueAtEqualDistances(t *testing.T) {
	what := rateTurn
	what.Rates, what.Hold = []int{250}, 20*time.Millisecond
	f := &fake{}
	measured(t, f, what)
	want := []time.Duration{0, 4 * time.Millisecond, 8 * time.Millisecond, 12 * time.Millisecond, 16 * time.Millisecond}
	if !slices.Equal(f.published, want) {
		t.Errorf("published at %v, want %v", f.published, want)
	}
}

func TestLossCountsWhoMissesWhat(t *testing.T) {
	f := &fake{fate: func(message int) (int, int) {
		if message%10 == 0 {
			return 1, 2
		}
		return 1, 0
	}}
	l := measured(t, f, lossTurn).Loss
	if want := (outcome{Broadcasts: 50, Missed: 5, MissedDeliveries: 10}); l.outcome != want {
		t.Errorf("outcome %+v, want %+v", l.outcome, want)
	}
	// 10 of 150 deliveries are missing: more than one in a hundred.
	if l.P99 != 10_000 || l.Rate != 100 {
		t.Errorf("p99 %v at %d/s, want the timeout at 100/s", l.P99, l.Rate)
	}
}

func TestLossHasRandomOrigins(t *testing.T) {
	origins := make(map[int]bool)
	f := &fake{}
	synctest.Test(t, func(t *testing.T) {
		s := &session{cluster: &publishers{fake: f, seen: origins}, turn: lossTurn, rand: newRand(lossTurn)}
		if err := f.Start(t.Context(), lossTurn.Nodes, s.deliver); err != nil {
			t.Fatal(err)
		}
		if _, err := s.loss(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if len(origins) != lossTurn.Nodes {
		t.Errorf("%d origins, want all %d nodes", len(origins), lossTurn.Nodes)
	}
}

// publishers notes which nodes publish.
type publishers struct {
	*fake
	seen map[int]bool
}

func (p *publishers) Publish(ctx context.Context, node int, payload []byte) error {
	p.seen[node] = true
	return p.fake.Publish(ctx, node, payload)
}

func TestAClusterThatNeverConvergesIsAResult(t *testing.T) {
	what := latencyTurn
	what.Ready = 3 * time.Second
	f := &fake{readyAfter: time.Hour}
	r := measured(t, f, what)
	if r.Converged || r.Latency != nil || r.Seconds < 3 || len(f.published) != 0 {
		t.Errorf("result %+v after %d messages, want none", r, len(f.published))
	}
}

func TestErrorsOfStartAndCloseAreReturned(t *testing.T) {
	start, closing := errors.New("no port"), errors.New("stuck")
	f := &fake{startErr: start, closeErr: closing}
	synctest.Test(t, func(t *testing.T) {
		if _, err := measure(t.Context(), f, latencyTurn); !errors.Is(err, start) || !errors.Is(err, closing) {
			t.Errorf("error %v, want both", err)
		}
	})
	if f.closed != 1 {
		t.Errorf("closed %d times, want once", f.closed)
	}
}

func TestAnInterruptedMeasurementIsAnError(t *testing.T) {
	for _, what := range []turn{latencyTurn, rateTurn, lossTurn} {
		t.Run(what.Workload, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
				defer cancel()
				what.Broadcasts *= 100
				f := &fake{}
				if _, err := measure(ctx, f, what); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
				}
				if f.closed != 1 {
					t.Errorf("closed %d times, want once", f.closed)
				}
			})
		})
	}
}

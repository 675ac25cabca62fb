package backoff

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelayDoublesToItsMaximumAndStartsOver(t *testing.T) {
	d := Delay{Min: time.Second, Max: 5 * time.Second}
	var got []time.Duration
	for range 5 {
		got = append(got, d.Next()/time.Second)
	}
	d.Reset()
	got = append(got, d.Next()/time.Second)
	if want := []time.Duration{1, 2, 4, 5, 5, 1}; !slices.Equal(got, want) {
		t.Errorf("delays in seconds = %d, want %d", got, want)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !Wait(t.Context(), time.Minute) {
			t.Error("uninterrupted wait reported an interruption")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if Wait(ctx, time.Minute) {
			t.Error("interrupted wait reported that it passed")
		}
		if got, want := time.Since(start), 61*time.Second; got != want {
			t.Errorf("waited %v, want %v", got, want)
		}
	})
}

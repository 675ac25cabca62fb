// Package backoff spaces out retries.
package backoff

import (
	"context"
	"time"
)

// Delay is a waiting time that doubles from Min to Max. It is not safe for
// concurrent use.
type Delay struct {
	Min, Max time.Duration
	next     time.Duration
}

// Next returns how long to wait before the coming retry: Min at first, then
// twice as long each time, at most Max.
func (d *Delay) Next() time.Duration {
	delay := min(max(d.next, d.Min), d.Max)
	d.next = min(2*delay, d.Max)
	return delay
}

// Reset starts over at Min, after a success.
func (d *Delay) Reset() { d.next = 0 }

// Wait waits for d and reports whether it passed before ctx ended.
func Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

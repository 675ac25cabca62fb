package member

import "time"

// Time is a point on a node's own monotonic clock, in nanoseconds from an
// arbitrary origin. The protocol is told the time and never asks for it; times
// of two nodes cannot be compared.
type Time int64

// Add returns the time d later; d may be negative.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// String returns the distance from the origin, as "1.5s".
func (t Time) String() string { return time.Duration(t).String() }

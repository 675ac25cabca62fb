package swarmcmd

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// full is a whole bar: thousandths of what is to be done.
const full = 1000

// pace is how far a search is: it ends with its time or its runs, whichever comes
// first.
type pace struct {
	begun time.Time
	limit time.Duration
	runs  int // 0: no bound
	done  atomic.Int64
}

func (p *pace) look() (int64, string) { return p.after(time.Since(p.begun)) }

// after says how much is done when some time has passed, and in words how many
// runs that is and how long the rest may take.
func (p *pace) after(passed time.Duration) (int64, string) {
	done := p.done.Load()
	share := float64(passed) / float64(p.limit)
	left := p.limit - passed
	runs := tabular.Plural(int(done), "run")
	if p.runs > 0 {
		runs = fmt.Sprintf("%d of %s", done, tabular.Plural(p.runs, "run"))
		if part := float64(done) / float64(p.runs); part > share {
			share = part
			left = time.Duration(float64(passed) * (1 - part) / part)
		}
	}
	return parts(share), fmt.Sprintf("%s, %v left", runs, remaining(left))
}

// reach is how far shrinking has come: nobody knows how far it goes, but it ends
// with its time.
type reach struct {
	begun       time.Time
	limit       time.Duration
	tried, size atomic.Int64
}

// step is told of each candidate.
func (r *reach) step(tried, size int) {
	r.tried.Store(int64(tried))
	r.size.Store(int64(size))
}

func (r *reach) look() (int64, string) { return r.after(time.Since(r.begun)) }

// after says how much of the time has passed, what was tried, and how many events
// the smallest schedule has that still fails.
func (r *reach) after(passed time.Duration) (int64, string) {
	return parts(float64(passed) / float64(r.limit)), fmt.Sprintf("%d tried, %s, %v left",
		r.tried.Load(), tabular.Plural(int(r.size.Load()), "event"), remaining(r.limit-passed))
}

// parts is a share of a whole bar. It is never full before the work is over: a
// full bar takes itself away.
func parts(share float64) int64 { return min(max(int64(full*share), 0), full-1) }

func remaining(d time.Duration) time.Duration { return max(d, 0).Round(time.Second) }

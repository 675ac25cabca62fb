package hearsay

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

// admission refuses publishers on behalf of a driver that has just refused one,
// until a receipt makes room: however hard an application tries again, the
// driver does not see it, and peers are not kept waiting.
type admission struct {
	refused atomic.Int64 // smallest size that was refused, plus one; 0: none
}

// errHeldBack is what it refuses with: a flood allocates nothing.
var errHeldBack = fmt.Errorf("publish: %w", ErrBackpressure)

// admits reports whether the driver may accept a size. Whoever tries again at
// once lets others run first, who may be about to make room.
func (a *admission) admits(size int) bool {
	if least := a.refused.Load(); least == 0 || int64(size) < least-1 {
		return true
	}
	runtime.Gosched()
	return false
}

// shut notes that a size was refused.
func (a *admission) shut(size int) {
	if least := a.refused.Load(); least == 0 || int64(size) < least-1 {
		a.refused.Store(int64(size) + 1)
	}
}

// open notes that there is room again, for some.
func (a *admission) open() { a.refused.Store(0) }

// refused takes note of a publication that the machine refused.
func (d *driver) refused(size int, err error) {
	if errors.Is(err, ErrBackpressure) {
		d.node.admission.shut(size)
	}
}

package udp

import (
	"sync"
	"sync/atomic"
	"time"
)

// A full send buffer parks the writer until the hardware drains it. The driver
// of a node must not be parked for long, hence a write deadline. Setting one
// for each packet would cost more than is worth; so it is pushed out to
// sendPatience whenever half of it has gone, and a Send waits between
// sendPatience/2 and sendPatience. Shorter than the least probe timeout, or a
// clogged link would look like dead peers; far longer than draining
// DefaultSendBuffer takes at 100 Mbit/s (21 ms).
const sendPatience = 100 * time.Millisecond

// patience keeps a write deadline ahead of the present.
type patience struct {
	extend func(time.Time) error // SetWriteDeadline

	renewed atomic.Int64 // when, in nanoseconds since birth; 0: never
	mu      sync.Mutex   // held while renewing, so that an older deadline never replaces a newer one
}

var birth = time.Now()

// renew makes sure that at least half of the patience is left.
func (p *patience) renew() error {
	if p.fresh() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fresh() {
		return nil // by another sender meanwhile
	}
	now := time.Now()
	if err := p.extend(now.Add(sendPatience)); err != nil {
		return err
	}
	p.renewed.Store(int64(now.Sub(birth)))
	return nil
}

func (p *patience) fresh() bool {
	renewed := p.renewed.Load()
	return renewed != 0 && int64(time.Since(birth))-renewed < int64(sendPatience/2)
}

package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
)

// Meddler decides what becomes of packets, beyond the [Network] that all share.
type Meddler interface {
	// Meddle is asked once for each packet, as it is sent. The payload may only
	// be read, and only during the call.
	Meddle(from, to int, p *core.Packet) Fate
}

// Fate is what becomes of one packet. The zero value changes nothing.
type Fate struct {
	// Lost datagrams vanish; a lost frame breaks its stream.
	Lost bool
	// Delay is added to that of the network.
	Delay time.Duration
	// Copies are further arrivals of a datagram, each so much later than it was
	// sent.
	Copies []time.Duration
	// Payload, if not nil, is what arrives in place of what was sent.
	Payload []byte
}

// meddle applies the fate of a packet, and returns what travels on, how much
// later, and whether it is lost.
func (c *Cluster) meddle(from, to int, p *core.Packet) (*core.Packet, time.Duration, bool) {
	f := c.opts.Meddle.Meddle(from, to, p)
	if p.Lane == core.Datagram {
		for _, later := range f.Copies {
			c.deliverAfter(later, from, to, p)
		}
	}
	switch {
	case f.Lost && p.Lane == core.Stream:
		c.breakStream(from, to)
	case f.Lost:
		c.stats.Lost++
	}
	if f.Payload != nil {
		damaged := *p
		damaged.Payload = f.Payload
		p = &damaged
	}
	return p, f.Delay, f.Lost
}

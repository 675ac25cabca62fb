package seal

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
)

// Budgets for what an unknown session may cost, from the measured prices: 2
// microseconds to derive its key and refuse a forgery, 57 to verify its claim.
const (
	// sourceRate bounds new sessions from one address. A host of 500 nodes
	// restarting at once is served within a second.
	sourceRate = 500
	// derivationRate bounds new sessions in all: 40 ms of each second.
	derivationRate = 20_000
	// verifyRate bounds signatures in all: 114 ms of each second.
	verifyRate = 2_000
	// wantedRate bounds the requests for claims that we send. After our own
	// restart each peer needs one, so 1,000 peers are through in five seconds.
	wantedRate = 200
)

// pacer is a token bucket of one second's worth, kept as the time at which it
// would be full again (GCRA, ITU-T I.371).
type pacer struct{ full member.Time }

// allow takes one token at a rate per second, unless the bucket is empty.
func (p *pacer) allow(now member.Time, rate int64) bool {
	step := time.Second / time.Duration(rate)
	switch debt := p.full.Sub(now); {
	case debt > time.Second: // Never used, on a clock that began below zero.
		p.full = now
	case debt > time.Second-step:
		return false
	}
	p.full = max(p.full, now).Add(step)
	return true
}

// sourceSlots is how many pacers all addresses share. Two addresses that meet
// in a slot share its budget; 512 slots take 4 KiB.
const sourceSlots = 512

// sources holds a pacer for each source address, by a keyed hash: no memory can
// be claimed by inventing addresses, and nobody can choose whom to collide with.
type sources struct {
	seed  maphash.Seed
	slots [sourceSlots]pacer
}

// allow takes one token of the address's budget. IPv6 is counted by its /64,
// within which one host can have any address.
func (s *sources) allow(now member.Time, from netip.Addr) bool {
	raw := from.As16()
	text := raw[:]
	if from.Is6() && !from.Is4In6() {
		text = raw[:8]
	}
	return s.slots[maphash.Bytes(s.seed, text)%sourceSlots].allow(now, sourceRate)
}

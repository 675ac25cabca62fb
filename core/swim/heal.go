package swim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// heal keeps trying to reach those that are held dead, and the seeds: a
// partition longer than every timeout ends with nobody probing across it.
type heal struct {
	next  member.Time
	seeds []netip.AddrPort
	tries int
	pool  []*entry // scratch
}

// healers is how many members of a side try to reach the other in one heal
// period, on average. One would do; three make the chance that all of them
// stay silent in two periods e^-6.
const healers = 3

// SetSeeds replaces the addresses at which the cluster may be found. The slice
// is kept.
func (m *Machine) SetSeeds(seeds []netip.AddrPort) { m.heal.seeds = seeds }

// tickHeal contacts one random dead member or seed, with probability
// healers/live, and forgets who has been gone for too long.
func (m *Machine) tickHeal(now member.Time) {
	if now < m.heal.next {
		return
	}
	m.heal.next = now.Add(m.cfg.Timing.HealPeriod)
	m.forgetExpired(now)
	if !draw.Chance(m.cfg.Rand, healers, max(m.table.live-1, 1)) {
		return
	}
	pool := m.heal.pool[:0]
	for _, e := range m.table.gone {
		if e.claim.State == member.Dead && now.Sub(e.retried) >= m.retryInterval(elapsed(now, e.since)) {
			pool = append(pool, e)
		}
	}
	m.heal.pool = pool
	seeds := m.strangeSeeds()
	if len(pool)+len(seeds) == 0 {
		return
	}
	m.heal.tries++
	lane := effect.Datagram
	if m.heal.tries%2 == 0 { // the next attempt may find UDP blocked
		lane = effect.Stream
	}
	if i := draw.Below(m.cfg.Rand, len(pool)+len(seeds)); i < len(pool) {
		m.contact(now, pool[i], lane)
	} else {
		m.contactSeed(seeds[i-len(pool)], lane)
	}
}

// retryInterval is how often one dead member is tried: each heal period in its
// first hour, then ever more rarely, but for as long as it is remembered.
func (m *Machine) retryInterval(dead time.Duration) time.Duration {
	const (
		decay = 360 // the interval is 1/360 of the time it has been dead
		floor = 10 * time.Minute
	)
	return min(max(dead/decay, m.cfg.Timing.HealPeriod), floor)
}

// contact introduces us to a dead member and tells it what it is held for: if
// it lives, it refutes.
func (m *Machine) contact(now member.Time, e *entry, lane effect.Lane) {
	e.retried = now
	m.cfg.Out.Open(e.id, e.addr(), lane)
	m.cfg.Out.AddBody(wire.TypeRecord, m.self.body)
	m.accuse = m.verdict(now, e)
	m.cfg.Out.Add(&m.accuse)
	m.ping = wire.Ping{Seq: m.nextSeq(), Root: m.cfg.Root()}
	m.cfg.Out.Add(&m.ping)
}

// contactSeed introduces us to whoever is at a seed's address.
func (m *Machine) contactSeed(seed netip.AddrPort, lane effect.Lane) {
	m.cfg.Out.Open(member.NodeID{}, seed, lane)
	m.cfg.Out.AddBody(wire.TypeRecord, m.self.body)
	m.ping = wire.Ping{Seq: m.nextSeq(), Root: m.cfg.Root()}
	m.cfg.Out.Add(&m.ping)
}

// strangeSeeds returns the seeds at which no live member is known to be.
func (m *Machine) strangeSeeds() []netip.AddrPort {
	if len(m.heal.seeds) == 0 {
		return nil
	}
	var strange []netip.AddrPort
	for _, seed := range m.heal.seeds {
		known := slices.ContainsFunc(m.table.entries, func(e *entry) bool {
			return !e.claim.State.Gone() && slices.Contains(e.addrs, seed)
		})
		if !known {
			strange = append(strange, seed)
		}
	}
	return strange
}

func (m *Machine) forgetExpired(now member.Time) {
	for i := 0; i < len(m.table.gone); {
		if e := m.table.gone[i]; e != m.self && m.expired(e.claim.State, elapsed(now, e.since)) {
			m.forget(e) // takes e out of m.table.gone
			continue
		}
		i++
	}
}

// Retire turns a dead member into one that has left, by an operator's word: it
// is no longer retried. It reports whether the member was dead; a live one
// cannot be retired.
func (m *Machine) Retire(now member.Time, id member.NodeID) bool {
	e, known := m.table.index[id]
	if !known || e.claim.State != member.Dead {
		return false
	}
	retired := e.claim
	retired.State = member.Left
	m.becomeGone(now, e, retired, m.self.id, elapsed(now, e.since))
	return true
}

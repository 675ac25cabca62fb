package hearsay

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
)

// seeding is how a node finds its cluster: it resolves its seeds for life, hands
// them to the core, which calls them when nobody else is left, and until the
// first success joins at them.
type seeding struct {
	seeds    []seed
	next     core.Time // of the next resolution; never while one is under way
	joined   bool
	failures int    // in a row, before joined
	problem  string // of resolution, as logged last
	refusal  string // of joining, as logged last
}

const (
	// seedsInterval is how often names are resolved. Twice as often would find a
	// moved seed little sooner than its record's usual TTL of a minute.
	seedsInterval = 30 * time.Second
	// seedsAlone is the same while this node knows of nobody alive.
	seedsAlone = 5 * time.Second
	// seedsRetryMin and seedsRetryMax are the back-off of the first join: seeds
	// that start together with this node are up within the first tries, and a
	// cluster that starts next week costs an attempt in five seconds.
	seedsRetryMin = 250 * time.Millisecond
	seedsRetryMax = 5 * time.Second
	// seedsTried is how many addresses one attempt joins at. A name may stand for
	// a thousand nodes; any of them tells of all.
	seedsTried = 5
)

func newSeeding(seeds []seed) seeding {
	s := seeding{seeds: seeds}
	if len(seeds) == 0 {
		s.next = never
	}
	return s
}

// seed resolves the seeds, if it is time, in a goroutine of its own.
func (d *driver) seed(now core.Time) {
	s := &d.seeding
	if now < s.next || d.leaving != nil {
		return
	}
	s.next = never
	n := d.node
	n.running.Go(func() {
		res := resolveSeeds(n.ctx, n.cfg.Resolver, s.seeds)
		n.post(func(d *driver) { d.seeded(res) })
	})
}

// seeded takes the addresses of the seeds. Those of this node are no use.
func (d *driver) seeded(res resolution) {
	s := &d.seeding
	if problem := describe(res.errs); problem != s.problem {
		s.problem = problem
		d.log.seeds(len(res.addrs), problem)
	}
	strange := slices.DeleteFunc(res.addrs, func(a netip.AddrPort) bool { return d.own[a] })
	d.step(&core.Seeds{Addrs: strange})
	if s.joined || len(strange) == 0 || d.leaving != nil {
		d.seedAgain()
		return
	}
	few := slices.Clone(strange)
	rand.Shuffle(len(few), func(i, j int) { few[i], few[j] = few[j], few[i] })
	few = few[:min(len(few), seedsTried)]
	d.joinSeeds(few)
}

// joinSeeds makes one attempt; what comes of it decides when the next is due.
func (d *driver) joinSeeds(addrs []netip.AddrPort) {
	s, left := &d.seeding, len(addrs)
	var errs []error
	d.join(addrs, func(_ netip.AddrPort, err error) {
		left--
		if err == nil {
			s.joined = true
		} else {
			errs = append(errs, err)
		}
		if left > 0 {
			return
		}
		if refusal := describe(errs); !s.joined && refusal != s.refusal {
			s.refusal = refusal
			d.log.joinFailed(refusal)
		}
		d.seedAgain()
	})
}

// seedAgain sets when the seeds are resolved next: between half the wait and
// one and a half of it, so that nodes started together do not stay together.
func (d *driver) seedAgain() {
	s := &d.seeding
	wait := seedsInterval
	switch {
	case d.leaving != nil:
		s.next = never
		return
	case !s.joined:
		wait = min(seedsRetryMin<<min(s.failures, 10), seedsRetryMax)
		s.failures++
	case d.machine.Live() == 1:
		wait = seedsAlone
	}
	s.next = d.now().Add(wait/2 + rand.N(wait))
}

// describe returns the texts of errors, each once and in order.
func describe(errs []error) string {
	var texts []string
	for _, err := range errs {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "; ")
}

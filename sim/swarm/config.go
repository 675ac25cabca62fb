package swarm

import (
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/sim"
)

// presets are the timings that schedules start from.
var presets = map[string]func() core.Timing{"LAN": core.LAN, "WAN": core.WAN, "Local": core.Local}

// config is what the nodes of a run are made with.
type config struct {
	timing     core.Timing
	payloadMax int
	membersMax int
	talk       broadcast.Timing
	limits     broadcast.Limits
}

// site is a legal extreme of the configuration, on or off for a whole run.
type site struct {
	name  string
	apply func(*config)
}

// sites are the places where the configuration is drawn from the edge of what
// [core.Config] allows. No code of the protocol knows of them.
var sites = []site{
	{"payload-min", func(c *config) { c.payloadMax = 1000 }},
	{"fanout-1", func(c *config) { c.timing.Fanout = 1 }},
	{"helpers-0", func(c *config) { c.timing.Helpers = 0 }},
	{"confirmations-0", func(c *config) { c.timing.Confirmations = 0 }},
	{"health-0", func(c *config) { c.timing.HealthMax = 0 }},
	{"suspicion-min", func(c *config) { c.timing.SuspicionMultiplier, c.timing.SuspicionStretch = 2, 1 }},
	{"gossip-slow", func(c *config) { c.timing.GossipInterval = 2 * time.Second }},
	{"gossip-quick", func(c *config) { c.timing.GossipInterval = 10 * time.Millisecond }},
	{"sync-slow", func(c *config) { c.timing.SyncInterval = 5 * time.Second }},
	{"sync-quick", func(c *config) { c.timing.SyncInterval = 10 * time.Millisecond }},
	{"heal-slow", func(c *config) { c.timing.HealPeriod *= 3 }},
	{shortRetention, func(c *config) { c.timing.DeadRetention, c.timing.LeftRetention = 3*time.Minute, time.Minute }},
	{tightMembers, nil}, // see config
}

// shortRetention has the gone forgotten while a fault may still last.
const shortRetention = "retention-short"

// talkSites are those of messages. They are drawn apart from the others, so that
// a seed has the faults that it had before there were messages.
var talkSites = []site{
	{windowShort, func(c *config) { c.talk.Window = 10 * time.Second }},
	{windowLong, func(c *config) { c.talk.Window = 20 * time.Minute }},
	{windowBytes, func(c *config) { c.limits.WindowBytes = 4*largeMax + 100<<10 }},
	{"in-flight-few", func(c *config) { c.limits.InFlight = 8 }},
	{inFlightMany, func(c *config) { c.limits.InFlight = 4096 }},
	{"heard-off", func(c *config) { c.talk.HeardDelay = -1 }},
	{"batches", func(c *config) { c.talk.BatchWindow, c.talk.AckDelay = 50*time.Millisecond, 50*time.Millisecond }},
}

const (
	windowShort = "window-short"
	windowBytes = "window-bytes"
	// windowLong keeps what was said for longer than most faults last: it has to
	// reach everybody in the end.
	windowLong = "window-long"
	// inFlightMany lets a publisher fill the queue to a peer that answers nothing.
	inFlightMany = "in-flight-many"
)

// tightMembers leaves no room in the member table for anybody but the nodes.
const tightMembers = "members-tight"

// config returns the configuration of a schedule that is valid.
func (s *Schedule) config() config {
	c := config{
		timing: presets[s.Preset](), talk: broadcast.Timing{Window: time.Minute},
		limits: broadcast.Limits{EventSize: 4 << 20, WindowBytes: 16 << 20, InFlight: 1024, InFlightBytes: 8 << 20},
	}
	for _, site := range slices.Concat(sites, talkSites) {
		switch {
		case !s.buggified(site.name):
		case site.name == tightMembers:
			c.membersMax = max(s.Nodes, 2)
		default:
			site.apply(&c)
		}
	}
	return c
}

func (s *Schedule) buggified(name string) bool {
	for _, n := range s.Buggify {
		if n == name {
			return true
		}
	}
	return false
}

// sunny reports whether nothing ever goes wrong in a schedule.
func (s *Schedule) sunny() bool {
	return len(s.Faults) == 0 && len(s.Leftovers) == 0 && s.Network.Loss == 0
}

func (n Network) model() sim.Network {
	return sim.Network{
		Latency: time.Duration(n.Latency), Jitter: time.Duration(n.Jitter), Loss: n.Loss, Duplicate: n.Duplicate,
	}
}

// calm is the network of the liveness phase.
func (n Network) calm() sim.Network {
	m := n.model()
	m.Loss, m.Duplicate = 0, 0
	return m
}

// healLimit bounds how long a part of the cluster that faults leave alone may
// take to agree: some heal periods until the sides of a partition have met, the
// longest suspicion twice (a wrong one, and that of a member which really is
// gone), some probe periods at the worst local health, and some exchanges; the
// probes of two rounds that a member spends on those left behind (SWIM, section
// 4.3: one round finds each, the second if it had just begun), since failures of
// which no peer could ack are what makes local health bad; after slow nodes have
// got round to all that waits for them.
func (s *Schedule) healLimit() time.Duration {
	t := s.config().timing
	suspicion := t.ProbePeriod * time.Duration(t.SuspicionMultiplier*t.SuspicionStretch) * 2 // a cluster of a hundred
	period := t.ProbePeriod * time.Duration(t.HealthMax+1)
	probes := 10 + 2*len(s.Leftovers)
	return 10*t.HealPeriod + 2*suspicion + time.Duration(probes)*period + 20*t.SyncInterval + 20*t.GossipInterval + s.backlog()
}

// waitingMax is how many inputs package sim lets wait for a slow node.
const waitingMax = 256

// backlog bounds how long a slow node goes on being slow: its inputs wait for it,
// each at the pace at which it arrived.
func (s *Schedule) backlog() time.Duration {
	var slowest Duration
	for i := range s.Faults {
		if f := &s.Faults[i]; f.Op == Slow {
			slowest = max(slowest, f.Delay)
		}
	}
	return waitingMax * time.Duration(slowest)
}

// caughtUp returns when the last slow node has got round to all that waited for
// it.
func (s *Schedule) caughtUp() time.Duration {
	var last Duration
	for i := range s.Faults {
		if f := &s.Faults[i]; f.Op == Slow {
			last = max(last, min(f.At+f.For, s.Horizon)+waitingMax*f.Delay)
		}
	}
	return time.Duration(last)
}

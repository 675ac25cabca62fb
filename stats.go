package hearsay

import (
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
)

// Stats is what a node has counted since it was started, and how it stands.
// Gauges may go down; all else only grows.
type Stats struct {
	Alive, Suspect, Dead, Left int    // gauges: members, this node included
	Health                     int    // gauge: local health score, 0 is well
	HotRumors                  int    // gauge: rumors still being spread
	Facts                      int    // gauge: keys of all members
	Root                       uint64 // hash of all that is known: nodes with one root agree
	SnapshotAge                time.Duration

	DatagramsSent, DatagramsReceived         uint64
	DatagramBytesSent, DatagramBytesReceived uint64 // seal included, headers of UDP and IP not
	FramesSent, FramesReceived               uint64
	StreamBytesSent, StreamBytesReceived     uint64 // frames before TLS
	StreamsOpened                            uint64
	StreamsOpen                              uint64 // gauge

	Probes        uint64 // ended: answered directly, or failed
	ProbeFailures uint64
	ProbeRTT      Histogram // of direct probes
	Suspicions    uint64
	Deaths        uint64
	FalseDeaths   uint64 // deaths that their subject later refuted
	Refutations   uint64 // of accusations of this node
	Pauses        uint64
	Syncs         uint64 // anti-entropy exchanges started here
	Joins         uint64 // contacts that answered
	JoinFailures  uint64

	Messages MessageStats // of messages and queries

	Drops []Drop // every reason there is, in a fixed order
}

// MessageStats is what a node has counted of messages and queries.
type MessageStats = broadcast.Stats

// ProbeRTTBounds are the upper bounds of the buckets of [Stats.ProbeRTT], in
// seconds: from a hop within one machine to a timeout on a WAN.
var ProbeRTTBounds = [...]float64{
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
}

// Histogram is a distribution of durations. Counts are not cumulative; the last
// is of those above every bound.
type Histogram struct {
	Counts [len(ProbeRTTBounds) + 1]uint64
	Count  uint64
	Sum    time.Duration
}

func (h *Histogram) observe(elapsed time.Duration) {
	i := 0
	for i < len(ProbeRTTBounds) && elapsed.Seconds() > ProbeRTTBounds[i] {
		i++
	}
	h.Counts[i]++
	h.Count++
	h.Sum += elapsed
}

// traffic is counted by several goroutines.
type traffic struct {
	datagramsSent, datagramBytesSent, datagramsReceived, datagramBytesReceived atomic.Uint64
	framesSent, streamBytesSent, framesReceived, streamBytesReceived           atomic.Uint64
}

// counts belong to the driver.
type counts struct {
	probes, probeFailures, suspicions, deaths, falseDeaths, refutations uint64
	pauses, syncs, joins, joinFailures                                  uint64
	probeRTT                                                            Histogram
	buried                                                              map[member.NodeID]bool // by Died
}

// count keeps the books on every event of the core.
func (d *driver) count(e *core.Event) {
	c := &d.counts
	switch e.Kind {
	case effect.ProbeAcked:
		c.probes++
		c.probeRTT.observe(e.Elapsed)
	case effect.ProbeFailed:
		c.probes++
		c.probeFailures++
	case effect.MemberSuspected:
		c.suspicions++
	case effect.MemberDied:
		c.deaths++
		if c.buried == nil {
			c.buried = make(map[member.NodeID]bool)
		}
		c.buried[e.ID] = true
	case effect.MemberRefuted:
		if c.buried[e.ID] {
			c.falseDeaths++
		}
		delete(c.buried, e.ID)
	case effect.MemberJoined, effect.MemberLeft, effect.MemberForgotten:
		delete(c.buried, e.ID)
	case effect.SelfRefuted:
		c.refutations++
	case effect.Paused:
		c.pauses++
	case effect.SyncStarted:
		c.syncs++
	}
}

// Stats returns the present numbers. It waits for the driver, some microseconds,
// and works after Close; only a node that stopped by a fault of its own has no
// more than its traffic and members to tell.
func (n *Node) Stats() Stats {
	s := Stats{
		DatagramsSent:         n.traffic.datagramsSent.Load(),
		DatagramsReceived:     n.traffic.datagramsReceived.Load(),
		DatagramBytesSent:     n.traffic.datagramBytesSent.Load(),
		DatagramBytesReceived: n.traffic.datagramBytesReceived.Load(),
		FramesSent:            n.traffic.framesSent.Load(),
		FramesReceived:        n.traffic.framesReceived.Load(),
		StreamBytesSent:       n.traffic.streamBytesSent.Load(),
		StreamBytesReceived:   n.traffic.streamBytesReceived.Load(),
	}
	s.StreamsOpened, s.StreamsOpen = n.streams.numbers()
	n.read(func(d *driver) { d.fill(&s) })
	members := n.members.Load()
	s.Alive, s.Suspect = members.count[member.Alive], members.count[member.Suspect]
	s.Dead, s.Left = members.count[member.Dead], members.count[member.Left]
	s.SnapshotAge = time.Since(n.base) - members.at.Sub(n.driver.start)
	return s
}

func (d *driver) fill(s *Stats) {
	m, c := d.machine, &d.counts
	s.Health, s.HotRumors, s.Root = m.Health(), m.Hot(), m.Root()
	for i := range m.Len() {
		s.Facts += m.FactCount(m.Member(i).ID)
	}
	s.Probes, s.ProbeFailures, s.ProbeRTT = c.probes, c.probeFailures, c.probeRTT
	s.Suspicions, s.Deaths, s.FalseDeaths, s.Refutations = c.suspicions, c.deaths, c.falseDeaths, c.refutations
	s.Pauses, s.Syncs, s.Joins, s.JoinFailures = c.pauses, c.syncs, c.joins, c.joinFailures
	s.Messages = m.Broadcasts()
	s.Drops = d.node.appendDrops(nil, m)
}

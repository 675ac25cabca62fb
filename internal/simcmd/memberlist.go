package simcmd

import (
	"math"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// memberlist is what its formulas need of a preset (hashicorp/memberlist v0.7.0,
// config.go, util.go and suspicion.go).
type memberlist struct {
	probeInterval    time.Duration
	suspicionMult    int
	suspicionMax     int // times the least
	gossipInterval   time.Duration
	gossipNodes      int
	retransmitMult   int
	pushPullInterval time.Duration
}

func memberlistOf(p scenario.Profile) memberlist {
	switch p {
	case scenario.WAN:
		return memberlist{5 * time.Second, 6, 6, 500 * time.Millisecond, 4, 4, 60 * time.Second}
	case scenario.Local:
		return memberlist{time.Second, 3, 6, 100 * time.Millisecond, 3, 2, 15 * time.Second}
	}
	return memberlist{time.Second, 4, 6, 200 * time.Millisecond, 3, 4, 30 * time.Second}
}

// probeWait is the mean number of probe intervals from a crash until the probe
// that finds it has failed: with random targets the chance that nobody picks a
// node in an interval is 1/e, so e/(e-1) (Das, Gupta, Motivala, DSN 2002, section
// 3.1).
const probeWait = math.E / (math.E - 1)

// suspicionBounds returns how long a suspicion lasts: with enough
// confirmations, and with none.
func (m memberlist) suspicionBounds(n int) (least, most time.Duration) {
	scale := max(1, math.Log10(max(1, float64(n))))
	least = time.Duration(float64(m.suspicionMult) * scale * float64(m.probeInterval))
	return least, least * time.Duration(m.suspicionMax)
}

// noticed is how long a crash takes to be noticed, in seconds: by the first, a
// failed probe and a suspicion, confirmed or not; by all, the spread of the
// verdict on top.
type noticed struct{ first, all [2]float64 } // confirmed, unconfirmed

// detection is the times of a crash, with the share of packets that is lost.
func (m memberlist) detection(n int, loss float64) noticed {
	wait := probeWait * m.probeInterval.Seconds()
	spread := m.spread(n, loss).all / 1000
	least, most := m.suspicionBounds(n)
	d := noticed{first: [2]float64{wait + least.Seconds(), wait + most.Seconds()}}
	for i, first := range d.first {
		d.all[i] = first + spread
	}
	return d
}

// copies is how often a node sends an update.
func (m memberlist) copies(n int) int {
	return m.retransmitMult * int(math.Ceil(math.Log10(float64(n+1))))
}

// siTimes are the times of [memberlist.spread], in ms.
type siTimes struct{ t50, t99, all float64 }

// spread is the SI equation of gossip at unsynchronized clocks: i(t) =
// 1/(1+(n−1)e^(−Λt)) with Λ = fanout·(1−loss)/interval, and for the last node
// the mean of Poisson clocks, 2(ln n + γ)/Λ.
func (m memberlist) spread(n int, loss float64) siTimes {
	const gamma = 0.5772156649
	rate := float64(m.gossipNodes) * (1 - loss) / float64(tabular.Millis(m.gossipInterval))
	first := math.Log(float64(max(n-1, 1)))
	all := 2 * (math.Log(float64(n)) + gamma) / rate
	return siTimes{first / rate, min((first+math.Log(99))/rate, all), all}
}

// Bytes of its messages, in MessagePack with the names of the fields, for nodes
// with IPv4, names of eight characters, no metadata and small numbers. Each more
// byte of a name or of metadata is one more in each state.
const (
	pingBytes   = 77 + crcBytes
	ackBytes    = 22 + crcBytes
	crcBytes    = 5  // before each packet
	stateBytes  = 70 // of one node in a push/pull: name, address, port, metadata, incarnation, state, six versions
	headerBytes = 31 // of a push/pull, once in each direction
)

// idlePackets is one ping and one ack for each probe, per node and second: each
// probes one other, and is probed by one on average.
func (m memberlist) idlePackets() float64 { return 2 / m.probeInterval.Seconds() }

// idleBytes is what a node at rest sends in a second: probes and answers, and the
// whole table in each push/pull, once as the one that calls and once as one that
// is called.
func (m memberlist) idleBytes(n int) float64 { return m.probeBytes() + m.pushPullBytes(n) }

func (m memberlist) probeBytes() float64 {
	return (pingBytes + ackBytes) / m.probeInterval.Seconds()
}

func (m memberlist) pushPullBytes(n int) float64 {
	return 2 * float64(headerBytes+n*stateBytes) / m.pushPullPeriod(n).Seconds()
}

// pushPullPeriod grows with each doubling beyond 32 nodes.
func (m memberlist) pushPullPeriod(n int) time.Duration {
	if n <= 32 {
		return m.pushPullInterval
	}
	return m.pushPullInterval * time.Duration(math.Ceil(math.Log2(float64(n))-5)+1)
}

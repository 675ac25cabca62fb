package simcmd

import (
	"fmt"
	"math"
	"time"

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

// suspicionBounds returns how long a suspicion lasts: with enough
// confirmations, and with none.
func (m memberlist) suspicionBounds(n int) (least, most time.Duration) {
	scale := max(1, math.Log10(max(1, float64(n))))
	least = time.Duration(float64(m.suspicionMult) * scale * float64(m.probeInterval))
	return least, least * time.Duration(m.suspicionMax)
}

func (m memberlist) suspicion(n int) string {
	least, most := m.suspicionBounds(n)
	return fmt.Sprintf("suspected for %.1f to %.1f", least.Seconds(), most.Seconds())
}

// copies is how often a node sends an update.
func (m memberlist) copies(n int) int {
	return m.retransmitMult * int(math.Ceil(math.Log10(float64(n+1))))
}

// spread is the SI equation of gossip at unsynchronized clocks, in ms: i(t) =
// 1/(1+(n−1)e^(−Λt)) with Λ = fanout·(1−loss)/interval, and for the last node
// the mean of Poisson clocks, 2(ln n + γ)/Λ.
type siTimes struct{ t50, t99, all float64 }

func (m memberlist) spread(n int, loss float64) siTimes {
	const gamma = 0.5772156649
	rate := float64(m.gossipNodes) * (1 - loss) / millis(m.gossipInterval)
	first := math.Log(float64(max(n-1, 1)))
	all := 2 * (math.Log(float64(n)) + gamma) / rate
	return siTimes{first / rate, min((first+math.Log(99))/rate, all), all}
}

// idlePackets is one ping and one ack for each probe, per node and second.
func (m memberlist) idlePackets() float64 { return 2 / m.probeInterval.Seconds() }

// pushPullPeriod grows with each doubling beyond 32 nodes.
func (m memberlist) pushPullPeriod(n int) time.Duration {
	if n <= 32 {
		return m.pushPullInterval
	}
	return m.pushPullInterval * time.Duration(math.Ceil(math.Log2(float64(n))-5)+1)
}

func (m memberlist) pushPull(n int) string {
	return fmt.Sprintf("and the whole table both ways each %v", m.pushPullPeriod(n))
}

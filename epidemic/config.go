package epidemic

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Limits of a simulation.
const (
	// MinNodes is the smallest cluster in which anything can spread.
	MinNodes = 2
	// MaxNodes bounds memory and time: at ten million nodes a trial takes
	// seconds.
	MaxNodes = 10_000_000
	// MaxUpdates is the number of updates whose state fits one machine word.
	MaxUpdates = 64
	// MaxCells bounds Nodes times Updates, and so memory: median-counter takes
	// four bytes for each.
	MaxCells = 100_000_000
	// MaxStop bounds the counter of rumor mongering, which is one byte a node.
	// Residue falls as e^-Stop, so already 30 leaves nobody out.
	MaxStop = 100
	// MaxTrials bounds the table of outcomes, and the patience of users.
	MaxTrials = 100_000_000
	// MaxRounds ends a run that does not end by itself. At 99 % loss and
	// fanout 1 ten million nodes need about 3,300 rounds; 2^16 leaves room.
	MaxRounds = 1 << 16
)

// Config says what to simulate. The zero value of Protocol, Order, Outage,
// Loss, Dead, Start and Seed is meaningful; Nodes, Fanout, Trials and Updates
// must be set.
type Config struct {
	// Nodes is the size of every node's view, dead nodes included; MinNodes to
	// MaxNodes.
	Nodes int
	// Fanout is the number of distinct targets a node draws per round; 1 to
	// Nodes-1. More is faster and costs proportionally more messages.
	Fanout   int
	Protocol Protocol
	Order    Order
	// Rounds ends a run after that many; 0 means when all know or nobody
	// spreads any more.
	Rounds int
	// Loss is the chance, in [0, 1), that a datagram with a payload is lost.
	// Requests and digests are not lost: one factor (1-Loss) per exchange is
	// what the theory has.
	Loss float64
	// Dead is the share of nodes, in [0, 1), that are down but still in every
	// view; it is rounded to whole nodes. Where updates start is never dead
	// for ever.
	Dead   float64
	Outage Outage
	// Stop is the k of rumor mongering and the cap of the median counter; 0
	// means [DefaultStop] and [DefaultCap]. Other protocols ignore it.
	Stop   int
	Trials int
	// Seed is the random seed: the same Config gives the same Result, whatever
	// the number of cores.
	Seed uint64
	// Start is the node at which the first update starts; the next update
	// starts at the next node, and so on around.
	Start int
	// Updates is the number of updates that spread at once, 1 to
	// min(Nodes, MaxUpdates). One message carries all that its sender spreads.
	// The theory of several takes them as independent, which for push is an
	// upper bound.
	Updates int
}

// DefaultStop is the k of rumor mongering where none is given. Feedback and a
// counter then leave about 0.7 % of the nodes out, as infect-and-die does at a
// fanout of five.
const DefaultStop = 4

// DefaultCap returns the cap of the median counter for n nodes,
// ceil(log2 log2 n), at least 2: Karp et al. ask for O(log log n), and a cap of
// one stops nodes at their first informed partner.
func DefaultCap(n int) int {
	log := bits.Len(uint(n - 1)) // ceil(log2 n)
	return max(2, bits.Len(uint(log-1)))
}

// Errors of [Config.Validate], to branch on.
var (
	ErrNodes   = errors.New("nodes out of range")
	ErrFanout  = errors.New("fanout out of range")
	ErrLoss    = errors.New("loss out of range")
	ErrDead    = errors.New("dead out of range")
	ErrRounds  = errors.New("rounds out of range")
	ErrStop    = errors.New("stop out of range")
	ErrTrials  = errors.New("trials out of range")
	ErrStart   = errors.New("start out of range")
	ErrUpdates = errors.New("updates out of range")
)

// Validate returns all that is wrong with c, joined; nil if nothing is.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, err error, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{err}, args...)...))
		}
	}
	share := func(x float64) bool { return x >= 0 && x < 1 } // false for NaN
	nodesOK := c.Nodes >= MinNodes && c.Nodes <= MaxNodes
	check(nodesOK, ErrNodes, "%d, want %d to %d", c.Nodes, MinNodes, MaxNodes)
	check(c.Fanout >= 1, ErrFanout, "%d, want at least 1", c.Fanout)
	check(c.Protocol < protocolCount, ErrProtocol, "%d", uint8(c.Protocol))
	check(c.Order <= Turn, ErrOrder, "%d", uint8(c.Order))
	check(c.Outage <= PerRound, ErrOutage, "%d", uint8(c.Outage))
	check(share(c.Loss), ErrLoss, "%g, want 0 up to, not including, 1", c.Loss)
	check(share(c.Dead), ErrDead, "%g, want 0 up to, not including, 1", c.Dead)
	check(c.Rounds >= 0 && c.Rounds <= MaxRounds, ErrRounds, "%d, want 0 (until done) to %d", c.Rounds, MaxRounds)
	check(c.Stop >= 0 && c.Stop <= MaxStop, ErrStop, "%d, want 0 (default) to %d", c.Stop, MaxStop)
	check(c.Trials >= 1 && c.Trials <= MaxTrials, ErrTrials, "%d, want 1 to %d", c.Trials, MaxTrials)
	if nodesOK {
		check(c.Fanout < c.Nodes, ErrFanout, "%d, want less than the %d nodes", c.Fanout, c.Nodes)
		check(c.Start >= 0 && c.Start < c.Nodes, ErrStart, "%d, want 0 to %d", c.Start, c.Nodes-1)
		most := min(c.Nodes, MaxUpdates)
		updatesOK := c.Updates >= 1 && c.Updates <= most
		check(updatesOK, ErrUpdates, "%d, want 1 to %d", c.Updates, most)
		check(c.Updates <= MaxCells/c.Nodes, ErrUpdates, "%d of %d nodes, want nodes times updates at most %d", c.Updates, c.Nodes, MaxCells)
		if share(c.Dead) && updatesOK && c.Outage == Forever {
			check(c.downCount()+c.Updates <= c.Nodes, ErrDead, "%d of %d nodes dead leave too few for the %d that updates start at",
				c.downCount(), c.Nodes, c.Updates)
		}
	}
	return errors.Join(errs...)
}

// Live returns the number of nodes an update can reach: all but those that are
// dead for ever.
func (c Config) Live() int {
	if c.Outage == Forever {
		return c.Nodes - c.downCount()
	}
	return c.Nodes
}

// downCount is the number of nodes down at any time.
func (c Config) downCount() int { return int(math.Round(c.Dead * float64(c.Nodes))) }

// stop is Stop with its default filled in.
func (c Config) stop() int {
	switch {
	case c.Stop > 0:
		return c.Stop
	case c.Protocol == MedianCounter:
		return DefaultCap(c.Nodes)
	default:
		return DefaultStop
	}
}

// StopValue returns the counter in effect, with its default filled in, or 0 for
// protocols that have none.
func (c Config) StopValue() int {
	if c.Protocol.mongers() || c.Protocol == MedianCounter {
		return c.stop()
	}
	return 0
}

// roundLimit is the round after which a run ends whatever it reached.
func (c Config) roundLimit() int {
	if c.Rounds > 0 {
		return c.Rounds
	}
	return MaxRounds
}

package broadcast

import (
	"math/bits"
	"time"
)

// Stats are counters since the start, and gauges of the moment. Bytes are those
// of whole messages on the wire, without seal and headers.
type Stats struct {
	Published     uint64 // own messages and queries
	Delivered     uint64 // messages and queries of others, whole and new
	Duplicates    uint64 // payloads that came though they were here
	Repaired      uint64 // of Delivered, those that had to be pulled
	Relays        uint64 // relays and chunks sent, repetitions and repairs included
	Copies        uint64 // relays and chunks received
	BytesEager    uint64 // relays sent, first and repeated
	BytesRepair   uint64 // relays sent as an answer to a pull
	BytesControl  uint64 // all else that was sent
	Retransmits   uint64 // relays sent again to the same member
	Redelegations uint64 // spans given to another member
	GivenUp       uint64 // relays that were never acknowledged
	Pulls         uint64 // pulls sent
	HeardSent     uint64 // digests sent
	Acks          uint64 // relay-ack messages sent
	Reports       uint64 // report messages sent
	Lazy          uint64 // relays left to repair, since the queue was full
	Missed        uint64 // messages that will not come any more
	Held          uint64 // ordered messages that came before an earlier one
	Queries       uint64 // of Delivered, queries that matched
	Answers       uint64 // answers received

	QueueBytes  int // relays waiting to be sent
	WindowBytes int // payloads kept for repair, unfinished ones included
	Window      int // messages kept
	InFlight    int // own messages that hold back their publisher
	Origins     int // whose messages are known
	Ahead       int // bytes that say what was heard out of order

	// Latency is how long own receipts took, of those that reached everybody.
	Latency Histogram
}

// Histogram counts durations in classes that double: class i counts those up to
// 2^i times HistogramUnit, the last class all others.
type Histogram struct {
	Counts [HistogramClasses]uint64
	Sum    time.Duration
}

// The classes of a [Histogram]: 125 µs to 65 s.
const (
	HistogramUnit    = 125 * time.Microsecond
	HistogramClasses = 21
)

// Bound returns the longest duration of a class but the last.
func (h *Histogram) Bound(class int) time.Duration { return HistogramUnit << class }

func (h *Histogram) add(d time.Duration) {
	class := bits.Len64(uint64(max(d-1, 0) / HistogramUnit))
	h.Counts[min(class, HistogramClasses-1)]++
	h.Sum += d
}

// drop says why something that came was not used.
type drop uint8

const (
	dropUnknownOrigin drop = iota
	dropOtherLife
	dropSize
	dropWindow
	dropContent
	dropQueries
	dropAnswer
	dropPull
	dropBaseline
	dropEnd
)

var dropNames = [...]string{
	dropUnknownOrigin: "event_unknown_origin", // its record is not here, or it has left
	dropOtherLife:     "event_other_life",     // of another epoch than the origin's record
	dropSize:          "event_size",           // larger than this node takes, or chunks that contradict each other
	dropWindow:        "event_window",         // too far ahead, or no room for one more unfinished
	dropContent:       "event_content",        // chunks that make no content
	dropQueries:       "event_queries",        // too many queries at once
	dropAnswer:        "event_answer",         // to no query of ours, or more than are taken
	dropPull:          "event_pull",           // more asked for than a peer is given at once
	dropBaseline:      "event_baseline",       // from a node through which we do not join
}

// Drops calls visit with each reason for which something was dropped, in a
// fixed order, and how often. The reasons are those of the metrics.
func (m *Machine) Drops(visit func(reason string, count uint64)) {
	for i, name := range dropNames {
		visit(name, m.drops[i])
	}
}

// Stats returns the counters.
func (m *Machine) Stats() Stats {
	s := m.stats
	m.gauge(&s)
	return s
}

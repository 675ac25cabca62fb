package scenario

import (
	"math"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// payload is one fact or event whose spread is measured.
type payload struct {
	origin int
	id     member.NodeID // of the origin
	at     time.Duration
	// live is who was active when it was made, the origin included, less those
	// that stopped before they knew it; nodes is how many they were.
	live  []int
	nodes int
	known []time.Duration // by node: how long after at; negative: not yet
	knows int             // of live
	// carried is what packets have carried of it, in the unit of size, which is
	// the whole: a chunk of an event is part of a copy.
	carried, size uint64
	bytes         uint64 // of these packets, what belongs to it with its envelope
	over          bool   // all of live know it, or another took its place
}

// copies returns how often it was sent, in whole copies.
func (p *payload) copies() float64 { return float64(p.carried) / float64(max(p.size, 1)) }

// spread measures payloads of one kind.
type spread struct {
	n        int
	payloads []*payload
	pending  int // payloads that are not over
	// While a payload is on its way to somebody, all that is sent is counted:
	// bytes by sender, and what was not payload.
	control  uint64
	messages uint64
	egress   []uint64
	learnt   func(node int, now time.Duration)
}

func newSpread(n int) spread { return spread{n: n, egress: make([]uint64, n)} }

// begin measures a payload that its origin is about to make.
func (s *spread) begin(l *ledger, p *payload) {
	p.known = make([]time.Duration, s.n)
	for i := range p.known {
		p.known[i] = -1
		if l.active(i) {
			p.live = append(p.live, i)
		}
	}
	p.nodes = len(p.live)
	s.payloads = append(s.payloads, p)
	s.pending++
}

func (s *spread) finish(p *payload) {
	if !p.over {
		p.over = true
		s.pending--
	}
}

// drop forgets a payload that its origin could not make.
func (s *spread) drop(p *payload) {
	s.finish(p)
	s.payloads = slices.DeleteFunc(s.payloads, func(other *payload) bool { return other == p })
}

// know notes that a node knows a payload now, and reports whether that is news
// about a node that was live when it was made.
func (s *spread) know(p *payload, node int, now time.Duration) bool {
	if p.known[node] >= 0 {
		return false
	}
	p.known[node] = now - p.at
	_, live := slices.BinarySearch(p.live, node)
	if live {
		if p.knows++; p.knows == len(p.live) {
			s.finish(p)
		}
	}
	if s.learnt != nil {
		s.learnt(node, now)
	}
	return live
}

// stopped leaves out a node that will not learn what it does not know.
func (s *spread) stopped(node int) {
	for _, p := range s.payloads {
		if i, live := slices.BinarySearch(p.live, node); live && p.known[node] < 0 {
			if p.live = slices.Delete(p.live, i, i+1); p.knows == len(p.live) {
				s.finish(p)
			}
		}
	}
}

// content is what was found in a packet: bytes of payloads, and how many messages
// hold none.
type content struct{ payload, others uint64 }

// sent takes a packet, which carries no more than count finds in it.
func (s *spread) sent(node int, p *core.Packet, count func([]byte) content) {
	if len(s.payloads) == 0 {
		return
	}
	c := count(p.Payload)
	if s.pending > 0 {
		s.egress[node] += uint64(len(p.Payload))
		s.control += uint64(len(p.Payload)) - c.payload
		s.messages += c.others
	}
}

// sumCopies returns how often payloads were sent, per live node, summed up.
func (s *spread) sumCopies() (sum float64) {
	for _, p := range s.payloads {
		sum += p.copies() / float64(p.nodes)
	}
	return sum
}

// Spread is how payloads of one kind, writes or events, reached the live nodes.
// Times are from a payload's making to a node's knowledge of it, over all pairs
// of a payload and a live node, the origin included; a time is NaN if that share
// was not reached.
type Spread struct {
	Count int
	Live  int // nodes that were up at the first
	// Reached is how many live nodes know the payload that the fewest know.
	Reached              int
	T50, T99, T100, Mean float64 // ms
	// Copies, PayloadBytes, ControlBytes and ControlMessages are sent per live
	// node and payload; control is all else that was sent until every live node
	// knew.
	Copies, PayloadBytes, ControlBytes, ControlMessages float64
	// MaxEgress is the most bytes that one node sent until every live node knew.
	MaxEgress uint64
	times     []time.Duration // of the pairs that came true, ascending
	pairs     int
}

// Coverage returns the share of pairs that had come true after d.
func (s *Spread) Coverage(d time.Duration) float64 {
	k, _ := slices.BinarySearch(s.times, d+1)
	return float64(k) / float64(s.pairs)
}

// result sums up, nil if there was nothing.
func (s *spread) result() *Spread {
	if len(s.payloads) == 0 {
		return nil
	}
	count := float64(len(s.payloads))
	out := &Spread{Count: len(s.payloads), Live: s.payloads[0].nodes, Reached: math.MaxInt, Copies: s.sumCopies() / count}
	for _, p := range s.payloads {
		out.Reached = min(out.Reached, p.knows)
		out.pairs += len(p.live)
		for _, i := range p.live {
			if p.known[i] >= 0 {
				out.times = append(out.times, p.known[i])
			}
		}
		out.PayloadBytes += float64(p.bytes) / float64(p.nodes) / count
	}
	slices.Sort(out.times)
	out.T50, out.T99, out.T100 = out.rank(.5), out.rank(.99), out.rank(1)
	var sum time.Duration
	for _, t := range out.times {
		sum += t
	}
	out.Mean = millis(sum) / float64(len(out.times))
	out.ControlBytes = float64(s.control) / float64(out.Live) / count
	out.ControlMessages = float64(s.messages) / float64(out.Live) / count
	out.MaxEgress = slices.Max(s.egress)
	return out
}

// rank returns the time by which a share of all pairs had come true.
func (s *Spread) rank(share float64) float64 {
	k := int(math.Ceil(share * float64(s.pairs)))
	if k < 1 || k > len(s.times) {
		return math.NaN()
	}
	return millis(s.times[k-1])
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

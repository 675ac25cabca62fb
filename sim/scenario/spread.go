package scenario

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// fact is one write whose spread is measured.
type fact struct {
	origin int
	id     member.NodeID
	key    string
	value  []byte
	at     time.Duration
	// live is who was active when it was written, the origin included, less
	// those that stopped before they knew it; nodes is how many they were.
	live   []int
	nodes  int
	known  []time.Duration // by node: how long after at; negative: not yet
	knows  int             // of live
	copies uint64          // times that a packet carried it
	bytes  uint64          // of those copies, with their envelopes
	over   bool            // all of live know it, or another write took its place
}

// spread measures the writes.
type spread struct {
	n       int
	facts   []*fact
	owned   map[member.NodeID][]*fact
	pending int // facts that are not over
	// While a fact is on its way to somebody, all bytes are counted, by sender;
	// control is what was not payload.
	control uint64
	egress  []uint64
	learnt  func(node int, now time.Duration)

	fact  wire.Fact
	delta wire.Delta
}

func newSpread(n int) *spread {
	return &spread{n: n, owned: make(map[member.NodeID][]*fact), egress: make([]uint64, n)}
}

// begin measures a write that was just made. It ends the measurement of an
// earlier one with the same key.
func (s *spread) begin(l *ledger, f *fact) {
	for _, older := range s.owned[f.id] {
		if older.key == f.key {
			s.finish(older)
		}
	}
	f.known = make([]time.Duration, s.n)
	for i := range f.known {
		f.known[i] = -1
		if l.active(i) {
			f.live = append(f.live, i)
		}
	}
	f.nodes = len(f.live)
	s.facts = append(s.facts, f)
	s.owned[f.id] = append(s.owned[f.id], f)
	s.pending++
	s.know(f, f.origin, f.at)
}

func (s *spread) finish(f *fact) {
	if !f.over {
		f.over = true
		s.pending--
	}
}

func (s *spread) know(f *fact, node int, now time.Duration) {
	if f.known[node] >= 0 {
		return
	}
	f.known[node] = now - f.at
	if _, live := slices.BinarySearch(f.live, node); live {
		if f.knows++; f.knows == len(f.live) {
			s.finish(f)
		}
	}
	if s.learnt != nil {
		s.learnt(node, now)
	}
}

// stopped leaves out a node that will not learn what it does not know.
func (s *spread) stopped(node int) {
	for _, f := range s.facts {
		if i, live := slices.BinarySearch(f.live, node); live && f.known[node] < 0 {
			if f.live = slices.Delete(f.live, i, i+1); f.knows == len(f.live) {
				s.finish(f)
			}
		}
	}
}

// note takes an event of a node.
func (s *spread) note(node int, now time.Duration, e *core.Event) {
	if e.Kind != effect.FactSet {
		return
	}
	for _, f := range s.owned[e.ID] {
		if f.key == e.Key && bytes.Equal(f.value, e.Value) {
			s.know(f, node, now)
		}
	}
}

// sent takes a packet that carries no more than it says.
func (s *spread) sent(node int, p *core.Packet) {
	if len(s.facts) == 0 {
		return
	}
	payload := s.count(p.Payload)
	if s.pending > 0 {
		s.egress[node] += uint64(len(p.Payload))
		s.control += uint64(len(p.Payload)) - payload
	}
}

// count finds the copies in a packet and returns their bytes.
func (s *spread) count(packet []byte) (payload uint64) {
	for rest := packet; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			return payload // our own packets are well formed
		}
		switch t {
		case wire.TypeFact:
			if s.fact.Decode(body) == nil {
				payload += s.copied(s.fact.Owner, &s.fact.Entry, len(rest)-len(after))
			}
		case wire.TypeDelta:
			if s.delta.Decode(body) == nil {
				for e := (wire.Entry{}); s.delta.Next(&e); {
					payload += s.copied(s.delta.Owner, &e, len(e.Append(nil)))
				}
			}
		}
		rest = after
	}
	return payload
}

func (s *spread) copied(owner member.NodeID, e *wire.Entry, size int) uint64 {
	for _, f := range s.owned[owner] {
		if f.key == string(e.Key) && bytes.Equal(f.value, e.Value) {
			f.copies++
			f.bytes += uint64(size)
			return uint64(size)
		}
	}
	return 0
}

// copies returns how often a fact was sent, per live node and fact.
func (s *spread) copies() float64 {
	var sum float64
	for _, f := range s.facts {
		sum += float64(f.copies) / float64(f.nodes)
	}
	return sum / float64(max(len(s.facts), 1))
}

// Spread is how writes reached the live nodes. Times are from a write to a
// node's knowledge of it, over all pairs of a write and a live node, the writer
// included; a time is NaN if that share was not reached.
type Spread struct {
	Writes int
	Live   int // nodes that were up at the first write
	// Reached is how many live nodes know the write that the fewest know.
	Reached              int
	T50, T99, T100, Mean float64 // ms
	// Copies, PayloadBytes and ControlBytes are sent per live node and write;
	// control is all else that was sent until every live node knew.
	Copies, PayloadBytes, ControlBytes float64
	// MaxEgress is the most bytes that one node sent until every live node knew.
	MaxEgress uint64
}

// result sums up, nil if nothing was written.
func (s *spread) result() *Spread {
	if len(s.facts) == 0 {
		return nil
	}
	out := &Spread{Writes: len(s.facts), Live: s.facts[0].nodes, Reached: math.MaxInt, Copies: s.copies()}
	var times []time.Duration
	pairs := 0
	for _, f := range s.facts {
		out.Reached = min(out.Reached, f.knows)
		pairs += len(f.live)
		for _, i := range f.live {
			if f.known[i] >= 0 {
				times = append(times, f.known[i])
			}
		}
		out.PayloadBytes += float64(f.bytes) / float64(f.nodes) / float64(len(s.facts))
	}
	slices.Sort(times)
	out.T50, out.T99, out.T100 = rank(times, pairs, .5), rank(times, pairs, .99), rank(times, pairs, 1)
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	out.Mean = millis(sum) / float64(len(times))
	out.ControlBytes = float64(s.control) / float64(out.Live) / float64(len(s.facts))
	out.MaxEgress = slices.Max(s.egress)
	return out
}

// rank returns the time by which a share of all pairs had come true.
func rank(times []time.Duration, pairs int, share float64) float64 {
	k := int(math.Ceil(share * float64(pairs)))
	if k < 1 || k > len(times) {
		return math.NaN()
	}
	return millis(times[k-1])
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// deleted ends the measurement of a fact that is no more.
func (s *spread) deleted(owner member.NodeID, key string) {
	for _, f := range s.owned[owner] {
		if f.key == key {
			s.finish(f)
		}
	}
}

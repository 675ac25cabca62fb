package broadcast

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// world is some machines on a simple network: each packet takes a delay, and may
// be lost, doubled or late. Everything follows from the random seed.
type world struct {
	t       testing.TB
	rand    *rand.Rand
	now     member.Time
	nodes   []*node
	byID    map[member.NodeID]*node
	pending schedule
	order   uint64

	delay    func(r *rand.Rand) time.Duration
	loss     int // in 1,000, datagrams alone
	doubled  int // in 1,000
	cut      func(from, to *node) bool
	packets  int
	messages map[wire.Type]int
}

type node struct {
	*Machine
	w         *world
	n         int
	id        member.NodeID
	out       effect.Out
	view      *view
	dead      bool
	delivered map[string]int // origin/seq to times
	sequence  map[member.NodeID][]uint64
	ordered   map[member.NodeID][]uint64
	missed    int
	receipts  map[uint64]effect.Event
	events    []effect.Event
	sent      int
	ticks     int
}

// view is a member list that tests may change.
type view struct {
	version uint64
	live    []Peer
	known   map[member.NodeID]bool // nil: everybody
	epochs  map[member.NodeID]member.Epoch
}

func (v *view) Version() uint64 { return v.version }
func (v *view) Live() []Peer    { return v.live }

func (v *view) Life(id member.NodeID) (member.Epoch, bool) {
	if v.known != nil && !v.known[id] {
		return 0, false
	}
	if e, ok := v.epochs[id]; ok {
		return e, true
	}
	return 1, true
}

func (v *view) without(id member.NodeID) *view {
	return &view{version: v.version + 1, live: slices.DeleteFunc(slices.Clone(v.live), func(p Peer) bool { return p.ID == id })}
}

func idOf(n int) (id member.NodeID) {
	binary.BigEndian.PutUint64(id[:], scramble(uint64(n+1)))
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

func peerOf(n int) Peer {
	return Peer{ID: idOf(n), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 7946)}
}

func viewOf(n int) *view {
	v := &view{version: 1}
	for i := range n {
		v.live = append(v.live, peerOf(i))
	}
	slices.SortFunc(v.live, func(a, b Peer) int { return a.ID.Compare(b.ID) })
	return v
}

// newWorld makes n machines that share one member list, 1 ms apart.
func newWorld(t testing.TB, n int, seed uint64, change ...func(*Config)) *world {
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)), now: 1, byID: map[member.NodeID]*node{}, messages: map[wire.Type]int{},
		delay: func(*rand.Rand) time.Duration { return time.Millisecond },
	}
	shared := viewOf(n)
	for i := range n {
		w.add(i, shared, change...)
	}
	return w
}

func (w *world) add(i int, v *view, change ...func(*Config)) *node {
	n := &node{w: w, n: i, id: idOf(i), view: v}
	n.boot(1, change...)
	w.nodes = append(w.nodes, n)
	w.byID[n.id] = n
	return n
}

func (n *node) boot(epoch member.Epoch, change ...func(*Config)) {
	cfg := Config{
		ID: n.id, Epoch: epoch, Name: member.Name(fmt.Sprintf("node%d", n.n)), Members: n.view, Out: &n.out,
		Rand: rand.New(rand.NewPCG(n.w.rand.Uint64(), uint64(n.n))),
	}
	for _, f := range change {
		f(&cfg)
	}
	n.Machine = New(n.w.now, cfg)
	n.delivered, n.sequence, n.ordered = map[string]int{}, map[member.NodeID][]uint64{}, map[member.NodeID][]uint64{}
	n.receipts = map[uint64]effect.Event{}
}

// acquainted tells each machine the round trip, as its detector would.
func (w *world) acquainted(rtt time.Duration) {
	for _, n := range w.nodes {
		for range 20 {
			n.OnProbe(member.NodeID{}, rtt)
		}
	}
}

type item struct {
	at      member.Time
	order   uint64
	to      *node
	from    *node
	lane    effect.Lane
	payload []byte // nil: a tick
}

type schedule []item

func (s schedule) Len() int { return len(s) }
func (s schedule) Less(i, j int) bool {
	if s[i].at != s[j].at {
		return s[i].at < s[j].at
	}
	if (s[i].payload == nil) != (s[j].payload == nil) {
		return s[j].payload == nil // what has arrived goes first
	}
	return s[i].order < s[j].order
}
func (s schedule) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *schedule) Push(x any)   { *s = append(*s, x.(item)) }
func (s *schedule) Pop() any {
	old := *s
	x := old[len(old)-1]
	old[len(old)-1] = item{}
	*s = old[:len(old)-1]
	return x
}

func (w *world) put(it item) {
	w.order++
	it.order = w.order
	heap.Push(&w.pending, it)
}

// after does what a call of a machine asks for.
func (w *world) after(n *node) {
	for i := range n.out.Sends {
		w.carry(n, &n.out.Sends[i])
	}
	for _, e := range n.out.Events {
		n.note(e)
	}
	n.out.Reset()
	if at := n.Deadline(); at != Never {
		w.put(item{at: max(at, w.now), to: n})
	}
}

func (w *world) carry(n *node, s *effect.Send) {
	payload := slices.Clone(n.out.Payload(s))
	w.packets++
	n.sent += len(payload)
	for rest := payload; len(rest) > 0; {
		t, _, after, err := wire.Next(rest)
		if err != nil {
			w.t.Fatalf("node %d sent what nobody can read: %v", n.n, err)
		}
		w.messages[t]++
		rest = after
	}
	if s.Lane == effect.Datagram && len(payload) > n.cfg.PayloadMax {
		w.t.Fatalf("a datagram of %d bytes", len(payload))
	}
	to := w.byID[s.To]
	if to == nil || to.dead || w.cut != nil && w.cut(n, to) {
		return
	}
	copies := 1
	if s.Lane == effect.Datagram {
		if w.rand.IntN(1000) < w.loss {
			return
		}
		if w.rand.IntN(1000) < w.doubled {
			copies++
		}
	}
	for range copies {
		w.put(item{at: w.now.Add(w.delay(w.rand)), to: to, from: n, lane: s.Lane, payload: payload})
	}
}

func (n *node) note(e effect.Event) {
	switch e.Kind {
	case effect.MessageReceived:
		n.delivered[fmt.Sprintf("%s/%d", e.ID.Short(), e.Seq)]++
		n.sequence[e.ID] = append(n.sequence[e.ID], e.Seq)
		if e.Ordered {
			n.ordered[e.ID] = append(n.ordered[e.ID], e.Seq)
		}
	case effect.MessageMissed:
		n.missed += e.Count
	case effect.ReceiptUpdated:
		n.receipts[e.Seq] = e
	}
	n.events = append(n.events, e)
}

// runFor lets time pass.
func (w *world) runFor(d time.Duration) {
	end := w.now.Add(d)
	for len(w.pending) > 0 && w.pending[0].at <= end {
		it := heap.Pop(&w.pending).(item)
		w.now = it.at
		switch {
		case it.to.dead:
		case it.payload != nil:
			w.receive(&it)
		case it.to.Deadline() <= w.now:
			it.to.ticks++
			it.to.Tick(w.now)
			w.after(it.to)
		}
	}
	w.now = end
}

func (w *world) receive(it *item) {
	from := effect.Peer{ID: it.from.id, Addr: peerOf(it.from.n).Addr, Lane: it.lane}
	for rest := it.payload; len(rest) > 0; {
		t, body, after, _ := wire.Next(rest) // checked when it was sent
		if err := it.to.Receive(w.now, from, t, body); err != nil {
			w.t.Fatalf("%s of node %d: %v", t, it.from.n, err)
		}
		rest = after
	}
	w.after(it.to)
}

// publish publishes at a node and returns the number.
func (w *world) publish(n int, payload string, ordered bool) uint64 {
	w.t.Helper()
	seq, _, err := w.nodes[n].Publish(w.now, Message{Topic: "topic", Payload: []byte(payload), Ordered: ordered})
	if err != nil {
		w.t.Fatal(err)
	}
	w.after(w.nodes[n])
	return seq
}

func (n *node) has(origin int, seq uint64) int {
	return n.delivered[fmt.Sprintf("%s/%d", idOf(origin).Short(), seq)]
}

// reached returns how many live nodes have a message, its origin included, and
// fails if one got it twice.
func (w *world) reached(origin int, seq uint64) int {
	w.t.Helper()
	count := 1
	for _, n := range w.nodes {
		switch times := n.has(origin, seq); {
		case times > 1:
			w.t.Fatalf("node %d: message %d of %d delivered %d times", n.n, seq, origin, times)
		case times == 1 && !n.dead:
			count++
		}
	}
	return count
}

func (w *world) live() (live int) {
	for _, n := range w.nodes {
		if !n.dead {
			live++
		}
	}
	return live
}

// checkEverybody fails unless all live nodes have all messages up to last of an
// origin, once each.
func (w *world) checkEverybody(origin int, last uint64) {
	w.t.Helper()
	for seq := uint64(1); seq <= last; seq++ {
		if got := w.reached(origin, seq); got != w.live() {
			w.t.Fatalf("message %d of %d reached %d of %d", seq, origin, got, w.live())
		}
	}
}

// checkOrder fails if ordered messages were delivered out of order anywhere.
func (w *world) checkOrder() {
	w.t.Helper()
	for _, n := range w.nodes {
		for _, p := range n.view.live {
			if all := n.ordered[p.ID]; !slices.IsSorted(all) {
				w.t.Fatalf("node %d: ordered messages came as %v", n.n, all)
			}
		}
	}
}

// totals adds up the counters of all machines.
func (w *world) totals() (s Stats) {
	for _, n := range w.nodes {
		t := n.Stats()
		s.Copies += t.Copies
		s.Duplicates += t.Duplicates
		s.Relays += t.Relays
		s.Delivered += t.Delivered
		s.Pulls += t.Pulls
		s.Retransmits += t.Retransmits
		s.Redelegations += t.Redelegations
		s.Repaired += t.Repaired
		s.Missed += t.Missed
		s.GivenUp += t.GivenUp
		s.BytesControl += t.BytesControl
		s.BytesEager += t.BytesEager
		s.BytesRepair += t.BytesRepair
	}
	return s
}

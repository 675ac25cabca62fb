package broadcast

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// checkReceipts fails if a receipt counts more members than have the message.
func (w *world) checkReceipts(origin int) {
	w.t.Helper()
	for seq, e := range w.nodes[origin].receipts {
		if got := w.reached(origin, seq); e.Count > got {
			w.t.Fatalf("receipt %d of %d counts %d, %d have it", seq, origin, e.Count, got)
		}
	}
}

// Whatever the network does, everybody gets everything once, in order if it is
// asked for, and receipts do not boast.
func TestRandomFaultsLoseNothing(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Logf("seed %d", seed) // shown if it fails
		r := rand.New(rand.NewPCG(seed, 11))
		n := 2 + r.IntN(60)
		w := newWorld(t, n, seed)
		w.delay = milliseconds(1+r.IntN(40), r.IntN(60))
		w.loss, w.doubled = r.IntN(300), r.IntN(100)
		if r.IntN(2) == 0 {
			w.acquainted(time.Duration(1+r.IntN(100)) * time.Millisecond)
		}
		origins := 1 + r.IntN(min(n, 4))
		for i := origins; i < n; i++ {
			if r.IntN(10) == 0 {
				w.nodes[i].dead = true
			} else if r.IntN(10) == 0 { // it does not know somebody
				w.nodes[i].view = w.nodes[i].view.without(idOf(r.IntN(n)))
				w.nodes[i].cfg.Members = w.nodes[i].view
			}
		}
		last := make([]uint64, origins)
		for range 5 + r.IntN(60) {
			o := r.IntN(origins)
			size := r.IntN(200)
			if r.IntN(20) == 0 {
				size = r.IntN(200_000)
			}
			last[o] = w.publish(o, strings.Repeat("x", size), r.IntN(2) == 0)
			w.runFor(time.Duration(r.IntN(50)) * time.Millisecond)
			w.checkOrder()
		}
		w.probeFor(40)
		w.checkOrder()
		for o, top := range last {
			w.checkEverybody(o, top)
			w.checkReceipts(o)
			for seq, e := range w.nodes[o].receipts {
				if !e.Done {
					t.Fatalf("seed %d: receipt %d of %d is still open at %d of %d", seed, seq, o, e.Count, e.Total)
				}
			}
		}
		for _, n := range w.nodes {
			if n.missed > 0 {
				t.Fatalf("seed %d: node %d missed %d", seed, n.n, n.missed)
			}
			n.checkInvariants(t)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %d nodes, loss %d/1000", seed, n, w.loss)
		}
	}
}

// checkInvariants recounts what a machine keeps count of.
func (n *node) checkInvariants(t *testing.T) {
	t.Helper()
	bytes := 0
	for _, o := range n.origins {
		kept, own := 0, 0
		for ev := o.oldest; ev != nil; ev = ev.next {
			if n.find(o, ev.seq) != ev || !ev.kept {
				t.Fatalf("node %d: event %d is listed and not kept", n.n, ev.seq)
			}
			kept++
			own += eventCost
			if ev.parts != nil {
				own += ev.parts.bytes
			} else {
				own += ev.size
			}
		}
		if kept != o.kept || own != o.bytes || o.has(o.base+1) || o.first > o.base+1 || o.base+1 >= o.first+64 || o.top < o.base {
			t.Fatalf("node %d: %d kept of %d, %d bytes of %d, base %d, first %d, top %d",
				n.n, kept, o.kept, own, o.bytes, o.base, o.first, o.top)
		}
		bytes += own
	}
	if bytes != n.window.bytes || bytes > n.cfg.Limits.WindowBytes {
		t.Fatalf("node %d: %d bytes in the window, counted %d", n.n, bytes, n.window.bytes)
	}
	for _, l := range n.linkList {
		for i := range l.lanes {
			if l.lanes[i].open() > piecesMax || l.lanes[i].inFlight < 0 {
				t.Fatalf("node %d: lane %d with %d open, %d in flight", n.n, i, l.lanes[i].open(), l.lanes[i].inFlight)
			}
		}
	}
	if n.stats.QueueBytes < 0 || n.own.count < 0 || n.own.bytes < 0 {
		t.Fatalf("node %d: %d queued, own %+v", n.n, n.stats.QueueBytes, n.own)
	}
}

func TestALossOfThirtyPercentIsRepaired(t *testing.T) {
	w := newWorld(t, 50, 3)
	w.delay, w.loss = milliseconds(5, 5), 300
	w.acquainted(15 * time.Millisecond)
	var last uint64
	for range 200 {
		last = w.publish(0, "payload", true)
		w.runFor(10 * time.Millisecond)
	}
	w.runFor(10 * time.Second)
	w.checkEverybody(0, last)
	w.checkOrder()
	w.checkReceipts(0)
}

func TestAPartitionIsRepairedAfterItHeals(t *testing.T) {
	w := newWorld(t, 30, 5)
	w.acquainted(2 * time.Millisecond)
	w.cut = func(from, to *node) bool { return (from.n < 10) != (to.n < 10) }
	var last uint64
	for range 20 {
		last = w.publish(0, "payload", true)
		w.runFor(100 * time.Millisecond)
	}
	if got := w.reached(0, last); got != 10 {
		t.Fatalf("%d have it on one side", got)
	}
	w.runFor(10 * time.Second)
	w.cut = nil
	w.probeFor(5)
	w.checkEverybody(0, last)
	w.checkOrder()
}

// probeFor lets some seconds pass, in each of which every node probes another.
func (w *world) probeFor(seconds int) {
	for range seconds {
		for i := range w.nodes {
			w.ping(i, (i+1+w.rand.IntN(len(w.nodes)-1))%len(w.nodes))
		}
		w.runFor(time.Second)
	}
}

// ping carries roots both ways, as a probe does.
func (w *world) ping(a, b int) {
	for _, pair := range [][2]int{{a, b}, {b, a}} {
		to := w.nodes[pair[1]]
		if root, any := w.nodes[pair[0]].Root(); any && !to.dead && !w.nodes[pair[0]].dead {
			m := &wire.HeardRoot{Root: root}
			if err := to.Receive(w.now, effect.Peer{ID: idOf(pair[0]), Addr: peerOf(pair[0]).Addr}, m.Type(), m.AppendBody(nil)); err != nil {
				w.t.Fatal(err)
			}
			w.after(to)
		}
	}
}

func TestWhatNobodyKeepsIsReportedAsMissed(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.acquainted(2 * time.Millisecond)
	w.publish(0, "1", true)
	w.runFor(70 * time.Second) // nobody is a newcomer any more
	away := true
	w.cut = func(from, to *node) bool { return away && (from.n == 3) != (to.n == 3) }
	for range 5 {
		w.publish(0, "while it is away", true)
		w.runFor(time.Second)
	}
	w.runFor(70 * time.Second) // longer than the window
	away = false
	last := w.publish(0, "when it is back", true)
	w.runFor(time.Second)
	n := w.nodes[3]
	if n.missed != 5 || n.has(0, last) != 1 || len(n.ordered[idOf(0)]) != 2 {
		t.Errorf("%d missed, ordered %v; want 5 missed, and the first and the last", n.missed, n.ordered[idOf(0)])
	}
	if i := slices.IndexFunc(n.events, func(e effect.Event) bool { return e.Kind == effect.MessageMissed }); i < 0 ||
		n.events[i+1].Seq != last {
		t.Error("what came after was delivered before the loss was told")
	}
}

func TestAPublisherIsHeldBackUntilReceiptsAreDone(t *testing.T) {
	w := newWorld(t, 3, 1)
	w.acquainted(2 * time.Millisecond)
	count := 0
	var err error
	for ; err == nil; count++ {
		_, _, err = w.nodes[0].Publish(w.now, Message{Topic: "topic", Payload: []byte("x")})
	}
	if count-1 != 1024 || !errors.Is(err, ErrBackpressure) {
		t.Fatalf("%d messages taken, then %v", count-1, err)
	}
	w.after(w.nodes[0])
	w.runFor(100 * time.Millisecond)
	w.checkEverybody(0, 1024)
	if w.nodes[0].Stats().InFlight != 0 {
		t.Errorf("%d in flight", w.nodes[0].Stats().InFlight)
	}
	w.publish(0, "again", false)

	large := make([]byte, 3<<20)
	for range 2 {
		if _, _, err := w.nodes[1].Publish(w.now, Message{Topic: "topic", Payload: large}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.nodes[1].Publish(w.now, Message{Topic: "topic", Payload: large}); !errors.Is(err, ErrBackpressure) {
		t.Errorf("9 MiB in flight: %v", err)
	}
}

func TestPublishRefusesWhatIsOutOfRange(t *testing.T) {
	w := newWorld(t, 1, 1)
	n := w.nodes[0]
	for _, tt := range []struct {
		topic string
		size  int
		want  error
	}{
		{"", 1, ErrTopic},
		{strings.Repeat("t", 129), 1, ErrTopic},
		{strings.Repeat("t", 128), 1, nil},
		{"t", 4<<20 + 1, ErrSize},
		{"t", 0, nil},
	} {
		if _, _, err := n.Publish(w.now, Message{Topic: tt.topic, Payload: make([]byte, tt.size)}); !errors.Is(err, tt.want) {
			t.Errorf("topic of %d, %d bytes: %v, want %v", len(tt.topic), tt.size, err, tt.want)
		}
	}
	w.after(n)
	w.runFor(time.Second)
	if e := n.receipts[1]; !e.Done || e.Count != 1 || e.Total != 1 {
		t.Errorf("the receipt of a node that is alone: %+v", e)
	}
}

func TestDuplicatesAreKnownAfterThePayloadIsGone(t *testing.T) {
	w := newWorld(t, 2, 1, func(c *Config) { c.Limits.WindowBytes = 4000 })
	var relays [][]byte
	for range 100 {
		w.publish(0, "payload", false)
		w.runFor(10 * time.Millisecond)
	}
	o := w.nodes[1].index[idOf(0)]
	if o.base != 100 || len(o.above) > 2 || len(w.nodes[1].window.events) > 15 {
		t.Fatalf("base %d, %d words, %d kept", o.base, len(o.above), len(w.nodes[1].window.events))
	}
	for seq := range uint64(100) {
		relays = append(relays, wire.Append(nil, &wire.Relay{
			EventID: wire.EventID{Origin: idOf(0), Epoch: 1, Seq: seq + 1}, Hops: 1, Number: wire.Number(seq), Body: []byte{0, 1, 't'},
		}))
	}
	for _, b := range relays {
		w.receive(&item{to: w.nodes[1], from: w.nodes[0], payload: b})
	}
	w.checkEverybody(0, 100)
}

func TestEventsCountInTheEpochOfTheRecordAlone(t *testing.T) {
	w := newWorld(t, 3, 1)
	relay := func(origin int, epoch member.Epoch) {
		w.receive(&item{to: w.nodes[1], from: w.nodes[0], payload: wire.Append(nil, &wire.Relay{
			EventID: wire.EventID{Origin: idOf(origin), Epoch: epoch, Seq: 1}, Hops: 1, Body: []byte{0, 1, 't'},
		})})
	}
	v := w.nodes[1].view
	v.known = map[member.NodeID]bool{idOf(0): true, idOf(1): true}
	relay(2, 1)
	if d := w.nodes[1].drops; d[dropUnknownOrigin] != 1 || w.nodes[1].Deadline() != Never {
		t.Errorf("drops %v, deadline %v: want it dropped without an ack", d, w.nodes[1].Deadline())
	}
	v.epochs = map[member.NodeID]member.Epoch{idOf(0): 2}
	v.version++
	relay(0, 1)
	relay(0, 3)
	if d := w.nodes[1].drops; d[dropOtherLife] != 2 {
		t.Errorf("drops %v", d)
	}
	relay(0, 2)
	if w.nodes[1].has(0, 1) != 1 {
		t.Error("the event of the right epoch was not delivered")
	}
	v.epochs[idOf(0)] = 5
	v.version++
	relay(0, 5)
	if w.nodes[1].has(0, 1) != 2 {
		t.Error("number 1 of the next epoch was taken for that of the last")
	}
}

func TestAJoinerDoesNotPullThePast(t *testing.T) {
	w := newWorld(t, 5, 1)
	w.acquainted(2 * time.Millisecond)
	for range 10 {
		w.publish(0, "old", true)
		w.runFor(10 * time.Millisecond)
	}
	w.runFor(time.Second)
	wider := viewOf(6)
	wider.version++
	joiner := w.add(5, wider)
	contact := w.nodes[1]
	contact.out.Open(joiner.id, peerOf(5).Addr, effect.Stream)
	contact.AddBaseline()
	b := slices.Clone(contact.out.Payload(contact.out.Last()))
	contact.out.Reset()
	w.receive(&item{to: joiner, from: contact, lane: effect.Stream, payload: b})
	if joiner.drops[dropBaseline] != 1 {
		t.Error("a baseline was taken from somebody through whom nobody joins")
	}
	joiner.SetJoining(true)
	w.receive(&item{to: joiner, from: contact, lane: effect.Stream, payload: b})
	joiner.SetJoining(false)
	for _, n := range w.nodes[:5] {
		n.view = joiner.view
		n.cfg.Members = n.view
	}
	last := w.publish(0, "new", true)
	w.ping(1, 5)
	w.runFor(10 * time.Second)
	if joiner.has(0, last) != 1 || len(joiner.delivered) != 1 || joiner.missed != 0 || joiner.Stats().Pulls != 0 {
		t.Errorf("the joiner got %v, missed %d, pulled %d", joiner.delivered, joiner.missed, joiner.Stats().Pulls)
	}
}

func TestLargeEventsReachEverybodyWhole(t *testing.T) {
	for _, size := range []int{1000, 2000, wire.ChunkSize, 300_000, 4 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			w := newWorld(t, 25, 1)
			w.acquainted(2 * time.Millisecond)
			payload := make([]byte, size)
			for i := range payload {
				payload[i] = byte(i * 7 / 3)
			}
			seq := w.publish(3, string(payload), true)
			w.runFor(30 * time.Second)
			w.checkEverybody(3, seq)
			for _, n := range w.nodes {
				for _, e := range n.events {
					if e.Kind == effect.MessageReceived && string(e.Value) != string(payload) {
						t.Fatal("the payload has changed on its way")
					}
				}
			}
			if e := w.nodes[3].receipts[seq]; !e.Done || e.Count != 25 {
				t.Errorf("receipt %d of %d, done %v", e.Count, e.Total, e.Done)
			}
			s := w.totals()
			most := 0
			for _, n := range w.nodes {
				most = max(most, n.sent)
			}
			chunks := max(wire.Chunks(size+100), 1)
			if s.Copies != uint64(24*chunks) || size > 100_000 && most > 5*size {
				t.Errorf("%d copies of %d chunks; one node sent %.1f times the payload", s.Copies, chunks, float64(most)/float64(size))
			}
		})
	}
}

func TestALargeEventSurvivesItsDelegates(t *testing.T) {
	w := newWorld(t, 25, 2)
	w.delay = milliseconds(10, 0)
	w.acquainted(20 * time.Millisecond)
	payload := strings.Repeat("0123456789abcdef", 40_000)
	seq := w.publish(0, payload, false)
	w.runFor(15 * time.Millisecond)
	for _, i := range []int{3, 7, 11, 15} {
		w.nodes[i].dead = true
	}
	w.runFor(55 * time.Second)
	w.checkEverybody(0, seq)
	w.checkReceipts(0)
	if s := w.totals(); float64(s.Copies) > 1.6*float64(24*wire.Chunks(len(payload))) {
		t.Errorf("%d copies", s.Copies)
	}
}

// A delegate that confirms and then dies, or lies, silences its span for as long
// as others need to tell of what it should have handed on.
func TestASilentDelegateIsRepairedAround(t *testing.T) {
	w := newWorld(t, 200, 4)
	w.delay = milliseconds(10, 0)
	w.acquainted(20 * time.Millisecond)
	origin := w.nodes[0]
	delegates := map[int]bool{}
	for _, p := range origin.tree.plan(
		push{ev: &event{size: 20}, chunk: small}, wire.Span{After: position(origin.id), To: position(origin.id)}) {
		if len(delegates) < 7 {
			delegates[w.byID[p.to.peer.ID].n] = true
		}
	}
	w.cut = func(from, to *node) bool { return delegates[from.n] && to != origin } // they confirm, and no more
	seq := w.publish(0, "payload", false)
	w.runFor(30 * time.Millisecond)
	if got := w.reached(0, seq); got > 120 {
		t.Fatalf("%d have it: the delegates were not silent", got)
	}
	w.probeFor(2)
	w.checkEverybody(0, seq)
	w.runFor(10 * time.Second)
	w.checkReceipts(0)
	if e := origin.receipts[seq]; !e.Done || e.Count < 100 {
		t.Errorf("the receipt says %d, done %v", e.Count, e.Done)
	}
}

// While a leaf is silent that nobody knows to be dead, reports wait, and the lane
// to its delegate fills with relays that were acknowledged long ago.
func TestAFullLaneShedsReportsFirst(t *testing.T) {
	w := newWorld(t, 2, 2)
	n := w.nodes[0]
	l := n.linkTo(peerOf(1))
	lane := &l.lanes[wire.LaneSmall]
	w.publish(0, "payload", false)
	w.runFor(time.Second)
	p := push{ev: n.find(n.index[n.id], 1), chunk: small, svc: &service{open: 1, prompt: 1}}
	for range piecesMax {
		if !n.push(w.now, l, p, true, wire.Span{After: 1, To: 2}) {
			t.Fatal("full too early")
		}
	}
	if n.push(w.now, l, p, true, wire.Span{}) || n.Stats().Lazy != 1 || !l.busy(small) {
		t.Fatal("a lane of queued relays takes one more")
	}
	for i := lane.first; i != lane.next; i++ {
		lane.at(i).state = entrust
	}
	lane.unsent = lane.next
	if l.busy(small) || !n.push(w.now, l, p, false, wire.Span{}) || n.Stats().Lazy != 1 {
		t.Error("a relay was refused for a report that is late")
	}
	if lane.open() != piecesMax || p.svc.open != 1+piecesMax {
		t.Errorf("%d open, %d in the service", lane.open(), p.svc.open)
	}
}

func TestANewEpochCountsAnew(t *testing.T) {
	w := newWorld(t, 3, 1)
	w.acquainted(2 * time.Millisecond)
	for range 3 {
		w.publish(0, "payload", true)
	}
	w.runFor(time.Second)
	n := w.nodes[0]
	n.SetEpoch(w.now, 2)
	n.view.epochs = map[member.NodeID]member.Epoch{n.id: 2}
	n.view.version++
	if seq := w.publish(0, "payload", true); seq != 1 {
		t.Errorf("number %d in the new epoch", seq)
	}
	w.runFor(time.Second)
	for _, other := range w.nodes[1:] {
		if got := other.ordered[n.id]; fmt.Sprint(got) != "[1 2 3 1]" {
			t.Errorf("node %d got %v", other.n, got)
		}
		other.checkInvariants(t)
		other.Forget(w.now, n.id)
		if len(other.window.events) != 0 {
			t.Errorf("node %d keeps %d events of who is forgotten", other.n, len(other.window.events))
		}
	}
}

// What was heard of the forgotten is remembered, but not of any number of them.
func TestTheForgottenAreBounded(t *testing.T) {
	w := newWorld(t, 1, 1)
	n := w.nodes[0]
	n.cfg.Members = viewOf(goneMax + 10)
	for i := range goneMax + 10 {
		if i != n.n {
			n.originOf(w.now, idOf(i), 1).startAt(7)
			n.Forget(w.now, idOf(i))
		}
	}
	if len(n.gone) != goneMax || len(n.origins) != goneMax || len(n.index) != goneMax {
		t.Errorf("%d gone, %d origins, %d in the index", len(n.gone), len(n.origins), len(n.index))
	}
	if o := n.originOf(w.now, idOf(goneMax), 1); o.base != 7 {
		t.Errorf("who is back begins at %d", o.base)
	}
	if o := n.originOf(w.now, idOf(1), 1); o.base != 0 {
		t.Errorf("who was forgotten first is known up to %d", o.base)
	}
}

// A full member table may forget who is away for a moment: it is back in the
// same life, and others still keep what it said before.
func TestWhoIsForgottenAndBackIsNotHeardTwice(t *testing.T) {
	w := newWorld(t, 3, 1)
	w.acquainted(2 * time.Millisecond)
	n, other := w.nodes[0], w.nodes[1]
	w.publish(0, "payload", true)
	w.publish(0, "payload", true)
	w.runFor(time.Second)
	other.Forget(w.now, n.id)
	w.runFor(10 * time.Second)
	w.publish(0, "payload", true)
	w.runFor(time.Minute)
	if got := other.ordered[n.id]; fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("it got %v", got)
	}
	other.checkInvariants(t)
	if len(other.gone) != 0 || len(other.origins) != 1 {
		t.Errorf("%d of %d origins gone, though it is back", len(other.gone), len(other.origins))
	}
}

// A life that ends with messages held for their order delivers them: nothing
// will come before them any more.
func TestWhatIsHeldIsDeliveredWhenItsOriginRestarts(t *testing.T) {
	w := newWorld(t, 3, 1)
	n := w.nodes[1]
	for _, seq := range []uint64{3, 2, 5} {
		w.receive(&item{to: n, from: w.nodes[0], payload: wire.Append(nil, &wire.Relay{
			EventID: wire.EventID{Origin: idOf(0), Epoch: 1, Seq: seq}, Hops: 1, Number: wire.Number(seq), Body: []byte{1, 1, 't'},
		})})
	}
	if got := n.ordered[idOf(0)]; len(got) != 0 {
		t.Fatalf("%v were delivered before 1", got)
	}
	n.view.epochs = map[member.NodeID]member.Epoch{idOf(0): 2}
	n.view.version++
	w.receive(&item{to: n, from: w.nodes[0], payload: wire.Append(nil, &wire.Relay{
		EventID: wire.EventID{Origin: idOf(0), Epoch: 2, Seq: 1}, Hops: 1, Number: 9, Body: []byte{1, 1, 't'},
	})})
	if got := n.ordered[idOf(0)]; fmt.Sprint(got) != "[2 3 5 1]" {
		t.Errorf("delivered %v", got)
	}
}

// In a tree of three hops and more no delegate gets what it has from one further
// down: its own place is in no piece that it hands on.
func TestDeepTreesSendNothingTwice(t *testing.T) {
	for _, n := range []int{26, 64, 200} {
		w := newWorld(t, n, 1)
		w.acquainted(2 * time.Millisecond)
		const size = 600_000
		seq := w.publish(3, strings.Repeat("x", size), false)
		w.runFor(30 * time.Second)
		w.checkEverybody(3, seq)
		s, chunks := w.totals(), wire.Chunks(size+100)
		if want := uint64((n - 1) * chunks); s.Copies != want {
			t.Errorf("n=%d: %d chunks arrived, want %d: %d sent again, %d pulls", n, s.Copies, want, s.Retransmits, s.Pulls)
		}
	}
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/sim"
)

// labNode makes a sim.Node a Network; compare liveNode.
type labNode struct{ *sim.Node }

// Tell implements Network.
func (n labNode) Tell(ctx context.Context, block []byte) error {
	_, err := n.Broadcast(ctx, sim.Message{Topic: blockTopic, Payload: block})
	return err
}

// Others implements Network.
func (n labNode) Others() []string {
	var names []string
	for _, m := range n.Members() {
		if m.Live() && !m.Self {
			names = append(names, m.Name)
		}
	}
	return names
}

// Ask implements Network.
func (n labNode) Ask(ctx context.Context, name, topic string, question []byte, done func([]byte, bool)) {
	answers, err := n.Query(ctx, sim.Query{Topic: topic, Payload: question, Filter: sim.Filter{Names: []string{name}}, Timeout: askTimeout})
	var look func()
	look = func() {
		if err == nil {
			for a := range answers.All() {
				done(a.Payload, true)
				return
			}
		}
		if err != nil || answers.Stats().Done {
			done(nil, false)
			return
		}
		n.After(10*time.Millisecond, look)
	}
	n.After(0, look)
}

// world is the peers of a lab.
type world struct {
	t     *testing.T
	lab   *sim.Lab
	peers []*Peer
}

func newWorld(t *testing.T, opts sim.Options) *world {
	lab := sim.Prepare(t, opts)
	w := &world{t: t, lab: lab, peers: make([]*Peer, lab.Len())}
	lab.OnStart(func(n *sim.Node) {
		random := rand.New(rand.NewPCG(opts.Seed, uint64(n.Index())))
		p := NewPeer(t.Context(), labNode{n}, random.IntN, func(Block) {})
		var again func()
		again = func() {
			p.CatchUp()
			n.After(catchUp, again)
		}
		n.After(catchUp, again)
		w.peers[n.Index()] = p
	})
	return w
}

// start runs nodes and waits until they know each other.
func (w *world) start(nodes ...int) {
	w.t.Helper()
	for _, i := range nodes {
		w.lab.Start(i)
	}
	w.lab.AdvanceUntil(time.Minute, "a formed cluster", w.lab.Full)
}

func (w *world) extend(node, size int) Block {
	w.t.Helper()
	b, err := w.peers[node].Extend(w.t.Context(), make([]byte, size))
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// until lets time pass until nodes have a block at the end of their chain.
func (w *world) until(limit time.Duration, tip Block, nodes ...int) {
	w.t.Helper()
	w.lab.AdvanceUntil(limit, fmt.Sprintf("block %d at all", tip.Height), func() bool {
		return !slices.ContainsFunc(nodes, func(i int) bool { return w.peers[i].chain.Tip().Hash != tip.Hash })
	})
}

// Under heavy loss, with one that is cut off for a while and one that comes when
// all is over, everybody ends with the same chain.
func TestAllHoldOneChain(t *testing.T) {
	const nodes, late, lost, size = 12, 11, 5, 100_000
	for seed := range uint64(2) {
		w := newWorld(t, sim.Options{Nodes: nodes, Seed: seed, Network: sim.Network{Latency: time.Millisecond, Jitter: time.Millisecond, Loss: .1}})
		first := sim.Span(0, late)
		w.start(first...)
		var b Block
		for i := range 3 {
			b = w.extend(i, size)
			w.until(time.Minute, b, first...)
		}
		w.lab.Cut([]int{lost}, append(sim.Span(0, lost), sim.Span(lost+1, late)...))
		others := slices.DeleteFunc(sim.Span(0, late), func(i int) bool { return i == lost })
		for i := 6; i < 9; i++ {
			b = w.extend(i, size)
			w.until(time.Minute, b, others...)
		}
		w.lab.Advance(2 * time.Minute) // nobody keeps the messages any more
		w.lab.Heal()
		w.start(late)
		w.until(time.Minute, b, sim.Span(0, nodes)...)
		want := w.peers[0].chain.Hashes()
		for i, p := range w.peers {
			if hashes := p.chain.Hashes(); len(hashes) != 6 || !slices.Equal(hashes, want) {
				t.Errorf("seed %d: node %d has %v, want %v", seed, i, hashes, want)
			}
		}
		if w.peers[late].Asked() != 6 || w.peers[lost].Asked() < 3 {
			t.Errorf("seed %d: the late one asked for %d blocks, the lost one for %d", seed, w.peers[late].Asked(), w.peers[lost].Asked())
		}
	}
}

// Two who make a block at once fork the chain; the next block decides.
func TestForksEnd(t *testing.T) {
	w := newWorld(t, sim.Options{Nodes: 8, Seed: 1})
	all := sim.Span(0, 8)
	w.start(all...)
	w.until(time.Second, w.extend(0, 10), all...)
	left, right := w.extend(2, 20), w.extend(3, 30)
	if left.Height != right.Height || left.Hash == right.Hash {
		t.Fatalf("no fork: %+v and %+v", left, right)
	}
	w.lab.Advance(time.Second)
	for i, p := range w.peers {
		if p.chain.Tip().Hash != w.peers[0].chain.Tip().Hash {
			t.Errorf("node %d holds %s, node 0 %s", i, p.chain.Tip().Hash, w.peers[0].chain.Tip().Hash)
		}
	}
	b := w.extend(5, 40)
	w.until(time.Second, b, all...)
	if b.Parent != left.Hash && b.Parent != right.Hash {
		t.Errorf("%+v follows neither", b)
	}
}

// One whose last block nobody tells it of, since none follows, asks for it.
func TestTheLastBlockIsFoundByAsking(t *testing.T) {
	w := newWorld(t, sim.Options{Nodes: 4, Seed: 1})
	w.start(0, 1, 2)
	b := w.extend(1, 1000)
	w.until(time.Second, b, 0, 1, 2)
	w.start(3)
	w.until(2*catchUp, b, 3)
	if asked := w.peers[3].Asked(); asked != 1 {
		t.Errorf("it asked for %d blocks, want 1", asked)
	}
}

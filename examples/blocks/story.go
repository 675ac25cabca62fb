package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// plan is what the flags say.
type plan struct {
	nodes, blocks int
	size          size
}

// arrival is a block at a node.
type arrival struct {
	name   string
	height uint64
	at     time.Time
}

// stage is the nodes of the story.
type stage struct {
	plan
	ctx      context.Context
	out      io.Writer
	peers    []*live
	arrivals chan arrival
}

// ErrChains is returned if nodes hold different chains in the end.
var ErrChains = errors.New("chains differ")

// story runs the nodes, lets one after another make a block, and a late one join
// in the middle. It fails unless all hold the same chain in the end.
func story(ctx context.Context, out io.Writer, p plan) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &stage{plan: p, ctx: ctx, out: out, arrivals: make(chan arrival, (p.nodes+1)*(p.blocks+1))}
	defer func() {
		cancel()
		for _, peer := range s.peers {
			err = errors.Join(err, peer.node.Close())
		}
	}()
	began := time.Now()
	for i := range p.nodes {
		if err := s.enter(fmt.Sprintf("node-%d", i+1)); err != nil {
			return err
		}
	}
	if err := s.until("all know each other", s.full); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d nodes, each told of no other but the one before it, know each other after %s\n", p.nodes, since(began))
	return s.play()
}

// enter adds a node that knows the address of the last one.
func (s *stage) enter(name string) error {
	var seeds []string
	if k := len(s.peers); k > 0 {
		seeds = []string{s.peers[k-1].node.Self().Addr.String()}
	}
	peer, err := start(s.ctx, name, func(name string, b Block) { s.arrivals <- arrival{name, b.Height, time.Now()} }, seeds...)
	if err == nil {
		s.peers = append(s.peers, peer)
	}
	return err
}

// full reports whether all know all.
func (s *stage) full() bool {
	return !slices.ContainsFunc(s.peers, func(p *live) bool { return len(liveNode{p.node}.Others()) != len(s.peers)-1 })
}

func (s *stage) play() error {
	late := (s.blocks + 1) / 2
	for height := 1; height <= s.blocks; height++ {
		if err := s.extend(s.peers[(height-1)%s.nodes], uint64(height)); err != nil {
			return err
		}
		if height == late {
			if err := s.joinLate(uint64(height)); err != nil {
				return err
			}
		}
	}
	return s.compare()
}

// extend lets a node make a block, and waits until all have it.
func (s *stage) extend(author *live, height uint64) error {
	payload := make([]byte, s.size)
	if _, err := rand.Read(payload); err != nil {
		return err
	}
	sent := s.sent()
	began := time.Now()
	b, err := author.Extend(s.ctx, payload)
	if err != nil {
		return fmt.Errorf("%s: %w", author.name, err)
	}
	times, err := s.await(height, len(s.peers), began)
	if err != nil {
		return err
	}
	copies := float64(s.sent()-sent) / float64(len(b.encoded)) / float64(len(s.peers))
	fmt.Fprintf(s.out, "%s makes block %d, %s of %v after %s: half have it after %s, all %d after %s; %.2f copies sent a node\n",
		author.name, height, b.Hash, s.size, b.Parent, millis(times[(len(times)-1)/2]), len(times), millis(times[len(times)-1]), copies)
	return nil
}

// sent is the bytes of blocks that all nodes have sent.
func (s *stage) sent() (sum uint64) {
	for _, p := range s.peers {
		m := p.node.Stats().Messages
		sum += m.BytesEager + m.BytesRepair
	}
	return sum
}

// await waits until so many nodes have the block of a height, and returns after
// how long each had it, ascending.
func (s *stage) await(height uint64, nodes int, began time.Time) ([]time.Duration, error) {
	var times []time.Duration
	for len(times) < nodes {
		select {
		case a := <-s.arrivals:
			if a.height == height {
				times = append(times, a.at.Sub(began))
			}
		case <-s.ctx.Done():
			return nil, fmt.Errorf("%d of %d nodes have block %d: %w", len(times), nodes, height, s.ctx.Err())
		}
	}
	slices.Sort(times)
	return times, nil
}

// joinLate adds a node that has missed all blocks so far.
func (s *stage) joinLate(height uint64) error {
	began := time.Now()
	if err := s.enter("late"); err != nil {
		return err
	}
	if err := s.until("all know the late one", s.full); err != nil {
		return err
	}
	peer := s.peers[len(s.peers)-1]
	peer.CatchUp()
	if _, err := s.await(height, 1, began); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "late joins, asks for the tip and its ancestors, and has %s after %s\n", count(peer.Asked(), "block"), since(began))
	return nil
}

// compare holds that all have the same chain.
func (s *stage) compare() error {
	first := s.peers[0].chain.Hashes()
	for _, p := range s.peers {
		if hashes := p.chain.Hashes(); len(hashes) != s.blocks || !slices.Equal(hashes, first) {
			return fmt.Errorf("%w: %s has %v, %s has %v", ErrChains, p.name, hashes, s.peers[0].name, first)
		}
	}
	fmt.Fprintf(s.out, "all %d nodes hold the same chain of %s, up to %s\n", len(s.peers), count(s.blocks, "block"), s.peers[0].chain.Tip().Hash)
	return nil
}

// until looks at a condition until it holds.
func (s *stage) until(what string, condition func() bool) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, s.ctx.Err())
		}
	}
	return nil
}

func since(began time.Time) string { return millis(time.Since(began)) }

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

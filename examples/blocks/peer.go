package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay"
)

// Topics. Those of queries are not those of messages.
const (
	blockTopic = "block" // a message is a block; a query is for the block of a hash
	tipTopic   = "tip"   // a query is for the hash of the last block
)

// askTimeout is how long one member is waited for before another is asked.
const askTimeout = 2 * time.Second

// Network is what peers need of a node, be it real or simulated.
type Network interface {
	// Tell broadcasts a message on blockTopic.
	Tell(ctx context.Context, block []byte) error
	// Others returns the names of the other members that are not gone.
	Others() []string
	// Ask puts a question to one member, and calls done once, after it has
	// returned: with the answer, or false if there was none in askTimeout.
	Ask(ctx context.Context, name, topic string, question []byte, done func(answer []byte, ok bool))

	Handle(ctx context.Context, topic string, f func(context.Context, hearsay.Message))
	HandleQueries(ctx context.Context, topic string, f func(context.Context, hearsay.Question) ([]byte, error))
}

// Peer keeps the chain of one node up to date: blocks come as messages, and what
// is missing is asked for.
type Peer struct {
	ctx   context.Context
	net   Network
	chain *Chain
	draw  func(n int) int // a random number below n
	news  func(Block)     // is told of each block that becomes part of the chain

	mu     sync.Mutex
	asking map[Hash]bool
	asked  int // blocks that were asked for, and came
}

// NewPeer joins a node in keeping the chain until ctx ends.
func NewPeer(ctx context.Context, net Network, draw func(n int) int, news func(Block)) *Peer {
	p := &Peer{ctx: ctx, net: net, chain: NewChain(), draw: draw, news: news, asking: make(map[Hash]bool)}
	net.Handle(ctx, blockTopic, func(_ context.Context, m hearsay.Message) { p.receive(&m) })
	net.HandleQueries(ctx, blockTopic, func(_ context.Context, q hearsay.Question) ([]byte, error) {
		if len(q.Payload) == len(Hash{}) {
			if b, known := p.chain.Block(Hash(q.Payload)); known {
				return b.encoded, nil
			}
		}
		return nil, nil // an empty answer: do not wait for me
	})
	net.HandleQueries(ctx, tipTopic, func(context.Context, hearsay.Question) ([]byte, error) {
		tip := p.chain.Tip().Hash
		return tip[:], nil
	})
	return p
}

// Extend makes a block on top of the chain and tells everybody.
func (p *Peer) Extend(ctx context.Context, payload []byte) (Block, error) {
	b := NewBlock(p.chain.Tip(), payload)
	if err := p.net.Tell(ctx, b.encoded); err != nil {
		return Block{}, err
	}
	p.take(b, "")
	return b, nil
}

// receive takes a message. A marker of messages that were lost has no payload;
// what they said shows by the next block, or by CatchUp.
func (p *Peer) receive(m *hearsay.Message) {
	if b, err := ReadBlock(m.Payload); err == nil {
		p.take(b, m.OriginName)
	}
}

// take adds a block. If its parent is missing, whoever sent it should know.
func (p *Peer) take(b Block, from string) {
	linked, missing := p.chain.Add(b)
	for _, l := range linked {
		p.news(l)
	}
	if missing != (Hash{}) {
		p.fetch(missing, from)
	}
}

// CatchUp asks some member for its last block, which leads to all before it.
// Call it now and then: it finds what no message and no later block has told of.
func (p *Peer) CatchUp() {
	others := p.net.Others()
	if len(others) == 0 {
		return
	}
	name := others[p.draw(len(others))]
	p.net.Ask(p.ctx, name, tipTopic, nil, func(answer []byte, ok bool) {
		if !ok || len(answer) != len(Hash{}) {
			return
		}
		if h := Hash(answer); h != (Hash{}) {
			p.fetch(h, name)
		}
	})
}

// fetch asks for a block: first the member that spoke of it, then others.
func (p *Peer) fetch(h Hash, from string) {
	if p.begin(h) {
		p.ask(h, from, len(p.net.Others()))
	}
}

// begin reports whether a block is to be asked for: it is not here, and nobody
// asks already. Then end must follow.
func (p *Peer) begin(h Hash) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.chain.Block(h); known || p.asking[h] {
		return false
	}
	p.asking[h] = true
	return true
}

// ask asks one member for a block, and then others, so many times at most.
func (p *Peer) ask(h Hash, name string, tries int) {
	others := p.net.Others()
	if p.ctx.Err() != nil || tries == 0 || len(others) == 0 {
		p.end(h, false)
		return
	}
	if !slices.Contains(others, name) {
		name = others[p.draw(len(others))]
	}
	p.net.Ask(p.ctx, name, blockTopic, h[:], func(answer []byte, ok bool) {
		b, err := ReadBlock(answer)
		if !ok || err != nil || b.Hash != h {
			p.ask(h, "", tries-1)
			return
		}
		p.end(h, true)
		p.take(b, name)
	})
}

func (p *Peer) end(h Hash, came bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.asking, h)
	if came {
		p.asked++
	}
}

// Asked returns how many blocks came because they were asked for.
func (p *Peer) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Hash is the SHA-256 of an encoded block, its name everywhere. The zero Hash is
// the parent of a first block.
type Hash [sha256.Size]byte

// String returns the first bytes, enough for people.
func (h Hash) String() string { return hex.EncodeToString(h[:4]) }

// Block is one link of the chain. It is not changed once it is made.
type Block struct {
	Hash    Hash
	Height  uint64 // 1 for a first block
	Parent  Hash
	encoded []byte
}

// A block is encoded as its height, big endian, its parent and its payload.
const headerSize = 8 + sha256.Size

// ErrBlock is returned for bytes that are no block.
var ErrBlock = errors.New("not a block")

// NewBlock makes a block that follows a parent; the zero Block for a first one.
func NewBlock(parent Block, payload []byte) Block {
	encoded := make([]byte, 0, headerSize+len(payload))
	encoded = binary.BigEndian.AppendUint64(encoded, parent.Height+1)
	encoded = append(append(encoded, parent.Hash[:]...), payload...)
	return Block{sha256.Sum256(encoded), parent.Height + 1, parent.Hash, encoded}
}

// ReadBlock reads a block, which then aliases the bytes. The error wraps
// [ErrBlock].
func ReadBlock(encoded []byte) (Block, error) {
	if len(encoded) < headerSize {
		return Block{}, fmt.Errorf("%w: %d bytes, want %d or more", ErrBlock, len(encoded), headerSize)
	}
	b := Block{Hash: sha256.Sum256(encoded), Height: binary.BigEndian.Uint64(encoded), Parent: Hash(encoded[8:]), encoded: encoded}
	if first := b.Parent == (Hash{}); b.Height == 0 || first != (b.Height == 1) {
		return Block{}, fmt.Errorf("%w: height %d after %s", ErrBlock, b.Height, b.Parent)
	}
	return b, nil
}

// waitingMax bounds the blocks that wait for their parents: a peer that makes
// them up fills no memory. What is forgotten is asked for again.
const waitingMax = 64

// Chain is the blocks that a node has. All nodes with the same blocks have the
// same tip: the highest, and of several the one of the least hash. Its methods
// are safe for concurrent use.
type Chain struct {
	mu      sync.Mutex
	blocks  map[Hash]Block // with all their ancestors
	waiting []Block        // whose parent is not here
	tip     Block
}

// NewChain returns a chain without a block.
func NewChain() *Chain { return &Chain{blocks: make(map[Hash]Block)} }

// Add takes a block and returns those that are part of the chain now, parents
// first: none if it was known or has to wait, and then the hash of the ancestor
// to be asked for.
func (c *Chain) Add(b Block) (linked []Block, missing Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.blocks[b.Hash]; known {
		return nil, Hash{}
	}
	if !c.follows(b) {
		return nil, c.wait(b)
	}
	linked = []Block{b}
	for i := 0; i < len(linked); i++ { // and whatever has waited for it
		parent := linked[i]
		c.link(parent)
		c.waiting = slices.DeleteFunc(c.waiting, func(w Block) bool {
			child := w.Parent == parent.Hash
			if child && c.follows(w) {
				linked = append(linked, w)
			}
			return child // one of a false height goes, too
		})
	}
	return linked, Hash{}
}

// follows reports whether a block's parent is here, one below it.
func (c *Chain) follows(b Block) bool {
	if b.Height == 1 {
		return true
	}
	parent, known := c.blocks[b.Parent]
	return known && parent.Height+1 == b.Height
}

func (c *Chain) link(b Block) {
	c.blocks[b.Hash] = b
	if b.Height > c.tip.Height || b.Height == c.tip.Height && bytes.Compare(b.Hash[:], c.tip.Hash[:]) < 0 {
		c.tip = b
	}
}

// wait keeps a block and returns which ancestor it lacks, the zero Hash if its
// parent is here: then it can never follow.
func (c *Chain) wait(b Block) (missing Hash) {
	if _, known := c.blocks[b.Parent]; known {
		return Hash{}
	}
	if !slices.ContainsFunc(c.waiting, func(w Block) bool { return w.Hash == b.Hash }) {
		if len(c.waiting) == waitingMax {
			c.waiting = c.waiting[1:]
		}
		c.waiting = append(c.waiting, b)
	}
	missing = b.Parent
	for range c.waiting {
		i := slices.IndexFunc(c.waiting, func(w Block) bool { return w.Hash == missing })
		if i < 0 {
			break
		}
		missing = c.waiting[i].Parent
	}
	return missing
}

// Tip returns the last block, the zero Block if there is none.
func (c *Chain) Tip() Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tip
}

// Block returns a block of the chain, or of one of its branches.
func (c *Chain) Block(h Hash) (Block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, known := c.blocks[h]
	return b, known
}

// Hashes returns the chain from the first block to the tip.
func (c *Chain) Hashes() []Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []Hash
	for b := c.tip; b.Height > 0; b = c.blocks[b.Parent] {
		all = append(all, b.Hash)
	}
	slices.Reverse(all)
	return all
}

package main

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// line returns blocks, each after the one before.
func line(parent Block, payloads ...string) []Block {
	var all []Block
	for _, payload := range payloads {
		parent = NewBlock(parent, []byte(payload))
		all = append(all, parent)
	}
	return all
}

func TestBlockSurvivesTheWire(t *testing.T) {
	for _, b := range line(Block{}, "first", "", "third") {
		got, err := ReadBlock(b.encoded)
		if err != nil || got.Hash != b.Hash || got.Height != b.Height || got.Parent != b.Parent {
			t.Errorf("%+v became %+v, %v", b, got, err)
		}
	}
}

func TestWhatIsNoBlockIsRefused(t *testing.T) {
	good := NewBlock(Block{}, nil).encoded
	orphan := slices.Clone(good)
	orphan[7] = 2 // a second block without a parent
	for _, bad := range [][]byte{nil, good[:len(good)-1], make([]byte, headerSize), orphan} {
		if _, err := ReadBlock(bad); !errors.Is(err, ErrBlock) {
			t.Errorf("%x: error %v", bad, err)
		}
	}
}

// Blocks that come in the wrong order wait for their parents, and name the
// oldest one that is missing.
func TestOrphansWaitForTheirParents(t *testing.T) {
	c, blocks := NewChain(), line(Block{}, "1", "2", "3", "4", "5")
	for _, tt := range []struct {
		add     int
		missing Hash
		linked  int
	}{{4, blocks[3].Hash, 0}, {2, blocks[1].Hash, 0}, {3, blocks[1].Hash, 0}, {3, blocks[1].Hash, 0}, {0, Hash{}, 1}, {1, Hash{}, 4}, {4, Hash{}, 0}} {
		linked, missing := c.Add(blocks[tt.add])
		if len(linked) != tt.linked || missing != tt.missing {
			t.Errorf("block %d: %d linked, %s is missing, want %d and %s", tt.add+1, len(linked), missing, tt.linked, tt.missing)
		}
	}
	var want []Hash
	for _, b := range blocks {
		want = append(want, b.Hash)
	}
	if !slices.Equal(c.Hashes(), want) || c.Tip().Hash != want[4] {
		t.Errorf("chain %v, want %v", c.Hashes(), want)
	}
}

// Whatever the order in which branches come, the same one is the chain.
func TestBranchesAreChosenByHeightAndHash(t *testing.T) {
	trunk := line(Block{}, "1", "2")
	left, right := line(trunk[1], "l3", "l4"), line(trunk[1], "r3", "r4")
	high := line(right[0], "h4", "h5")
	all := slices.Concat(trunk, left, right)
	tips := make(map[Hash]bool)
	for shift := range all {
		c := NewChain()
		for _, b := range slices.Concat(all[shift:], all[:shift]) {
			c.Add(b)
		}
		tips[c.Tip().Hash] = true
		if c.Tip().Height != 4 {
			t.Errorf("shift %d: height %d", shift, c.Tip().Height)
		}
		for _, b := range slices.Concat(high[1:], high[:1]) {
			c.Add(b)
		}
		if c.Tip().Hash != high[1].Hash || len(c.Hashes()) != 5 {
			t.Errorf("shift %d: the longest branch is not the chain: %v", shift, c.Hashes())
		}
	}
	if len(tips) != 1 {
		t.Errorf("%d different tips", len(tips))
	}
}

// A block that claims a height that its parent does not give it is no part of
// the chain, and nobody is asked for its parent for ever.
func TestFalseHeightIsNotLinked(t *testing.T) {
	c, blocks := NewChain(), line(Block{}, "1")
	high := NewBlock(Block{Hash: blocks[0].Hash, Height: 7}, nil)
	if linked, missing := c.Add(high); len(linked) != 0 || missing != blocks[0].Hash {
		t.Errorf("linked %v, missing %s", linked, missing)
	}
	if linked, _ := c.Add(blocks[0]); len(linked) != 1 || len(c.waiting) != 0 {
		t.Errorf("linked %v, %d wait", linked, len(c.waiting))
	}
	if linked, missing := c.Add(high); len(linked) != 0 || missing != (Hash{}) || c.Tip().Height != 1 {
		t.Errorf("linked %v, missing %s, height %d", linked, missing, c.Tip().Height)
	}
}

func TestOrphansAreBounded(t *testing.T) {
	c := NewChain()
	for i := range 3 * waitingMax {
		c.Add(NewBlock(Block{Hash: Hash{1, byte(i), byte(i >> 8)}, Height: 4}, fmt.Append(nil, i)))
	}
	if len(c.waiting) != waitingMax || len(c.blocks) != 0 {
		t.Errorf("%d wait, %d are linked", len(c.waiting), len(c.blocks))
	}
}

// Command blocks is a chain of blocks that peers broadcast: each finds the others
// by the address of one, whoever makes a block tells it to all, and who has
// missed one asks for it. It runs its nodes on the loopback interface and prints
// what happens; it fails unless all hold the same chain in the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// Bounds of the flags: a laptop runs so many nodes, and keeps so much in memory.
const (
	nodesMax  = 200
	blocksMax = 1000
	// sizeMax is what fits the answer to a query, 1 MiB, with the block's header.
	sizeMax size = 1_000_000
)

// storyMax ends a story in which something does not come about.
const storyMax = 2 * time.Minute

var errFlag = errors.New("out of range")

func main() {
	p := plan{size: 1_000_000}
	flag.IntVar(&p.nodes, "nodes", 10, "nodes, beside one that joins late")
	flag.IntVar(&p.blocks, "blocks", 5, "blocks that they make, one after another")
	flag.Var(&p.size, "size", "payload of a block: 1MB, 64KB, 500B")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	ctx, stop := context.WithTimeout(ctx, storyMax)
	defer stop()
	err := p.check()
	if err == nil {
		err = story(ctx, os.Stdout, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "blocks:", err)
		os.Exit(1)
	}
}

// check returns all that is wrong with the flags.
func (p *plan) check() error {
	var errs []error
	if p.nodes < 1 || p.nodes > nodesMax {
		errs = append(errs, fmt.Errorf("-nodes %w: %d, want 1 to %d", errFlag, p.nodes, nodesMax))
	}
	if p.blocks < 1 || p.blocks > blocksMax {
		errs = append(errs, fmt.Errorf("-blocks %w: %d, want 1 to %d", errFlag, p.blocks, blocksMax))
	}
	return errors.Join(errs...)
}

// size is a number of bytes on the command line.
type size int

var units = []struct {
	suffix string
	bytes  int
}{{"MB", 1_000_000}, {"KB", 1_000}, {"B", 1}, {"", 1}}

// String implements [flag.Value].
func (s size) String() string {
	for _, u := range units {
		if int(s) >= u.bytes && int(s)%u.bytes == 0 {
			return strconv.Itoa(int(s)/u.bytes) + " " + u.suffix
		}
	}
	return "0 B"
}

// Set implements [flag.Value].
func (s *size) Set(text string) error {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(text, u.suffix); ok {
			n, err := strconv.Atoi(strings.TrimSpace(digits))
			if err != nil || n < 0 || n > int(sizeMax)/u.bytes {
				return fmt.Errorf("%w: want 0B to %v", errFlag, sizeMax)
			}
			*s = size(n * u.bytes)
			return nil
		}
	}
	return nil // the last unit fits every text
}

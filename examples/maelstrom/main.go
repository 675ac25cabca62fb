// Command maelstrom is a node for Maelstrom, a workbench for distributed
// systems: it speaks JSON on standard input and output, and serves the workloads
// broadcast, g-set, unique-ids and echo. What a client broadcasts travels by
// hearsay's own protocol for events, package core/broadcast, the messages of
// which are carried in JSON as they are.
//
// README.md says how to run it.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	cfg := Config{Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))}
	flag.DurationVar(&cfg.Batch, "batch", 0, "how long broadcasts wait for company at the hub; 0: none, and no hub")
	flag.DurationVar(&cfg.AckDelay, "ack-delay", AckDelay, "how long an ack waits for a message to ride on")
	flag.DurationVar(&cfg.Compare, "compare", Compare, "how often a node compares what it has with another")
	flag.Parse()
	if flag.NArg() > 0 || cfg.Batch < 0 || cfg.AckDelay < 0 || cfg.Compare <= 0 {
		fmt.Fprintln(os.Stderr, "maelstrom: durations must not be negative, -compare not zero, and there are no arguments")
		os.Exit(2)
	}
	if err := run(NewNode(cfg), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "maelstrom:", err)
		os.Exit(1)
	}
}

// run drives a node by the clock until its input ends. What has arrived is
// handed in before the time is told, so that all that it causes shares messages.
func run(node *Node, in io.Reader, out io.Writer) error {
	start := time.Now()
	lines := make(chan []byte)
	failed := make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		failed <- read(in, lines, done)
		close(lines)
	}()
	w := bufio.NewWriter(out)
	timer := time.NewTimer(0)
	for {
		select {
		case line, open := <-lines:
			if !open {
				return <-failed
			}
			node.Line(time.Since(start), line)
		case <-timer.C:
		}
		at, any := node.Deadline()
		if now := time.Since(start); any && at <= now {
			node.Tick(now)
			at, any = node.Deadline()
		}
		for _, line := range node.Output() {
			_, _ = w.Write(append(line, '\n')) // Flush reports it
		}
		if err := w.Flush(); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
		if any {
			timer.Reset(time.Until(start.Add(at)))
		}
	}
}

// read passes on lines, of any length, until the input ends or nobody wants more.
func read(in io.Reader, lines chan<- []byte, done <-chan struct{}) error {
	for r := bufio.NewReader(in); ; {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			select {
			case lines <- line:
			case <-done:
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read input: %w", err)
		}
	}
}

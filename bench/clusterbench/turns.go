package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// turn is one measurement to make.
type turn struct {
	library string
	nodes   int
}

// turns lists all measurements of p in order. Libraries alternate (A B A B)
// rather than follow each other (A A B B): a machine that slows down for a
// minute then slows down both.
func turns(p plan) []turn {
	var list []turn
	for _, nodes := range p.nodes {
		for range p.runs {
			for _, name := range p.libraries {
				list = append(list, turn{name, nodes})
			}
		}
	}
	return list
}

// arguments are those that make this program take the turn t of p as a child.
func (t turn) arguments(p plan) []string {
	return []string{
		"-child",
		"-library=" + t.library,
		"-nodes=" + strconv.Itoa(t.nodes),
		"-sealed=" + strconv.FormatBool(p.sealed),
		"-patience=" + p.options.Patience.String(),
		"-poll=" + p.options.Poll.String(),
		"-settle=" + p.options.Settle.String(),
		"-idle=" + p.options.Idle.String(),
	}
}

// runTurns makes all measurements, one after the other, each in a child
// process, and prints what they gave.
func runTurns(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	list := turns(p)
	results := make([]benchcluster.Result, 0, len(list))
	for i, t := range list {
		began := time.Now()
		r, err := take(ctx, self, t.arguments(p), stderr)
		if err != nil {
			return fmt.Errorf("measure %s with %d nodes: %w", t.library, t.nodes, err)
		}
		results = append(results, r)
		fmt.Fprintf(stderr, "%d/%d %s %d nodes: full %t in %.3f s, %d false deaths, took %s\n",
			i+1, len(list), t.library, t.nodes, r.FullOK, r.FullSeconds, r.FalseDeaths,
			time.Since(began).Round(time.Second))
	}
	return write(stdout, p, results)
}

// take runs a child and reads the result from its standard output.
func take(ctx context.Context, self string, args []string, stderr io.Writer) (benchcluster.Result, error) {
	child := exec.CommandContext(ctx, self, args...)
	child.Stderr = stderr
	out, err := child.Output()
	if err != nil {
		return benchcluster.Result{}, fmt.Errorf("run child: %w", err)
	}
	var r benchcluster.Result
	if err := json.Unmarshal(out, &r); err != nil {
		return benchcluster.Result{}, fmt.Errorf("parse result of child: %w", err)
	}
	return r, nil
}

func write(w io.Writer, p plan, results []benchcluster.Result) error {
	if !p.json {
		return benchcluster.WriteTable(w, benchcluster.Summarize(results))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(newReport(results))
}

// Command run plays the bake-off of broadcast strategies and prints its tables as
// Markdown.
//
//	go run ./sim/bakeoff/run [-quick] [-only SECTION] [-strategies delegation,eager,plumtree] [-write FILE]
//
// With -write, each table replaces what is between its marks in a Markdown file.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/bakeoff"
)

func main() {
	quick := flag.Bool("quick", false, "a small version, some seconds")
	only := flag.String("only", "", "play one section: 100, 1000, 5000 or load")
	strategies := flag.String("strategies", strings.Join(bakeoff.Strategies(), ","), "who takes part")
	file := flag.String("write", "", "Markdown file whose tables are to be written")
	flag.Parse()
	if err := run(*quick, *only, strings.Split(*strategies, ","), *file); err != nil {
		fmt.Fprintln(os.Stderr, "bakeoff:", err)
		os.Exit(1)
	}
}

func run(quick bool, only string, strategies []string, file string) error {
	sections := bakeoff.Suite()
	if quick {
		sections = bakeoff.Quick()
	}
	start := time.Now()
	for _, s := range sections {
		if only != "" && s.Name != only {
			continue
		}
		rows, err := bakeoff.Play(s, strategies, func(r *bakeoff.Row) {
			fmt.Fprintf(os.Stderr, "%5.0f s  %d nodes, %v, %v: %s\n", time.Since(start).Seconds(), r.Cell.Nodes, r.Cell.Links, r.Cell.String(), r.Whole.Strategy)
		})
		if err != nil {
			return err
		}
		text := section(&s, rows)
		fmt.Printf("## %s\n\n%s\n", s.Title, text)
		if file != "" {
			if err := write(file, s.Name, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// section returns a table and what else must be known of it.
func section(s *bakeoff.Section, rows []bakeoff.Row) string {
	text := fmt.Sprintf("%s, %d random seeds:\n\n%s", s.Title, s.Seeds, bakeoff.Table(rows))
	for _, alarm := range bakeoff.Alarms(rows) {
		text += "\n* " + alarm
	}
	return strings.TrimRight(text, "\n") + "\n"
}

// write puts a text between the marks of a section in a file.
func write(path, name, text string) error {
	begin := fmt.Sprintf("<!-- bakeoff %s: written by go run ./sim/bakeoff/run -write -->\n", name)
	end := fmt.Sprintf("<!-- end of bakeoff %s -->\n", name)
	whole, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(whole, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return fmt.Errorf("%s: no marks for %s", path, name)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(begin+text+end), after), 0o644)
}

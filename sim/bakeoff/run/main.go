// Command run plays the bake-off of broadcast strategies and prints its tables as
// Markdown.
//
//	go run ./sim/bakeoff/run [-quick] [-only SECTION] [-rows FILE [-again STRATEGIES]] [-write FILE]
//
// With -rows, what was played is kept in a file as JSON, one row a line, and not
// played again but for the strategies named by -again. With -write, each table
// replaces what is between its marks in a Markdown file, if they are there.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/bakeoff"
)

func main() {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "a small version, some seconds")
	flag.StringVar(&o.only, "only", "", "play one section: 100, 1000, load, 5000, brief or targets")
	flag.StringVar(&o.strategies, "strategies", strings.Join(bakeoff.Strategies(), ","), "who takes part")
	flag.StringVar(&o.rows, "rows", "", "file of rows that are played already")
	flag.StringVar(&o.again, "again", "", "strategies to play again although their rows are there")
	flag.StringVar(&o.file, "write", "", "Markdown file whose tables are to be written")
	flag.Parse()
	if err := run(&o); err != nil {
		fmt.Fprintln(os.Stderr, "bakeoff:", err)
		os.Exit(1)
	}
}

type options struct {
	quick                               bool
	only, strategies, rows, again, file string
}

func run(o *options) error {
	sections := bakeoff.Suite()
	if o.quick {
		sections = bakeoff.Quick()
	}
	known, err := read(o.rows, strings.Split(o.again, ","))
	if err != nil {
		return err
	}
	if err := show(o.file, "legend", "What the columns are", bakeoff.Legend); err != nil {
		return err
	}
	start := time.Now()
	for _, s := range sections {
		if o.only != "" && s.Name != o.only {
			continue
		}
		var lost error
		rows, err := bakeoff.Play(s, strings.Split(o.strategies, ","), known, func(r *bakeoff.Row) {
			fmt.Fprintf(os.Stderr, "%5.0f s  %d nodes, %v, %v: %s\n", time.Since(start).Seconds(), r.Cell.Nodes, r.Cell.Links, r.Cell.String(), r.Whole.Strategy)
			lost = errors.Join(lost, keep(o.rows, r))
		})
		if err = errors.Join(err, lost); err != nil {
			return err
		}
		for _, row := range rows {
			known[row.Key()] = row
		}
		if err := show(o.file, s.Name, s.Title, section(&s, rows)); err != nil {
			return err
		}
	}
	return nil
}

// show prints a text under a title, and writes it to a file if there is one.
func show(file, name, title, text string) error {
	fmt.Printf("## %s\n\n%s\n", title, text)
	if file == "" {
		return nil
	}
	return write(file, name, text)
}

// read returns the rows of a file, the last of each key, without those of the
// strategies to be played again. A file that is not there has none.
func read(path string, again []string) (map[bakeoff.Key]bakeoff.Row, error) {
	rows := make(map[bakeoff.Key]bakeoff.Row)
	if path == "" {
		return rows, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var row bakeoff.Row
		if err := decoder.Decode(&row); errors.Is(err, io.EOF) {
			return rows, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if !slices.Contains(again, row.Whole.Strategy) {
			rows[row.Key()] = row
		}
	}
}

// keep adds a row to a file.
func keep(path string, row *bakeoff.Row) error {
	if path == "" {
		return nil
	}
	text, err := json.Marshal(row)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

// section returns a table and what else must be known of it.
func section(s *bakeoff.Section, rows []bakeoff.Row) string {
	text := fmt.Sprintf("%s; %d random seeds.\n\n%s", s.Title, s.Seeds, s.Table(rows))
	for _, alarm := range bakeoff.Alarms(rows) {
		text += "\n* " + alarm
	}
	return strings.TrimRight(text, "\n") + "\n"
}

// write puts a text between the marks of a section in a file, if it has them.
func write(path, name, text string) error {
	begin := fmt.Sprintf("<!-- bakeoff %s: written by go run ./sim/bakeoff/run -write -->\n", name)
	end := fmt.Sprintf("<!-- end of bakeoff %s -->\n", name)
	whole, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(whole, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found {
		return nil // it is of another page
	}
	if !closed {
		return fmt.Errorf("%s: no end of %s", path, name)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(begin+text+end), after), 0o644)
}

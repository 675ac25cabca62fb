package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The marks around the table in the Markdown file.
const (
	tableBegin = "<!-- mutants: written by go run ./sim/mutants/run -table -->\n"
	tableEnd   = "<!-- end of mutants -->\n"
)

// write puts the table of outcomes between the marks in a file.
func write(path string, done []outcome) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(tableBegin))
	_, after, closed := bytes.Cut(rest, []byte(tableEnd))
	if !found || !closed {
		return fmt.Errorf("%s: no marks for a table", path)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(tableBegin+table(done)+tableEnd), after), 0o644)
}

// table returns the outcomes as Markdown, with how many runs they took.
func table(done []outcome) string {
	var b strings.Builder
	b.WriteString("| mutant | what is broken | caught by | runs |\n|---|---|---|---|\n")
	var runs []int
	for i := range done {
		o := &done[i]
		caught, took := o.Invariant, fmt.Sprint(o.Runs)
		if o.Harmless {
			caught, took = "nothing, as it must be", fmt.Sprintf("%d, none failed", o.Runs)
		} else {
			runs = append(runs, o.Runs)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", o.Name, strings.TrimSuffix(o.Mutant.What, "."), caught, took)
	}
	if len(runs) > 0 {
		slices.Sort(runs)
		fmt.Fprintf(&b, "\n%d broken builds caught: median %d runs, at worst %d.\n", len(runs), runs[len(runs)/2], runs[len(runs)-1])
	}
	return b.String()
}

package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// The marks around the table in the Markdown file.
const (
	tableBegin = "<!-- mutants: written by go run ./sim/mutants/run -table -->\n"
	tableEnd   = "<!-- end of mutants -->\n"
)

// row is what the table says of one mutant.
type row struct {
	name, what, caught, took string
	runs                     int // 0 for one that is harmless
}

func (o *outcome) row() row {
	r := row{name: o.Name, what: strings.TrimSuffix(o.Mutant.What, "."), caught: o.Invariant, took: strconv.Itoa(o.Runs), runs: o.Runs}
	if o.Harmless {
		r.caught, r.took, r.runs = "nothing, as it must be", fmt.Sprintf("%d, none failed", o.Runs), 0
	}
	return r
}

// write puts the rows of outcomes between the marks in a file. Rows of mutants
// that did not run stay, unless there is no such mutant any more.
func write(path string, done []outcome, names []string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(text, []byte(tableBegin))
	old, after, closed := bytes.Cut(rest, []byte(tableEnd))
	if !found || !closed {
		return fmt.Errorf("%s: no marks for a table", path)
	}
	rows := slices.DeleteFunc(parseRows(string(old)), func(r row) bool {
		ran := slices.ContainsFunc(done, func(o outcome) bool { return o.Name == r.name })
		return ran || !slices.Contains(names, r.name)
	})
	for i := range done {
		rows = append(rows, done[i].row())
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.name, b.name) })
	return os.WriteFile(path, slices.Concat(before, []byte(tableBegin+table(rows)+tableEnd), after), 0o644)
}

// parseRows reads the rows of a table as table writes them.
func parseRows(text string) []row {
	var rows []row
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if len(cells) != 4 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		r := row{name: strings.Trim(cells[0], "| `"), what: cells[1], caught: cells[2], took: strings.TrimSuffix(cells[3], " |")}
		r.runs, _ = strconv.Atoi(r.took) // words: it is harmless
		rows = append(rows, r)
	}
	return rows
}

// table returns rows as Markdown, with how many runs they took.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| mutant | what is broken | caught by | runs |\n|---|---|---|---|\n")
	var runs []int
	for _, r := range rows {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.name, r.what, r.caught, r.took)
		if r.runs > 0 {
			runs = append(runs, r.runs)
		}
	}
	if len(runs) > 0 {
		slices.Sort(runs)
		fmt.Fprintf(&b, "\n%d broken builds caught: median %d runs, at worst %d.\n", len(runs), runs[len(runs)/2], runs[len(runs)-1])
	}
	return b.String()
}

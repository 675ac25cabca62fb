package benchcluster

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable prints one block for each number of nodes: a column for each
// library with the median of its runs and, where they differ, the lowest and
// highest; with exactly two libraries a last column with the ratio of the
// second to the first.
func WriteTable(w io.Writer, summaries []Summary) error {
	for first := 0; first < len(summaries); {
		last := first
		for last < len(summaries) && summaries[last].Nodes == summaries[first].Nodes {
			last++
		}
		if first > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := writeBlock(w, summaries[first:last]); err != nil {
			return err
		}
		first = last
	}
	return nil
}

// writeBlock prints the libraries of one number of nodes, at least one.
func writeBlock(w io.Writer, columns []Summary) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells []string) {
		// NB: a tabwriter keeps its first error for Flush.
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}

	head := []string{fmt.Sprintf("%d nodes", columns[0].Nodes)}
	full := []string{"full views, runs"}
	for _, c := range columns {
		head = append(head, title(c))
		full = append(full, fmt.Sprintf("%d of %d", c.Full, c.Runs))
	}
	if len(columns) == 2 {
		head = append(head, columns[1].Library+"/"+columns[0].Library)
	}
	row(head)
	row(full)
	for _, m := range Metrics() {
		cells := []string{strings.TrimSuffix(m.Name+", "+m.Unit, ", ")}
		for _, c := range columns {
			cells = append(cells, cell(c.Metrics[m.Name], m.Digits))
		}
		if len(columns) == 2 {
			cells = append(cells, ratio(columns[1].Metrics[m.Name], columns[0].Metrics[m.Name]))
		}
		row(cells)
	}
	return table.Flush()
}

func title(s Summary) string {
	if s.Sealed {
		return s.Library + " " + s.Version
	}
	return s.Library + " " + s.Version + " unsealed"
}

func cell(s Spread, digits int) string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	if s.Min == s.Max {
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), number(s.Min), number(s.Max))
}

// ratio prints how many times the first median is of the second, or a dash
// when the second is nothing.
func ratio(a, b Spread) string {
	if b.Median == 0 {
		return "–"
	}
	return strconv.FormatFloat(a.Median/b.Median, 'f', 3, 64)
}

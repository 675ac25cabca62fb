package tabular

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table aligns columns: the first to the left, the others to the right.
type Table struct{ rows [][]string }

// Row adds a row of cells.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// String renders the rows, two spaces between columns, no trailing blanks.
func (t *Table) String() string {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + pad)
			} else {
				line.WriteString("  " + pad + cell)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

// Absent stands for a number that does not exist.
const Absent = "–"

// Fixed prints a number with that many decimals, or Absent.
func Fixed(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return Absent
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" { // -0.00
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// Signed is Fixed with a sign, for errors.
func Signed(x float64, decimals int) string {
	s := Fixed(x, decimals)
	if s != Absent && x > 0 && strings.Trim(s, "0.") != "" {
		s = "+" + s
	}
	return s
}

// Count prints a round, or Absent if there is none.
func Count(round int) string {
	if round < 0 {
		return Absent
	}
	return strconv.Itoa(round)
}

// Percent prints a share with enough digits for the rare ones, down to one in
// a billion.
func Percent(x float64) string {
	const never = 1e-9
	switch {
	case math.IsNaN(x):
		return Absent
	case x < never:
		return "0 %"
	case x > 1-never:
		return "100 %"
	case x < 0.0001:
		return strconv.FormatFloat(100*x, 'g', 2, 64) + " %"
	case x > 0.9999:
		return strconv.FormatFloat(100*x, 'g', 8, 64) + " %"
	default:
		return Fixed(100*x, 2) + " %"
	}
}

// Rare prints a small share with two digits of its own.
func Rare(x float64) string {
	if x < 1e-9 || x >= 0.001 || math.IsNaN(x) {
		return Percent(x)
	}
	return strconv.FormatFloat(100*x, 'g', 2, 64) + " %"
}

// Grouped prints 1000000 as 1,000,000.
func Grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural prints a count of things: 1 node, 1,000 nodes.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

// YesNo prints a truth.
func YesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Printer writes lines and remembers the first error.
type Printer struct {
	W   io.Writer
	Err error
}

// Printf writes unless an earlier write failed.
func (p *Printer) Printf(format string, args ...any) {
	if p.Err == nil {
		_, p.Err = fmt.Fprintf(p.W, format, args...)
	}
}

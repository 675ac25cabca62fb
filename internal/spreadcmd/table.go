package spreadcmd

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table aligns columns: the first to the left, the others to the right.
type table struct{ rows [][]string }

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// String renders the rows, two spaces between columns, no trailing blanks.
func (t *table) String() string {
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

// absent stands for a number that does not exist.
const absent = "–"

// fixed prints a number with that many decimals, or absent.
func fixed(x float64, decimals int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return absent
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" { // -0.00
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// signed is fixed with a sign, for errors.
func signed(x float64, decimals int) string {
	s := fixed(x, decimals)
	if s != absent && x > 0 && strings.Trim(s, "0.") != "" {
		s = "+" + s
	}
	return s
}

// count prints a round, or absent if there is none.
func count(round int) string {
	if round < 0 {
		return absent
	}
	return strconv.Itoa(round)
}

// percent prints a share with enough digits for the rare ones, down to one in
// a billion.
func percent(x float64) string {
	const never = 1e-9
	switch {
	case math.IsNaN(x):
		return absent
	case x < never:
		return "0 %"
	case x > 1-never:
		return "100 %"
	case x < 0.0001:
		return strconv.FormatFloat(100*x, 'g', 2, 64) + " %"
	case x > 0.9999:
		return strconv.FormatFloat(100*x, 'g', 8, 64) + " %"
	default:
		return fixed(100*x, 2) + " %"
	}
}

// rare prints a small share with two digits of its own.
func rare(x float64) string {
	if x < 1e-9 || x >= 0.001 || math.IsNaN(x) {
		return percent(x)
	}
	return strconv.FormatFloat(100*x, 'g', 2, 64) + " %"
}

// grouped prints 1000000 as 1,000,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// printer writes lines and remembers the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

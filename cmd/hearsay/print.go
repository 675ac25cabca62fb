package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// escape makes text of others safe to print: what could move the cursor, change
// colours or turn the direction of writing is shown as its Go escape.
func escape(text string) string {
	if strings.IndexFunc(text, needsEscape) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case needsEscape(r):
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// needsEscape holds for controls, formats such as bidi overrides, and spaces
// that are not the ordinary one.
func needsEscape(r rune) bool { return !unicode.IsPrint(r) }

// table prints rows in aligned columns, two spaces apart; cells are escaped.
func table(w io.Writer, rows [][]string) error {
	var widths []int
	safe := make([][]string, len(rows))
	for i, row := range rows {
		for j, cell := range row {
			cell = escape(cell)
			safe[i] = append(safe[i], cell)
			if j == len(widths) {
				widths = append(widths, 0)
			}
			widths[j] = max(widths[j], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range safe {
		var line strings.Builder
		for j, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[j], cell) // pads by runes
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printJSON prints a value for programs. Escapes of HTML would only hinder.
func printJSON(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// printLine prints a value for programs that read one a line.
func printLine(w io.Writer, value any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// ago returns how long ago something was, to the second.
func ago(t, now time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return max(now.Sub(t), 0).Truncate(time.Second).String()
}

package demo

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
)

// teller writes a story for people. The first error of the writer is kept and
// ends all output.
type teller struct {
	w       io.Writer
	colour  bool
	chapter int
	err     error
}

var (
	styleTitle = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
	styleTime  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	styleBar   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleQuiet = lipgloss.NewStyle().Faint(true)
)

func (t *teller) paint(s lipgloss.Style, text string) string {
	if !t.colour {
		return text
	}
	return s.Render(text)
}

func (t *teller) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

// begin opens a chapter with its title and what it is about.
func (t *teller) begin(title string, lines ...string) {
	t.chapter++
	t.printf("\n%s\n", t.paint(styleTitle, fmt.Sprintf("%d. %s", t.chapter, title)))
	t.say(lines...)
}

// say writes lines of prose.
func (t *teller) say(lines ...string) {
	for _, line := range lines {
		t.printf("   %s\n", line)
	}
}

// at writes what happened some seconds after the cause of the chapter.
func (t *teller) at(seconds float64, format string, args ...any) {
	t.printf("   %s  %s\n", t.paint(styleTime, fmt.Sprintf("%9s", span(seconds))), fmt.Sprintf(format, args...))
}

// line is what happened some seconds after a cause.
type line struct {
	seconds float64
	text    string
}

// inOrder writes lines by their time, where the order is not known before.
func (t *teller) inOrder(lines []line) {
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.seconds, b.seconds) })
	for _, l := range lines {
		t.at(l.seconds, "%s", l.text)
	}
}

// barWidth is that of the longest bar: the rest of a line of 80 is for text.
const barWidth = 26

// hops draws how a fact travelled, one line for each number of hops.
func (t *teller) hops(hops []Hop) {
	most := 1
	for _, h := range hops {
		most = max(most, h.Nodes)
	}
	for _, h := range hops {
		bar := strings.Repeat("█", max(h.Nodes*barWidth/most, 1))
		label, when := fmt.Sprintf("hop %-2d", h.Hop), span(h.FirstS)
		if h.Hop == compared {
			label = "repair"
		}
		switch {
		case h.Hop == 0:
			when = "the writer"
		case h.Nodes > 1:
			when = "at " + when + " to " + span(h.LastS)
		default:
			when = "at " + when
		}
		t.printf("   %s %s%s %3d %-5s %s\n", label, t.paint(styleBar, bar),
			strings.Repeat(" ", barWidth-max(h.Nodes*barWidth/most, 1)),
			h.Nodes, plural(h.Nodes, "node"), t.paint(styleTime, when))
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// span writes a number of seconds with three digits or so.
func span(seconds float64) string {
	switch {
	case seconds < 0.01:
		return fmt.Sprintf("%.2f ms", 1000*seconds)
	case seconds < 1:
		return fmt.Sprintf("%.0f ms", 1000*seconds)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

package demo

import (
	"fmt"
	"io"
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
		label, when := fmt.Sprintf("hop %d", h.Hop), span(h.FirstS)
		if h.Hop == hopsUnknown {
			label = "hop ?"
		}
		if h.Nodes > 1 {
			when += " to " + span(h.LastS)
		}
		t.printf("   %s  %s%s %3d %s %s\n", label, t.paint(styleBar, bar),
			strings.Repeat(" ", barWidth-max(h.Nodes*barWidth/most, 1)),
			h.Nodes, nodesWord(h.Nodes), t.paint(styleTime, "at "+when))
	}
}

func nodesWord(n int) string {
	if n == 1 {
		return "node "
	}
	return "nodes"
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

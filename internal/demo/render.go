package demo

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// What the view needs at least: a line of keys, and the header over a few rows.
const (
	widthMin  = 64
	heightMin = 14
)

var (
	styleAlive   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleSuspect = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	styleDead    = lipgloss.NewStyle().Foreground(lipgloss.Red)
	styleGone    = lipgloss.NewStyle().Foreground(lipgloss.BrightBlack)
	styleKey     = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Cyan)
	styleCut     = lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Magenta)
)

// waveColours are those of hops 0, 1, 2 …; the last serves for all above.
var waveColours = []string{"231", "229", "221", "214", "208", "202", "197", "162", "127"}

// View draws the screen.
func (m *model) View() tea.View {
	view := tea.NewView(m.draw())
	view.AltScreen = true
	view.WindowTitle = "hearsay demo"
	return view
}

// draw returns the screen, height lines of at most width columns.
func (m *model) draw() string {
	if m.width < widthMin || m.height < heightMin {
		return fmt.Sprintf("This terminal is %d×%d; the view needs %d×%d. q quits.", m.width, m.height, widthMin, heightMin)
	}
	top := append(m.header(), "")
	top = append(top, m.grid()...)
	top = append(top, "", styleQuiet.Render(rowHead))
	bottom := []string{"", m.statusLine(), m.keys()}
	space := max(m.height-len(top)-len(bottom), 0)
	lines := top
	for _, r := range m.rows.last(space) {
		lines = append(lines, m.drawRow(r))
	}
	for len(lines) < m.height-len(bottom) {
		lines = append(lines, "")
	}
	lines = append(lines[:min(len(lines), m.height-len(bottom))], bottom...)
	narrow := lipgloss.NewStyle().MaxWidth(m.width)
	for i := range lines {
		lines[i] = narrow.Render(lines[i])
	}
	return strings.Join(lines, "\n")
}

// header counts nodes and packets.
func (m *model) header() []string {
	var up int
	var states [member.Left + 1]int
	for i := range m.frame.nodes {
		n := &m.frame.nodes[i]
		if n.running {
			up++
		}
		if state, known := n.state(); known {
			states[state]++
		}
	}
	network := styleAlive.Render("whole")
	if m.frame.cut {
		network = styleCut.Render("cut in two")
	}
	var views []string
	for _, state := range []member.State{member.Alive, member.Suspect, member.Dead, member.Left} {
		if n := states[state]; n > 0 {
			_, style := stateLook(state)
			views = append(views, style.Render(fmt.Sprintf("%d %s", n, state)))
		}
	}
	first := fmt.Sprintf("%s  %d of %d nodes up · seen: %s",
		styleTitle.Render("hearsay"), up, len(m.frame.nodes), strings.Join(views, ", "))
	second := fmt.Sprintf("network %s · %.0f packets/s, %s/s a node · %d of %d know the same",
		network, m.rate.packets, size(m.rate.bytes), m.traffic.agree, len(m.traffic.sent))
	return []string{first, second}
}

// size writes a number of bytes.
func size(bytes float64) string {
	if bytes < 1000 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.1f kB", bytes/1000)
}

// Cells: a mark, a name and, if there is room, a word on the wave.
const (
	cellWide   = 10
	cellNarrow = 8
	// restMin is what the grid leaves for all else.
	restMin = 12
)

// grid draws the nodes; cut in two, one side above the other.
func (m *model) grid() []string {
	width := cellWide
	if rows := (len(m.frame.nodes) + m.width/cellWide - 1) / (m.width / cellWide); rows > m.height-restMin {
		width = cellNarrow
	}
	var lines []string
	var line strings.Builder
	column, side := 0, 0
	flush := func() {
		lines = append(lines, line.String())
		line.Reset()
		column = 0
	}
	for i := range m.frame.nodes {
		if m.frame.nodes[i].side != side {
			flush()
			lines = append(lines, m.cutLine())
			side = m.frame.nodes[i].side
		} else if column == m.width/width {
			flush()
		}
		line.WriteString(m.cell(i, width))
		column++
	}
	flush()
	return lines
}

// cutLine parts the two sides and says what each thinks of the other.
func (m *model) cutLine() string {
	var up, lost [2]int
	for i := range m.frame.nodes {
		n := &m.frame.nodes[i]
		if !n.running {
			continue
		}
		up[n.side]++
		if n.lost > 0 {
			lost[n.side]++
		}
	}
	text := fmt.Sprintf(" held dead from across: %d of %d above, %d of %d below ", lost[0], up[0], lost[1], up[1])
	dashes := max((m.width-lipgloss.Width(text))/2/2, 1)
	return styleCut.Render(strings.Repeat("─ ", dashes) + text + strings.Repeat(" ─", dashes))
}

// cell draws one node.
func (m *model) cell(i, width int) string {
	n := &m.frame.nodes[i]
	mark, style := look(n)
	text := fmt.Sprintf("%s %s", mark, n.name)
	if m.wave != nil {
		if hops, lit := m.wave.lit(m.frame.at, i); lit {
			style = waveStyle(hops)
			if width == cellWide {
				text = fmt.Sprintf("%s %-5s%s", mark, n.name, hopMark(hops))
			}
		}
	}
	return style.Render(fmt.Sprintf("%-*s", width-1, text)) + " "
}

// look returns the mark and colour of a node as most of its side see it.
func look(n *seen) (mark string, style lipgloss.Style) {
	state, known := n.state()
	switch {
	case !known && n.running: // or the only one on its side
		return "●", styleQuiet
	case !known:
		return "·", styleGone
	}
	mark, style = stateLook(state)
	if !n.running && !state.Gone() {
		mark = "◌" // down, and they do not know it yet
	}
	return mark, style
}

func stateLook(state member.State) (mark string, style lipgloss.Style) {
	switch state {
	case member.Suspect:
		return "?", styleSuspect
	case member.Dead:
		return "✗", styleDead
	case member.Left:
		return "○", styleGone
	}
	return "●", styleAlive
}

func waveStyle(hops int) lipgloss.Style {
	colour := waveColours[min(max(hops, 0), len(waveColours)-1)]
	if hops == compared {
		colour = "75"
	}
	return lipgloss.NewStyle().Foreground(lipgloss.Color("16")).Background(lipgloss.Color(colour))
}

func hopMark(hops int) string {
	if hops == compared {
		return "≈"
	}
	return fmt.Sprint(hops)
}

const rowHead = "     time  event                       noticed first by  and by others"

// drawRow writes one thing that happened.
func (m *model) drawRow(r *row) string {
	others := ""
	if n := len(r.nodes) - 1; n > 0 {
		others = fmt.Sprintf("%d within %s", n, span(seconds(r.from, r.to)))
	}
	what := fmt.Sprintf("%s %s", m.frame.nodes[r.about].name, happened(r.kind, r.key))
	return fmt.Sprintf("%8.2fs  %s  %-16s  %s", seconds(m.began, r.from),
		rowStyle(r.kind).Render(fmt.Sprintf("%-26s", what)), m.frame.nodes[r.first].name, others)
}

// happened says what an event is, with its subject before it.
func happened(kind hearsay.EventKind, key string) string {
	switch kind {
	case hearsay.Joined:
		return "joined"
	case hearsay.Suspected:
		return "is suspected"
	case hearsay.Recovered:
		return "lives after all"
	case hearsay.Died:
		return "is declared dead"
	case hearsay.Left:
		return "has left"
	case hearsay.FactSet:
		return "set " + key
	case hearsay.SelfRefuted:
		return "denies being dead"
	case hearsay.Paused:
		return "was not run for a while"
	}
	return kind.String()
}

func rowStyle(kind hearsay.EventKind) lipgloss.Style {
	switch kind {
	case hearsay.Joined, hearsay.Recovered:
		return styleAlive
	case hearsay.Suspected, hearsay.SelfRefuted, hearsay.Paused:
		return styleSuspect
	case hearsay.Died:
		return styleDead
	case hearsay.Left:
		return styleGone
	}
	return styleKey
}

// statusLine says what was done last, or how the last fact spread.
func (m *model) statusLine() string {
	switch {
	case m.failed:
		return styleDead.Render(m.status)
	case m.wave != nil && !m.wave.shown.IsZero():
		return m.wave.describe(len(m.running()))
	}
	return m.status
}

// describe says how far and how quickly the fact came.
func (w *wave) describe(running int) string {
	var latest time.Time
	for _, a := range w.arrivals {
		if a.at.After(latest) {
			latest = a.at
		}
	}
	return fmt.Sprintf("%s's %q is at %d of %d after %s; digits: hops, %d× slow motion",
		w.writer, w.value, len(w.arrivals), running, span(seconds(w.began, latest)), w.slowdown())
}

// keys lists what can be done.
func (m *model) keys() string {
	var b strings.Builder
	for _, k := range [][2]string{
		{"k", "kill"}, {"r", "restart"}, {"l", "leave"}, {"f", "fact"}, {"c", "cut"}, {"h", "heal"}, {"q", "quit"},
	} {
		fmt.Fprintf(&b, "%s %s   ", styleKey.Render(k[0]), k[1])
	}
	return b.String()
}

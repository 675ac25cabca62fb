package demo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"github.com/hearsay-gossip/hearsay"
	"github.com/hearsay-gossip/hearsay/member"
)

// prop is a stage without nodes, which does at once what it is asked for.
type prop struct {
	frame   frame
	notices []notice
	calls   []string
	err     error // of the next action
}

func newProp(nodes int) *prop {
	p := &prop{frame: frame{at: t0, nodes: make([]seen, nodes)}}
	for i := range p.frame.nodes {
		p.frame.nodes[i].name = nameOf(i)
	}
	return p
}

func (p *prop) look(fact) frame {
	f := p.frame
	f.nodes = slices.Clone(f.nodes)
	f.arrivals = maps.Clone(f.arrivals)
	return f
}
func (p *prop) since(first int) ([]notice, int)   { return p.notices[first:], len(p.notices) }
func (p *prop) traffic() traffic                  { return traffic{at: t0} }
func (p *prop) find(id member.NodeID) (int, bool) { return int(id[0]), int(id[0]) < len(p.frame.nodes) }

func (p *prop) act(what string, i int, running bool) error {
	p.calls = append(p.calls, what+" "+nameOf(i))
	if p.err == nil {
		p.frame.nodes[i].running = running
	}
	return p.err
}
func (p *prop) start(_ context.Context, i int) error { return p.act("start", i, true) }
func (p *prop) kill(i int) error                     { return p.act("kill", i, false) }
func (p *prop) leave(_ context.Context, i int) (hearsay.LeaveReport, error) {
	return hearsay.LeaveReport{Asked: 3, Acked: 2}, p.act("leave", i, false)
}

func (p *prop) set(_ context.Context, i int, key, _ string) (fact, error) {
	return fact{member.NodeID{byte(i)}, key}, p.act("set", i, true)
}
func (p *prop) cut()  { p.frame.cut = true }
func (p *prop) heal() { p.frame.cut = false }

// started returns a model whose nodes all run.
func started(t *testing.T, nodes int) (*model, *prop) {
	t.Helper()
	p := newProp(nodes)
	m := newModel(t.Context(), p, nodes, 1)
	for i := range nodes {
		do(m, m.startNext(i))
	}
	p.calls = nil
	m.onFrame()
	return m, p
}

// do runs one command, and hands the model what comes of it.
func do(m *model, cmd tea.Cmd) {
	if cmd != nil {
		m.Update(cmd())
	}
}

func press(m *model, key rune) {
	_, cmd := m.Update(tea.KeyPressMsg{Code: key, Text: string(key)})
	do(m, cmd)
	m.onFrame()
}

func TestTheNodesAreStartedOneByOne(t *testing.T) {
	p := newProp(NodesMin)
	m := newModel(t.Context(), p, NodesMin, 1)
	cmd := m.startNext(0)
	for range NodesMin {
		_, cmd = m.Update(cmd())
	}
	if cmd != nil || len(p.calls) != NodesMin || len(m.busy) != 0 {
		t.Errorf("calls %v, busy %v, want %d starts and then nothing", p.calls, m.busy, NodesMin)
	}
	if !strings.Contains(m.status, "all nodes are up") {
		t.Errorf("status %q", m.status)
	}
}

func TestANodeThatDoesNotStartIsShownAndMayBeTriedAgain(t *testing.T) {
	p := newProp(NodesMin)
	p.err = errFull
	m := newModel(t.Context(), p, NodesMin, 1)
	_, next := m.Update(m.startNext(0)())
	p.err = nil
	for next != nil {
		_, next = m.Update(next())
	}
	if !m.failed || m.status != errFull.Error() || !slices.Equal(m.down, []int{0}) {
		t.Errorf("status %q, failed %v, down %v", m.status, m.failed, m.down)
	}
	m.onFrame()
	press(m, 'r')
	if len(m.down) != 0 || m.failed || p.calls[len(p.calls)-1] != "start ada" {
		t.Errorf("after r: down %v, status %q, calls %v", m.down, m.status, p.calls)
	}
}

func TestKillAndRestartTakeTurns(t *testing.T) {
	m, p := started(t, NodesMin)
	press(m, 'k')
	press(m, 'k')
	press(m, 'l')
	if len(m.down) != 3 || len(m.running()) != 1 {
		t.Fatalf("down %v, running %v", m.down, m.running())
	}
	press(m, 'k')
	if !m.failed || m.status != errFew.Error() {
		t.Errorf("killing the last: status %q", m.status)
	}
	last := m.down[2]
	press(m, 'r')
	if !slices.Contains(m.running(), last) || m.failed {
		t.Errorf("r did not bring back %s, the last to go: running %v", nameOf(last), m.running())
	}
	press(m, 'r')
	press(m, 'r')
	press(m, 'r')
	if len(m.running()) != NodesMin || m.status != errAllUp.Error() {
		t.Errorf("running %v, status %q", m.running(), m.status)
	}
	if len(p.calls) != 6 {
		t.Errorf("calls %v, want three ends and three starts", p.calls)
	}
}

func TestABusyNodeIsNotPicked(t *testing.T) {
	m, _ := started(t, NodesMin)
	var pending []tea.Cmd
	for range NodesMin - 1 {
		_, cmd := m.Update(tea.KeyPressMsg{Code: 'k', Text: "k"})
		pending = append(pending, cmd) // not run yet
	}
	if len(m.busy) != NodesMin-1 || slices.ContainsFunc(pending, func(c tea.Cmd) bool { return c == nil }) {
		t.Errorf("busy %v: a node was picked twice", m.busy)
	}
}

func TestAGoodbyeTellsWhoConfirmed(t *testing.T) {
	m, _ := started(t, NodesMin)
	press(m, 'l')
	if !strings.Contains(m.status, "2 of the 3") {
		t.Errorf("status %q", m.status)
	}
}

func TestCutAndHealTakeTurns(t *testing.T) {
	m, p := started(t, NodesMin)
	for _, step := range []struct {
		key  rune
		cut  bool
		fail error
	}{{'h', false, errWhole}, {'c', true, nil}, {'c', true, errCut}, {'h', false, nil}} {
		press(m, step.key)
		if p.frame.cut != step.cut || m.failed != (step.fail != nil) || step.fail != nil && m.status != step.fail.Error() {
			t.Errorf("after %c: cut %v, status %q, want %v, %v", step.key, p.frame.cut, m.status, step.cut, step.fail)
		}
	}
}

func TestAFailureIsShown(t *testing.T) {
	m, p := started(t, NodesMin)
	p.err = errFull
	press(m, 'f')
	if !m.failed || m.status != errFull.Error() || m.wave != nil {
		t.Errorf("status %q, wave %v", m.status, m.wave)
	}
	p.err = nil
	press(m, 'f')
	if m.failed || m.wave == nil {
		t.Error("the next attempt did not clear it")
	}
}

func TestQuitKeysQuit(t *testing.T) {
	m, _ := started(t, NodesMin)
	for _, key := range []tea.KeyPressMsg{{Code: 'q', Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}, {Code: tea.KeyEscape}} {
		_, cmd := m.Update(key)
		if cmd == nil {
			t.Errorf("%v does nothing", key)
		} else if _, quits := cmd().(tea.QuitMsg); !quits {
			t.Errorf("%v does not quit", key)
		}
	}
	if _, cmd := m.Update(tea.KeyPressMsg{Code: 'x', Text: "x"}); cmd != nil {
		t.Error("x does something")
	}
}

func TestTrafficIsReadAgainAndAgain(t *testing.T) {
	m, _ := started(t, NodesMin)
	m.traffic = traffic{at: t0.Add(-time.Second), sent: map[int]sent{0: {10, 1000}}}
	_, cmd := m.Update(trafficTime{})
	_, next := m.Update(trafficMsg{at: t0, sent: map[int]sent{0: {30, 5000}}, agree: 1})
	if m.rate != (rate{20, 4000}) || cmd == nil || next == nil {
		t.Errorf("rate %+v, want 20 packets and 4000 B a second", m.rate)
	}
}

func TestRatesAreOfNodesThatRanAllTheTime(t *testing.T) {
	old := traffic{at: t0, sent: map[int]sent{0: {100, 1000}, 1: {500, 5000}, 2: {7, 70}}}
	now := traffic{at: t0.Add(2 * time.Second), sent: map[int]sent{0: {104, 1200}, 1: {3, 30}, 3: {9, 90}}}
	if got := rateBetween(old, now); got != (rate{2, 100}) {
		t.Errorf("rate %+v, want that of node 0: 2 packets and 100 B a second", got)
	}
	if got := rateBetween(traffic{}, now); got != (rate{}) {
		t.Errorf("the first reading alone gives %+v", got)
	}
}

// screen returns what is drawn, without colours, after checking its size.
func screen(t *testing.T, m *model) string {
	t.Helper()
	view := m.View()
	if !view.AltScreen {
		t.Error("the view leaves its traces on the terminal")
	}
	w, h := lipgloss.Size(view.Content)
	if w > m.width || h > m.height {
		t.Errorf("the screen is %d×%d on a terminal of %d×%d", w, h, m.width, m.height)
	}
	return strip(view.Content)
}

// strip takes out the escape sequences of colours.
func strip(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "\x1b[") {
		if i > 0 {
			_, part, _ = strings.Cut(part, "m")
		}
		b.WriteString(part)
	}
	return b.String()
}

func TestTheScreenFits(t *testing.T) {
	for _, nodes := range []int{NodesMin, NodesDefault, NodesMax} {
		for _, size := range []tea.WindowSizeMsg{{Width: 80, Height: 24}, {Width: 200, Height: 60}, {Width: widthMin, Height: heightMin}} {
			m, p := started(t, nodes)
			for i := range p.frame.nodes {
				p.frame.nodes[i].side = 2 * i / nodes
				p.frame.nodes[i].votes[member.Dead] = 1
			}
			press(m, 'c')
			for i := range 100 {
				p.notices = append(p.notices, notice{0, about(hearsay.Died, member.NodeID{byte(i % nodes)}, member.Dead, time.Duration(i)*time.Minute)})
			}
			m.onFrame()
			m.Update(size)
			text := screen(t, m)
			if !strings.Contains(text, "q quit") {
				t.Errorf("%d nodes at %v: the keys are not shown:\n%s", nodes, size, text)
			}
			if size.Height > heightMin && (!strings.Contains(text, nameOf(nodes-1)) || !strings.Contains(text, "is declared dead")) {
				t.Errorf("%d nodes at %v: not all nodes or no events are shown:\n%s", nodes, size, text)
			}
		}
	}
}

func TestASmallTerminalIsToldSo(t *testing.T) {
	m, _ := started(t, NodesMin)
	m.Update(tea.WindowSizeMsg{Width: widthMin - 1, Height: 24})
	if text := strip(m.View().Content); !strings.Contains(text, "63×24") {
		t.Errorf("shown: %q", text)
	}
}

func TestTheScreenTellsHowNodesAreSeen(t *testing.T) {
	m, p := started(t, 6)
	for i, state := range []member.State{member.Alive, member.Suspect, member.Dead, member.Left} {
		p.frame.nodes[i].votes[state] = 3
		p.frame.nodes[i].votes[member.Alive]++
	}
	p.frame.nodes[2].running, p.frame.nodes[3].running = false, false
	p.frame.nodes[4].votes[member.Alive], p.frame.nodes[4].running = 5, false
	p.frame.nodes[5].running = false
	m.onFrame()
	text := screen(t, m)
	for _, want := range []string{
		"hearsay  2 of 6 nodes up · seen: 2 alive, 1 suspect, 1 dead, 1 left",
		"network whole · 0 packets/s, 0 B/s a node · 0 of 0 know the same",
		"● ada     ? bob     ✗ cleo    ○ dan     ◌ eve     · finn",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the screen lacks %q:\n%s", want, text)
		}
	}
}

func TestACutIsDrawnBetweenItsSides(t *testing.T) {
	m, p := started(t, 5)
	for i := range p.frame.nodes {
		p.frame.nodes[i].side = 2 * i / 5
	}
	p.frame.nodes[0].lost, p.frame.nodes[3].lost = 2, 3
	press(m, 'c')
	text := screen(t, m)
	above, below, found := strings.Cut(text, " held dead from across: 1 of 3 above, 1 of 2 below ")
	if !found || !strings.Contains(above, "cleo") || !strings.Contains(below, "dan") {
		t.Errorf("the cut is not between cleo and dan:\n%s", text)
	}
}

func TestOfEquallyManyTheWorseCounts(t *testing.T) {
	var s seen
	if _, known := s.state(); known {
		t.Error("nobody knows it, and yet it has a state")
	}
	s.votes[member.Alive], s.votes[member.Dead] = 2, 2
	if state, known := s.state(); state != member.Dead || !known {
		t.Errorf("seen as %v", state)
	}
}

func TestALiveViewNeedsATerminal(t *testing.T) {
	if err := Live(t.Context(), NodesDefault, nil, nil); !errors.Is(err, ErrNoTerminal) || !strings.Contains(err.Error(), "--story") {
		t.Errorf("Live = %v, want ErrNoTerminal with a hint", err)
	}
	if err := Live(t.Context(), 1, nil, nil); !errors.Is(err, ErrNodes) {
		t.Errorf("Live of 1 node = %v, want ErrNodes", err)
	}
}

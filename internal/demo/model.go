package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/hearsay-gossip/hearsay"
)

const (
	// frameEvery is 12 pictures a second: a wave of two seconds flows, and 25
	// nodes have the machine to themselves for the rest of the time.
	frameEvery = 80 * time.Millisecond
	// trafficEvery is over several probe periods, so that the rates stand still
	// when the cluster does.
	trafficEvery = time.Second
	// leaveBound is how long a goodbye may take.
	leaveBound = 2 * time.Second
)

// model is the live view. It changes in Update only, and touches the stage in
// commands only, but for what does not wait.
type model struct {
	ctx   context.Context
	stage stage
	rand  *rand.Rand // picks victims

	width, height int
	began         time.Time
	frame         frame
	read          int // notices so far
	rows          *rows
	traffic       traffic
	rate          rate
	wave          *wave
	facts         int          // set so far
	busy          map[int]bool // being started or stopped
	down          []int        // ended by us, the latest last
	status        string       // what was done last, or why not
	failed        bool         // status is an error
}

func newModel(ctx context.Context, s stage, nodes int, seed uint64) *model {
	m := &model{
		ctx: ctx, stage: s, rand: rand.New(rand.NewPCG(seed, 0)),
		width: 80, height: 24, began: time.Now(),
		rows: newRows(), busy: make(map[int]bool), status: fmt.Sprintf("starting %d nodes …", nodes),
	}
	m.frame = s.look(fact{})
	return m
}

// Messages.
type (
	frameTime   struct{}
	trafficTime struct{}
	trafficMsg  traffic
	startedMsg  struct { // one of the first nodes; the next follows
		node int
		err  error
	}
	doneMsg struct { // an action is over
		node    int // that is no longer busy; -1: none
		gone    bool
		said    string
		err     error
		waveOf  *wave // of a fact that was set
		restart bool
	}
)

// Init starts the nodes, one after the other, before the eyes of the viewer.
func (m *model) Init() tea.Cmd {
	return tea.Batch(m.startNext(0), m.nextFrame(), m.nextTraffic())
}

func (m *model) nextFrame() tea.Cmd {
	return tea.Tick(frameEvery, func(time.Time) tea.Msg { return frameTime{} })
}

func (m *model) nextTraffic() tea.Cmd {
	return tea.Tick(trafficEvery, func(time.Time) tea.Msg { return trafficTime{} })
}

func (m *model) startNext(i int) tea.Cmd {
	if i == len(m.frame.nodes) {
		if !m.failed {
			m.say("all nodes are up; break something", nil)
		}
		return nil
	}
	m.busy[i] = true
	m.rows.start(i)
	return func() tea.Msg {
		return startedMsg{i, m.stage.start(m.ctx, i)}
	}
}

// Update takes one message.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.onKey(msg.String())
	case frameTime:
		m.onFrame()
		return m, m.nextFrame()
	case trafficTime:
		return m, func() tea.Msg { return trafficMsg(m.stage.traffic()) }
	case trafficMsg:
		m.rate = rateBetween(m.traffic, traffic(msg))
		m.traffic = traffic(msg)
		return m, m.nextTraffic()
	case startedMsg:
		delete(m.busy, msg.node)
		if msg.err != nil {
			m.down = append(m.down, msg.node)
			m.say("", msg.err)
		}
		return m, m.startNext(msg.node + 1)
	case doneMsg:
		m.onDone(msg)
	}
	return m, nil
}

func (m *model) onFrame() {
	var f fact
	if m.wave != nil {
		f = m.wave.fact
	}
	m.frame = m.stage.look(f)
	if m.wave != nil {
		m.wave.observe(m.frame.at, m.frame.arrivals, len(m.running()))
		if m.wave.over(m.frame.at) {
			m.wave = nil
		}
	}
	var fresh []notice
	fresh, m.read = m.stage.since(m.read)
	for _, n := range fresh {
		if about, ours := m.stage.find(n.event.Member.ID); ours {
			m.rows.add(n, about)
		}
	}
}

func (m *model) onDone(msg doneMsg) {
	delete(m.busy, msg.node)
	switch {
	case msg.gone:
		m.down = append(m.down, msg.node)
	case msg.restart && msg.err != nil:
		m.down = append(m.down, msg.node) // to be tried again
	}
	if msg.waveOf != nil {
		m.wave = msg.waveOf
	}
	m.say(msg.said, msg.err)
}

func (m *model) say(text string, err error) {
	m.status, m.failed = text, err != nil
	if err != nil {
		m.status = err.Error()
	}
}

// running returns the nodes that run and are not being stopped.
func (m *model) running() []int {
	var running []int
	for i := range m.frame.nodes {
		if m.frame.nodes[i].running && !m.busy[i] {
			running = append(running, i)
		}
	}
	return running
}

// pick returns a random node that runs; no node if fewer than least would do.
func (m *model) pick(least int) (int, bool) {
	running := m.running()
	if len(running) < least {
		m.say("", errFew)
		return 0, false
	}
	return running[m.rand.IntN(len(running))], true
}

// onKey does what a key stands for.
func (m *model) onKey(key string) tea.Cmd {
	switch key {
	case "q", "esc", "ctrl+c":
		return tea.Quit
	case "k":
		return m.kill()
	case "r":
		return m.restart()
	case "l":
		return m.leave()
	case "f":
		return m.set()
	case "c":
		m.cut()
	case "h":
		m.heal()
	}
	return nil
}

func (m *model) kill() tea.Cmd {
	i, ok := m.pick(2)
	if !ok {
		return nil
	}
	name := m.frame.nodes[i].name
	m.busy[i] = true
	m.say("killing "+name+" …", nil)
	return func() tea.Msg {
		err := m.stage.kill(i)
		return doneMsg{node: i, gone: true, said: name + " is killed, without a goodbye; who finds out?", err: err}
	}
}

func (m *model) restart() tea.Cmd {
	if len(m.down) == 0 {
		m.say("", errAllUp)
		return nil
	}
	i := m.down[len(m.down)-1]
	m.down = slices.Delete(m.down, len(m.down)-1, len(m.down))
	name := m.frame.nodes[i].name
	m.busy[i] = true
	m.rows.start(i)
	m.say("restarting "+name+" …", nil)
	return func() tea.Msg {
		err := m.stage.start(m.ctx, i)
		return doneMsg{node: i, restart: true, said: name + " is back, with the same key in a new epoch", err: err}
	}
}

func (m *model) leave() tea.Cmd {
	i, ok := m.pick(2)
	if !ok {
		return nil
	}
	name := m.frame.nodes[i].name
	m.busy[i] = true
	m.say(name+" says goodbye …", nil)
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, leaveBound)
		defer cancel()
		report, err := m.stage.leave(ctx, i)
		return doneMsg{node: i, gone: true, err: err, said: goodbye(name, report)}
	}
}

func goodbye(name string, r hearsay.LeaveReport) string {
	return fmt.Sprintf("%s has left; %d of the %d that it told directly confirmed", name, r.Acked, r.Asked)
}

func (m *model) set() tea.Cmd {
	i, ok := m.pick(1)
	if !ok {
		return nil
	}
	m.facts++
	name, key, value := m.frame.nodes[i].name, "greeting", fmt.Sprintf("hello %d", m.facts)
	return func() tea.Msg {
		began := time.Now()
		f, err := m.stage.set(m.ctx, i, key, value)
		if err != nil {
			return doneMsg{node: -1, err: err}
		}
		return doneMsg{
			node: -1, said: fmt.Sprintf("%s publishes %s = %q", name, key, value),
			waveOf: &wave{fact: f, value: value, writer: name, began: began},
		}
	}
}

func (m *model) cut() {
	if m.frame.cut {
		m.say("", errCut)
		return
	}
	m.stage.cut()
	m.frame.cut = true
	m.say("the network is cut in two; each half will hold the other dead", nil)
}

func (m *model) heal() {
	if !m.frame.cut {
		m.say("", errWhole)
		return
	}
	m.stage.heal()
	m.frame.cut = false
	m.say("the network is whole again; nobody tells the nodes", nil)
}

package spreadcmd

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hearsay-gossip/hearsay/epidemic"
	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/picture"
)

// Model is the flags that say what to simulate, but for the protocol.
type Model struct {
	Nodes   *int            `help:"Nodes, dead ones included (default: 7, the toy; up to 10,000,000)." placeholder:"N"`
	Fanout  int             `default:"3" short:"k" help:"Targets each node draws per round (default: ${default})." placeholder:"K"`
	Rounds  *int            `help:"Stop after this many rounds; 0 until done (default: 0; the toy 3)." placeholder:"N"`
	Loss    argument.Share  `default:"0" help:"Chance that a payload is lost: 5% or 0.05." placeholder:"P"`
	Dead    argument.Share  `default:"0" help:"Share of nodes that are down, unnoticed: 5% or 0.05." placeholder:"F"`
	DeadFor epidemic.Outage `default:"forever" help:"Dead nodes stay dead forever, or others are down each round: forever, round." placeholder:"TIME"`
	Order   *epidemic.Order `help:"Nodes act at once, or one after another: sync, turn (default: sync; the toy turn)." placeholder:"ORDER"`
	Stop    int             `default:"0" help:"k of rumor mongering (default: 4) or cap of median-counter (default: log log n)." placeholder:"K"`
	Trials  *int            `help:"Runs to average over (default: by size, up to 1,000; the toy 1)." placeholder:"N"`
	Seed    uint64          `default:"1" help:"Random seed: the same seed gives the same output (default: ${default})."`
	Start   string          `default:"A" help:"Node at which the first update starts, a letter or an index (default: ${default})." placeholder:"NODE"`
	Updates int             `default:"1" help:"Updates that spread at once, from neighboring nodes (default: ${default})." placeholder:"N"`
}

// The toy of the explainer.
const (
	toyNodes  = 7
	toyRounds = 3
)

// trialBudget is the number of node trials a run gets without --trials: a
// thousand trials of a thousand nodes take well under a second.
const trialBudget = 1_000_000

// toy reports whether the flags ask for the toy: neither a size nor statistics.
func (m Model) toy() bool { return m.Nodes == nil && m.Trials == nil }

// config fills in the defaults.
func (m Model) config(p epidemic.Protocol) (epidemic.Config, error) {
	cfg := epidemic.Config{
		Nodes: toyNodes, Fanout: m.Fanout, Protocol: p, Loss: float64(m.Loss), Dead: float64(m.Dead),
		Outage: m.DeadFor, Stop: m.Stop, Seed: m.Seed, Updates: m.Updates,
	}
	if m.Nodes != nil {
		cfg.Nodes = *m.Nodes
	}
	if m.toy() {
		cfg.Rounds, cfg.Order, cfg.Trials = toyRounds, epidemic.Turn, 1
	} else {
		cfg.Trials = min(max(trialBudget/max(cfg.Nodes, 1), 1), 1_000)
	}
	if m.Rounds != nil {
		cfg.Rounds = *m.Rounds
	}
	if m.Order != nil {
		cfg.Order = *m.Order
	}
	if m.Trials != nil {
		cfg.Trials = *m.Trials
	}
	var err error
	if cfg.Start, err = parseNode(m.Start); err == nil && cfg.Nodes >= epidemic.MinNodes && cfg.Start >= cfg.Nodes {
		err = fmt.Errorf("--%w: %s is no node, want %s", epidemic.ErrStart, m.Start, nodeRange(cfg.Nodes))
	}
	return cfg, err
}

// check returns all that is wrong with the flags and the config made of them.
func (m Model) check(p epidemic.Protocol) error {
	cfg, err := m.config(p)
	if err != nil {
		cfg.Start = 0 // what follows from it is no news
	}
	return errors.Join(err, argument.Fraction("loss", m.Loss), argument.Fraction("dead", m.Dead),
		argument.Flagged(valid(cfg)))
}

// valid is what is wrong with a config but for the shares, which are checked as
// they were typed.
func valid(cfg epidemic.Config) error {
	if !(cfg.Loss >= 0 && cfg.Loss < 1) {
		cfg.Loss = 0
	}
	if !(cfg.Dead >= 0 && cfg.Dead < 1) {
		cfg.Dead = 0
	}
	return cfg.Validate()
}

// ErrStart is returned for text that names no node.
var ErrStart = errors.New("unknown start")

// parseNode reads a node as a letter from A on, or an index from 0 on.
func parseNode(text string) (int, error) {
	if len(text) == 1 && text[0] >= 'A' && text[0] <= 'Z' {
		return int(text[0] - 'A'), nil
	}
	index, err := strconv.Atoi(text)
	if err != nil || index < 0 {
		return 0, fmt.Errorf("--start: %w: %q, want a letter from A on or an index from 0 on", ErrStart, text)
	}
	return index, nil
}

// nodeRange says how the nodes of a cluster are called.
func nodeRange(nodes int) string {
	return fmt.Sprintf("A to %s or 0 to %d", nodeName(min(nodes, epidemic.StoryMaxNodes)-1), nodes-1)
}

// nodeName is the letter of a node in a small cluster.
func nodeName(i int) string { return string(rune('A' + i)) }

// Output is the flags that say how to print.
type Output struct {
	JSON bool   `help:"Print JSON." xor:"format"`
	CSV  bool   `help:"Print CSV." xor:"format"`
	Plot string `help:"Draw to this file, .svg or .png." placeholder:"FILE"`
}

// check finds out whether the plot can be drawn before anything runs.
func (o Output) check() error { return picture.Check("plot", o.Plot) }

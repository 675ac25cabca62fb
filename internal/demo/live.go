package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// ErrNoTerminal: the live view was asked for where there is nobody to see it.
var ErrNoTerminal = errors.New("the live view needs a terminal; without one, try --story")

// Why a key does nothing.
var (
	errFew   = errors.New("too few nodes are up; r brings one back")
	errAllUp = errors.New("no node is down; k kills one, l lets one leave")
	errCut   = errors.New("the network is cut already; h heals it")
	errWhole = errors.New("the network is whole; c cuts it")
)

// Live starts nodes and shows them on a terminal until the viewer quits or the
// context ends, which is no error. Errors are [ErrNodes], [ErrNoTerminal], and
// those of nodes and terminal. When it returns, no node is left. Files may be
// nil, and are no terminals then.
func Live(ctx context.Context, nodes int, in, out *os.File) (err error) {
	c, err := newCluster(nodes)
	if err != nil {
		return err
	}
	if !isTerminal(in) || !isTerminal(out) {
		return ErrNoTerminal
	}
	defer func() { err = errors.Join(err, c.close()) }()
	m := newModel(ctx, c, nodes, uint64(time.Now().UnixNano()))
	program := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())
	if _, err := program.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("live view: %w", err)
	}
	return nil
}

func isTerminal(f *os.File) bool { return f != nil && term.IsTerminal(int(f.Fd())) }

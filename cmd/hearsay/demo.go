package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/hearsay-gossip/hearsay/internal/demo"
)

type demoCmd struct {
	Nodes int  `default:"25" placeholder:"N" help:"How many nodes to run: 4 to 100."`
	Story bool `help:"Tell a story of about ten seconds instead, for which no terminal is needed."`
	JSON  bool `name:"json" help:"Print what the story measured as JSON, and nothing else."`
}

// Run shows a cluster of nodes of this process. Nothing leaves the machine.
func (c *demoCmd) Run(t *terminal) error {
	ctx, stop := signal.NotifyContext(t.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := c.show(ctx, t)
	switch {
	case errors.Is(err, demo.ErrNodes):
		return fmt.Errorf("%w%w", err, silent{errUsage})
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("demo: interrupted%w", silent{err})
	}
	return err
}

func (c *demoCmd) show(ctx context.Context, t *terminal) error {
	if !c.Story && !c.JSON {
		in, _ := t.stdin.(*os.File)
		out, _ := t.stdout.(*os.File)
		return demo.Live(ctx, c.Nodes, in, out)
	}
	w := t.stdout
	if c.JSON {
		w = io.Discard
	}
	report, err := demo.Story(ctx, c.Nodes, w, colourful(w))
	if err != nil || !c.JSON {
		return err
	}
	return printJSON(t.stdout, &report)
}

// colourful reports whether colours may be sent to w: a terminal, unless the
// user asks for none (no-color.org).
func colourful(w io.Writer) bool {
	file, isFile := w.(*os.File)
	return isFile && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(file.Fd()))
}

package swarmcmd

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

// Replay is the command that plays a schedule from a file.
type Replay struct {
	File   string `arg:"" type:"existingfile" help:"A schedule, as sim swarm writes it."`
	Lines  int    `default:"60" help:"Lines of the conversation to print, the last ones; 0: none." placeholder:"N"`
	Events bool   `help:"Print what nodes learn, and leave out what they send."`
}

// ErrViolated is wrapped by the error of a replay that violates an invariant.
var ErrViolated = errors.New("violated")

// Run plays the schedule and prints the conversation up to the violation.
func (r *Replay) Run(app *kong.Kong) error {
	text, err := os.ReadFile(r.File)
	if err != nil {
		return err
	}
	s, err := swarm.Parse(text)
	var syntax *swarm.SyntaxError
	switch {
	case errors.As(err, &syntax): // says line and column
		return fmt.Errorf("%s:%w", r.File, err)
	case err != nil:
		return fmt.Errorf("%s: %w", r.File, err)
	}
	tale := &swarm.Tale{Keep: max(r.Lines, 0), Events: r.Events}
	result, err := swarm.Run(s, swarm.Options{Watch: tale})
	if err != nil {
		return err
	}
	var b strings.Builder
	lines, before := tale.Lines()
	if r.Lines > 0 && before > 0 {
		fmt.Fprintf(&b, "(%d lines before)\n", before)
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	fmt.Fprintf(&b, "nodes %d  events %d  virtual %v  trace %016x\n", s.Nodes, s.Size(), result.Time, result.Hash)
	found := result.Found()
	if found != nil {
		fmt.Fprintf(&b, "FAIL  %s  t=%v  node %d  %s\n", found.Invariant, found.At, found.Node, found.What)
	}
	if _, err := fmt.Fprint(app.Stdout, b.String()); err != nil {
		return err
	}
	switch {
	case found != nil:
		return fmt.Errorf("%w: %s", ErrViolated, found.Invariant)
	case s.Found != nil:
		fmt.Fprintf(app.Stdout, "no violation; when the file was written: %s  %s\n", s.Found.Invariant, s.Found.What)
	}
	return nil
}

package swarmcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/internal/argument"
	"github.com/hearsay-gossip/hearsay/internal/meter"
	"github.com/hearsay-gossip/hearsay/sim/swarm"
)

// Replay is the command that plays a schedule from a file.
type Replay struct {
	File   string `arg:"" type:"existingfile" help:"A schedule, as sim swarm writes it."`
	Lines  int    `default:"60" help:"Lines of the conversation to print, the last ones; 0: none (default: ${default})." placeholder:"N"`
	Events bool   `help:"Print what nodes learn, and leave out what they send."`

	schedule *swarm.Schedule
}

// ErrViolated is wrapped by the error of a replay that violates an invariant.
var ErrViolated = errors.New("violated")

// Validate is called by kong after parsing. It reads the file, so that its
// mistakes are found before anything runs.
func (r *Replay) Validate() error {
	schedule, err := load(r.File)
	r.schedule = schedule
	return errors.Join(argument.Range(r.Lines >= 0, "lines", r.Lines, "0 or more"), err)
}

// load reads a schedule. Each line of an error names the file and, if it cannot be
// read there, the line and column.
func load(file string) (*swarm.Schedule, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := swarm.Parse(text)
	var syntax *swarm.SyntaxError
	var senseless interface{ Unwrap() []error }
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("%s:%w", file, err)
	case errors.As(err, &senseless):
		var errs []error
		for _, e := range senseless.Unwrap() {
			errs = append(errs, fmt.Errorf("%s: %w", file, e))
		}
		return nil, errors.Join(errs...)
	}
	return s, err
}

// Run plays the schedule and prints the conversation up to the violation.
func (r *Replay) Run(ctx context.Context, app *kong.Kong) error {
	s := r.schedule
	tale := &swarm.Tale{Keep: r.Lines, Events: r.Events}
	result, err := swarm.Run(s, swarm.Options{Watch: tale, Stop: func() bool { return ctx.Err() != nil }})
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
	case result.Cut && found == nil:
		return fmt.Errorf("%w at %v of the schedule", meter.ErrInterrupted, result.Time)
	case found != nil:
		return fmt.Errorf("%w: %s", ErrViolated, found.Invariant)
	case s.Found != nil:
		fmt.Fprintf(app.Stdout, "no violation; when the file was written: %s  %s\n", s.Found.Invariant, s.Found.What)
	}
	return nil
}

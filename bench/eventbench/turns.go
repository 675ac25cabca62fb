package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// runTurns makes all measurements of p, one after the other, each in a child
// process, and prints what they gave.
func runTurns(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	list := p.turns()
	results := make([]result, 0, len(list))
	for i, t := range list {
		began := time.Now()
		r, err := take(ctx, self, t, stderr)
		if err != nil {
			return fmt.Errorf("measure %s of %s with %d nodes: %w", t.Workload, t.System, t.Nodes, err)
		}
		results = append(results, r)
		fmt.Fprintf(stderr, "%d/%d %s %s, %d nodes, %d B: %s; took %s\n",
			i+1, len(list), t.Workload, t.System, t.Nodes, t.Size, r, time.Since(began).Round(time.Second))
	}
	return write(stdout, p, results)
}

// take has a child make a measurement and reads the result from its standard
// output.
func take(ctx context.Context, self string, t turn, stderr io.Writer) (result, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return result{}, err
	}
	child := exec.CommandContext(ctx, self, "-child="+string(text))
	child.Stderr = stderr
	out, err := child.Output()
	if err != nil {
		return result{}, fmt.Errorf("run child: %w", err)
	}
	var r result
	if err := json.Unmarshal(out, &r); err != nil {
		return result{}, fmt.Errorf("parse result of child: %w", err)
	}
	return r, nil
}

// String is the result in a line of progress.
func (r result) String() string {
	switch {
	case !r.Converged:
		return fmt.Sprintf("not converged after %.1f s", r.Seconds)
	case r.Latency != nil:
		return fmt.Sprintf("to half %.1f ms, to all %.1f ms, %d of %d missed",
			r.Latency.T50, r.Latency.T100, r.Latency.Missed, r.Latency.Broadcasts)
	case r.Rate != nil:
		return fmt.Sprintf("whole at %s/s, keeps up at %s/s", rateOf(r.Rate.wholeRate()), rateOf(r.Rate.keptRate()))
	case r.Loss != nil:
		return fmt.Sprintf("%d of %d missed", r.Loss.Missed, r.Loss.Broadcasts)
	}
	return "nothing"
}

func rateOf(s *step) string {
	if s == nil {
		return "0"
	}
	return fmt.Sprint(s.Offered)
}

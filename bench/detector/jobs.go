package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// result is one trial.
type result struct {
	job
	CPUSeconds float64  `json:"cpu_s"` // of the process that made it
	Figures    []figure `json:"figures"`
}

// runJobs makes all trials, each in a process of its own and some at a time:
// virtual time does not care how busy the machine is. Results are in the order
// of the jobs.
func runJobs(ctx context.Context, p plan, stderr io.Writer) ([]result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find own program: %w", err)
	}
	jobs := p.jobs()
	results := make([]result, len(jobs))
	progress := newProgress(stderr, len(jobs))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var workers sync.WaitGroup
	for range p.parallel {
		workers.Go(func() {
			for i := range next {
				r, err := take(ctx, self, jobs[i])
				if err != nil {
					cancel(fmt.Errorf("%s: %w", jobs[i], err)) // the first one counts
					continue
				}
				results[i] = r
				progress.done <- r
			}
		})
	}
	for i := range jobs {
		next <- i
	}
	close(next)
	workers.Wait()
	progress.end()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return results, nil
}

// take has a child make a trial.
func take(ctx context.Context, self string, j job) (result, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return result{}, err
	}
	var stderr bytes.Buffer
	child := exec.CommandContext(ctx, self, "-child="+string(text))
	child.Stderr = &stderr
	out, err := child.Output()
	if err != nil {
		return result{}, fmt.Errorf("run child: %w\n%s", err, stderr.Bytes())
	}
	r := result{job: j, CPUSeconds: (child.ProcessState.UserTime() + child.ProcessState.SystemTime()).Seconds()}
	if err := json.Unmarshal(out, &r.Figures); err != nil {
		return result{}, fmt.Errorf("parse figures of child: %w", err)
	}
	return r, nil
}

// progress writes a line for each trial, from one goroutine.
type progress struct {
	done  chan result
	ended chan struct{}
}

func newProgress(w io.Writer, jobs int) *progress {
	p := &progress{done: make(chan result), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		began, cpu, count := time.Now(), 0.0, 0
		for r := range p.done {
			cpu += r.CPUSeconds
			count++
			fmt.Fprintf(w, "%d/%d %s: %.1f s of processor time\n", count, jobs, r.job, r.CPUSeconds)
		}
		fmt.Fprintf(w, "%d trials took %s, and %.0f s of processor time\n", count, time.Since(began).Round(time.Second), cpu)
	}()
	return p
}

func (p *progress) end() {
	close(p.done)
	<-p.ended
}

package maelstrom

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// Execute runs a program per node in real time and speaks to it over its
// standard input and output, as the original does. What the programs write to
// their standard error goes to log, each line after the node's name. It returns
// when the run is over, all programs ended, or with ctx; the error is
// [ErrOptions], that of a program that could not be started, or that of ctx.
func Execute(ctx context.Context, opts Options, command []string, log io.Writer) (*Result, error) {
	r, err := newRun(opts)
	if err != nil {
		return nil, err
	}
	if len(command) == 0 {
		return nil, fmt.Errorf("%w: no program", ErrOptions)
	}
	ctx, cancel := context.WithCancel(ctx)
	e := &execution{run: r, lines: make(chan outputLine, 1024), log: &lineLog{to: log}}
	err = e.start(ctx, command)
	if err == nil {
		r.setUp()
		err = e.loop(ctx)
	}
	e.stop(cancel)
	if err != nil {
		return nil, err
	}
	return r.result, nil
}

const (
	// inputQueue is how many lines may wait for a program that does not read;
	// a minute of the heaviest load of the workloads.
	inputQueue = 1 << 16
	// exitTime is how long a program has to end after its input did.
	exitTime = 2 * time.Second
)

type execution struct {
	run       *run
	lines     chan outputLine
	log       *lineLog
	processes []*process
	readers   sync.WaitGroup
}

// outputLine is what a node wrote; nil bytes say that its output has ended.
type outputLine struct {
	node string
	line []byte
}

// process is one program. A goroutine writes to it and one reads.
type process struct {
	cmd   *exec.Cmd
	input chan []byte
}

func (e *execution) start(ctx context.Context, command []string) error {
	for _, name := range e.run.names {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stderr = &prefixed{log: e.log, prefix: name + ": "}
		cmd.WaitDelay = exitTime
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
		p := &process{cmd, make(chan []byte, inputQueue)}
		e.processes = append(e.processes, p)
		e.readers.Go(func() { e.read(ctx, name, stdout) })
		go p.write(stdin)
		e.run.net.join(name, func(m Message) { e.deliver(p, name, m) })
	}
	return nil
}

// write feeds the program until its input is closed. A program that has ended
// takes nothing more; that shows at its output.
func (p *process) write(stdin io.WriteCloser) {
	var failed error
	for line := range p.input {
		if failed == nil {
			_, failed = stdin.Write(line)
		}
	}
	_ = stdin.Close()
}

// read passes on lines until the output ends.
func (e *execution) read(ctx context.Context, node string, stdout io.Reader) {
	for in := bufio.NewReader(stdout); ; {
		line, err := in.ReadBytes('\n')
		if err == nil {
			line = bytes.TrimRight(line, "\r\n")
		} else {
			line = nil
		}
		select {
		case e.lines <- outputLine{node, line}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (e *execution) deliver(p *process, name string, m Message) {
	line, err := json.Marshal(m)
	if err != nil {
		panic(err) // it was parsed before
	}
	select {
	case p.input <- append(line, '\n'):
	default:
		e.run.result.problem("%s does not read its input", name)
		e.run.end()
	}
}

// loop runs what is planned when its time has come, and takes in what nodes
// write meanwhile.
func (e *execution) loop(ctx context.Context) error {
	l := e.run.loop
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for !l.ended {
		l.now = max(l.now, time.Since(start))
		at, any := l.next()
		if any && at <= l.now {
			l.step()
			continue
		}
		if any {
			timer.Reset(at - l.now)
		}
		select {
		case out := <-e.lines:
			l.now = max(l.now, time.Since(start))
			e.take(out)
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (e *execution) take(out outputLine) {
	if out.line != nil {
		e.run.output(out.node, out.line)
		return
	}
	e.run.result.problem("%s ended", out.node)
	e.run.end()
}

// stop ends the programs: by the end of their input, after a while by force.
func (e *execution) stop(cancel context.CancelFunc) {
	for _, p := range e.processes {
		close(p.input)
	}
	force := time.AfterFunc(exitTime, cancel)
	defer force.Stop()
	go func() {
		for range e.lines { //nolint:revive // nobody cares any more
		}
	}()
	e.readers.Wait()
	close(e.lines)
	for _, p := range e.processes {
		var exit *exec.ExitError
		if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
			fmt.Fprintf(e.log.to, "%s: %v\n", p.cmd.Path, err)
		}
	}
	cancel()
}

// lineLog is written to by all programs at once.
type lineLog struct {
	mu sync.Mutex
	to io.Writer
}

// prefixed writes whole lines to a log, each after a prefix.
type prefixed struct {
	log    *lineLog
	prefix string
	rest   []byte
}

// Write implements io.Writer. It reports no error: a full disk must not stop a
// program that logs.
func (p *prefixed) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		line, after, whole := bytes.Cut(p.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		p.log.mu.Lock()
		fmt.Fprintf(p.log.to, "%s%s\n", p.prefix, line)
		p.log.mu.Unlock()
		p.rest = after
	}
}

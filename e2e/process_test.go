//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/netlab"
)

const (
	// pollPeriod is how often a condition is looked at: a quarter of the shortest
	// period of the protocol.
	pollPeriod = 50 * time.Millisecond
	// patience is how long anything may take that has no limit of its own, on a
	// machine that does ten other things.
	patience = 30 * time.Second
	// logTail is how much of a process's output a failed test prints.
	logTail = 24 << 10
)

// journal keeps the output of a process.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// process is one run of the program under test.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr journal
	ended          chan struct{}
	status         error // of Wait; read after ended
}

// launch starts the program in a host of a lab, or on this machine if host is
// nil. Its environment has no variables of ours but those in env.
func launch(t *testing.T, host *netlab.Host, env []string, args ...string) *process {
	t.Helper()
	p := &process{ended: make(chan struct{})}
	// Not the test's context: that ends before its cleanups.
	if host == nil {
		p.cmd = exec.CommandContext(context.Background(), binary, args...)
	} else {
		p.cmd = host.Command(context.Background(), binary, args...)
	}
	p.cmd.Env = append(cleanEnviron(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := start(p.cmd, host == nil); err != nil {
		t.Fatalf("start %v: %v", args, err)
	}
	go func() {
		p.status = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("hearsay %s (pid %d): %v\n%s", strings.Join(args, " "), p.cmd.Process.Pid, p.status, p.tail())
		}
		if strings.Contains(p.stderr.String(), "panic: ") {
			t.Errorf("hearsay %s panicked:\n%s", strings.Join(args, " "), p.tail())
		}
	})
	return p
}

// starts are run by one thread that lives as long as this process: the system
// ends a process with a parent death signal when the thread that started it does.
var starts = sync.OnceValue(func() chan func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

// start starts a command. One with the parent death signal does not outlive a
// test binary that was killed; a lab ends its own.
func start(cmd *exec.Cmd, signal bool) (err error) {
	if !signal {
		return cmd.Start()
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan struct{})
	starts() <- func() {
		err = cmd.Start()
		close(done)
	}
	<-done
	return err
}

// cleanEnviron is the environment without what would configure the program.
func cleanEnviron() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HEARSAY_") {
			env = append(env, v)
		}
	}
	return env
}

// kill ends the process as kill -9 does, and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// exit waits for the process to end by itself and returns its exit code; -1 if
// a signal ended it.
func (p *process) exit(t *testing.T, limit time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode()
	case <-ctx.Done():
		t.Fatalf("%v runs after %v", p.cmd.Args[1:], limit)
		return 0
	}
}

func (p *process) tail() string {
	text := p.stdout.String() + p.stderr.String()
	if cut := len(text) - logTail; cut > 0 {
		return "…" + text[cut:]
	}
	return text
}

// command runs the program to its end and returns its exit code and output.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return commandIn(t, nil, args...)
}

// commandIn is command with more variables in the environment.
func commandIn(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := launch(t, nil, env, args...)
	code = p.exit(t, patience)
	return code, p.stdout.String(), p.stderr.String()
}

// succeed runs the program and returns its output; it must exit with 0.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := command(t, args...)
	if code != 0 {
		t.Fatalf("hearsay %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// await looks at a condition until it holds, which is when check returns nil,
// and returns how long that took. It fails the test after limit, with the last
// reason.
func await(t *testing.T, limit time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	start := time.Now()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		err := check()
		took := time.Since(start)
		switch {
		case took > limit && err == nil:
			t.Fatalf("%s: after %v, later than %v", what, took, limit)
		case took > limit:
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		case err == nil:
			return took
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v: %v", what, t.Context().Err(), err)
		case <-ticker.C:
		}
	}
}

// hold checks that a condition holds all the time for a while.
func hold(t *testing.T, span time.Duration, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	ticker := time.NewTicker(pollPeriod)
	defer ticker.Stop()
	for {
		if err := check(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

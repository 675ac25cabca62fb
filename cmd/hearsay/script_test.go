package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hearsay-gossip/hearsay/client"
)

// scriptTime bounds each wait of a script, so that a missing event ends a test
// with a message instead of the whole run without.
const scriptTime = time.Minute

type agentsKey struct{}

// agents are the processes that a script has started.
type agents struct {
	env     *testscript.Env
	running map[string]*process
}

func agentsOf(ts *testscript.TestScript) *agents { return ts.Value(agentsKey{}).(*agents) }

func (a *agents) named(ts *testscript.TestScript, name string) *process {
	p := a.running[name]
	if p == nil {
		ts.Fatalf("no agent %s was started", name)
	}
	return p
}

// process is one running agent.
type process struct {
	cmd    *exec.Cmd
	log    lines
	exited chan struct{}
}

// lines is standard error, to be searched while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // a token after each write; closed at the end
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var startupLine = regexp.MustCompile(`^node (\S+)  id ([0-9a-f]{32})  gossip (\S+)  http (\S+)  cluster ([0-9a-f]{32})\n$`)

// start NAME FLAG... runs "hearsay agent --name NAME" on free ports of the
// loopback interface, unless the flags say otherwise, waits for the line that it
// prints when it is up, and sets NAME_HTTP, NAME_GOSSIP, NAME_ID and CLUSTER.
func cmdStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: start NAME FLAG...")
	}
	name, a := args[0], agentsOf(ts)
	all := append([]string{"agent"}, args[1:]...)
	for flag, value := range map[string]string{"--name": name, "--network": "local", "--bind": "127.0.0.1:0", "--http": "127.0.0.1:0"} {
		if !slices.Contains(args, flag) {
			all = append(all, flag, value)
		}
	}
	binary, err := exec.LookPath("hearsay") // where testscript.Main has put it
	ts.Check(err)
	p := &process{cmd: exec.Command(binary, all...), exited: make(chan struct{}), log: lines{more: make(chan struct{}, 1)}}
	p.cmd.Dir, p.cmd.Stderr = ts.Getenv("WORK"), &p.log
	p.cmd.Env = append(slices.Clone(a.env.Vars), "HEARSAY_LOG_FORMAT="+ts.Getenv("HEARSAY_LOG_FORMAT"))
	stdout, err := p.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(p.cmd.Start())
	a.running[name] = p
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		_ = p.cmd.Wait() // its state is what counts
		close(p.exited)
		close(p.log.more)
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.exited
	})
	m := startupLine.FindStringSubmatch(line)
	if m == nil {
		<-p.exited
		ts.Fatalf("agent %s printed %q, %v; its log:\n%s", name, line, err, p.log.String())
	}
	if !slices.Contains(all, m[1]) {
		ts.Fatalf("agent %s calls itself %s", name, m[1])
	}
	ts.Setenv(name+"_ID", m[2])
	ts.Setenv(name+"_GOSSIP", m[3])
	ts.Setenv(name+"_HTTP", m[4])
	ts.Setenv("CLUSTER", m[5])
}

// signal NAME TERM|INT|KILL|HUP sends a signal and, but for HUP, waits for the
// end; TERM and INT must end with exit code 0. "signal NAME none" waits alone.
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	p := agentsOf(ts).named(ts, args[0])
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt, "KILL": os.Kill, "HUP": syscall.SIGHUP}
	if s := signals[args[1]]; s != nil {
		ts.Check(p.cmd.Process.Signal(s))
	}
	if args[1] == "HUP" {
		return
	}
	select {
	case <-p.exited:
	case <-time.After(scriptTime):
		ts.Fatalf("agent %s does not end", args[0])
	}
	if code := p.cmd.ProcessState.ExitCode(); args[1] != "KILL" && code != 0 {
		ts.Fatalf("agent %s ended with %d; its log:\n%s", args[0], code, p.log.String())
	}
}

// await NAME MEMBER=STATE... waits until an agent shows members in states;
// MEMBER=conflict waits for a claim to a name that another holds.
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	cl, err := client.New(ts.Getenv(args[0]+"_HTTP"), client.Options{})
	ts.Check(err)
	defer cl.CloseIdle()
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	for _, err := range cl.Events(ctx) {
		ts.Check(err)
		members, err := cl.Members(ctx)
		ts.Check(err)
		missing := 0
		for _, want := range args[1:] {
			found := false
			for _, m := range members {
				found = found || want == m.Name+"="+m.State || m.Conflict && want == m.Name+"=conflict"
			}
			if !found {
				missing++
			}
		}
		if missing == 0 {
			return
		}
	}
}

// streams NAME COUNT waits until so many readers have a stream open at an agent.
func cmdStreams(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(`(?m)^hearsay_http_streams_open ` + args[1] + `$`)
	for late := time.Now().Add(scriptTime); time.Now().Before(late); {
		resp, err := http.Get("http://" + ts.Getenv(args[0]+"_HTTP") + "/metrics") //nolint:noctx // bounded by the agent
		ts.Check(err)
		page, err := io.ReadAll(resp.Body)
		ts.Check(errors.Join(err, resp.Body.Close()))
		http.DefaultClient.CloseIdleConnections()
		if want.Match(page) {
			return
		}
	}
	ts.Fatalf("agent %s has never %s streams open", args[0], args[1])
}

// logged NAME PATTERN waits until the log of an agent has a line that matches.
func cmdLogged(ts *testscript.TestScript, _ bool, args []string) {
	p, pattern := agentsOf(ts).named(ts, args[0]), regexp.MustCompile(args[1])
	late := time.After(scriptTime)
	for !pattern.MatchString(p.log.String()) {
		select {
		case _, open := <-p.log.more:
			if !open && !pattern.MatchString(p.log.String()) {
				ts.Fatalf("agent %s ended without %q in its log:\n%s", args[0], args[1], p.log.String())
			}
		case <-late:
			ts.Fatalf("no %q in the log of agent %s:\n%s", args[1], args[0], p.log.String())
		}
	}
}

// http NAME STATUS PATH prints what an agent serves at a path.
func cmdHTTP(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get("http://" + ts.Getenv(args[0]+"_HTTP") + args[2]) //nolint:noctx // bounded by the agent
	ts.Check(err)
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[1] {
		ts.Fatalf("%s: %d %s", args[2], resp.StatusCode, body)
	}
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}

// write FILE QUOTED [TIMES] writes a Go string literal, some times over.
func cmdWrite(ts *testscript.TestScript, _ bool, args []string) {
	text, err := strconv.Unquote(args[1])
	ts.Check(err)
	times := 1
	if len(args) > 2 {
		times, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(text, times)), 0o600))
}

// code N ARG... runs hearsay, which must exit with N.
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	if err := ts.Exec("hearsay", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("hearsay %s: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("hearsay %s: exit code %d, want %s", args[1:], got, args[0])
	}
}

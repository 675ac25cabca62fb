//go:build e2e && linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/internal/netlab"
)

// callTimeout bounds one call of an agent's HTTP interface.
const callTimeout = 10 * time.Second

// plan says how an agent is started.
type plan struct {
	name  string
	data  string   // data directory; empty: none
	ring  string   // directory of the ring, if it is not the data directory
	bind  string   // default: a free port of loopback
	web   string   // HTTP address; default: a free port of loopback
	seeds []string // gossip addresses
	more  []string // further flags
	bare  bool     // no flags but those
	host  *netlab.Host
}

func (p plan) args() []string {
	if p.bare {
		return append([]string{"agent"}, p.more...)
	}
	args := []string{"agent", "--name", p.name, "--bind", p.bind, "--http", p.web}
	if p.data != "" {
		args = append(args, "--data", p.data)
	}
	if p.ring != "" {
		args = append(args, "--secret", p.ring)
	}
	if len(p.seeds) > 0 {
		args = append(args, "--join", strings.Join(p.seeds, ","))
	}
	return append(args, p.more...)
}

// agent is a running "hearsay agent".
type agent struct {
	*process
	*client.Client
	plan   plan
	gossip string // address where others reach it
	web    string // HTTP address
	id     string // node id
	http   *http.Client
}

// begin starts the program as an agent, which may refuse to run.
func (p plan) begin(t *testing.T) *process {
	t.Helper()
	if p.bind == "" {
		p.bind = "127.0.0.1:0"
	}
	if p.web == "" {
		p.web = "127.0.0.1:0"
	}
	return launch(t, p.host, nil, p.args()...)
}

// run starts an agent and waits until it answers.
func (p plan) run(t *testing.T) *agent {
	t.Helper()
	a := p.start(t)
	a.ready(t)
	return a
}

// start starts an agent; ready must be called next.
func (p plan) start(t *testing.T) *agent {
	t.Helper()
	a := &agent{process: p.begin(t), plan: p, http: new(http.Client)}
	if p.host != nil {
		a.http = p.host.HTTPClient()
	}
	a.http.Timeout = callTimeout
	t.Cleanup(a.http.CloseIdleConnections)
	return a
}

// ready waits until the agent answers.
func (a *agent) ready(t *testing.T) {
	t.Helper()
	await(t, patience, "agent "+a.plan.name+" answers", func() error {
		if !a.running() {
			t.Fatalf("agent %s ended: %v\n%s", a.plan.name, a.status, a.tail())
		}
		return a.meet()
	})
}

// meet learns who and where a new agent is from the line that it prints when it
// is ready: words and values in turn.
func (a *agent) meet() (err error) {
	line, _, whole := strings.Cut(a.stdout.String(), "\n")
	if !whole {
		return errors.New("it has not said that it is ready")
	}
	said := make(map[string]string)
	for pair := range slices.Chunk(strings.Fields(line), 2) {
		said[pair[0]] = pair[len(pair)-1]
	}
	a.id, a.gossip, a.web = said["id"], said["gossip"], said["http"]
	if said["node"] != a.plan.name || a.id == "" || a.gossip == "" {
		return fmt.Errorf("it says %q", line)
	}
	if a.Client, err = client.New(a.web, client.Options{HTTP: a.http}); err != nil {
		return err
	}
	_, err = ask(a.Info)
	return err
}

// signal sends a signal to the agent.
func (a *agent) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := a.cmd.Process.Signal(s); err != nil {
		t.Fatalf("signal %s: %v", a.plan.name, err)
	}
}

// metric sums the samples of a metric that have all the labels, each in the form
// name="value".
func (a *agent) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	status, body := a.fetch(t, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("metrics of %s: status %d", a.plan.name, status)
	}
	sum, found := 0.0, false
	for line := range strings.Lines(body) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(rest, l) }) {
			continue
		}
		fields := strings.Fields(rest)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatalf("metric line %q: %v", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		t.Fatalf("no metric %s%v at %s", name, labels, a.plan.name)
	}
	return sum
}

// dropped returns how often the agent dropped something for a reason.
func (a *agent) dropped(t *testing.T, reason string) float64 {
	t.Helper()
	return a.metric(t, "hearsay_packets_dropped_total", fmt.Sprintf("reason=%q", reason))
}

// fetch reads a page of the agent's HTTP interface.
func (a *agent) fetch(t *testing.T, path string) (status int, body string) {
	t.Helper()
	response, err := a.http.Get("http://" + a.web + path)
	if err != nil {
		t.Fatalf("get %s of %s: %v", path, a.plan.name, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("get %s of %s: %v", path, a.plan.name, err)
	}
	return response.StatusCode, string(text)
}

// ask bounds a call of the client.
func ask[T any](call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	return call(ctx)
}

// members returns what the agent lists; it must answer.
func (a *agent) members(t *testing.T) []api.Member {
	t.Helper()
	all, err := ask(a.Members)
	if err != nil {
		t.Fatalf("members of %s: %v", a.plan.name, err)
	}
	return all
}

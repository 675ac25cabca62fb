//go:build e2e && linux

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
)

// answer decodes what a command prints as JSON; nothing may follow.
func answer[T any](t *testing.T, args ...string) (out T) {
	t.Helper()
	text := succeed(t, args...)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("hearsay %s printed %q: %v", strings.Join(args, " "), text, err)
	}
	return out
}

// fails runs a command that must end with an exit code and say something.
func fails(t *testing.T, code int, says []string, args ...string) {
	t.Helper()
	got, stdout, stderr := command(t, args...)
	if got != code || stdout != "" {
		t.Errorf("hearsay %s: exit code %d, want %d; printed %q", strings.Join(args, " "), got, code, stdout)
	}
	if err := contains(stderr, says...); err != nil {
		t.Errorf("hearsay %s: %v in %q", strings.Join(args, " "), err, stderr)
	}
}

// TestInitMintsACluster makes a ring by command, and a cluster of it.
func TestInitMintsACluster(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "secret")
	minted := answer[struct{ Cluster, File string }](t, "init", "--dir", dir, "--json")
	fails(t, exitFailed, []string{"there is a ring already"}, "init", "--dir", dir)
	agents := cluster(t, []plan{{name: "a", ring: dir}, {name: "b", ring: dir}})
	for _, a := range agents {
		if info := answer[api.Info](t, "info", "--http", a.web, "--json"); info.Cluster != minted.Cluster || info.Security != "ring" {
			t.Errorf("%s is of cluster %s, security %s; minted %s", a.plan.name, info.Cluster, info.Security, minted.Cluster)
		}
	}
}

// TestReadingCommands asks a real agent, for people and for programs.
func TestReadingCommands(t *testing.T) {
	t.Parallel()
	agents := cluster(t, members(t, 3))
	a := agents[0]

	listed := answer[[]api.Member](t, "members", "--http", a.web, "--json")
	if err := alive(agents...).seen(listed); err != nil {
		t.Error(err)
	}
	table := strings.Split(strings.TrimSpace(succeed(t, "members", "--http", a.web)), "\n")
	if len(table) != 1+len(agents) || contains(table[0], "name", "state", "address", "id") != nil {
		t.Fatalf("members printed %q", table)
	}
	for i, row := range table[1:] {
		if err := contains(row, listed[i].Name, listed[i].State, listed[i].Address, listed[i].ID); err != nil {
			t.Errorf("row %q: %v", row, err)
		}
	}

	info := answer[api.Info](t, "info", "--http", a.web, "--json")
	if info.Self.ID != a.id || !info.Self.Self || info.Counts.Alive != 3 || !info.Ready || !info.Durable || info.Problem != "" {
		t.Errorf("info: %+v", info)
	}
	err := contains(succeed(t, "info", "--http", a.web), info.Self.Name, a.id, a.gossip, info.Cluster, "3 alive, 0 suspect, 0 dead, 0 left")
	if err != nil {
		t.Error(err)
	}
	if code, out, _ := commandIn(t, []string{client.AddrVariable + "=" + a.web}, "members", "--json"); code != exitDone || contains(out, a.id) != nil {
		t.Errorf("members by environment: exit code %d, %q", code, out)
	}

	fails(t, exitFailed, []string{"no agent answers"}, "members", "--http", closedPort(t))
	fails(t, exitUsage, []string{"host:port"}, "members", "--http", "nonsense")
	fails(t, exitUsage, []string{"bogus"}, "bogus")
	fails(t, exitUsage, []string{"--bogus"}, "members", "--bogus")
	fails(t, exitUsage, nil, "join", "--http", a.web)
}

// closedPort returns an address that refuses connections: a socket holds it and
// does not listen.
func closedPort(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) }) // nothing was written
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
}

// TestMetaCommands writes and reads metadata, up to its limits and beyond.
func TestMetaCommands(t *testing.T) {
	t.Parallel()
	agents := cluster(t, members(t, 2))
	a, b := agents[0], agents[1]
	meta := func(a *agent, verb string, more ...string) []string {
		return append([]string{"meta", verb, "--http", a.web}, more...)
	}
	if out := succeed(t, meta(a, "set", "role", "db")...); out != "" {
		t.Errorf("meta set printed %q", out)
	}
	succeed(t, meta(a, "set", "note", "red \x1b[31m")...)
	if out := succeed(t, meta(a, "get", "role")...); out != "db\n" {
		t.Errorf("meta get printed %q", out)
	}
	if out := succeed(t, meta(a, "get", "note")...); out != `red \x1b[31m`+"\n" {
		t.Errorf("meta get printed %q", out)
	}
	if out := succeed(t, meta(a, "get", "--raw", "note")...); out != "red \x1b[31m" {
		t.Errorf("meta get --raw printed %q", out)
	}
	await(t, patience, "the other agent knows", knows(b, a.id, "role", "db"))
	if fact := answer[api.Fact](t, meta(b, "get", "--json", "--of", a.plan.name, "role")...); string(fact.Value) != "db" {
		t.Errorf("meta get --json: %+v", fact)
	}
	facts := answer[[]api.Fact](t, meta(b, "list", "--json", "--of", a.id)...)
	if len(facts) != 2 || facts[0].Key != "note" || facts[1].Key != "role" {
		t.Errorf("meta list --json: %+v", facts)
	}
	if out := succeed(t, meta(a, "list")...); contains(out, "key", "value", "role", "db") != nil {
		t.Errorf("meta list printed %q", out)
	}
	succeed(t, meta(a, "delete", "role")...)
	fails(t, exitFailed, []string{"no such key"}, meta(a, "get", "role")...)
	fails(t, exitFailed, []string{"no such key"}, meta(a, "delete", "role")...)
	fails(t, exitFailed, []string{"no such member"}, meta(a, "list", "--of", "nobody")...)
	await(t, patience, "the other agent forgets", func() error {
		if knows(b, a.id, "role", "db")() == nil {
			return fmt.Errorf("%s still knows it", b.plan.name)
		}
		return nil
	})
	metaLimits(t, a, b)
}

// metaLimits writes the largest key and value, the most keys, and one more each.
func metaLimits(t *testing.T, a, b *agent) {
	t.Helper()
	const keyMax, valueMax, keysMax = 256, 64 << 10, 1024
	longest, largest := strings.Repeat("k", keyMax), strings.Repeat("v", valueMax)
	refused := func(want api.Reason, key, value string) {
		t.Helper()
		_, err := ask(func(ctx context.Context) (api.WriteReport, error) { return a.SetMeta(ctx, key, []byte(value)) })
		if client.ReasonOf(err) != want {
			t.Errorf("set of %d and %d bytes: %v, want %s", len(key), len(value), err, want)
		}
	}
	set(t, a, longest, largest)
	refused(api.ReasonBadKey, longest+"k", "x")
	refused(api.ReasonValueLimit, longest, largest+"v")
	fails(t, exitFailed, []string{"256 bytes"}, "meta", "set", "--http", a.web, longest+"k", "x")
	await(t, patience, "the largest fact is spread", knows(b, a.id, longest, largest))

	present, err := ask(a.Meta)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keysMax - len(present) {
		set(t, a, fmt.Sprintf("key-%04d", i), "x")
	}
	refused(api.ReasonKeysLimit, "one-more", "x")
	set(t, a, "key-0000", "changed")
	await(t, patience, "all keys are spread", func() error {
		facts, err := ask(func(ctx context.Context) ([]api.Fact, error) { return b.MetaOf(ctx, a.id) })
		if err == nil && len(facts) != keysMax {
			err = fmt.Errorf("%d of %d", len(facts), keysMax)
		}
		return err
	})
	await(t, patience, "a change among them", knows(b, a.id, "key-0000", "changed"))
}

// TestJoinAndGoodbyes joins by command, leaves in each way, and retires the dead.
func TestJoinAndGoodbyes(t *testing.T) {
	t.Parallel()
	agents := cluster(t, members(t, 4))
	a := agents[0]
	p := plan{name: "late", ring: a.plan.ring, data: private(t)}
	late := p.run(t)
	if out := succeed(t, "join", "--http", late.web, a.gossip); contains(out, "1 contact") != nil {
		t.Errorf("join printed %q", out)
	}
	agents = append(agents, late)
	full := alive(agents...)
	await(t, patience, "all know the late one", agree(full, agents...))
	nobody := closedPort(t)
	fails(t, exitFailed, []string{nobody, "connection refused"}, "join", "--http", late.web, nobody)

	fails(t, exitFailed, []string{"not dead"}, "force-leave", "--http", a.web, "late")
	fails(t, exitFailed, []string{"no such member"}, "force-leave", "--http", a.web, "nobody")

	if out := succeed(t, "leave", "--http", late.web); contains(out, "have confirmed") != nil {
		t.Errorf("leave printed %q", out)
	}
	if code := late.exit(t, patience); code != exitDone {
		t.Errorf("exit code %d after leave", code)
	}
	agents[1].signal(t, syscall.SIGINT)
	if code := agents[1].exit(t, patience); code != exitDone {
		t.Errorf("exit code %d after SIGINT", code)
	}
	living := []*agent{a, agents[2], agents[3]}
	gone := full.but("left", late, agents[1])
	await(t, returnLimit, "two have left", agree(gone, living...))

	agents[3].kill()
	living = living[:2]
	await(t, deathLimit, "one is dead", agree(gone.but("dead", agents[3]), living...))
	if out := succeed(t, "force-leave", "--http", a.web, agents[3].plan.name); contains(out, "retired") != nil {
		t.Errorf("force-leave printed %q", out)
	}
	gone = gone.but("left", agents[3])
	await(t, returnLimit, "it has left instead", agree(gone, living...))

	// Who was made to leave stays away when it is started again, until it is asked
	// to join; who was retired comes back by itself.
	late = p.run(t)
	retired := agents[3].plan.run(t)
	back := append(slices.Clone(living), retired)
	await(t, returnLimit, "the retired is back", agree(gone.but("alive", retired), back...))
	if err := agree(alive(late), late)(); err != nil {
		t.Error(err)
	}
	succeed(t, "join", "--http", late.web, a.gossip)
	await(t, returnLimit, "the late one is back", agree(gone.but("alive", retired, late), append(back, late)...))
}

// TestTokenGuardsWrites: with a token file the agent takes writes only from who
// shows it, and the command line finds it in a file.
func TestTokenGuardsWrites(t *testing.T) {
	t.Parallel()
	token := written(t, "correct-horse-battery-staple\n", 0o600)
	wrong := written(t, "wrong-horse-battery-staple\n", 0o600)
	a := plan{name: "guarded", ring: newRing(t), more: []string{"--token-file", token}}.run(t)
	fails(t, exitFailed, []string{"token"}, "meta", "set", "--http", a.web, "k", "v")
	fails(t, exitFailed, []string{"token"}, "meta", "set", "--http", a.web, "--token-file", wrong, "k", "v")
	fails(t, exitFailed, []string{"token"}, "leave", "--http", a.web)
	succeed(t, "meta", "set", "--http", a.web, "--token-file", token, "k", "v")
	if out := succeed(t, "meta", "get", "--http", a.web, "k"); out != "v\n" {
		t.Errorf("meta get printed %q", out)
	}
}

// TestOfflineCommands need no agent.
func TestOfflineCommands(t *testing.T) {
	t.Parallel()
	v := answer[struct{ Version, Go, Platform string }](t, "version", "--json")
	if err := contains(succeed(t, "version"), "hearsay", v.Version, v.Go, v.Platform); err != nil || v.Version == "" {
		t.Errorf("version %+v: %v", v, err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := succeed(t, "completion", shell)
		if err := contains(script, "hearsay", "force-leave", "members", "meta", "json"); err != nil {
			t.Errorf("completion %s: %v", shell, err)
		}
		if shell == "bash" {
			check := exec.CommandContext(t.Context(), "bash", "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("bash: %v: %s", err, out)
			}
		}
	}
	fails(t, exitUsage, []string{"tcsh"}, "completion", "tcsh")
	help := succeed(t, "--help")
	if err := contains(help, "agent", "members", "force-leave"); err != nil {
		t.Error(err)
	}
	if code, out, _ := command(t); code != exitUsage || out != help {
		t.Errorf("without a command: exit code %d, %q", code, out)
	}
}

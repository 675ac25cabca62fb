package agent

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hearsay-gossip/hearsay/client"
	"github.com/hearsay-gossip/hearsay/client/api"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secret returns a directory with a new ring.
func secret(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secret")
	if _, err := Init(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// config returns an agent on free ports of the loopback interface.
func config(name, secret string) Config {
	return Config{
		Name: name, Bind: "127.0.0.1:0", HTTP: "127.0.0.1:0", SecretDir: secret, Network: Local,
		Logger: slog.New(slog.DiscardHandler),
	}
}

func start(t *testing.T, cfg Config) *Agent {
	t.Helper()
	a, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, a) })
	return a
}

func stop(t *testing.T, a *Agent) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func gossipOf(a *Agent) string { return a.Node().Self().Addr.String() }

func clientOf(t *testing.T, a *Agent) *client.Client {
	t.Helper()
	c, err := client.New(a.HTTPAddr().String(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

// await returns once the members that an agent shows satisfy a condition, which
// is asked again at every event.
func await(t *testing.T, a *Agent, holds func([]api.Member) bool) {
	t.Helper()
	c := clientOf(t, a)
	for _, err := range c.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		members, err := c.Members(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if holds(members) {
			return
		}
	}
}

// has returns the condition that a member is in a state.
func has(name, state string) func([]api.Member) bool {
	return func(all []api.Member) bool {
		return slices.ContainsFunc(all, func(m api.Member) bool { return m.Name == name && m.State == state })
	}
}

func TestRestartIsTheSameNode(t *testing.T) {
	cfg := config("a", secret(t))
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	a := start(t, cfg)
	c := clientOf(t, a)
	report, err := c.SetMeta(t.Context(), "zone", []byte("eu"))
	if err != nil || !report.Durable {
		t.Fatalf("write: %+v, %v", report, err)
	}
	before := a.Node().Self()
	stop(t, a)

	a = start(t, cfg)
	after := a.Node().Self()
	if after.ID != before.ID || after.Epoch != before.Epoch+1 || before.Epoch != 1 {
		t.Errorf("restarted as %v epoch %d, was %v epoch %d", after.ID, after.Epoch, before.ID, before.Epoch)
	}
	if value, err := clientOf(t, a).MetaValue(t.Context(), "zone"); err != nil || string(value) != "eu" {
		t.Errorf("zone is %q, %v", value, err)
	}
}

func TestWithoutDataEachStartIsANewNode(t *testing.T) {
	cfg := config("a", secret(t))
	a := start(t, cfg)
	before := a.Node().Self().ID
	report, err := clientOf(t, a).SetMeta(t.Context(), "zone", []byte("eu"))
	if err != nil || report.Durable || report.Problem != "" {
		t.Errorf("write: %+v, %v", report, err)
	}
	stop(t, a)
	if a = start(t, cfg); a.Node().Self().ID == before {
		t.Error("the node kept its identity")
	}
}

func TestRestartFindsItsPeersWithoutSeeds(t *testing.T) {
	dir := secret(t)
	a := start(t, config("a", dir))
	cfg := config("b", dir)
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	cfg.Seeds = []string{gossipOf(a)}
	b := start(t, cfg)
	await(t, b, has("a", "alive"))
	stop(t, b)
	cfg.Seeds = nil
	b = start(t, cfg)
	await(t, b, has("a", "alive"))
	if err := (surface{b}).Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

// A crash between a restart and the return to the cluster must not cost the
// addresses.
func TestPeersAreKeptUntilTheClusterIsFound(t *testing.T) {
	dir := secret(t)
	a := start(t, config("a", dir))
	cfg := config("b", dir)
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	cfg.Seeds = []string{gossipOf(a)}
	b := start(t, cfg)
	await(t, b, has("a", "alive"))
	stop(t, b)
	stop(t, a)
	cfg.Seeds = nil
	b = start(t, cfg)
	if err := (surface{b}).Ready(); !errors.Is(err, errAlone) {
		t.Errorf("ready although no peer is there: %v", err)
	}
	stop(t, b)
	b = start(t, cfg)
	if got := b.collect().Peers; len(got) != 1 || got[0].Name != "a" {
		t.Errorf("remembered peers are %+v", got)
	}
}

func TestWhoWasMadeToLeaveStaysAway(t *testing.T) {
	dir := secret(t)
	a := start(t, config("a", dir))
	cfg := config("b", dir)
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	cfg.Seeds = []string{gossipOf(a)}
	b := start(t, cfg)
	await(t, b, has("a", "alive"))
	report, err := clientOf(t, b).Leave(t.Context())
	if err != nil || report != (api.LeaveReport{Asked: 1, Acked: 1}) {
		t.Errorf("leave: %+v, %v", report, err)
	}
	<-b.Done()
	if err := b.Err(); err != nil {
		t.Errorf("ended with %v", err)
	}
	await(t, a, has("b", "left"))
	stop(t, b)
	cfg.Seeds = nil
	b = start(t, cfg)
	if !b.alone {
		t.Error("the node returns to its peers")
	}
	if err := (surface{b}).Ready(); err != nil {
		t.Errorf("alone and not ready: %v", err)
	}
}

func TestRunSaysGoodbyeAtItsEnd(t *testing.T) {
	dir := secret(t)
	a := start(t, config("a", dir))
	cfg := config("b", dir)
	cfg.Seeds = []string{gossipOf(a)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended, started := make(chan error, 1), make(chan *Agent, 1)
	go func() { ended <- Run(ctx, cfg, func(b *Agent) { started <- b }) }()
	await(t, <-started, has("a", "alive")) // who knows nobody has nobody to tell
	cancel()
	await(t, a, has("b", "left"))
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestUnreachableSeedsLeaveANodeUnready(t *testing.T) {
	cfg := config("a", secret(t))
	cfg.Seeds = []string{"127.0.0.1:9"}
	a := start(t, cfg)
	if err := (surface{a}).Ready(); !errors.Is(err, errAlone) {
		t.Errorf("ready: %v, want %v", err, errAlone)
	}
}

// logs is a buffer that an agent may write while a test reads.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
	has  chan struct{} // a token after each line
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.has <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

// await returns once the log contains a text.
func (l *logs) await(text string) {
	for {
		l.mu.Lock()
		found := strings.Contains(l.text.String(), text)
		l.mu.Unlock()
		if found {
			return
		}
		<-l.has
	}
}

func logged() (*logs, *slog.Logger) {
	l := &logs{has: make(chan struct{}, 1)}
	return l, slog.New(slog.NewTextHandler(l, nil))
}

func TestTwoNodesOfOneNameAreWarnedOfOnBoth(t *testing.T) {
	dir := secret(t)
	first, second := config("a", dir), config("a", dir)
	var log1, log2 *logs
	log1, first.Logger = logged()
	log2, second.Logger = logged()
	a := start(t, first)
	second.Seeds = []string{gossipOf(a)}
	b := start(t, second)
	const warning = "another node claims the name of this one"
	log1.await(warning)
	log2.await(warning)
	for _, agent := range []*Agent{a, b} {
		await(t, agent, func(all []api.Member) bool {
			return slices.ContainsFunc(all, func(m api.Member) bool { return m.Conflict })
		})
	}
}

func TestReloadTakesTokenAndSeeds(t *testing.T) {
	dir := secret(t)
	a, b := start(t, config("a", dir)), start(t, config("b", dir))
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-token-of-some-length\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(Reload{Seeds: []string{gossipOf(a)}, TokenFile: file}); err != nil {
		t.Fatal(err)
	}
	await(t, b, has("a", "alive"))
	if _, err := clientOf(t, b).SetMeta(t.Context(), "k", nil); client.ReasonOf(err) != api.ReasonToken {
		t.Errorf("a write without the token: %v", err)
	}
	if err := b.Reload(Reload{Seeds: []string{"a b"}, TokenFile: file + "x"}); !errors.Is(err, ErrConfig) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reload of nonsense: %v", err)
	}
	if _, err := clientOf(t, b).SetMeta(t.Context(), "k", nil); client.ReasonOf(err) != api.ReasonToken {
		t.Errorf("a write without the token after a reload that went wrong: %v", err)
	}
}

func TestPortsInUseAreNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	gossip, http := config("a", secret(t)), config("a", secret(t))
	gossip.Bind, http.HTTP = addr, addr
	for which, cfg := range map[string]Config{"gossip": gossip, "http": http} {
		_, err := Start(t.Context(), cfg)
		if want := which + " address " + addr + " is in use"; !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestDirectoriesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("hearsay ring 1\ncluster 00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ring := secret(t)
	data := filepath.Join(dir, "data")
	held := config("a", ring)
	held.DataDir = data
	start(t, held)

	open := secret(t)
	if err := os.Chmod(filepath.Join(open, seal.RingFile), 0o640); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.Link(file, filepath.Join(damaged, seal.RingFile)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, secret, data string
		want               error
		text               string
	}{
		{"no ring", dir, "", fs.ErrNotExist, "hearsay init"},
		{"ring open to others", open, "", seal.ErrKeyFileMode, "secret"},
		{"damaged ring", damaged, "", seal.ErrKeyFile, "line 2"},
		{"data is a file", ring, file, syscall.ENOTDIR, "data directory"},
		{"data in use", ring, data, snapshot.ErrLocked, "in use by another process"},
		{"data of another cluster", secret(t), data, snapshot.ErrLocked, data},
	}
	for _, tt := range tests {
		cfg := config("a", tt.secret)
		cfg.DataDir = tt.data
		if _, err := Start(t.Context(), cfg); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %v with %q", tt.name, err, tt.want, tt.text)
		}
	}
}

func TestDataOfAnotherClusterIsRefused(t *testing.T) {
	cfg := config("a", secret(t))
	cfg.DataDir = filepath.Join(t.TempDir(), "data")
	stop(t, start(t, cfg))
	cfg.SecretDir = secret(t)
	if _, err := Start(t.Context(), cfg); !errors.Is(err, snapshot.ErrIdentity) {
		t.Errorf("%v, want ErrIdentity", err)
	}
}

func TestDevNodesOfAHostFormOneCluster(t *testing.T) {
	cfg := config("a", "")
	cfg.Security = Dev
	a := start(t, cfg)
	cfg.Name, cfg.Seeds = "b", []string{gossipOf(a)}
	await(t, start(t, cfg), has("a", "alive"))
}

func TestInsecureNodesFormOneCluster(t *testing.T) {
	var log *logs
	cfg := config("a", "")
	cfg.Security = Insecure
	log, cfg.Logger = logged()
	a := start(t, cfg)
	log.await("node is insecure")
	cfg.Name, cfg.Seeds = "b", []string{gossipOf(a)}
	await(t, start(t, cfg), has("a", "alive"))
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	cfg := Config{
		Name: "a b", Bind: "x", HTTP: "y", Seeds: []string{"a:b"}, Network: "lan",
		RequireToken: true, LeaveTimeout: -time.Second,
	}
	err := cfg.Validate()
	if !errors.Is(err, ErrConfig) {
		t.Fatalf("%v is no ErrConfig", err)
	}
	for _, want := range []string{"name:", `bind "x"`, `http "y"`, `seed "a:b"`, "no secret", "hearsay init", "require-token", "leave-timeout"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for _, cfg := range []Config{
		{Name: "a", Security: Dev, Bind: "0.0.0.0:0"},
		{Name: "a", Security: Dev, Bind: ":7946"},
		{Name: "a", Security: Dev, HTTP: "10.0.0.1:80"},
		{Name: "a", Security: Dev, Advertise: "10.0.0.1"},
		{Name: "a", Security: Dev, SecretDir: "s"},
		{Name: "a", Security: Insecure, Network: "moon"},
		{Name: "a", Security: Insecure, MembersMax: 1 << 30},
	} {
		if err := cfg.Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	if err := (Config{Security: Dev}).Validate(); err != nil {
		t.Errorf("a dev node with defaults: %v", err)
	}
}

func TestTokenFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, text := range map[string]string{"lf": "0123456789abcdef\n", "crlf": "0123456789abcdef\r\nnote\n", "bare": "0123456789abcdef"} {
		if token, err := LoadToken(write(name, text, 0o600)); err != nil || token != "0123456789abcdef" {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	for want, file := range map[error]string{
		errTokenMode:   write("open", "0123456789abcdef\n", 0o644),
		errTokenLength: write("short", "0123456789abcde\n", 0o600),
		errTokenText:   write("space", "0123456789 abcdef\n", 0o600),
		fs.ErrNotExist: filepath.Join(dir, "absent"),
	} {
		if _, err := LoadToken(file); !errors.Is(err, want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want %v", file, err, want)
		}
	}
	for name, text := range map[string]string{"empty": "", "long": strings.Repeat("x", tokenMax+1)} {
		if _, err := LoadToken(write(name, text, 0o600)); !errors.Is(err, errTokenLength) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInitNeverReplaces(t *testing.T) {
	dir := secret(t)
	before, err := seal.LoadRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second init: %v", err)
	}
	if after, err := seal.LoadRing(dir); err != nil || !after.Equal(before) {
		t.Errorf("the ring changed: %v", err)
	}
}

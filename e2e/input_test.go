//go:build e2e && linux

package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/internal/netlab"
	"github.com/hearsay-gossip/hearsay/seal"
)

// Exit codes of the program.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// refusal is a plan of an agent that must not run: it ends by itself, and says
// why in words that an operator can act on.
type refusal struct {
	plan plan
	code int
	says []string
}

func (r refusal) check(t *testing.T) {
	t.Helper()
	p := r.plan.begin(t)
	if code := p.exit(t, patience); code != r.code {
		t.Errorf("exit code %d, want %d", code, r.code)
	}
	if err := contains(p.stderr.String(), r.says...); err != nil {
		t.Errorf("%v in %q", err, p.stderr.String())
	}
	if out := p.stdout.String(); out != "" {
		t.Errorf("it printed %q", out)
	}
}

func TestAgentRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	good := plan{name: "node", ring: ring}
	with := func(change func(*plan)) plan {
		p := good
		change(&p)
		return p
	}
	udp, tcp := occupied(t)
	long := strings.Repeat("n", 129)
	tests := map[string]refusal{
		"UDP port in use":  {with(func(p *plan) { p.bind = udp; p.data = private(t) }), exitFailed, []string{"gossip", udp, "in use"}},
		"TCP port in use":  {with(func(p *plan) { p.bind = tcp; p.data = private(t) }), exitFailed, []string{"gossip", tcp, "in use"}},
		"HTTP port in use": {with(func(p *plan) { p.web = tcp; p.data = private(t) }), exitFailed, []string{"http", tcp, "in use"}},

		"no secret":         {with(func(p *plan) { p.ring = "" }), exitUsage, []string{"no secret", "hearsay init", "--dev"}},
		"secret missing":    {with(func(p *plan) { p.ring = private(t) }), exitFailed, []string{seal.RingFile, "hearsay init"}},
		"secret for all":    {with(func(p *plan) { p.ring = copied(t, ring, 0o644, nil) }), exitFailed, []string{seal.RingFile, "0644", "chmod 600"}},
		"secret for group":  {with(func(p *plan) { p.ring = copied(t, ring, 0o640, nil) }), exitFailed, []string{seal.RingFile, "0640", "chmod 600"}},
		"secret cut":        {with(func(p *plan) { p.ring = copied(t, ring, 0o600, cut) }), exitFailed, []string{seal.RingFile, "damaged", `last line is not "end"`}},
		"secret of garbage": {with(func(p *plan) { p.ring = copied(t, ring, 0o600, garbage) }), exitFailed, []string{seal.RingFile, "damaged", "line 1"}},
		"secret of zeros":   {with(func(p *plan) { p.ring = copied(t, ring, 0o600, zeroKey) }), exitFailed, []string{seal.RingFile, "damaged", "line 3"}},

		"dev on all addresses":     {plan{name: "node", bind: "0.0.0.0:0", more: []string{"--dev"}}, exitUsage, []string{"bind", "dev", "loopback"}},
		"dev with open HTTP":       {plan{name: "node", web: "0.0.0.0:0", more: []string{"--dev"}}, exitUsage, []string{"http", "dev", "loopback"}},
		"dev on a foreign address": {plan{name: "node", bind: "192.0.2.1:0", more: []string{"--dev"}}, exitUsage, []string{"bind", "dev", "loopback"}},
		"dev and secret":           {with(func(p *plan) { p.more = []string{"--dev"} }), exitUsage, []string{"dev", "secret"}},
		"dev and insecure":         {plan{name: "node", more: []string{"--dev", "--insecure"}}, exitUsage, []string{"dev", "insecure"}},

		"name with a space": {with(func(p *plan) { p.name = "two words" }), exitUsage, []string{"name", "1 to 128"}},
		"name too long":     {with(func(p *plan) { p.name = long }), exitUsage, []string{"name", "1 to 128"}},
		"seed port":         {with(func(p *plan) { p.seeds = []string{"127.0.0.1:65536"} }), exitUsage, []string{"seed", "65536"}},
		"bind port":         {with(func(p *plan) { p.bind = "127.0.0.1:65536" }), exitUsage, []string{"bind", "65536"}},
		"network":           {with(func(p *plan) { p.more = []string{"--network", "lunar"} }), exitUsage, []string{"network", "lunar"}},

		"data is a file": {with(func(p *plan) { p.data = filepath.Join(ring, seal.RingFile) }), exitFailed, []string{"data directory", "not a directory"}},
		"token for all":  {with(func(p *plan) { p.more = []string{"--token-file", written(t, "sixteen letters and more", 0o644)} }), exitFailed, []string{"token file", "chmod 600"}},

		"configuration missing":      {configured(t.TempDir() + "/none.toml"), exitUsage, []string{"configuration file", "none.toml"}},
		"configuration is not TOML":  {configured(written(t, "# fine\nname = \n", 0o600)), exitUsage, []string{"settings:2"}},
		"configuration unknown key":  {configured(written(t, "name = 'a'\nbnid = 'x'\n", 0o600)), exitUsage, []string{"settings:2", "bnid"}},
		"configuration wrong type":   {configured(written(t, "bind = 5\n", 0o600)), exitUsage, []string{"settings:1", "bind"}},
		"configuration wrong values": {configured(written(t, "name = 'a b'\nhttp = 'x'\n", 0o600)), exitUsage, []string{"settings:1", "name", "settings:2", "http"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t)
		})
	}
}

// configured plans an agent that has all from a file.
func configured(file string) plan {
	return plan{bare: true, more: []string{"--config", file}}
}

// written makes a file called settings.
func written(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(private(t), "settings")
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return file
}

// copied returns a folder with a copy of a ring, changed, of some mode.
func copied(t *testing.T, ring string, mode os.FileMode, change func(string) string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(ring, seal.RingFile))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		text = []byte(change(string(text)))
	}
	dir := private(t)
	if err := os.WriteFile(filepath.Join(dir, seal.RingFile), text, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

func cut(ring string) string { return strings.TrimSuffix(ring, "end\n") }

func garbage(string) string { return "\x00\xff garbage \x1b[31m\n" }

// zeroKey replaces the secret, so that it no longer belongs to its ID.
func zeroKey(ring string) string {
	lines := strings.SplitAfter(ring, "\n")
	fields := strings.Fields(lines[2])
	lines[2] = strings.Replace(lines[2], fields[2], strings.Repeat("0", len(fields[2])), 1)
	return strings.Join(lines, "")
}

// occupied returns an address whose UDP port is taken, and one whose TCP port is.
func occupied(t *testing.T) (udp, tcp string) {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = packets.Close() }) // nothing was written
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // likewise
	return packets.LocalAddr().String(), listener.Addr().String()
}

// TestOneProcessPerDirectory: the second is told, the first is not disturbed, and
// its place is free once it is gone, however it went.
func TestOneProcessPerDirectory(t *testing.T) {
	t.Parallel()
	p := plan{name: "node", ring: newRing(t), data: private(t)}
	first := p.run(t)
	for range 3 {
		refusal{p, exitFailed, []string{"data directory", p.data, "in use by another process"}}.check(t)
	}
	set(t, first, "still", "here")
	first.kill()
	second := p.run(t)
	if second.id != first.id {
		t.Errorf("id %s, was %s", second.id, first.id)
	}
	await(t, patience, "metadata", knows(second, "node", "still", "here"))
}

// TestUnwritableDirectory has a data directory on a file system that is read
// only: root is not stopped by mere modes.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	netlab.Require(t) // for the right to mount
	dir := mounted(t, "size=1m,mode=0700")
	remounted(t, dir)
	refusal{
		plan{name: "node", ring: newRing(t), data: dir},
		exitFailed,
		[]string{"data directory", dir, "read-only file system"},
	}.check(t)
}

// TestSeedThatHasNoAddress: the agent runs and says what is wrong, keeps trying,
// and can be joined by other means.
func TestSeedThatHasNoAddress(t *testing.T) {
	t.Parallel()
	// No resolver asks the network for a label of 64 characters (RFC 1035 section 2.3.4).
	nowhere := strings.Repeat("x", 64) + ".invalid:7946"
	ring := newRing(t)
	seed := plan{name: "seed", ring: ring}.run(t)
	lost := plan{name: "lost", ring: ring, seeds: []string{nowhere}}.run(t)
	if err := contains(lost.stderr.String(), "seeds not resolved", nowhere); err != nil {
		t.Errorf("%v in %q", err, lost.stderr.String())
	}
	if status, body := lost.fetch(t, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("ready: status %d, %s", status, body)
	}
	code, _, stderr := command(t, "join", "--http", lost.web, nowhere)
	if code != exitFailed || contains(stderr, nowhere, "no such host") != nil {
		t.Errorf("join nowhere: exit code %d, %q", code, stderr)
	}
	// One that answers is enough.
	out := succeed(t, "join", "--http", lost.web, nowhere, seed.gossip)
	if contains(out, "1 contact") != nil {
		t.Errorf("join printed %q", out)
	}
	both := alive(seed, lost)
	await(t, patience, "both know each other", agree(both, seed, lost))
	if status, body := lost.fetch(t, "/readyz"); status != http.StatusOK {
		t.Errorf("ready after the join: status %d, %s", status, body)
	}
}

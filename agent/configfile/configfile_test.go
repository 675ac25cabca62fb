package configfile

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const whole = `
name = "web-1"
bind = "127.0.0.1:7946"
advertise = "10.0.0.1"
join = ["10.0.0.2", "seed.example.org:7946", "srv:_gossip._udp.example.org"]
network = "wan"
stream-only = true
members-max = 100
max-event-size = 65536
secret = "secret"
data = "data"
dev = false
insecure = false
http = "127.0.0.1:8500"
http-hosts = ["web-1.example.org"]
token-file = "token"
require-token = true
pprof = false
leave-timeout = "2s"
log-level = "debug"
log-format = "json"
`

func TestEveryKeyIsRead(t *testing.T) {
	got, err := Parse("f", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"name": "web-1", "bind": "127.0.0.1:7946", "advertise": "10.0.0.1",
		"join":    "10.0.0.2,seed.example.org:7946,srv:_gossip._udp.example.org",
		"network": "wan", "stream-only": "true", "members-max": "100", "max-event-size": "65536", "secret": "secret", "data": "data",
		"dev": "false", "insecure": "false", "http": "127.0.0.1:8500", "http-hosts": "web-1.example.org",
		"token-file": "token", "require-token": "true", "pprof": "false", "leave-timeout": "2s",
		"log-level": "debug", "log-format": "json",
	}
	if !maps.Equal(got, want) {
		t.Errorf("settings are %v, want %v", got, want)
	}
	for _, key := range Keys() {
		if _, ok := want[key]; !ok {
			t.Errorf("key %s is not tried here", key)
		}
	}
}

func TestFaultsNameFileAndLine(t *testing.T) {
	tests := []struct{ text, want string }{
		{"name = \"a\"\nnickname = \"b\"\n", `x.toml:2: unknown key "nickname"`},
		{"[http]\naddr = 1\n", "x.toml:1: "},
		{"[gossip]\nport = 1\n", `x.toml:1: unknown key "gossip"`},
		{"\n\nname = \"a b\"\n", `x.toml:3: name "a b": name: want 1 to 128 characters`},
		{"bind = \"nowhere\"\n", `x.toml:1: bind "nowhere": want host:port`},
		{"advertise = \"0.0.0.0\"\n", `x.toml:1: advertise "0.0.0.0": `},
		{"join = [\"a\", \"b:port\"]\n", `x.toml:1: join "b:port": config: seed "b:port"`},
		{"network = \"moon\"\n", `x.toml:1: network "moon": want one of lan, wan, local`},
		{"http-hosts = [\"a,b\"]\n", `x.toml:1: http-hosts "a,b": want a host name`},
		{"leave-timeout = \"-1s\"\n", `x.toml:1: leave-timeout "-1s": want a positive duration`},
		{"log-level = \"loud\"\n", `x.toml:1: log-level "loud": want one of debug`},
		{"log-format = \"xml\"\n", `x.toml:1: log-format "xml": want one of text, json`},
		{"name = \"a\"\n\nhttp = 8500\n", "x.toml:3: "},
		{"pprof = \"yes\"\n", "x.toml:1: "},
		{"members-max = -1\n", "x.toml:1: "},
		{"name = \n", "x.toml:1: "},
		{"name = \"a\"\nname = \"b\"\n", "x.toml:2: "},
	}
	for _, tt := range tests {
		_, err := Parse("x.toml", []byte(tt.text))
		if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestUnknownKeysAreReportedTogether(t *testing.T) {
	_, err := Parse("x", []byte("a = 1\nb = 2\n"))
	for _, want := range []string{`x:1: unknown key "a"`, `x:2: unknown key "b"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, sizeMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "absent"), dir, large} {
		if _, err := Load(path); !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Whatever is accepted has only keys and values that the flags take.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("name = \"a\"\nnickname = 1"))
	f.Add([]byte("join = []"))
	f.Add([]byte("[name]\n"))
	f.Add([]byte("name.x = 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Parse("f", text)
		if err != nil {
			if !errors.Is(err, ErrFile) {
				t.Errorf("%v is no ErrFile", err)
			}
			return
		}
		for key := range got {
			if !strings.Contains(strings.Join(Keys(), " "), key) {
				t.Errorf("key %q", key)
			}
		}
	})
}

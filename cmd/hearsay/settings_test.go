package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/hearsay-gossip/hearsay/agent/configfile"
)

// agentFlags returns the flags of hearsay agent, without those that are not
// settings.
func agentFlags(t *testing.T) []*kong.Flag {
	t.Helper()
	parser, err := newParser(new(commands), &terminal{ctx: context.Background()}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range parser.Model.Children {
		if c.Name == "agent" {
			return slices.DeleteFunc(slices.Clone(c.Flags), func(f *kong.Flag) bool { return f.Name == "config" })
		}
	}
	t.Fatal("no command agent")
	return nil
}

func TestFlagsVariablesAndKeysAreTheSameSettings(t *testing.T) {
	var flags []string
	for _, f := range agentFlags(t) {
		flags = append(flags, f.Name)
		want := "HEARSAY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if !slices.Equal(f.Envs, []string{want}) {
			t.Errorf("--%s has the variables %q, want %s", f.Name, f.Envs, want)
		}
	}
	keys := configfile.Keys()
	slices.Sort(flags)
	slices.Sort(keys)
	if !slices.Equal(flags, keys) {
		t.Errorf("flags are %q\nkeys are  %q", flags, keys)
	}
}

func TestDocumentationNamesEverySettingAndMetric(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "agent.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "agent", "telemetry", "testdata", "metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range agentFlags(t) {
		if !strings.Contains(string(text), "`"+f.Name+"`") {
			t.Errorf("no word on the setting %s", f.Name)
		}
	}
	for line := range strings.Lines(string(page)) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "TYPE" && !strings.Contains(string(text), "`"+fields[2]) {
			t.Errorf("no word on the metric %s", fields[2])
		}
	}
}

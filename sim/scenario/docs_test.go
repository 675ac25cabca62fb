package scenario

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The page that describes the language names everything in it, and its example
// does what it expects of itself.
func TestDocumentationIsComplete(t *testing.T) {
	data, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	_, page, found := strings.Cut(page, "## `hearsay sim cluster`")
	if !found {
		t.Fatal("docs/simulator.md has no section on sim cluster")
	}
	for _, word := range slices.Concat(wordNames(), settingNames(), sortedKeys(figures), sortedKeys(byWord), sortedKeys(believable), Names(), timings) {
		if !strings.Contains(page, "`"+word) {
			t.Errorf("docs/simulator.md does not name %q", word)
		}
	}
	_, example, found := strings.Cut(page, "```\nnodes 30\n")
	if !found {
		t.Fatal("docs/simulator.md has no example of a scenario")
	}
	example, _, _ = strings.Cut(example, "```")
	play(t, "nodes 30\n"+example)
}

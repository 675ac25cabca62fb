package scenario

import (
	"os"
	"runtime"
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
	// It must hold whatever the random seed draws, not by luck of one.
	opts := options(t, "nodes 30\n"+example)
	const seeds = 40
	results, err := RunSeeds(t.Context(), opts, seeds, runtime.GOMAXPROCS(0), nil)
	if err != nil || len(results) != seeds {
		t.Fatalf("%d of %d seeds: %v", len(results), seeds, err)
	}
	for _, res := range results {
		if len(res.Expectations) != strings.Count(example, " expect ") || !res.Converged {
			t.Errorf("seed %d: %d expectations were decided, converged %v", res.Seed, len(res.Expectations), res.Converged)
		}
	}
}

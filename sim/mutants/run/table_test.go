package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hearsay-gossip/hearsay/sim/mutants"
)

// Rows of mutants that were not run stay as they were, and what they took counts.
func TestWriteKeepsWhatDidNotRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	rows := []row{
		{name: "a", what: "first", caught: "M1", took: "7", runs: 7},
		{name: "b", what: "second", caught: "M2", took: "9", runs: 9},
		{name: "gone", what: "no patch any more", caught: "L1", took: "50", runs: 50},
		{name: "harmless", what: "nothing", caught: "nothing, as it must be", took: "200, none failed"},
	}
	const head, tail = "head\n", "tail\n"
	if err := os.WriteFile(path, []byte(head+tableBegin+table(rows)+tableEnd+tail), 0o600); err != nil {
		t.Fatal(err)
	}
	done := []outcome{{Mutant: mutants.Mutant{Name: "b", What: "second, again."}, End: mutants.End{Invariant: "B2", Runs: 3}}}
	if err := write(path, done, []string{"a", "b", "harmless"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := head + tableBegin + `| mutant | what is broken | caught by | runs |
|---|---|---|---|
| ` + "`a`" + ` | first | M1 | 7 |
| ` + "`b`" + ` | second, again | B2 | 3 |
| ` + "`harmless`" + ` | nothing | nothing, as it must be | 200, none failed |

2 broken builds caught: median 7 runs, at worst 7.
` + tableEnd + tail
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if err := write(path, nil, nil); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(path, done, nil); err == nil {
		t.Error("it writes to a page without marks")
	}
}

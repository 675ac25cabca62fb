package mutants

import (
	"errors"
	"go/format"
	"os"
	"path/filepath"
	"testing"
)

func readSource(path string) ([]byte, error) { return os.ReadFile(filepath.Join("..", "..", path)) }

// A patch that no longer applies tests nothing.
func TestEveryPatchApplies(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for i := range all {
		m := &all[i]
		changed, err := m.Apply(readSource)
		if err != nil {
			t.Error(err)
			continue
		}
		for path, text := range changed {
			if _, err := format.Source(text); err != nil {
				t.Errorf("%s: %s is no Go: %v", m.Name, path, err)
			}
		}
		if !m.Harmless {
			broken++
		}
	}
	if broken < 30 {
		t.Errorf("%d broken builds, want at least 30", broken)
	}
}

func TestPatchesThatDoNotFitAreErrors(t *testing.T) {
	source := func(string) ([]byte, error) { return []byte("a\nb\na\n"), nil }
	const head = "# breaks\n--- a/f\n+++ b/f\n"
	for name, text := range map[string]string{
		"no sentence":   "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+c\n",
		"no hunk":       "# breaks\n",
		"no lines":      head,
		"another file":  "# breaks\n--- a/f\n+++ b/g\n@@ -1 +1 @@\n-a\n+c\n",
		"no prefix":     "# breaks\n--- f\n+++ f\n@@ -1 +1 @@\n-a\n+c\n",
		"no numbers":    head + "@@\n-a\n+c\n",
		"before a hunk": "# breaks\n--- a/f\n-a\n",
		"too short":     head + "@@ -1,2 +1,2 @@\n-a\n+c\n",
		"too long":      head + "@@ -1 +1 @@\n-a\n+c\n b\n",
		"no such line":  head + "@@ -1 +1 @@\n-x\n+c\n",
		"found twice":   head + "@@ -1 +1 @@\n-a\n+c\n",
		"no mark":       head + "@@ -1 +1 @@\nx\n",
	} {
		m, err := parse("m", text)
		if err == nil {
			_, err = m.Apply(source)
		}
		if !errors.Is(err, ErrPatch) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	m, err := parse("m", "# breaks\n#! twice\n--- a/f\n+++ b/f\n@@ -2,2 +2,2 @@\n b\n-a\n+c\n")
	if err != nil || !m.Twice || m.Harmless {
		t.Fatal(m, err)
	}
	changed, err := m.Apply(source)
	if err != nil || string(changed["f"]) != "a\nb\nc\n" {
		t.Errorf("%q, %v", changed["f"], err)
	}
}

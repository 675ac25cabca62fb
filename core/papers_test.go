package core_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPapersPageNamesWhatExists holds docs/papers.md to the tree: each file,
// identifier, test and conversation that it names is there.
func TestPapersPageNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile("../docs/papers.md")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, pattern := range []string{"../member/*.go", "../wire/*.go", "*.go", "*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(b)
		}
	}
	declared := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |const |\t)(\w+)\b`)
	known := map[string]bool{}
	for _, m := range declared.FindAllStringSubmatch(source.String(), -1) {
		known[m[1]] = true
	}
	conversation := regexp.MustCompile(`^\d\d-[a-z-]+$`)
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(string(page), -1)
	for _, m := range names {
		name := m[1]
		switch {
		case strings.Contains(name, "/") || name == "epidemic":
			if _, err := os.Stat(filepath.Join("..", name)); err != nil {
				t.Errorf("%s: no such file", name)
			}
		case conversation.MatchString(name):
			if _, err := os.Stat(filepath.Join("testdata", name+".txt")); err != nil {
				t.Errorf("%s: no such conversation", name)
			}
		case strings.Contains(name, " "): // a command
		default:
			if last := name[strings.LastIndex(name, ".")+1:]; !known[last] {
				t.Errorf("%s: no such name", name)
			}
		}
	}
	if len(names) < 100 {
		t.Errorf("only %d names were checked", len(names))
	}
}

package purity

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hearsay-gossip/hearsay"

// pure are the folders whose packages, at any depth, must be pure.
var pure = []string{"core", "member", "wire"}

func loader(t *testing.T) *Loader {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return NewLoader(root, module)
}

func TestCoreIsPure(t *testing.T) {
	l := loader(t)
	dirs, err := l.Packages(pure...)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(dirs, "member") {
		t.Fatalf("found only %v", dirs)
	}
	for _, dir := range dirs {
		reports, err := l.Check(dir)
		if err != nil {
			t.Error(err)
		}
		for _, r := range reports {
			t.Error(r)
		}
	}
}

// Each planted line names its reports in a comment; there are no others.
func TestPlantedViolationsAreReportedWhereTheyStand(t *testing.T) {
	const dir = "internal/purity/testdata/planted"
	reports, err := loader(t).Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range reports {
		if r.Pos.Column < 1 {
			t.Errorf("%v has no column", r)
		}
		got = append(got, fmt.Sprintf("%s:%d: %s", r.Pos.Filename, r.Pos.Line, r.What))
	}
	want := planted(t, dir+"/planted.go")
	slices.Sort(got)
	slices.Sort(want)
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("reported, not planted: %s", g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("planted, not reported: %s", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d reports for %d planted violations", len(got), len(want))
	}
}

// planted returns the reports that the comments of a file ask for.
func planted(t *testing.T, name string) []string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, line := range strings.Split(string(source), "\n") {
		_, rules, ok := strings.Cut(line, "// want: ")
		if !ok {
			continue
		}
		for rule := range strings.SplitSeq(rules, "; ") {
			want = append(want, fmt.Sprintf("%s:%d: %s", name, i+1, rule))
		}
	}
	if len(want) == 0 {
		t.Fatalf("%s asks for no reports", name)
	}
	return want
}

func TestCleanPackageHasNoReports(t *testing.T) {
	reports, err := loader(t).Check("internal/purity/testdata/clean")
	if err != nil || len(reports) > 0 {
		t.Errorf("Check = %v, %v", reports, err)
	}
}

func TestBrokenPackageIsAnError(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "a.go"), []byte("package a\n\nvar x int = \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if reports, err := NewLoader(root, "example.com/a").Check("."); err == nil {
		t.Errorf("Check of a package that does not compile = %v, nil", reports)
	}
}

package tidy

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Problem is one breach of a rule.
type Problem struct {
	Rule string // "path", "swallow" …
	Path string // file or folder
	Line int    // 0 when the whole file is meant
	What string
}

// String returns "path:line: what (rule)".
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s (%s)", p.Path, p.What, p.Rule)
	}
	return fmt.Sprintf("%s:%d: %s (%s)", p.Path, p.Line, p.What, p.Rule)
}

// Check returns the breaches of every rule in files, in the order of rules.
func Check(files []File) []Problem {
	var all []Problem
	for _, rule := range []func([]File) []Problem{
		lines, sizes, packageComments, decisions, dependencies, sleepers,
	} {
		all = append(all, rule(files)...)
	}
	return all
}

// A lineRule forbids what its pattern matches in the lines of some files.
type lineRule struct {
	name    string
	applies func(File) bool
	pattern *regexp.Regexp
	what    string
}

// The patterns are written so that none matches its own source.
var lineRules = []lineRule{
	{
		"path", File.text,
		regexp.MustCompile(`(^|[^\w.)}\]-])/(home|root|work|workspace|Users|tmp)/[\w.-]`),
		"path of one machine",
	},
	{
		"host", File.text,
		regexp.MustCompile(`(proxy|sum)\.golang[.]org|registry\.npmjs[.]org|(files\.pythonhosted|pypi)[.]org|deb\.debian[.]org|(?i:artifactory|nexus)[.-]|GOPROXY[=]`),
		"registry host",
	},
	{
		"swallow", File.script,
		regexp.MustCompile(`\|\|\s*(true|:)\s*([;)#&]|$)`),
		"failure swallowed",
	},
	{
		"marker", File.text,
		regexp.MustCompile(`\b(FIX[M]E|X[X]X)\b`),
		"forgotten marker",
	},
}

func lines(files []File) []Problem {
	var problems []Problem
	for _, f := range files {
		for _, rule := range lineRules {
			if !rule.applies(f) || !rule.pattern.Match(f.Data) {
				continue
			}
			for i, line := range bytes.Split(f.Data, []byte("\n")) {
				if m := rule.pattern.Find(line); m != nil {
					problems = append(problems, Problem{rule.name, f.Path, i + 1, fmt.Sprintf("%s: %q", rule.what, m)})
				}
			}
		}
	}
	return problems
}

const (
	// maxGoLines is where a hand-written file is asked for its hidden noun.
	// 400 is comfortable; twice that no longer fits in one head.
	maxGoLines = 800
	// maxFileBytes keeps build products and captured data out of the history,
	// where they stay for ever. The largest picture we want is a tenth of it.
	maxFileBytes = 1 << 20
)

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func sizes(files []File) []Problem {
	var problems []Problem
	for _, f := range files {
		if len(f.Data) > maxFileBytes {
			problems = append(problems, Problem{"size", f.Path, 0, fmt.Sprintf("%d bytes, at most %d", len(f.Data), maxFileBytes)})
		}
		if n := bytes.Count(f.Data, []byte("\n")); path.Ext(f.Path) == ".go" && n > maxGoLines && !generated.Match(f.Data) {
			problems = append(problems, Problem{"size", f.Path, 0, fmt.Sprintf("%d lines, at most %d", n, maxGoLines)})
		}
	}
	return problems
}

var (
	decisionName  = regexp.MustCompile(`^docs/adr/(\d{4})-[a-z0-9-]+\.md$`)
	decisionParts = []string{"## Context", "## Decision", "## Rejected", "## How we would know we were wrong"}
)

// decisions checks name, number and headings of each record in docs/adr.
func decisions(files []File) []Problem {
	var problems []Problem
	taken := make(map[string]string)
	for _, f := range files {
		if path.Dir(f.Path) != "docs/adr" || path.Base(f.Path) == "README.md" {
			continue
		}
		report := func(format string, args ...any) {
			problems = append(problems, Problem{"decision", f.Path, 0, fmt.Sprintf(format, args...)})
		}
		name := decisionName.FindStringSubmatch(f.Path)
		if name == nil {
			report("name is not NNNN-title.md")
			continue
		}
		if first, ok := taken[name[1]]; ok {
			report("number is taken by %s", first)
		}
		taken[name[1]] = f.Path
		var headings []string
		for line := range strings.Lines(string(f.Data)) {
			if strings.HasPrefix(line, "## ") {
				headings = append(headings, strings.TrimSpace(line))
			}
		}
		if !slices.Equal(headings, decisionParts) {
			report("headings are %q, want %q", headings, decisionParts)
		}
	}
	return problems
}

const dependencyRecord = "docs/adr/0005-dependencies.md"

var directRequire = regexp.MustCompile(`(?m)^(?:require )?\s*([\w.-]+\.[\w-]+/\S+) v[^\s/]+$`)

// dependencies checks that the record of dependencies has a word on each module
// that go.mod requires directly.
func dependencies(files []File) []Problem {
	var record, mod File
	for _, f := range files {
		switch f.Path {
		case dependencyRecord:
			record = f
		case "go.mod":
			mod = f
		}
	}
	var problems []Problem
	for _, m := range directRequire.FindAllSubmatch(mod.Data, -1) {
		if !bytes.Contains(record.Data, m[1]) {
			problems = append(problems, Problem{"dependency", "go.mod", 0, fmt.Sprintf("%s is not in %s", m[1], dependencyRecord)})
		}
	}
	return problems
}

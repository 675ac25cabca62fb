package mutants

import (
	"embed"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

//go:embed *.patch
var patches embed.FS

// Mutant is one broken build.
type Mutant struct {
	Name string
	What string // a sentence
	// Harmless mutants change nothing that matters: none may be caught.
	Harmless bool
	// Twice: the runs of one schedule must be compared.
	Twice bool
	files []file
}

// file is what a mutant does to one file.
type file struct {
	path  string // from the root of the module
	hunks []hunk
}

type hunk struct {
	before, after string
	old, new      int // lines that are still to come
}

// ErrPatch is wrapped by errors about what a patch says.
var ErrPatch = errors.New("patch")

// All returns the mutants in the order of their names.
func All() ([]Mutant, error) {
	entries, err := patches.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, e := range entries {
		text, err := patches.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		m, err := parse(strings.TrimSuffix(e.Name(), ".patch"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// parse reads a patch: a head, and a unified diff whose paths begin with a/ and
// b/, as git writes them.
func parse(name, text string) (Mutant, error) {
	m := Mutant{Name: name}
	var h *hunk // under way
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		ok := true
		switch {
		case h != nil && !h.whole():
			ok = h.add(line)
		case strings.HasPrefix(line, "@@ "):
			h, ok = m.startHunk(line)
		case strings.HasPrefix(line, "--- a/"):
			m.files = append(m.files, file{path: line[len("--- a/"):]})
		case strings.HasPrefix(line, "+++ b/"):
			ok = len(m.files) > 0 && m.files[len(m.files)-1].path == line[len("+++ b/"):]
		case line == "#! harmless":
			m.Harmless = true
		case line == "#! twice":
			m.Twice = true
		case strings.HasPrefix(line, "# ") && m.What == "":
			m.What = line[2:]
		default:
			ok = false
		}
		if !ok {
			return m, fmt.Errorf("%w %s:%d: %q", ErrPatch, name, number+1, line)
		}
	}
	switch {
	case m.What == "" || h == nil:
		return m, fmt.Errorf("%w %s: it needs a sentence and a hunk", ErrPatch, name)
	case !h.whole():
		return m, fmt.Errorf("%w %s: its last hunk is shorter than it says", ErrPatch, name)
	}
	return m, nil
}

// startHunk begins a hunk of the last file, and reports whether there is one and
// the line says how long the hunk is.
func (m *Mutant) startHunk(line string) (*hunk, bool) {
	found := header.FindStringSubmatch(line)
	if found == nil || len(m.files) == 0 {
		return nil, false
	}
	f := &m.files[len(m.files)-1]
	f.hunks = append(f.hunks, hunk{})
	h := &f.hunks[len(f.hunks)-1]
	for i, left := range []*int{&h.old, &h.new} {
		*left = 1 // a number that is left out
		if text := found[1+i]; text != "" {
			*left, _ = strconv.Atoi(text) // digits, a few
		}
	}
	return h, true
}

// header says how many lines of the old and of the new text a hunk has.
var header = regexp.MustCompile(`^@@ -\d{1,6}(?:,(\d{1,4}))? \+\d{1,6}(?:,(\d{1,4}))? @@`)

// whole reports whether a hunk has all the lines that it announced.
func (h *hunk) whole() bool { return h.old <= 0 && h.new <= 0 }

// add takes a line of the hunk, and reports whether it is one.
func (h *hunk) add(line string) bool {
	if line == "" {
		line = " " // as editors leave it
	}
	text := line[1:] + "\n"
	switch line[0] {
	case ' ':
		h.before, h.after = h.before+text, h.after+text
		h.old, h.new = h.old-1, h.new-1
	case '-':
		h.before, h.old = h.before+text, h.old-1
	case '+':
		h.after, h.new = h.after+text, h.new-1
	default:
		return false
	}
	return h.old >= 0 && h.new >= 0
}

// Apply returns the changed text of each file that a mutant breaks. A hunk is
// where its text is, not at its line numbers; the error says which one is not
// found exactly once.
func (m *Mutant) Apply(read func(path string) ([]byte, error)) (map[string][]byte, error) {
	changed := make(map[string][]byte)
	for _, f := range m.files {
		source, err := read(f.path)
		if err != nil {
			return nil, err
		}
		text := string(source)
		for i, h := range f.hunks {
			if n := strings.Count(text, h.before); n != 1 {
				return nil, fmt.Errorf("%w %s: hunk %d is %d times in %s, want once", ErrPatch, m.Name, i+1, n, f.path)
			}
			text = strings.Replace(text, h.before, h.after, 1)
		}
		changed[f.path] = []byte(text)
	}
	return changed, nil
}

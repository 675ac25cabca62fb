package mutants

import (
	"embed"
	"errors"
	"fmt"
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

type hunk struct{ before, after string }

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

// parse reads a patch.
func parse(name, text string) (Mutant, error) {
	m := Mutant{Name: name}
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		wrong := fmt.Errorf("%w %s:%d: %q", ErrPatch, name, number+1, line)
		switch {
		case line == "#! harmless":
			m.Harmless = true
		case line == "#! twice":
			m.Twice = true
		case strings.HasPrefix(line, "# ") && m.What == "":
			m.What = line[2:]
		case strings.HasPrefix(line, "--- "):
			m.files = append(m.files, file{path: line[4:]})
		case strings.HasPrefix(line, "+++ "):
			if len(m.files) == 0 || m.files[len(m.files)-1].path != line[4:] {
				return m, wrong
			}
		case line == "@@" && len(m.files) > 0:
			f := &m.files[len(m.files)-1]
			f.hunks = append(f.hunks, hunk{})
		default:
			if !m.add(line) {
				return m, wrong
			}
		}
	}
	if m.What == "" || len(m.files) == 0 {
		return m, fmt.Errorf("%w %s: it needs a sentence and a hunk", ErrPatch, name)
	}
	return m, nil
}

// add takes a line of the hunk under way, and reports whether it is one.
func (m *Mutant) add(line string) bool {
	if len(m.files) == 0 || len(m.files[len(m.files)-1].hunks) == 0 {
		return false
	}
	hunks := m.files[len(m.files)-1].hunks
	h := &hunks[len(hunks)-1]
	switch {
	case line == "":
		h.before += "\n"
		h.after += "\n"
	case line[0] == ' ':
		h.before += line[1:] + "\n"
		h.after += line[1:] + "\n"
	case line[0] == '-':
		h.before += line[1:] + "\n"
	case line[0] == '+':
		h.after += line[1:] + "\n"
	default:
		return false
	}
	return true
}

// Apply returns the changed text of each file that a mutant breaks. The error
// says which hunk is not found exactly once.
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

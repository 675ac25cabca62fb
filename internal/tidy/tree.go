package tidy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// File is one file of the tree.
type File struct {
	Path string // slash-separated, relative to the root
	Data []byte
}

// text reports whether the file is text: no NUL in its first 8 KiB, the rule
// git uses.
func (f File) text() bool {
	return bytes.IndexByte(f.Data[:min(len(f.Data), 8<<10)], 0) < 0
}

// script reports whether a shell or make runs the lines of the file.
func (f File) script() bool {
	switch path.Ext(f.Path) {
	case ".sh", ".mk", ".yml", ".yaml":
		return true
	}
	base := path.Base(f.Path)
	return base == "Makefile" || strings.HasPrefix(base, "Dockerfile") || bytes.HasPrefix(f.Data, []byte("#!"))
}

// fixture reports whether the file is data of a test, where the go command
// does not look for packages either.
func (f File) fixture() bool {
	return slices.Contains(strings.Split(path.Dir(f.Path), "/"), "testdata")
}

func (f File) goTest() bool { return strings.HasSuffix(f.Path, "_test.go") }

// Tree returns the files under root in order: those that git tracks, or all of
// them where there is no git or no repository, as in an unpacked archive.
func Tree(root string) ([]File, error) {
	names, err := tracked(root)
	if err != nil {
		if names, err = walk(root); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	var files []File
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted, not yet committed
		}
		if err != nil {
			return nil, err
		}
		files = append(files, File{name, data})
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("tree %s: no files", root)
	}
	return files, nil
}

func tracked(root string) ([]string, error) {
	// Only what a test looks at itself makes its cached result stale; git looks
	// from another process. Without an index git fails next, and says so.
	_, _ = os.Stat(filepath.Join(root, ".git", "index"))
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil || len(out) == 0 {
		return nil, fmt.Errorf("list tracked files: %w", errors.Join(err, fs.ErrNotExist))
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), nil
}

func walk(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "bin"):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		rel, err := filepath.Rel(root, name)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	return names, err
}

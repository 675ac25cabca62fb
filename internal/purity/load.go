package purity

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Loader parses and type-checks the packages of one module from source. It
// resolves imports of the module itself by folder and everything else with the
// source importer, so it needs neither export data nor the go command. Not
// safe for concurrent use.
type Loader struct {
	root   string // folder of go.mod
	module string // its path
	fset   *token.FileSet
	std    types.Importer
	loaded map[string]*pkg // by folder, slash-separated, relative to root
}

// pkg is one package without its tests.
type pkg struct {
	dir   string
	files []*ast.File
	types *types.Package
	info  *types.Info
}

// NewLoader returns a loader for the module with the given path whose go.mod
// lies in root.
func NewLoader(root, module string) *Loader {
	fset := token.NewFileSet()
	return &Loader{
		root:   root,
		module: module,
		fset:   fset,
		std:    importer.ForCompiler(fset, "source", nil),
		loaded: make(map[string]*pkg),
	}
}

// Import implements [types.Importer].
func (l *Loader) Import(importPath string) (*types.Package, error) {
	if importPath != l.module && !strings.HasPrefix(importPath, l.module+"/") {
		return l.std.Import(importPath)
	}
	p, err := l.load(strings.TrimPrefix(strings.TrimPrefix(importPath, l.module), "/"))
	if err != nil {
		return nil, err
	}
	return p.types, nil
}

// load parses and checks the package in dir, once.
func (l *Loader) load(dir string) (*pkg, error) {
	if p, ok := l.loaded[dir]; ok {
		return p, nil
	}
	p := &pkg{dir: dir}
	if err := l.parse(p); err != nil {
		return nil, err
	}
	p.info = &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue),
		Defs:  make(map[*ast.Ident]types.Object),
		Uses:  make(map[*ast.Ident]types.Object),
	}
	conf := types.Config{Importer: l}
	var err error
	if p.types, err = conf.Check(path.Join(l.module, dir), l.fset, p.files, p.info); err != nil {
		return nil, fmt.Errorf("type-check %s: %w", dir, err)
	}
	l.loaded[dir] = p
	return p, nil
}

// parse reads the files of p that this platform builds, named relative to the
// module so that reports say the same everywhere.
func (l *Loader) parse(p *pkg) error {
	abs := filepath.Join(l.root, filepath.FromSlash(p.dir))
	entries, err := os.ReadDir(abs)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !isSource(e.Name()) {
			continue
		}
		if built, err := build.Default.MatchFile(abs, e.Name()); err != nil || !built {
			if err != nil {
				return err
			}
			continue
		}
		src, err := os.ReadFile(filepath.Join(abs, e.Name()))
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(l.fset, path.Join(p.dir, e.Name()), src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
	}
	if len(p.files) == 0 {
		return fmt.Errorf("load %s: no Go files", p.dir)
	}
	return nil
}

func isSource(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// Packages returns the folders at and below each of trees that hold Go files
// other than tests, slash-separated and sorted. A tree that does not exist
// holds none; testdata is not entered.
func (l *Loader) Packages(trees ...string) ([]string, error) {
	var dirs []string
	for _, tree := range trees {
		err := filepath.WalkDir(filepath.Join(l.root, tree), func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return fs.SkipDir
			case d.IsDir() || !isSource(d.Name()):
				return nil
			}
			rel, err := filepath.Rel(l.root, filepath.Dir(name))
			dirs = append(dirs, filepath.ToSlash(rel))
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs), nil
}

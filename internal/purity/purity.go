package purity

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Report is one construct that does not belong into a pure package.
type Report struct {
	Pos  token.Position // file relative to the module, line, column
	What string         // the rule, as a clause
}

// String returns the report as "file:line:column: what".
func (r Report) String() string { return fmt.Sprintf("%s: %s", r.Pos, r.What) }

// Check reports every violation in the package in dir, a folder relative to
// the module, ordered by file and position. An error means that the package
// could not be parsed or type-checked.
func (l *Loader) Check(dir string) ([]Report, error) {
	p, err := l.load(dir)
	if err != nil {
		return nil, err
	}
	c := &checker{fset: l.fset, pkg: p, written: writtenVars(p)}
	c.packageComment()
	for _, f := range p.files {
		c.sorted = sortedCalls(p.info, f)
		c.variables(f)
		ast.Inspect(f, c.visit)
	}
	reports := c.excuse()
	slices.SortFunc(reports, func(a, b Report) int {
		return cmp.Or(cmp.Compare(a.Pos.Filename, b.Pos.Filename), cmp.Compare(a.Pos.Offset, b.Pos.Offset),
			cmp.Compare(a.What, b.What))
	})
	return reports, nil
}

// checker collects the reports of one package.
type checker struct {
	fset    *token.FileSet
	pkg     *pkg
	written map[types.Object]bool  // package-level variables that a statement changes
	sorted  map[*ast.CallExpr]bool // calls whose result is sorted at once, in this file
	reports []Report
}

func (c *checker) report(pos token.Pos, format string, args ...any) {
	c.reports = append(c.reports, Report{c.fset.Position(pos), fmt.Sprintf(format, args...)})
}

// visit reports the constructs that can be told from one node.
func (c *checker) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.report(n.Pos(), "go statement")
	case *ast.SelectStmt:
		c.report(n.Pos(), "select statement")
	case *ast.ChanType:
		c.report(n.Pos(), "channel type")
	case *ast.SendStmt:
		c.report(n.Pos(), "channel send")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			c.report(n.Pos(), "channel receive")
		}
	case *ast.RangeStmt:
		c.rangeStmt(n)
	case *ast.CallExpr:
		return !c.sorted[n]
	case *ast.SelectorExpr:
		c.mapIterator(n)
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" {
			c.report(n.Pos(), "init function")
		}
	case *ast.BasicLit:
		if n.Kind == token.STRING && printsAddress(n.Value) {
			c.report(n.Pos(), "verb %%p prints an address")
		}
	}
	return true
}

func (c *checker) rangeStmt(n *ast.RangeStmt) {
	operand := c.pkg.info.TypeOf(n.X)
	if anyTerm(operand, func(t types.Type) bool { _, ok := t.(*types.Map); return ok }) {
		c.report(n.Pos(), "range over a map")
	}
	if anyTerm(operand, func(t types.Type) bool { _, ok := t.(*types.Chan); return ok }) {
		c.report(n.Pos(), "range over a channel")
	}
}

// mapIterator reports an iterator over a map wherever it is named, so that
// passing the function on does not hide it.
func (c *checker) mapIterator(n *ast.SelectorExpr) {
	if isFunc(c.pkg.info.Uses[n.Sel], "maps", "All", "Keys", "Values") {
		c.report(n.Pos(), "maps.%s outside slices.Sorted*", n.Sel.Name)
	}
}

func (c *checker) packageComment() {
	for _, f := range c.pkg.files {
		if f.Doc != nil && strings.TrimSpace(f.Doc.Text()) != "" {
			return
		}
	}
	c.report(c.pkg.files[0].Package, "package without a package comment")
}

// variables reports the package-level variables of f that can carry state.
func (c *checker) variables(f *ast.File) {
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, spec := range gen.Specs {
			v := spec.(*ast.ValueSpec)
			for _, name := range v.Names {
				c.variable(name, len(v.Values) > 0)
			}
		}
	}
}

func (c *checker) variable(name *ast.Ident, initialised bool) {
	if name.Name == "_" {
		return // asserts that a type implements an interface
	}
	object := c.pkg.info.Defs[name]
	switch {
	case c.written[object]:
		c.report(name.Pos(), "package-level variable %s is written to", name.Name)
	case !initialised || !isError(object.Type()) && !isTable(object.Type()):
		c.report(name.Pos(), "package-level variable %s is neither an error nor a table", name.Name)
	}
}

// excuse removes the reports whose line carries an exception, and reports the
// exceptions that have no reason or nothing to excuse.
func (c *checker) excuse() []Report {
	type line struct {
		file string
		line int
	}
	type exception struct {
		pos    token.Pos
		reason string
		used   bool
	}
	exceptions := make(map[line]*exception)
	for _, f := range c.pkg.files {
		for _, group := range f.Comments {
			for _, comment := range group.List {
				rest, ok := strings.CutPrefix(comment.Text, "//purity:ok")
				if !ok {
					continue
				}
				reason, _, _ := strings.Cut(rest, "//") // what follows is another remark
				pos := c.fset.Position(comment.Pos())
				exceptions[line{pos.Filename, pos.Line}] = &exception{comment.Pos(), strings.TrimSpace(reason), false}
			}
		}
	}
	var kept []Report
	for _, r := range c.reports {
		if e := exceptions[line{r.Pos.Filename, r.Pos.Line}]; e != nil && e.reason != "" {
			e.used = true
			continue
		}
		kept = append(kept, r)
	}
	for _, e := range exceptions {
		switch {
		case e.reason == "":
			kept = append(kept, Report{c.fset.Position(e.pos), "exception without a reason"})
		case !e.used:
			kept = append(kept, Report{c.fset.Position(e.pos), "exception that excuses nothing"})
		}
	}
	return kept
}

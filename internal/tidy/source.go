package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
)

// packageComments checks that each folder with Go files has a package comment
// in one of them: outside its tests, unless there is nothing but tests.
func packageComments(files []File) []Problem {
	type folder struct{ source, test, doc, testDoc bool }
	folders := make(map[string]*folder)
	var problems []Problem
	for _, f := range files {
		if path.Ext(f.Path) != ".go" || f.fixture() {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Path, f.Data, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			problems = append(problems, Problem{"package", f.Path, 0, err.Error()})
			continue
		}
		dir := path.Dir(f.Path)
		if folders[dir] == nil {
			folders[dir] = new(folder)
		}
		documented := parsed.Doc != nil && strings.TrimSpace(parsed.Doc.Text()) != ""
		if f.goTest() {
			folders[dir].test, folders[dir].testDoc = true, folders[dir].testDoc || documented
		} else {
			folders[dir].source, folders[dir].doc = true, folders[dir].doc || documented
		}
	}
	for dir, f := range folders {
		if !f.doc && (f.source || !f.testDoc) {
			problems = append(problems, Problem{"package", dir, 0, "package without a package comment"})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return problems
}

// sleepers checks that tests wait for what happens and not for the clock:
// neither time.Sleep nor anything called Eventually, but in files that use
// testing/synctest, where time is virtual.
func sleepers(files []File) []Problem {
	var problems []Problem
	for _, f := range files {
		if !f.goTest() || f.fixture() {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, f.Path, f.Data, parser.SkipObjectResolution)
		if err != nil {
			problems = append(problems, Problem{"sleep", f.Path, 0, err.Error()})
			continue
		}
		if slices.ContainsFunc(parsed.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing/synctest"` }) {
			continue
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if on, ok := call.X.(*ast.Ident); ok && on.Name == "time" && call.Sel.Name == "Sleep" || call.Sel.Name == "Eventually" {
				line := fset.Position(call.Pos()).Line
				problems = append(problems, Problem{"sleep", f.Path, line, fmt.Sprintf("%s outside testing/synctest", call.Sel.Name)})
			}
			return true
		})
	}
	return problems
}

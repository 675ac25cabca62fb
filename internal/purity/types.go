package purity

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
)

// anyTerm reports whether is holds for the underlying type of t or, if t is a
// type parameter, for that of any type in its constraint.
func anyTerm(t types.Type, is func(types.Type) bool) bool {
	constraint, ok := t.Underlying().(*types.Interface)
	if !ok {
		return is(t.Underlying())
	}
	for embedded := range constraint.EmbeddedTypes() {
		union, ok := embedded.(*types.Union)
		if !ok {
			if anyTerm(embedded, is) {
				return true
			}
			continue
		}
		for term := range union.Terms() {
			if anyTerm(term.Type(), is) {
				return true
			}
		}
	}
	return false
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

// isTable reports whether t is a type of which tables are made.
func isTable(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Array, *types.Slice, *types.Map:
		return true
	}
	return false
}

// isFunc reports whether object is one of the named functions of the package
// with the given path.
func isFunc(object types.Object, path string, names ...string) bool {
	return object != nil && object.Pkg() != nil && object.Pkg().Path() == path && slices.Contains(names, object.Name())
}

// sortedCalls returns the calls in f that stand directly in slices.Sorted,
// SortedFunc or SortedStableFunc.
func sortedCalls(info *types.Info, f *ast.File) map[*ast.CallExpr]bool {
	sorted := make(map[*ast.CallExpr]bool)
	ast.Inspect(f, func(n ast.Node) bool {
		outer, ok := n.(*ast.CallExpr)
		if !ok || len(outer.Args) == 0 {
			return true
		}
		name, ok := outer.Fun.(*ast.SelectorExpr)
		if !ok || !isFunc(info.Uses[name.Sel], "slices", "Sorted", "SortedFunc", "SortedStableFunc") {
			return true
		}
		if inner, ok := outer.Args[0].(*ast.CallExpr); ok {
			sorted[inner] = true
		}
		return true
	})
	return sorted
}

// writtenVars returns the package-level variables of p that some statement
// assigns to, also by element or field, or whose address it takes.
func writtenVars(p *pkg) map[types.Object]bool {
	written := make(map[types.Object]bool)
	write := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if object := p.info.Uses[baseIdent(e)]; object != nil && object.Parent() == p.types.Scope() {
				written[object] = true
			}
		}
	}
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				write(n.Lhs...)
			case *ast.IncDecStmt:
				write(n.X)
			case *ast.RangeStmt:
				write(n.Key, n.Value)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					write(n.X)
				}
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && mutates(p.info.Uses[name]) {
					write(n.Args[0])
				}
			}
			return true
		})
	}
	return written
}

// mutates reports whether object is a builtin that writes to its first
// argument. Append may: a table has no business there.
func mutates(object types.Object) bool {
	b, ok := object.(*types.Builtin)
	return ok && slices.Contains([]string{"append", "clear", "copy", "delete"}, b.Name())
}

// baseIdent returns the variable at the root of x[i].f, or nil.
func baseIdent(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

var percent = regexp.MustCompile(`%[-+# 0-9.*\[\]]*[%a-zA-Z]`)

// printsAddress reports whether a string literal, as written, holds the verb
// %p. It steps from verb to verb, so that "%%p" is a percent sign and a letter.
func printsAddress(literal string) bool {
	return slices.ContainsFunc(percent.FindAllString(literal, -1), func(verb string) bool {
		return verb[len(verb)-1] == 'p'
	})
}

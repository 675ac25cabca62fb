// Package clean holds nothing that a pure package may not hold.
package clean

import (
	"cmp"
	"maps"
	"slices"
)

// Names returns the keys of m in order, the longer first.
func Names(m map[string]int) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
}

package maelstrom

import "slices"

// neighbours has a function per topology: whether the i-th and the j-th of n
// nodes are neighbours, for i < j.
var neighbours = map[string]func(i, j, n int) bool{
	"line":  func(i, j, _ int) bool { return j == i+1 },
	"total": func(int, int, int) bool { return true },
	"tree2": tree(2),
	"tree3": tree(3),
	"tree4": tree(4),
	"grid": func(i, j, n int) bool {
		side := 1
		for side*side < n {
			side++
		}
		return j == i+side || j == i+1 && j%side != 0
	},
}

func tree(branches int) func(i, j, n int) bool {
	return func(i, j, _ int) bool { return (j-1)/branches == i }
}

// topology returns the neighbours of each node by name, both ways.
func topology(kind string, names []string) map[string][]string {
	of := make(map[string][]string, len(names))
	for _, name := range names {
		of[name] = []string{}
	}
	for j := range names {
		for i := range j {
			if neighbours[kind](i, j, len(names)) {
				of[names[i]] = append(of[names[i]], names[j])
				of[names[j]] = append(of[names[j]], names[i])
			}
		}
	}
	for _, names := range of {
		slices.Sort(names)
	}
	return of
}

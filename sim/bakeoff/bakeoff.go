package bakeoff

import "fmt"

// Strategies are the names of those that take part.
func Strategies() []string { return []string{"delegation", "eager", "plumtree"} }

func starter(strategy string) (func(w *world, i int32) contender, error) {
	switch strategy {
	case "delegation":
		return newMachine, nil
	case "eager":
		return newEager, nil
	case "plumtree":
		return newPlumtree, nil
	}
	return nil, fmt.Errorf("no strategy %q", strategy)
}

// Run plays a cell once for each random seed from first on and returns what came
// of it. The same arguments give the same outcome.
func Run(cell Cell, strategy string, first uint64, seeds int) (Outcome, error) {
	start, err := starter(strategy)
	if err != nil {
		return Outcome{}, err
	}
	var runs []*sample
	for k := range seeds {
		w := newWorld(cell, first+uint64(k), start)
		w.run()
		runs = append(runs, w.sample())
	}
	return join(strategy, runs), nil
}

// Package mutants holds deliberately broken builds of the protocol, to see that
// the swarm finds what is wrong with each. A mutant is a patch that is laid over
// the source when it is built (go build -overlay): the product carries no
// switch, and a patch that no longer applies is an error.
//
//	go run ./sim/mutants/run              all of them, until each is caught
//	go run ./sim/mutants/run never-refute map-order
//	go run ./sim/mutants/run -build DIR never-refute
//
// A patch file is a unified diff (git apply takes it), after a head with a
// sentence on what is broken (#), and perhaps a word that it is harmless and must
// survive, or that only two runs side by side show it (#!). What a hunk replaces
// must be in the file exactly once, wherever that is.
package mutants

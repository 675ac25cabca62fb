// Package check holds a simulated cluster to its invariants while it runs.
//
// A [Checker] is a [sim.Watcher] that knows nothing of how the protocol works,
// only what must be true of its outputs. Its checks take constant time per
// event, so that they are always on:
//
//	M1  nobody holds a life (epoch, incarnation) that its subject never began;
//	    a node's own life never goes back, over restarts either
//	M2  a member's view of another follows its events: the last one is the view
//	M3  events about a member follow one another legally
//	M4  who is dead or has left comes back only in a later life
//	M5  no payload exceeds its lane's bound
//	F1  a suspicion lasts for its minimum before it becomes a verdict
//	F2  without any fault nobody is suspected
//	F3  nobody is suspected on the word of one who is held dead or has left
//	X1  nothing panics (the runner's to catch; see [Checker.Panicked])
//	X5  no node acts without end at one instant
//
// The first violation is kept with its time and node; the runner ends the run.
package check

// Package benchcluster measures what it costs to keep a cluster of real nodes
// together, whichever gossip library they run.
//
// A measurement has three phases, all in one process over loopback sockets:
//
//	join    every node starts at once and joins one seed; the phase ends when
//	        every node lists every node, or when patience runs out
//	settle  nothing is asked of the nodes, so that rumors of the join die out
//	idle    nothing is asked of the nodes, and everything they do is counted
//
// The library under test hides behind [Cluster]; the rest is the same for all:
// one clock, one way to read processor time, one way to read the heap. [Nodes]
// is our own; the module bench has others. Figures describe the whole process,
// so a measurement wants a process of its own: the heap of an earlier cluster,
// or its last goroutines, would be billed to the next one.
//
// The command "hearsay bench cluster" makes one measurement of ours, and
// bench/clusterbench compares libraries.
package benchcluster

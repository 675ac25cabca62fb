// Package sim runs many nodes of the shipping protocol in virtual time, in one
// goroutine, over a modelled network: same seed, same run, to the last bit, on
// any machine.
//
// A [Lab] is for your own tests: it looks like a handful of nodes of the library,
// with their members, metadata, events, messages and queries, whose time you hold
// in your hands. A
// [Cluster], below it, holds N machines of package core. It delivers their packets with
// the latency, loss, duplication and cuts that it was told to, lets nodes
// crash, restart and freeze, and folds everything that happens into a trace
// hash. Time passes only by [Cluster.Run] and its relatives; an hour of an idle
// cluster of a hundred takes seconds.
//
// What is not modelled: encryption (a sender is what it says it is), processing
// time but for what [Network.Processing] says, bandwidth, and TCP beyond order,
// delay and broken connections.
package sim

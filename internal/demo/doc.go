// Package demo shows a cluster of real nodes at work, on the loopback interface
// of one machine, to somebody who sees gossip for the first time.
//
// Nothing in it is acted. The nodes are those of the root package, each with
// its own identity and its own UDP and TCP port; every time that is shown is
// that of an hearsay.Event of the node it is about. Only the network's faults
// are made here: a [network] between the nodes and their sockets drops what it
// is told to.
//
//	network   cuts and unplugs, between transport/udp and the nodes
//	journal   what all nodes noticed, in one place, and when
//	cluster   the nodes: start, kill, restart, leave, cut, heal, set a fact
//	Story     a script on a cluster, told in prose or as one JSON object
//	Live      the same faults by hand, on a terminal
package demo

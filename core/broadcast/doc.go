// Package broadcast carries events: messages that one member publishes for all,
// and queries that it asks some. They travel at the speed of the network, about
// one copy a member, are repaired until everybody has them, and tell their
// origin how many that is.
//
// # Identity
//
// An event is (origin, epoch, seq). For each origin a machine keeps the base, up
// to which it has had everything or given it up, and a bitmap above: suppression
// of duplicates is exact, and costs memory for origins and not for events. An
// event counts only in the epoch that its origin's signed record is of. Events
// themselves are not signed: sessions between members are authentic, so a member
// can forge the events of another; docs/divergence.md says why.
//
// # Parts
//
//	origin.go    what was heard of one origin: base, bitmap, order
//	window.go    payloads kept for repair
//	lane.go      what is on its way to one peer: numbers, acks, repetition
//	link.go      a peer: its lanes, control messages, and how they share packets
//	service.go   who waits for whom: receipts and reports
//	heard.go     telling what was heard: digests, and the root that pings carry
//	repair.go    what lacks, and whom to ask for it
//	give.go      answers to those who ask
//	chunks.go    events larger than a datagram
//	query.go     filters and answers
//	delegate.go  the tree: spans of the ring, and who answers for them
//	push.go      one relay on its way into a lane
//
// # The tree
//
// Who pushes to whom follows from the members that each knows: there is nothing
// to learn or to repair in it. It was measured against eager push and Plumtree,
// which sim/bakeoff keeps for that; docs/adr/0006-delegation.md has the figures.
package broadcast

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
//	repair.go    heard, pull, and the root that pings carry
//	chunks.go    events larger than a datagram
//	query.go     filters and answers
//	delegate.go  the default strategy
//
// # Strategies
//
// A strategy decides to whom an event is pushed, and nothing else. It is told
// what happens and may push; identity, acks, repetition, repair and receipts are
// the machine's. The rules:
//
//   - It lives in the file named after it, implements strategy, and is chosen in
//     newStrategy. There is one, delegation; sim/bakeoff measures it against eager
//     push and Plumtree.
//   - It may read Machine.live (members ordered by ID), Machine.cfg, Machine.rand,
//     and the event it is given, and keep links that Machine.linkTo returned; a
//     link is of a peer for as long as its peer is live.
//   - It sends by Machine.push alone. A push that is refused (queue full) is
//     counted, and left to repair. Pushes leave at the next flush, together with
//     all else that goes to the peer.
//   - Whatever it pushes in the course of one call belongs to the service it was
//     given, and so to the receipt.
//   - An ack tells whether the receiver had the event already (AckDuplicate):
//     that is Plumtree's prune. A pull of a missed event comes as pulled: that is
//     its graft. heard messages are its ihave. No message of its own is needed.
//   - It must not range over a map, nor keep an event beyond the call.
package broadcast

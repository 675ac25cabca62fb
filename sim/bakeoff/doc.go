// Package bakeoff compares ways to broadcast. Each node runs one of three
// protocols over the same modelled network, and a run says when whom the event
// reached and what that cost.
//
//   - delegation: the [broadcast.Machine] that nodes run.
//   - eager: forward to ⌈ln n⌉+1 random members on first receipt, and let lazy
//     digests repair the rest (Demers 1987; Kermarrec 2003 for the fanout).
//   - plumtree: a tree per origin over a symmetric overlay (Leitão, Pereira and
//     Rodrigues, SRDS 2007), with what its users have learnt since.
//
// All three repair alike: digests to two random members, pulls with one open
// request an event, roots compared on every probe. The two that were not chosen
// live here only, so that the table of docs/adr/0006-delegation.md can be made
// again: they carry structs where the machine under test carries encoded bytes,
// and their retransmission timers know the true round trip of each link, which
// is a favour to them.
//
// Views are not those of a running SWIM: a run hands each node a share of one
// list with exceptions, which lets 5,000 nodes disagree in a chosen way within
// a few hundred megabytes.
package bakeoff

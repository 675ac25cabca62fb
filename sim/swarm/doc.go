// Package swarm looks for schedules that break the protocol. A random seed draws
// a [Schedule]: the cluster, its configuration, its workload and its faults. The
// schedule is run in two phases:
//
//  1. Safety: faults at random, every crashed node restarts in the end, and all
//     invariants of package check hold.
//  2. Liveness: a random part of the cluster is left alone by all faults, while
//     the rest stays crashed, cut off, frozen, deaf or mute for ever. That part
//     must agree within bounds that follow from the configuration.
//
// Drawing and running are two steps, with a file between them that says
// everything: [Draw] makes a schedule, [Run] plays one. A schedule that fails is
// made smaller by [Shrink] for as long as the same invariant fails. The luck of
// a packet inside a fault is a hash of seed, fault, link and number, so that
// taking one fault away leaves the luck of the others alone.
//
// Most runs lack most kinds of faults (swarm testing: Groce et al., ISSTA 2012),
// so that none hides what another would show.
package swarm

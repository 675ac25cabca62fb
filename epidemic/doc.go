// Package epidemic spreads updates through a cluster in rounds, and says what
// theory expects of them.
//
// It is the smallest model of gossip: a complete graph of n nodes, each of
// which draws k distinct targets (the fanout) among the others in every round;
// datagrams are lost with chance p and a share f of the nodes is dead without
// anybody knowing. [Run] plays many trials of a [Config] in parallel, [Predict]
// computes the theory for the same Config, [Tell] follows one small run node by
// node. There is no network, clock or protocol message here: for those, see
// package sim.
//
// # Protocols
//
// Write I and U for the live nodes that know and that do not, and q for
// (1-p)(1-f).
//
//   - [Push], [Pull], [PushPull] never stop: in every round a node that knows
//     sends to k targets, a node that does not asks k targets, or both.
//     Mean field: U' = U (1-(1-p)k/(n-1))^I for push, U (1-(1-p)I/(n-1))^k for
//     pull, both factors for push-pull. Rounds for k = 1: log2 n + ln n for
//     push (Frieze and Grimmett, Discrete Applied Mathematics 10, 1985; Pittel,
//     SIAM J. Appl. Math. 47, 1987), log3 n + O(log log n) for push-pull (Karp,
//     Schindelhauer, Shenker, Vöcking, FOCS 2000, section 2).
//   - [InfectAndDie]: a node sends to k targets in the round after it learnt,
//     then never again. A share s = exp(-kq(1-s)) stays out (Kermarrec,
//     Massoulié, Ganesh, IEEE TPDS 14(3), 2003).
//   - Rumor mongering (Demers et al., PODC 1987, section 1.4): a node that
//     knows pushes until it loses interest. With feedback only contacts that
//     already knew count, blind all do; by counter it stops at the Stop-th
//     contact that counts, by coin after each with chance 1/Stop:
//     [FeedbackCounter], [FeedbackCoin], [BlindCounter], [BlindCoin]. Every
//     variant obeys s = exp(-m) for m copies sent per node.
//   - [MedianCounter] (Karp et al., section 3): push-pull in which each node
//     counts, by comparing its counter with those of its partners, how common
//     the update is; O(n log log n) copies. A node in B that meets nobody who
//     spreads would never end, so all stop at an age of O(log n) rounds.
//   - [Digest]: push until about n/ln n nodes know, then every node that lacks
//     the update asks one other per round, by a digest, so that a payload is
//     sent only where it is missing; n + o(n) payloads (Mercier, Hayez, Matos,
//     arXiv 1709.00198). A copy carries its age, by which all nodes turn from
//     push to pull in the same round.
//
// # Model
//
// In [Sync] order everybody acts on what was known when the round began: this
// is what the theory describes, but for clusters as small as the toy, where the
// Markov chain of [Turn] order is computed, too. In [Turn] order nodes act one
// after another and pass on what reached them earlier in the round, as a plain
// loop over the nodes does; it needs fewer rounds for the same messages.
//
// Loss strikes datagrams that carry a payload. A payload sent counts as a copy
// whether it arrives, is news, or not; a pull is answered only by a node that
// has something new.
//
// # Randomness
//
// Trial i draws from its own PCG, seeded by a hash of (random seed, i), and all
// sums are of whole numbers. So a Config has one Result, on any number of
// cores and in any release of Go.
package epidemic

// Package member is the vocabulary of membership: who a node is, what others
// may claim about it, and which of two claims wins.
//
// It imports nothing of ours and holds no state. Every other package speaks in
// its words, from the wire to the command line.
//
// A node is known by its [NodeID], which is derived from its key; its [Name] is
// only a claim, and its address is only data. What a cluster believes about a
// node is a [Claim]: an (epoch, incarnation) pair that only the node itself can
// raise, and a [State]. Claims are totally ordered by [Claim.Compare], so that
// merging them is taking the larger one: commutative, associative and
// idempotent, whatever the order in which rumors arrive.
package member

// Package state keeps on disk what an agent must not forget: how often it has
// started, whether it left on purpose, its own metadata and whom it knew.
//
// One goroutine owns the disk, so that a slow or failing one never delays the
// protocol. Changes are gathered for [SaveDelay] and written as one generation
// of package snapshot; who must know that a write is safe asks [Keeper.Flush].
// When the disk fails the agent goes on, says so, and the keeper tries again.
//
// A generation holds, the most important first, since damage costs the tail:
//
//	type  payload
//	1     epoch u64
//	2     left u8
//	3     own fact: key length u16, key, value
//	4     peer: node id 16, epoch u64, state u8, port u16, name length u8, name, address 4 or 16
//
// Integers are big-endian. Records of other types are those of a later release
// and are passed over.
package state

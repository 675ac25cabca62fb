// Package ring places keys on the members of a cluster by consistent hashing,
// as Dynamo does: every node works out by itself, from the members that it
// knows and the facts that they publish, which N of them keep a key and who
// stands in for one that is suspect.
//
// A [Ring] never changes. A [Keeper] holds the newest one and replaces it as
// events come in:
//
//	events := node.Events(ctx) // before the first look, so that nothing is missed
//	keeper, err := ring.NewKeeper(node, func(m hearsay.Member) ring.Member {
//		return ring.Member{ID: m.ID, Epoch: member.Epoch(m.Epoch), State: m.State}
//	}, ring.Options{})
//	…
//	for e := range events {
//		keeper.Update(e.Member.ID)
//	}
//
// Each member has [Options.Tokens] positions on a circle of 2^64, more or fewer
// by its weight; a key belongs to the member of the first token at or after its
// own position. Its preference list ([Ring.Replicas]) goes on round the circle
// and takes the first member of each further zone until there are N; where
// there are fewer zones than N, further members follow in the order of the
// circle. Tokens depend on nothing but a member's own ID and weight. Hence:
//
//   - equal views give equal rings, in whatever order they were learnt;
//   - when one member comes, goes or changes, keys move from it or to it, and
//     none between two others;
//   - a suspect keeps its keys. A preference list names beside it the member
//     that would follow if it were gone, as its stand-in: writes go there
//     meanwhile, with a hint (Dynamo section 4.6). If the suspect dies, the
//     stand-in is at home already.
//
// Membership is eventually consistent, and so are rings: two nodes may differ
// for the moment that a rumor takes, or for as long as a partition lasts. A ring
// says where to look, not who may write. Dynamo lets an operator decide who is
// on the ring; here the failure detector does, and a dead member is off it until
// it returns. Its zone and weight go with it, for facts of the dead are hidden,
// so that a newcomer could not place it.
//
// Sources: Karger et al., Consistent hashing and random trees, STOC 1997, section
// 4; DeCandia et al., Dynamo, SOSP 2007, sections 4.2, 4.3 and 4.6. Why there is
// no library below it: docs/adr/0007-own-hash-ring.md.
package ring

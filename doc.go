// Package hearsay is gossip for Go: a node of a cluster in which everybody soon
// knows who is here and what each member says about itself, without a server.
//
// [Start] makes a node; it finds the cluster at its seeds. From then on
//
//   - [Node.Members] is who is here, as this node sees it,
//   - [Node.Events] is what happens: members come, go, are suspected, recover,
//   - [Node.Meta] is what this node publishes, and [Node.MetaOf] what others do,
//   - [Node.Broadcast] tells all members a message, and how many have it;
//     [Node.Messages] and [Node.Handle] are for those who listen,
//   - [Node.Query] asks members, and [Node.HandleQueries] answers.
//
// Metadata is for what stays true while its owner lives: whoever joins later
// gets it, too. A message is for what happens: it is there at network speed, in
// one copy for each member, and is repaired until all have it that were members
// when it was sent. Neither is stored on a disk.
//
// Views of different nodes agree eventually: on a quiet LAN within a second or
// two, after a partition within the heal period. Nothing here decides between
// writers: there is no lock, no leader and no compare-and-swap, and there cannot
// be ([ErrConsensus]).
//
// # Security
//
// A node needs a ring ([seal.NewRing]), which holds the ID of the cluster and a
// shared key. All traffic is sealed with it; nodes of another ring are refused
// and counted. A node's own key ([Config.Identity]) signs what it says of
// itself, so no member can speak for another in that. Messages and queries are
// not signed, they are as true as the members that hand them on: a signature of
// each would cost more than all else that is done with them. Without a ring Start
// refuses, unless [Config.Insecure] is set.
//
// # Inside
//
// Package core is the protocol, a state machine without I/O. One goroutine
// drives it; another opens what arrives as datagrams; a third accepts streams,
// which carry what is too large for a datagram:
//
//	 sockets            goroutines                       for you
//
//	datagrams ── receive, open ──┐
//	                             ├─► driver ─► snapshot ─► Members, Lookup …
//	streams ───── accept, read ──┘   │  ▲ │
//	                                 │  │ └──► queues ───► Events, Messages …
//	datagrams ◄─ seal, send ─────────┤  │
//	streams ◄─── write ◄── queues ◄──┘  └─ commands ◄──── Meta, Broadcast, Join …
//
// The driver waits for nobody. Readers of members touch neither it nor a lock,
// subscribers have queues of their own that overflow into a marker, and all that
// is dropped anywhere is counted with its reason ([Stats.Drops]).
//
// Time in the protocol is that of the monotonic clock from the node's start; the
// wall clock only labels what people read. On Linux the monotonic clock stands
// still while the machine is suspended: a node that wakes continues where it
// was, and learns from the others that it was missed.
package hearsay

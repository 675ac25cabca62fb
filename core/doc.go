// Package core is the protocol of one node as a state machine: members, facts,
// the rumors that carry them, and events, composed behind one [Machine.Step].
//
// It performs no I/O and starts no goroutine. A driver tells it what arrived
// and what time it is, sends the packets that it asks for, and calls again at
// [Machine.Deadline]. The same code runs over sockets and in the simulator,
// which is why nothing in it may depend on a clock, on map order, on floating
// point or on a generator of its own.
//
//		          Receive, Tick, commands
//		                    │
//		    ┌───────────────▼────────────────┐
//		    │            Machine             │
//		    │ swim    rumor  store  broadcast│   sub-machines know nothing of each
//		    │ members queue  facts  events   │   other; the machine wires them
//		    └───────────────┬────────────────┘
//		                    ▼
//		            packets, events
//
//	  - core/swim decides who is here: probes, suspicion, refutation, healing.
//	  - core/rumor decides what rides on the next packet.
//	  - core/store holds what members publish.
//	  - core/broadcast carries messages and queries to everybody, and repairs them.
//	  - sync.go, here, reconciles members and facts with a peer whose root differs.
//	  - core/effect is what sub-machines ask for; core/draw is chance.
//
// The best way in is core/testdata: each file is a conversation between a few
// nodes, in the order it happens, with the section of the paper it follows.
//
// The API is for the root package and the simulator. It is exported and may
// change at any time.
package core

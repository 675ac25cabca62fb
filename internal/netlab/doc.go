// Package netlab builds small networks of Linux network namespaces for
// end-to-end tests: real processes, real sockets, real kernels, and faults on
// demand.
//
// A lab has n hosts, each a namespace of its own with one Ethernet device, and
// one switch that joins them. All labs use the same private addresses; no
// frame leaves the lab, so any number of labs run side by side.
//
//	host 0 (10.77.0.1)     host 1 (10.77.0.2)     host 2 (10.77.0.3)
//	      eth0                   eth0                   eth0
//	       └──────────────────────┼──────────────────────┘
//	                            switch
//
// There are two kinds of switch:
//
//   - [New] uses a kernel bridge in a namespace of its own. Frames cross it at
//     kernel speed; cuts and loss are nftables rules on its forward hook.
//   - [NewTAP] forwards frames in this process. It can also delay, jitter and
//     duplicate them on each ordered pair of hosts, and it draws every fate
//     from a random seed. Expect tens of microseconds a frame.
//
// Neighbour entries are permanent, so neither ARP nor neighbour discovery ever
// crosses the switch: a cut may drop every frame, and the first packet after
// [Lab.Heal] arrives like any other.
//
// A lab needs root, ip(8), nft(8) and /dev/net/tun; see [Supported] and
// [Require]. [Lab.Close] ends the processes that live in the lab and removes
// its namespaces. What a crashed run left behind is removed by the next run,
// which knows it by its name and by the missing process that owned it.
//
// The package does not route, translate addresses, shape bandwidth or move
// clocks, and it works on Linux only: elsewhere every constructor answers
// [ErrUnsupported].
package netlab

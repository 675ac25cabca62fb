// Package stream is the transport for networks that block UDP: datagrams
// travel in frames on TCP connections, beside the ordinary streams, all on one
// port.
//
// The first byte of a connection says what it is:
//
//	 stream                datagrams
//	+------+---------+    +------+-----------+---------+---------+--
//	| 0x01 | bytes … |    | 0x02 | port (2)  | frame 1 | frame 2 | …
//	+------+---------+    +------+-----------+---------+---------+--
//
//	 frame
//	+------------+----------------------+
//	| length (2) | packet, 1 to 9,216 B |
//	+------------+----------------------+
//
// Numbers are big-endian. The length is that of the packet; anything outside
// of 1 to [transport.MaxPacket] ends the connection, as does a port of 0.
//
// # Who sent it
//
// A connection leaves from a port that nobody listens on, so the dialer says
// in its opening which port it listens on. Receive reports that port beside
// the IP that the connection was seen to come from: the Addr of the peer, if
// no address translation lies between. The port is a claim. Whoever shares an
// IP with a node can claim its port, as whoever can forge IPs can with UDP;
// the seal tells them apart, not the address. So replies never travel on a
// connection that a peer opened but on one dialled to the address: a datagram
// connection carries frames from its dialer only.
//
// # What is bounded
//
// Send appends to a queue of the peer, of bounded size in bytes, and never
// waits: a peer that reads slowly fills it and Send returns
// [transport.ErrQueueFull]. One goroutine for each such peer writes the whole
// queue at once, under a deadline, so a connection whose other end is gone is
// noticed; what was queued is then lost and counted, and the next attempt
// waits for a growing delay, during which Send returns [ErrUnreachable].
// Connections are closed after a time without a datagram. On the receiving
// side a frame waits in the connection until Receive takes it, so pressure
// goes back to the sender over TCP, and memory is one frame a connection.
package stream

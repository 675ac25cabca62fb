// Package wire is the codec: every message that members exchange, and how they
// share a payload.
//
// A payload is what a sealed datagram or a stream frame carries. It holds
// messages back to back, each in an envelope:
//
//	 1 byte   1..3 bytes        length bytes
//	+--------+-----------------+---------------------+
//	|  type  | length, uvarint |  body               |
//	+--------+-----------------+---------------------+
//
// The length lets an older reader skip a type it does not know. Nothing nests
// and nothing is compressed. Integers are big endian where their width is
// fixed; the others are base-128 varints in their shortest form. One value has
// one encoding, so bodies can be signed, hashed and compared as bytes.
//
// Decoders alias their input, never allocate from a length they have not
// checked, refuse what exceeds limits.go, and name the field and offset at
// which they stopped. docs/protocol.md draws every body.
//
// Who speaks, and to what end:
//
//	ping ack ping-req nack       failure detection (SWIM, Lifeguard)
//	record accuse                what is claimed about members
//	fact advert delta            what members publish (Scuttlebutt)
//	digest entries want          anti-entropy
//	join join-ack leave leave-ack
//	relay relay-ack report       events on their way, and receipts
//	heard heard-root pull        repair of events
//	answer                       to a query
package wire

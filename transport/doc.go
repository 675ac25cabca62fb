// Package transport says what the embeddable node asks of a network: small
// datagrams, best effort, and ordered byte streams, both at one address.
//
// A transport moves opaque bytes. It knows no message, no key and no member,
// and it authenticates nobody: an address it reports is where bytes seemed to
// come from, and whoever needs to know the sender opens the seal.
//
//   - transport/udp: UDP datagrams and TCP streams on one port number.
//   - transport/stream: TCP alone, for networks that block UDP.
//   - transport/mem: channels in one process, for tests in virtual time.
//   - transport/transporttest: the conformance kit that all of them pass, and
//     that a transport of your own should.
//
// Nothing is lost silently. A datagram that this side refuses or drops is an
// error to the caller, a number in [Stats], or both. What a network between
// two machines loses is not seen here; that is what best effort means.
package transport

// Package seal keeps a cluster's traffic private, genuine and apart from that
// of other clusters. It moves opaque bytes and knows no messages.
//
// A node is its [Identity], an Ed25519 key. A cluster is its [Ring], an ID and
// one or more shared keys. A [Box] seals and opens datagrams; [Streams] makes
// proven streams of connections.
//
// # Datagrams
//
// Each sender has one session at a time, with a key derived from the ring key
// and the session's ID, and one counter for all its packets. So any member can
// open the first packet of any other, with no round trip before it, and no two
// packets of a cluster are ever sealed under the same key and nonce.
//
//	  0        1         5           17          23                     n-16
//	+--------+---------+-----------+-----------+---------------------+-------+
//	| v | k  | key id  | session   | counter   | ciphertext          | tag   |
//	| 4b| 4b | 4       | 12        | 6         |                     | 16    |
//	+--------+---------+-----------+-----------+---------------------+-------+
//
//	key    = HKDF-SHA256(ring key, salt = session, info = "hearsay v1" | cluster id | suite)
//	nonce  = 48 zero bits | counter
//	AAD    = header | node ID of the receiver
//	key id = HMAC-SHA256(ring key, "kid" | cluster id), first 4 bytes
//
// v is the format version, 1; k the kind: 0 for a packet to a node, 1 to a bare
// address (the receiver in the AAD is zero), 2 for a request for a claim (in
// the place of the receiver stands the session it asks about, and the plaintext
// is the asking node's ID), 3 for plaintext. The suite is 1, AES-256-GCM.
// Numbers are big-endian. The plaintext is
//
//	+-------+------+------------------------------+-----+---------+
//	| flags | ack  | claim                        | pad | payload |
//	| 1     | 0, 4 | 0, 132: 32 key, 8 epoch,     | ... |         |
//	|       |      | 4 number, 8 salt, 16 link,   |     |         |
//	|       |      | 64 signature                 |     |         |
//	+-------+------+------------------------------+-----+---------+
//
// with flags 1 ack, 2 claim, 4 pad. The pad begins with its own length and is
// otherwise zero; it brings a plaintext to 16 bytes, so that a packet is never
// shorter than the request for a claim that may answer it.
//
// A claim says whose the session is. The session's ID is a hash of the claim,
// and the claim is signed over the ID, so a member can neither put another's
// name to its own session nor its own name to another's. The claim rides on
// every packet to a peer until that peer has acknowledged the session with the
// first four bytes of its ID. A receiver verifies it once: by a hash or two if
// it was told the anchor of the sender's chain of links ([Box.Expect]), else by
// the signature, at some fifty times the price. A packet of an unknown session without a claim is refused, and answered with a request: that
// is how a restarted node gets acquainted again with peers that believe it
// still knows them.
//
// A receiver keeps a replay window for each session, remembers for each peer
// the newest epoch and session number, and takes none older. The window starts
// empty with the process: after a restart, what was recorded before can be
// played to a node once again, so the layers above must carry versioned and
// idempotent state. What a forged packet can cost is bounded: one decryption on
// a live session, and budgets of 500 sessions a second and source, 20,000 in
// all, and 2,000 signatures for unknown ones.
//
// A Box takes 5.4 KiB, and for each peer heard within ten minutes 1.3 KiB, of
// which a quarter is the window and most of the rest the cipher's key schedule;
// in the half minute after a change of session twice that. Of a peer silent
// for longer 0.2 KiB stay (BenchmarkPeerMemory, 1,000 peers, amd64).
//
// # Streams
//
// Streams are TLS 1.3 with self-signed node certificates. Then each side proves
// that it holds a ring key, with a code over what TLS exports from this one
// channel: a proof cannot be relayed to another. An idle end holds 7.3 KiB
// (BenchmarkIdleStream).
//
// # What this does not do
//
// Members share the ring key, so a member can forge the datagrams of another
// (not its signatures): records that matter are signed above. Nothing hides who
// talks to whom, how much, or how large the cluster is. A virtual machine
// copied while it runs repeats nonces until its next session; call [Box.Renew].
// Insecure boxes and streams protect against accidents, and against nobody.
package seal

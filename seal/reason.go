package seal

import "errors"

// Reason says why a packet or a stream was refused. It is an error, so that
// [errors.Is] and [errors.As] find it in what [Box.Open] and [Streams] return,
// and its text is the value of the reason label in metrics. It is never built
// from a peer's bytes.
type Reason uint8

// The reasons for which this package refuses its input. Layers above have
// their own.
const (
	// BadMagic: no packet of this mode, or a stream that does not begin as one
	// of ours: another protocol, or plaintext towards a sealed node.
	BadMagic Reason = iota + 1
	// BadVersion: a format version this build does not know.
	BadVersion
	// Oversize: longer than [MaxPacket].
	Oversize
	// WrongCluster: a stream or a plaintext packet of another cluster. A sealed
	// packet of another cluster shows as UnknownKey.
	WrongCluster
	// UnknownKey: sealed with a ring key we do not hold.
	UnknownKey
	// AuthFail: the tag, or the ring proof, is wrong: forged, damaged, or meant
	// for another receiver.
	AuthFail
	// Replay: a counter seen before or too old, or a claim of an older session.
	Replay
	// SessionLimited: more new sessions than the budget allows.
	SessionLimited
	// SessionUnproven: a genuine packet of a session whose claim we do not
	// hold; answer it with [Box.ClaimWanted].
	SessionUnproven
	// Malformed: too short, truncated, or with contents no honest node writes.
	Malformed
	// WrongReceiver: addressed to another node, or our own packet come back; on
	// a stream, another node answered than the one that was called.
	WrongReceiver
	// SigFail: a session claim whose signature is wrong.
	SigFail
	// StreamTimeout: the handshake took longer than [HandshakeTimeout].
	StreamTimeout

	reasonEnd
)

var reasonNames = [reasonEnd]string{
	BadMagic:        "bad_magic",
	BadVersion:      "bad_version",
	Oversize:        "oversize",
	WrongCluster:    "wrong_cluster",
	UnknownKey:      "unknown_key",
	AuthFail:        "auth_fail",
	Replay:          "replay",
	SessionLimited:  "session_limited",
	SessionUnproven: "session_unproven",
	Malformed:       "malformed",
	WrongReceiver:   "wrong_receiver",
	SigFail:         "sig_fail",
	StreamTimeout:   "stream_timeout",
}

// Reasons returns every reason of this package, in a fixed order.
func Reasons() []Reason {
	all := make([]Reason, 0, reasonEnd-1)
	for r := BadMagic; r < reasonEnd; r++ {
		all = append(all, r)
	}
	return all
}

// ReasonOf returns the reason within err, and false when there is none.
func ReasonOf(err error) (Reason, bool) {
	var r Reason
	ok := errors.As(err, &r)
	return r, ok
}

// String returns the metric label, such as "auth_fail".
func (r Reason) String() string {
	if r == 0 || r >= reasonEnd {
		return "unknown"
	}
	return reasonNames[r]
}

// Error implements error with the text of String.
func (r Reason) Error() string { return r.String() }

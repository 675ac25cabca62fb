package wire

// Every bound that a peer could abuse, in one place. A decoder refuses what
// exceeds them before it reads on; nothing is ever allocated from an unchecked
// length.
const (
	// DatagramMax is the largest datagram sent, seal included: 1,280 B, the
	// smallest MTU of IPv6 (RFC 8200 section 5), less 40 B of IPv6 and 8 B of
	// UDP header. Larger would be fragmented or lost on some paths.
	DatagramMax = 1232
	// DatagramAcceptMax is the largest datagram read. Generous, so that a later
	// version may probe for a larger path MTU; bounded, since every reader
	// holds a buffer of this size.
	DatagramAcceptMax = 9216
	// MessagesMax bounds the messages in one datagram, hence the work a single
	// packet can ask for. A full datagram of the smallest rumors holds ~40.
	MessagesMax = 64
	// FrameMax is the largest frame on a stream. One frame is decoded at a
	// time, so this is also the most a stream makes its reader hold.
	FrameMax = 1 << 20
	// FrameTarget is where a sender closes a frame and starts the next one. Small
	// enough that a bulk answer leaves room for other work between frames.
	FrameTarget = 64 << 10

	// AddrsMax bounds the addresses in one record: v4 and v6, inside and
	// outside, and as many again.
	AddrsMax = 8
	// KeyMax is the longest key of a fact, in bytes.
	KeyMax = 256
	// ValueMax is the longest value of a fact, in bytes.
	ValueMax = 64 << 10
	// KeysMax bounds the live keys of one owner.
	KeysMax = 1024
	// BucketsMax bounds the buckets of a digest: 8 members a bucket at 131,072
	// members, the most a cluster may be configured for.
	BucketsMax = 1 << 14
	// SignatureSize is the length of an Ed25519 signature (RFC 8032).
	SignatureSize = 64
	// AnchorSize is the length of the anchor of a session chain.
	AnchorSize = 16
	// PublicKeySize is the length of an Ed25519 public key (RFC 8032).
	PublicKeySize = 32
)

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
	// TopicMax is the longest topic of an event, in bytes: a length of one byte,
	// and more than any name needs.
	TopicMax = 128
	// EventSizeMax is the largest payload that an event may be configured to have.
	// Larger things want a transfer that can be resumed, not a broadcast.
	EventSizeMax = 64 << 20
	// ContentMax is the largest content: the payload, a topic and a filter.
	ContentMax = EventSizeMax + 16<<10
	// ChunkSize is how much of a large content one relay carries: enough that 70
	// bytes beside it do not count, and small enough that a chain of members
	// passes it on while the next one comes in.
	ChunkSize = 32 << 10
	// FilterMax bounds the names, and the tags, of a query's filter.
	FilterMax = 16
	// FilterTextMax is the longest name, key or value in a filter, in bytes.
	FilterTextMax = 128
	// QueryTimeoutMax is the longest that a query may wait, in milliseconds: an
	// hour. Whoever is asked remembers it for as long.
	QueryTimeoutMax = 3_600_000
	// RunsMax bounds the runs in a relay-ack, in a report, in a pull, and of one
	// origin in a heard: what one datagram holds of the smallest.
	RunsMax = 256
	// EventSeqMax is the highest sequence number of an event: a million a second
	// for two thousand years, and no sum of two overflows.
	EventSeqMax = 1 << 56
	// SignatureSize is the length of an Ed25519 signature (RFC 8032).
	SignatureSize = 64
	// AnchorSize is the length of the anchor of a session chain.
	AnchorSize = 16
	// PublicKeySize is the length of an Ed25519 public key (RFC 8032).
	PublicKeySize = 32
)

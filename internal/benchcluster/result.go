package benchcluster

import "context"

// Cluster is a set of nodes of one library, living in this process. Start is
// called once and Close once; the other methods are called between them, from
// one goroutine, and often enough that they should cost little.
type Cluster interface {
	// Start creates the given number of nodes, the first of which is the
	// seed of all others. It returns when every node has its sockets and has
	// begun to join; joining goes on, and is retried, behind its back until
	// ctx ends. After an error the cluster still has to be closed.
	Start(ctx context.Context, nodes int) error

	// Full reports whether every node now lists every node as live, itself
	// included.
	Full() bool

	// FalseDeaths is how many times a node announced to its owner that a
	// node is gone, since Start. No node ever goes, so each one is false.
	FalseDeaths() uint64

	// Traffic is what all nodes together have sent since Start.
	Traffic() Traffic

	// Close stops all nodes. What they announce while stopping counts
	// nowhere.
	Close() error
}

// Traffic counts what was sent. Loopback delivers what was sent or drops it at
// a full socket buffer, so counting receipts as well would hide the drops.
type Traffic struct {
	Packets     uint64 // datagrams
	Bytes       uint64 // datagram payloads after encryption, without IP and UDP headers (28 bytes each on IPv4)
	StreamBytes uint64 // bytes written to TCP connections by either end, without TCP and IP headers
}

// Sub returns the traffic since an earlier reading of the same counters.
func (t Traffic) Sub(earlier Traffic) Traffic {
	return Traffic{
		Packets:     t.Packets - earlier.Packets,
		Bytes:       t.Bytes - earlier.Bytes,
		StreamBytes: t.StreamBytes - earlier.StreamBytes,
	}
}

// Result is one measurement of one cluster. Rates and shares are of the idle
// phase unless their name starts with join. A rate is 0, never NaN, when there
// was nothing to divide by.
type Result struct {
	Library string `json:"library"`
	Version string `json:"version"` // as the build recorded it
	Sealed  bool   `json:"sealed"`  // datagrams and streams were encrypted
	Nodes   int    `json:"nodes"`

	FullSeconds float64 `json:"full_s"`          // from Start to full views; time waited when FullOK is false
	FullOK      bool    `json:"full_ok"`         // all views were full before patience ran out
	FullAfter   bool    `json:"full_after_idle"` // all views were full when the idle phase ended
	FalseDeaths uint64  `json:"false_deaths"`    // over all three phases

	JoinCPUSeconds         float64 `json:"join_cpu_s"` // user and system time of the whole process
	JoinPacketsPerNode     float64 `json:"join_packets_per_node"`
	JoinBytesPerNode       float64 `json:"join_bytes_per_node"`
	JoinStreamBytesPerNode float64 `json:"join_stream_bytes_per_node"`

	SettleSeconds float64 `json:"settle_s"`
	IdleSeconds   float64 `json:"idle_s"` // as measured, not as asked

	PacketsPerNodeSecond     float64 `json:"packets_per_node_s"`
	BytesPerNodeSecond       float64 `json:"bytes_per_node_s"`
	StreamBytesPerNodeSecond float64 `json:"stream_bytes_per_node_s"`
	AllocsPerPacket          float64 `json:"allocs_per_packet"`      // all heap objects of the phase, streams and timers included
	AllocBytesPerPacket      float64 `json:"alloc_bytes_per_packet"` // their bytes
	CPUMicrosPerNodeSecond   float64 `json:"cpu_us_per_node_s"`      // user and system time
	HeapBytesPerNode         float64 `json:"heap_bytes_per_node"`    // live after a collection, less the heap before Start
	GoroutinesPerNode        float64 `json:"goroutines_per_node"`    // less the goroutines before Start
	RSSBytes                 uint64  `json:"rss_bytes"`              // whole process, before the final collection; 0 where unknown
}

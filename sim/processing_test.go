package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
)

// postman is a listener that notes when a node is given each payload.
type postman struct {
	tally
	node int
	at   []time.Duration
}

func (p *postman) Receiving(node int, now time.Duration, _ int, _ []byte) {
	if node == p.node {
		p.at = append(p.at, now)
	}
}

// Sending and receiving each take their time, one packet after another.
func TestProcessingIsSerialisedPerNode(t *testing.T) {
	const latency, work = 10 * time.Millisecond, time.Millisecond
	p := &postman{tally: tally{t: t}, node: 2}
	c := newCluster(t, Options{Nodes: 3, Seed: 1, Watch: p, Network: Network{Latency: latency, Processing: work}})
	p.c = c
	for i := range 3 {
		c.Start(i)
	}
	packet := &core.Packet{To: c.ID(2), Addr: c.Addr(2), Payload: []byte{0xff, 0}}
	for range 2 {
		c.send(0, 2, packet) // leave after 1 and 2 ms
		c.send(1, 2, packet)
	}
	c.Run(50 * time.Millisecond)
	// Two arrive at 11 ms, and two at 12 ms, when the second of the first is at work.
	want := []time.Duration{latency + 2*work, latency + 3*work, latency + 4*work, latency + 5*work}
	if !slices.Equal(p.at, want) {
		t.Errorf("given at %v, want %v", p.at, want)
	}
}

func TestSentIsCountedPerNode(t *testing.T) {
	c := formed(t, 4, 1)
	var sum Sent
	for i := range 4 {
		s := c.Sent(i)
		sum.Packets += s.Packets
		sum.Bytes += s.Bytes
		sum.Frames += s.Frames
		sum.FrameBytes += s.FrameBytes
	}
	if s := c.Stats(); (sum != Sent{s.Packets, s.Bytes, s.Frames, s.FrameBytes}) || s.Packets == 0 {
		t.Errorf("the nodes sent %+v, the cluster counts %+v", sum, s)
	}
}

package main

import (
	"math"
	"sync"
	"time"
)

// Latencies of a quiet LAN, one way, drawn evenly for each packet.
const (
	latencyMin = 200 * time.Microsecond
	latencyMax = 800 * time.Microsecond
)

// network says how packets and connections between nodes fare, to both systems
// alike: what becomes of the k-th packet from one node to another is a hash of
// the random seed, the two and k. It has no clock; times are those since the
// cluster was made. For concurrent use.
type network struct {
	seed  uint64
	nodes int

	mu             sync.Mutex
	packets, dials []uint32 // so far, [from*nodes+to]
	loss           float64  // share of packets lost between any two nodes
	egress         []float64
	ingress        []float64
	side           []bool          // packets pass between nodes of one side only
	down           []bool          // of a crashed node
	held           []time.Duration // until when a node's sends and receives wait
}

func newNetwork(seed uint64, nodes int) *network {
	return &network{
		seed: seed, nodes: nodes,
		packets: make([]uint32, nodes*nodes), dials: make([]uint32, nodes*nodes),
		egress: make([]float64, nodes), ingress: make([]float64, nodes),
		side: make([]bool, nodes), down: make([]bool, nodes), held: make([]time.Duration, nodes),
	}
}

// packet sends one: it arrives at the given time, unless it is lost.
func (net *network) packet(from, to int, now time.Duration) (arrives time.Duration, lost bool) {
	net.mu.Lock()
	defer net.mu.Unlock()
	link := from*net.nodes + to
	net.packets[link]++
	f := fateOf(net.seed, lanePacket, link, net.packets[link])
	latency := f.latency()
	lost = !net.open(from, to) || f.share() < net.lossOn(from, to)
	return net.arrival(from, to, now, latency), lost
}

// dialPackets is how many packets each way a connection needs to come about: it
// is opened with probability (1-p)^3 for each direction that loses p.
const dialPackets = 3

// dial opens a connection and returns the latency of what is sent on it; or it
// fails, which its caller learns by waiting in vain.
func (net *network) dial(from, to int) (latency time.Duration, ok bool) {
	net.mu.Lock()
	defer net.mu.Unlock()
	link := from*net.nodes + to
	net.dials[link]++
	f := fateOf(net.seed, laneStream, link, net.dials[link])
	latency = f.latency()
	chance := math.Pow((1-net.lossOn(from, to))*(1-net.lossOn(to, from)), dialPackets)
	return latency, net.open(from, to) && f.share() < chance
}

// carry returns when what is sent on a connection arrives, unless a cut or a
// crash swallows it.
func (net *network) carry(from, to int, now, latency time.Duration) (arrives time.Duration, lost bool) {
	net.mu.Lock()
	defer net.mu.Unlock()
	return net.arrival(from, to, now, latency), !net.open(from, to)
}

func (net *network) arrival(from, to int, now, latency time.Duration) time.Duration {
	return max(max(now, net.held[from])+latency, net.held[to])
}

func (net *network) open(from, to int) bool {
	return net.side[from] == net.side[to] && !net.down[from] && !net.down[to]
}

func (net *network) lossOn(from, to int) float64 {
	return 1 - (1-net.loss)*(1-net.egress[from])*(1-net.ingress[to])
}

// heldUntil returns until when a node's sends wait; a past time means that they
// do not.
func (net *network) heldUntil(node int) time.Duration {
	net.mu.Lock()
	defer net.mu.Unlock()
	return net.held[node]
}

// setLoss makes every link lose a share of packets.
func (net *network) setLoss(share float64) {
	net.mu.Lock()
	defer net.mu.Unlock()
	net.loss = share
}

// setEgress makes nodes lose a share of what they send, setIngress of what is
// sent to them.
func (net *network) setEgress(nodes []int, share float64) { net.setShare(net.egress, nodes, share) }

func (net *network) setIngress(nodes []int, share float64) { net.setShare(net.ingress, nodes, share) }

func (net *network) setShare(of []float64, nodes []int, share float64) {
	net.mu.Lock()
	defer net.mu.Unlock()
	for _, i := range nodes {
		of[i] = share
	}
}

// setSide puts nodes on the far side of a cut, or back.
func (net *network) setSide(nodes []int, far bool) {
	net.mu.Lock()
	defer net.mu.Unlock()
	for _, i := range nodes {
		net.side[i] = far
	}
}

// setDown takes a node off the network, as a host that lost its power, or back.
func (net *network) setDown(node int, down bool) {
	net.mu.Lock()
	defer net.mu.Unlock()
	net.down[node] = down
}

// hold lets sends and receives of nodes wait until a time.
func (net *network) hold(nodes []int, until time.Duration) {
	net.mu.Lock()
	defer net.mu.Unlock()
	for _, i := range nodes {
		net.held[i] = until
	}
}

// The lanes are numbered apart: how many packets one system sends must not
// change the luck of its connections.
const (
	lanePacket = iota + 1
	laneStream
)

// fate is the luck of one packet or connection, read off piece by piece.
type fate struct{ state uint64 }

func fateOf(seed uint64, lane, link int, k uint32) fate {
	return fate{mix(mix(seed^uint64(lane)<<56^uint64(link)) ^ uint64(k))}
}

func (f *fate) latency() time.Duration {
	return latencyMin + time.Duration(f.share()*float64(latencyMax-latencyMin))
}

// share returns an even draw from [0, 1).
func (f *fate) share() float64 {
	f.state += 0x9e3779b97f4a7c15
	return float64(mix(f.state)>>11) / (1 << 53)
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

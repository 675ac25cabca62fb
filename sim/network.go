package sim

import (
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
)

// Network says how packets fare. Shares are between 0 and 1 and are kept to
// millionths.
type Network struct {
	// Latency is the least time one way; Jitter is added evenly in [0, Jitter),
	// drawn for each packet, so packets overtake each other.
	Latency, Jitter time.Duration
	// Loss and Duplicate are shares of datagrams. A lost segment of a stream is
	// sent again and arrives late.
	Loss, Duplicate float64
	// Processing is the processor time that a node takes for each packet or frame
	// that it sends or is given, one after another; 0: none.
	Processing time.Duration
}

// DefaultNetwork is a quiet LAN: 0.2 to 0.8 ms one way, nothing lost.
func DefaultNetwork() Network {
	return Network{Latency: 200 * time.Microsecond, Jitter: 600 * time.Microsecond}
}

const (
	// retransmit is how much later a stream's lost segment arrives (RFC 6298
	// section 2.4 sets the least; Linux uses 200 ms).
	retransmit = 200 * time.Millisecond
	// retransmits bounds the losses of one frame in a row.
	retransmits = 6
	// brokenAfter is how long a stream across a cut hangs before its sender is
	// told: within the dial and handshake limit of the real driver.
	brokenAfter = 3 * time.Second
)

// delivery is a payload on its way.
type delivery struct {
	to      member.NodeID // whom it is sealed for; zero: whoever answers
	lane    core.Lane
	payload []byte
}

// network is the state of the links.
type network struct {
	model Network
	loss  uint32 // millionths
	twice uint32
	cut   []bool        // [from*n+to]
	lossy []uint32      // per link, millionths; 0 = the model's
	sent  []uint32      // packets so far, per link
	pipes []member.Time // last arrival of a stream, per link: it keeps order
	n     int
}

func newNetwork(n int, model Network) *network {
	net := &network{
		n: n, cut: make([]bool, n*n), lossy: make([]uint32, n*n),
		sent: make([]uint32, n*n), pipes: make([]member.Time, n*n),
	}
	net.set(model)
	return net
}

func (net *network) set(model Network) {
	net.model = model
	net.loss, net.twice = millionths(model.Loss), millionths(model.Duplicate)
}

func millionths(share float64) uint32 { return uint32(min(max(share, 0), 1)*1_000_000 + 0.5) }

func (net *network) link(from, to int) int { return from*net.n + to }

// open reports whether packets pass from one node to another.
func (net *network) open(from, to int) bool { return !net.cut[net.link(from, to)] }

// send puts a payload on its way. Cuts are looked at when a packet would
// arrive, so that one under way is caught by them.
func (c *Cluster) send(from, to int, p *core.Packet) {
	net := c.net
	link := net.link(from, to)
	net.sent[link]++
	f := fateOf(c.seed, from, to, uint64(net.sent[link]))
	delay := net.model.Latency + f.within(net.model.Jitter)
	work := c.workOn(c.nodes[from])
	var extra time.Duration
	if c.opts.Meddle != nil {
		var lost bool
		if p, extra, lost = c.meddle(from, to, p); lost {
			return
		}
	}
	loss := net.loss
	if net.lossy[link] > 0 {
		loss = net.lossy[link]
	}
	if p.Lane == core.Stream {
		c.sendStream(from, to, p, work+5*delay+extra, loss, &f)
		return
	}
	if f.hits(loss) {
		c.stats.Lost++
		return
	}
	c.deliverAfter(work+delay+extra, from, to, p)
	if f.hits(net.twice) {
		c.deliverAfter(work+net.model.Latency+f.within(10*net.model.Jitter), from, to, p)
	}
}

// sendStream models a frame on a connection: two round trips to open it (which
// the delay has in it), late
// but not lost when segments are, in order. A cut either way breaks it.
func (c *Cluster) sendStream(from, to int, p *core.Packet, delay time.Duration, loss uint32, f *fate) {
	for range retransmits {
		if !f.hits(loss) {
			break
		}
		delay += retransmit
	}
	there := &c.nodes[to].id
	if !c.net.open(from, to) || !c.net.open(to, from) || c.nodes[to].machine == nil || !p.To.IsZero() && p.To != *there {
		c.breakStream(from, to)
		return
	}
	link := c.net.link(from, to)
	at := max(c.now.Add(delay), c.net.pipes[link]+1)
	c.net.pipes[link] = at
	c.deliverAfter(at.Sub(c.now), from, to, p)
}

// breakStream tells a sender after a while that its stream failed.
func (c *Cluster) breakStream(from, to int) {
	c.queue.Add(c.now.Add(brokenAfter), event{kind: eventBroken, node: int32(from), from: int32(to), arg: c.nodes[from].life})
}

func (c *Cluster) deliverAfter(delay time.Duration, from, to int, p *core.Packet) {
	d := c.newDelivery()
	d.to, d.lane = p.To, p.Lane
	d.payload = append(d.payload[:0], p.Payload...)
	c.queue.Add(c.now.Add(delay), event{kind: eventDeliver, node: int32(to), from: int32(from), data: d})
}

func (c *Cluster) newDelivery() *delivery {
	if n := len(c.spare); n > 0 {
		d := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return d
	}
	return &delivery{}
}

// Cut stops all packets from some nodes to others, one way.
func (c *Cluster) Cut(from, to []int) { c.setCut(from, to, true) }

// CutBoth stops all packets between two groups.
func (c *Cluster) CutBoth(a, b []int) {
	c.setCut(a, b, true)
	c.setCut(b, a, true)
}

func (c *Cluster) setCut(from, to []int, cut bool) {
	for _, f := range from {
		for _, t := range to {
			if f != t {
				c.net.cut[c.net.link(f, t)] = cut
			}
		}
	}
}

// Mend ends the cut from some nodes to others, one way.
func (c *Cluster) Mend(from, to []int) { c.setCut(from, to, false) }

// Open reports whether no cut stops packets from one node to another.
func (c *Cluster) Open(from, to int) bool { return from == to || c.net.open(from, to) }

// Heal ends all cuts and all loss of single links.
func (c *Cluster) Heal() {
	clear(c.net.cut)
	clear(c.net.lossy)
}

// LossOn sets the share of datagrams lost from some nodes to others, one way,
// in place of the network's.
func (c *Cluster) LossOn(from, to []int, share float64) {
	for _, f := range from {
		for _, t := range to {
			if f != t {
				c.net.lossy[c.net.link(f, t)] = max(millionths(share), 1)
			}
		}
	}
}

// LossOff gives the links from some nodes to others the network's loss again.
func (c *Cluster) LossOff(from, to []int) {
	for _, f := range from {
		for _, t := range to {
			c.net.lossy[c.net.link(f, t)] = 0
		}
	}
}

// Network returns how all packets fare now.
func (c *Cluster) Network() Network { return c.net.model }

// SetNetwork changes how all packets fare from now on.
func (c *Cluster) SetNetwork(model Network) { c.net.set(model) }

package maelstrom

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"
)

// network carries messages as the original does: delays and losses are drawn
// when a message is sent, cuts are looked at when it is taken up.
type network struct {
	loop    *loop
	rand    *rand.Rand
	latency time.Duration
	dist    string
	loss    float64

	boxes map[string]*mailbox
	cuts  map[[2]string]bool // (source, destination)
	count int64              // messages so far; the last ID
	// servers counts messages with no client at either end, lost ones included.
	servers     int
	serverBytes int
}

// mailbox is one end: what is on its way there, and the loop that takes it up.
type mailbox struct {
	deliver  func(Message)
	queue    deadlines
	sleeping bool
}

func newNetwork(l *loop, r *rand.Rand, opts Options) *network {
	return &network{
		loop: l, rand: r, latency: opts.Latency, dist: opts.Dist, loss: opts.Loss,
		boxes: make(map[string]*mailbox), cuts: make(map[[2]string]bool),
	}
}

// join adds an end; deliver is called when a message is due there.
func (n *network) join(name string, deliver func(Message)) {
	n.boxes[name] = &mailbox{deliver: deliver}
}

// leave has all that is sent to an end from now on vanish. To the original a late
// answer to a client that gave up is one to nobody, and deafens it to the node.
func (n *network) leave(name string) { n.boxes[name].deliver = func(Message) {} }

// send hands a message to the network.
func (n *network) send(m Message) error {
	box := n.boxes[m.Dest]
	if box == nil {
		return fmt.Errorf("%w: nobody is called %q", errMessage, m.Dest)
	}
	n.count++
	m.ID = n.count
	var delay time.Duration
	if m.betweenServers() {
		n.servers++
		n.serverBytes += len(m.Body)
		if n.loss > 0 && n.rand.Float64() < n.loss {
			return nil
		}
		delay = n.delay()
	}
	heap.Push(&box.queue, due{n.loop.now + delay, m})
	n.take(box)
	return nil
}

func (n *network) delay() time.Duration {
	switch n.dist {
	case "uniform":
		return time.Duration(n.rand.Float64() * 2 * float64(n.latency))
	case "exponential":
		return time.Duration(n.rand.ExpFloat64() * float64(n.latency))
	default:
		return n.latency
	}
}

// take is an end's loop: it takes up the message that is due first, drops it if
// its way is cut now, or else sleeps until it is due. So a message that was taken
// up arrives in spite of a later cut, and one that was sent meanwhile with an
// earlier deadline waits its turn.
func (n *network) take(box *mailbox) {
	for !box.sleeping && len(box.queue) > 0 {
		first := heap.Pop(&box.queue).(due)
		if n.cuts[[2]string{first.message.Src, first.message.Dest}] {
			continue
		}
		box.sleeping = true
		n.loop.at(first.at, func() {
			box.sleeping = false
			box.deliver(first.message)
			n.take(box)
		})
	}
}

// cut severs a pair in both directions; heal ends all cuts.
func (n *network) cut(a, b string) {
	n.cuts[[2]string{a, b}] = true
	n.cuts[[2]string{b, a}] = true
}

func (n *network) heal() { clear(n.cuts) }

type due struct {
	at      time.Duration
	message Message
}

// deadlines is a heap.
type deadlines []due

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].message.ID < d[j].message.ID
}

func (d deadlines) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deadlines) Push(x any)   { *d = append(*d, x.(due)) }

func (d *deadlines) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

package hearsay

import (
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/view"
)

// driver owns the protocol of a node: one goroutine, one select, no lock. What
// it asks of others takes no time, so that it is never late for a peer.
type driver struct {
	node    *Node
	id      member.NodeID
	start   time.Time // wall clock at the node's time 0
	machine *core.Machine
	lens    view.Lens // on machine
	box     *seal.Box
	log     logger

	receive core.Receive // reused
	sealed  []byte       // the datagram being sent, reused
	timer   *time.Timer
	armed   core.Time // when timer fires; never if it has

	events      batch[Event] // handed out with the next snapshot
	dirty       bool         // the last snapshot is outdated
	nextPublish core.Time

	messages   batch[Message]
	questions  batch[Question]
	receipts   map[uint64]*Receipt // by Seq; not those that are done
	queries    map[uint64]*Answers // by Seq, until their timeout
	publishing *Receipt            // of the step under way, before its Seq is known
	asking     *Answers

	joins   map[netip.AddrPort]*joining
	own     map[netip.AddrPort]bool // addresses found to be this node's
	leaving *leaving
	seeding seeding

	counts    counts
	dropWatch dropWatch
	lastWall  time.Time // when the wall clock was compared last
	lastTime  core.Time
}

const (
	never = core.Time(math.MaxInt64)

	// batchMax is how many datagrams, frames and commands are taken before what
	// they caused is sent: more than arrive in batchTime.
	batchMax = 256

	// batchTime is how long a batch may grow: as long as what it has caused first
	// waits. Shorter batches share fewer datagrams on a busy node; longer ones
	// would look like a slower network to those who wait for acks.
	batchTime = 2 * time.Millisecond

	// drainTime is the same before a verdict: on a machine with too much to do,
	// where each datagram waits for its turn of the processor, what is left unread
	// makes the verdict a wrong one. 100 nodes at a load of 15 with batchTime
	// instead: 13,469 suspicions within a minute.
	drainTime = 250 * time.Millisecond

	// publishInterval is the least time between two snapshots: while a cluster
	// of 1,000 joins, a snapshot for each would copy 160 kB a thousand times.
	// The first change after a rest waits for nothing.
	publishInterval = 10 * time.Millisecond

	// sealedKeep bounds the buffer kept for the next datagram.
	sealedKeep = 16 << 10
)

// run drives the machine until the node is closed, or something panics: then
// the node stops, and its host lives on.
func (d *driver) run() {
	n := d.node
	defer n.stop()
	defer func() {
		if r := recover(); r != nil {
			n.fail(fmt.Errorf("node stopped by its own fault: %v\n%s", r, debug.Stack()))
		}
	}()
	d.seed(d.now())
	for d.flush(); ; d.flush() {
		begun, limit := d.now(), batchTime
		select {
		case p := <-n.inbox:
			d.receiveDatagram(p)
		case f := <-n.frames:
			d.receiveFrame(f)
		case command := <-n.commands:
			d.obey(command)
		case <-d.timer.C:
			d.armed, limit = never, drainTime
		case <-n.ctx.Done():
			return
		}
		d.drain(begun.Add(limit))
		switch {
		case d.armed == never: // an answer that waited has come before the verdict on it
			d.tick()
		case d.machine.Deadline() <= d.now(): // what the batch has caused leaves together
			d.step(core.Flush{})
		}
	}
}

func (d *driver) now() core.Time { return d.node.now() }

// drain takes what is waiting, up to a batch. It lets others of the process run
// in between, since each datagram may cost a signature check: where many nodes
// share a machine, the handshakes of one must not wait for the whole batches of
// all. 300 nodes joining one seed on two busy cores: all views full after 6 s
// and 10 s of CPU, instead of 58 s, 39 s and 253 false deaths.
func (d *driver) drain(until core.Time) {
	for taken := 0; taken < batchMax && d.now() < until; taken++ {
		select {
		case p := <-d.node.inbox:
			runtime.Gosched()
			d.receiveDatagram(p)
		case f := <-d.node.frames:
			d.receiveFrame(f)
		case command := <-d.node.commands:
			d.obey(command)
		default:
			return
		}
	}
}

// obey runs a command and lets whoever gave it give the next, so that a loop of
// commands becomes a batch.
func (d *driver) obey(command func(*driver)) {
	command(d)
	runtime.Gosched()
}

func (d *driver) receiveDatagram(p *packet) {
	d.receive = core.Receive{From: p.from, Payload: p.payload}
	d.step(&d.receive)
	d.receive.Payload, p.payload = nil, nil
	packets.Put(p)
}

// receiveFrame takes a payload off a stream. An accepted stream comes from a
// port where nobody listens, so the address on record stands in for it.
func (d *driver) receiveFrame(f frame) {
	if v, known := d.machine.Lookup(f.from.ID); known {
		f.from.Addr = v.Addrs[0]
	}
	d.receive = core.Receive{From: f.from, Payload: f.payload}
	d.step(&d.receive)
	d.receive.Payload = nil
}

func (d *driver) tick() {
	now := d.now()
	d.compareClocks(now)
	d.step(core.Tick{})
	d.seed(now)
	d.watchDrops(now)
}

// step tells the machine one thing and does what it asks for.
func (d *driver) step(in core.Input) {
	now, before := d.now(), d.machine.Len()
	out := d.machine.Step(now, in)
	for i := range out.Packets {
		if p := &out.Packets[i]; p.Lane == core.Stream {
			d.node.streams.send(p)
		} else {
			d.sendDatagram(now, p)
		}
	}
	if cap(d.sealed) > sealedKeep {
		d.sealed = nil
	}
	for i := range out.Events {
		d.onEvent(&out.Events[i])
	}
	// The dead of long ago are learnt without an event.
	d.dirty = d.dirty || d.machine.Len() != before
}

// flush shows the outside what has changed, then sets the timer. Events never
// come before the snapshot that they led to.
func (d *driver) flush() {
	now := d.now()
	due := d.machine.Deadline()
	due = min(due, d.seeding.next)
	switch {
	case d.dirty && now < d.nextPublish:
		due = min(due, d.nextPublish)
	case d.dirty:
		d.dirty, d.nextPublish = false, now.Add(publishInterval)
		d.publish()
		d.events.deliver()
	default:
		d.events.deliver()
	}
	d.messages.deliver()
	d.questions.deliver()
	// Moving the timer costs less than being woken for nothing, as by the end of
	// a probe that was answered.
	if due != d.armed {
		d.armed = due
		d.timer.Reset(due.Sub(now))
	}
}

// publishNow makes the effect of a command visible before whoever gave it is
// told that it is done.
func (d *driver) publishNow() {
	d.dirty = false
	d.publish()
}

const (
	// clockCheck is how often the clocks are compared.
	clockCheck = time.Second
	// clockJump is how far the wall clock may run ahead before this counts as
	// having been suspended: more than any slewing, less than any nap.
	clockJump = 5 * time.Second
)

// compareClocks notices a suspend: the monotonic clock of Linux stops for it,
// so that neither the protocol nor its peers' silence is out of order, but a
// copy of this machine may have been woken as well, and two copies must not
// seal under one session.
func (d *driver) compareClocks(now core.Time) {
	if now.Sub(d.lastTime) < clockCheck {
		return
	}
	wall := time.Now().Round(0)
	ahead := wall.Sub(d.lastWall) - now.Sub(d.lastTime)
	d.lastWall, d.lastTime = wall, now
	if ahead > clockJump || ahead < -clockJump {
		d.box.Renew()
		d.log.clockJumped(ahead)
	}
}

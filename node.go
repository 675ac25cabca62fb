package hearsay

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/transport/stream"
	"github.com/hearsay-gossip/hearsay/transport/udp"
	"github.com/hearsay-gossip/hearsay/view"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Node is one member of a cluster. Its methods are safe for concurrent use.
type Node struct {
	id        member.NodeID
	cfg       Config // filled
	base      time.Time
	transport transport.Transport
	box       *seal.Box
	streams   *streams
	log       logger

	inbox    chan *packet
	frames   chan frame
	commands chan func(*driver)

	members   atomic.Pointer[snapshot]
	events    feeds[Event]
	messages  feeds[Message]
	questions feeds[Question]

	admission admission
	drops     drops
	traffic   traffic

	ctx     context.Context // ends when the node is to stop
	cancel  context.CancelFunc
	running sync.WaitGroup // all goroutines but the driver's
	done    chan struct{}

	mu       sync.Mutex
	driver   *driver // of the driver's goroutine; after done, of whoever holds mu
	err      error   // why the node stopped by itself
	closeErr error
}

// inboxSize is how many opened datagrams may wait for the driver: one batch.
// More wait in the system's buffer, sealed and uncounted.
const inboxSize = batchMax

// Start makes a node and joins it to its seeds, again and again in the
// background until one answers. All that is wrong with the configuration is
// returned at once; other errors are those of binding, and of finding an
// address to advertise. The context bounds the start alone.
//
// A node has three goroutines, and two for a stream while it is used.
func Start(ctx context.Context, cfg Config) (*Node, error) {
	n, err := newNode(ctx, cfg)
	if err != nil {
		if cfg.Transport != nil {
			err = errors.Join(err, cfg.Transport.Close())
		}
		return nil, fmt.Errorf("start node: %w", err)
	}
	n.log.started(n.Self().Addr, n.cfg.Insecure)
	n.running.Go(n.readDatagrams)
	n.running.Go(n.streams.accept)
	go n.driver.run()
	return n, nil
}

// newNode makes a node that is bound but does not run yet.
func newNode(ctx context.Context, cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	if err := cfg.draw(); err != nil {
		return nil, err
	}
	n := &Node{
		id: cfg.Identity.ID(), cfg: cfg, base: time.Now(), log: newLogger(cfg),
		inbox: make(chan *packet, inboxSize), frames: make(chan frame), commands: make(chan func(*driver)),
		drops: newDrops(), done: make(chan struct{}),
	}
	if err := n.bind(ctx); err != nil {
		return nil, err
	}
	if err := n.assemble(ctx); err != nil {
		if cfg.Transport == nil {
			err = errors.Join(err, n.transport.Close())
		}
		return nil, err
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.driver.publish()
	return n, nil
}

// draw fills what is random or a time.
func (c *Config) draw() (err error) {
	if c.Identity == nil {
		if c.Identity, err = seal.NewIdentity(crand.Reader); err != nil {
			return err
		}
	}
	if c.Epoch == 0 {
		c.Epoch = uint64(max(1, time.Now().Unix()))
	}
	if c.RandomSeed == 0 {
		var b [8]byte
		if _, err = crand.Read(b[:]); err != nil {
			return fmt.Errorf("draw random seed: %w", err)
		}
		c.RandomSeed = binary.NativeEndian.Uint64(b[:])
	}
	return nil
}

// bind opens the transport.
func (n *Node) bind(ctx context.Context) (err error) {
	switch {
	case n.cfg.Transport != nil:
		n.transport = n.cfg.Transport
	case n.cfg.StreamOnly:
		n.transport, err = stream.Listen(ctx, n.cfg.Bind)
	default:
		n.transport, err = udp.Listen(ctx, n.cfg.Bind)
	}
	return err
}

// assemble makes the parts of the node.
func (n *Node) assemble(ctx context.Context) error {
	addr, err := n.cfg.advertised(ctx, n.transport.Addr())
	if err != nil {
		return err
	}
	n.box, err = seal.NewBox(seal.Config{
		Identity: n.cfg.Identity, Ring: n.cfg.Ring, Epoch: member.Epoch(n.cfg.Epoch),
		MaxSessions: 2 * n.cfg.MembersMax, Insecure: n.cfg.Insecure,
	})
	if err != nil {
		return err
	}
	proof, err := seal.NewStreams(seal.StreamConfig{
		Identity: n.cfg.Identity, Ring: n.cfg.Ring, Insecure: n.cfg.Insecure,
	})
	if err != nil {
		return err
	}
	n.streams = newStreams(n, proof)
	n.driver, err = n.newDriver(addr)
	return err
}

func (n *Node) newDriver(addr netip.AddrPort) (*driver, error) {
	machine, err := core.New(0, core.Config{
		ID: n.id, PublicKey: [wire.PublicKeySize]byte(n.cfg.Identity.Public()),
		Name: member.Name(n.cfg.Name), Epoch: member.Epoch(n.cfg.Epoch), Cluster: n.cfg.Ring.Cluster(),
		Addrs: []netip.AddrPort{addr}, Anchor: n.box.Anchor(), Timing: n.cfg.Timing, MembersMax: n.cfg.MembersMax,
		EventLimits: broadcast.Limits{EventSize: n.cfg.MaxEventSize}, Keys: keys{n.cfg.Identity},
		Rand: rand.New(rand.NewPCG(n.cfg.RandomSeed, binary.BigEndian.Uint64(n.id[:]))),
	})
	if err != nil {
		return nil, err
	}
	seeds := make([]seed, len(n.cfg.Seeds))
	for i, text := range n.cfg.Seeds {
		if seeds[i], err = parseSeed(text); err != nil {
			return nil, err
		}
	}
	wall := n.base.Round(0)
	return &driver{
		node: n, id: n.id, start: wall, machine: machine, box: n.box, log: n.log,
		lens:  view.Lens{ID: n.id, Machine: machine, Wall: func(t core.Time) time.Time { return wall.Add(time.Duration(t)) }},
		timer: time.NewTimer(time.Hour), armed: core.Time(time.Hour),
		joins: make(map[netip.AddrPort]*joining), own: map[netip.AddrPort]bool{addr: true},
		seeding: newSeeding(seeds), lastWall: wall,
		events: batch[Event]{to: &n.events}, messages: batch[Message]{to: &n.messages}, questions: batch[Question]{to: &n.questions},
		receipts: make(map[uint64]*Receipt), queries: make(map[uint64]*Answers),
	}, nil
}

// keys signs and verifies for the core.
type keys struct{ identity *seal.Identity }

func (k keys) Sign(message []byte) [wire.SignatureSize]byte {
	return [wire.SignatureSize]byte(k.identity.Sign(message))
}

func (k keys) Verify(id member.NodeID, public *[wire.PublicKeySize]byte, message []byte, signature *[wire.SignatureSize]byte) bool {
	return seal.Verify(id, public[:], message, signature[:])
}

// now returns the time since the node was made.
func (n *Node) now() core.Time { return core.Time(time.Since(n.base)) }

// do runs f in the driver and waits for it. The error is ErrClosed, or that of
// the context; f has then not run, or it panicked.
func (n *Node) do(ctx context.Context, f func(*driver)) error {
	ran := make(chan struct{})
	command := func(d *driver) {
		f(d)
		close(ran) // not after a panic
	}
	select {
	case n.commands <- command:
	case <-ctx.Done():
		return ctx.Err()
	case <-n.done:
		return ErrClosed
	}
	select {
	case <-ran:
		return nil
	case <-n.done:
		return ErrClosed // it panicked
	}
}

// post runs f in the driver soon, unless the node is stopping.
func (n *Node) post(f func(*driver)) {
	select {
	case n.commands <- f:
	case <-n.ctx.Done():
	}
}

// read runs f on the machine in the driver or, once the node is closed, here.
// A machine that panicked is not touched again: then it reports false.
func (n *Node) read(f func(*driver)) bool {
	if n.do(context.Background(), f) == nil {
		return true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return false
	}
	f(n.driver)
	return true
}

// fail stops the node because of an error; the first counts.
func (n *Node) fail(err error) {
	n.mu.Lock()
	first := n.err == nil && n.ctx.Err() == nil
	if first {
		n.err = err
	}
	n.mu.Unlock()
	if first {
		n.log.failed(err)
	}
	n.cancel()
}

// stop ends all that belongs to the node. The driver calls it last.
func (n *Node) stop() {
	n.cancel()
	n.closeErr = n.transport.Close()
	n.streams.close()
	n.running.Wait()
	n.driver.timer.Stop()
	n.driver.endReceipts()
	n.events.end()
	n.messages.end()
	n.questions.end()
	close(n.done)
}

// Close stops the node at once: no goroutine, socket or timer of it is left. It
// says no goodbye, so peers find out by probing; call [Node.Leave] before. What
// is read from the node after is as it was at the end. Closing again returns the
// same error, that of closing the sockets.
func (n *Node) Close() error {
	n.cancel()
	<-n.done
	return n.closeErr
}

// Done is closed when the node has stopped.
func (n *Node) Done() <-chan struct{} { return n.done }

// Err returns why the node stopped by itself, a broken transport or a fault of
// its own; nil while it runs and after Close.
func (n *Node) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// SetRing makes the node use another ring of the same cluster: it seals with
// the new primary key, and refuses what was sealed with a key that is gone.
// Streams that are open stay open.
func (n *Node) SetRing(ring *seal.Ring) error {
	if err := n.box.SetRing(ring); err != nil {
		return err
	}
	return n.streams.proof.SetRing(ring)
}

package hearsay

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"

	"github.com/hearsay-gossip/hearsay/core"
	"github.com/hearsay-gossip/hearsay/seal"
	"github.com/hearsay-gossip/hearsay/transport"
	"github.com/hearsay-gossip/hearsay/wire"
)

// packet is an opened datagram on its way to the driver.
type packet struct {
	from    core.Peer
	payload []byte // in room, unless it is larger
	room    [wire.DatagramMax]byte
}

// packets are shared by all nodes of a process: what one needs in a burst,
// another has left over.
var packets = sync.Pool{New: func() any { return new(packet) }}

// readDatagrams opens what arrives and hands it to the driver. When the driver
// is behind it waits, and the kernel's buffer takes what it can hold; what that
// drops is counted by the transport.
func (n *Node) readDatagrams() {
	buf := make([]byte, transport.MaxPacket)
	for {
		size, from, err := n.transport.Receive(buf)
		switch {
		case err == nil:
			if !n.open(from, buf[:size]) {
				return
			}
			if len(n.inbox) > 0 {
				runtime.Gosched() // it is busy: see driver.drain
			}
		case errors.Is(err, transport.ErrOversize), errors.Is(err, transport.ErrEmpty):
			// Counted by the transport: one datagram that was none.
		case errors.Is(err, net.ErrClosed):
			return
		default:
			n.fail(fmt.Errorf("receive datagrams: %w", err))
			return
		}
	}
}

// open opens one datagram; false means that the node is stopping.
func (n *Node) open(from netip.AddrPort, sealed []byte) bool {
	n.traffic.datagramsReceived.Add(1)
	n.traffic.datagramBytesReceived.Add(uint64(len(sealed)))
	p := packets.Get().(*packet)
	payload, peer, err := n.box.Open(p.room[:0], n.now(), from, sealed)
	if err != nil || peer.ID.IsZero() {
		packets.Put(p)
		n.refuse(from, sealed, err)
		return true
	}
	p.from = core.Peer{ID: peer.ID, Addr: from, Lane: core.Datagram}
	p.payload = payload
	select {
	case n.inbox <- p:
		return true
	case <-n.ctx.Done():
		return false
	}
}

// refuse counts a datagram that was not opened, and asks its sender who it is
// if that is all that was missing. No error is a request of this kind, dealt
// with.
func (n *Node) refuse(from netip.AddrPort, sealed []byte, err error) {
	if err == nil {
		return
	}
	n.drops.refused(err)
	if !errors.Is(err, seal.SessionUnproven) {
		return
	}
	if answer, ok := n.box.ClaimWanted(nil, n.now(), sealed); ok {
		n.sent(len(answer), n.transport.Send(from, answer))
	}
}

// sendDatagram seals and sends one packet of the core.
func (d *driver) sendDatagram(now core.Time, p *core.Packet) {
	sealed, err := d.box.Seal(d.sealed[:0], now, p.To, p.Payload)
	d.sealed = sealed
	if err != nil {
		d.node.drops.add(dropSeal)
		return
	}
	d.node.sent(len(sealed), d.node.transport.Send(p.Addr, sealed))
}

// sent counts what became of a datagram.
func (n *Node) sent(size int, err error) {
	switch {
	case err == nil:
		n.traffic.datagramsSent.Add(1)
		n.traffic.datagramBytesSent.Add(uint64(size))
	case errors.Is(err, transport.ErrQueueFull), errors.Is(err, os.ErrDeadlineExceeded):
		n.drops.add(dropSendQueue)
	default:
		n.drops.add(dropSend)
	}
}

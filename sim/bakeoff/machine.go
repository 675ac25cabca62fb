package bakeoff

import (
	"bytes"
	"time"

	"github.com/hearsay-gossip/hearsay/core/broadcast"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// epoch is that of all nodes: nobody restarts.
const epoch = 1

// machine is the contender that nodes run.
type machine struct {
	host host
	out  effect.Out
	root wire.HeardRoot
	*broadcast.Machine
}

func newMachine(w *world, i int32) contender {
	m := &machine{host: host{w, i}}
	m.Machine = broadcast.New(w.now, broadcast.Config{
		ID: w.views.ids[i], Epoch: epoch, Members: membersOf{w.views, i}, Out: &m.out, Rand: w.nodes[i].rand,
		PayloadMax: payloadMax,
	})
	return m
}

// membersOf is a node's view.
type membersOf struct {
	*views
	i int32
}

func (m membersOf) Version() uint64        { return m.angle(m.i).version }
func (m membersOf) Live() []broadcast.Peer { return m.live(m.i) }

func (m membersOf) Life(id member.NodeID) (member.Epoch, bool) {
	j := m.numbers[id]
	return epoch, j == m.i || m.sees(m.i, j)
}

// topic is that of all events.
const topic = "t"

func (m *machine) publish(now member.Time, payload []byte, ordered bool) uint64 {
	seq, live, err := m.Publish(now, broadcast.Message{Topic: topic, Payload: payload, Ordered: ordered})
	if err != nil {
		seq = 0
	} else {
		m.host.w.tally.receipt(m.host.i, seq, 1, live, false)
	}
	m.drain()
	return seq
}

func (m *machine) receive(now member.Time, from int32, p *packet) {
	peer := effect.Peer{ID: m.host.w.views.ids[from], Addr: address(from), Lane: p.lane}
	for rest := p.bytes; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err == nil {
			err = m.Receive(now, peer, t, body)
		}
		if err != nil {
			panic(err) // nothing damages packets here: we are wrong
		}
		rest = after
	}
	m.drain()
}

func (m *machine) tick(now member.Time) {
	m.Tick(now)
	m.drain()
}

func (m *machine) deadline() member.Time { return m.Deadline() }

// drain hands on what the machine asks for.
func (m *machine) drain() {
	for i := range m.out.Sends {
		s := &m.out.Sends[i]
		m.host.send(number(s.Addr), parcel(m.out.Payload(s), s.Lane))
	}
	for i := range m.out.Events {
		switch e := &m.out.Events[i]; e.Kind {
		case effect.MessageReceived:
			m.host.deliver(m.host.w.views.numbers[e.ID], e.Seq, int(e.Hops))
		case effect.ReceiptUpdated:
			m.host.w.tally.receipt(m.host.i, e.Seq, e.Count, e.Total, e.Done)
		}
	}
	m.out.Reset()
}

// parcel copies a payload and counts what is in it.
func parcel(payload []byte, lane effect.Lane) *packet {
	p := &packet{lane: lane, bytes: bytes.Clone(payload), size: len(payload)}
	var relay wire.Relay
	var content wire.Content
	for rest := p.bytes; len(rest) > 0; {
		t, body, after, err := wire.Next(rest)
		if err != nil {
			panic(err)
		}
		rest = after
		if t != wire.TypeRelay {
			p.control++
			continue
		}
		if err := relay.Decode(body); err != nil {
			panic(err)
		}
		p.copies++
		if relay.Repair {
			p.pulled++
		}
		if relay.Chunked {
			p.payload += len(relay.Body)
		} else if content.Decode(relay.Body) == nil {
			p.payload += len(content.Payload)
		}
	}
	return p
}

// probe lets the root ride, as the core does on pings and acks.
func (m *machine) probe(to int32) {
	if root, any := m.Root(); any {
		m.root.Root = root
		m.out.Open(m.host.w.views.ids[to], address(to), effect.Datagram)
		m.out.Add(&m.root)
		m.drain()
	}
}

func (m *machine) probed(to int32, elapsed time.Duration) {
	m.OnProbe(m.host.w.views.ids[to], elapsed)
}

// adopt takes the baseline that a contact sends with its answer to a joiner.
func (m *machine) adopt(contact contender) {
	from := contact.(*machine)
	from.out.Open(m.host.w.views.ids[m.host.i], address(m.host.i), effect.Stream)
	from.AddBaseline()
	baseline := parcel(from.out.Payload(from.out.Last()), effect.Stream)
	from.out.Reset()
	m.SetJoining(true)
	m.receive(m.host.w.now, from.host.i, baseline)
	m.SetJoining(false)
}

func (m *machine) counts() Counts {
	s := m.Stats()
	return Counts{
		Duplicates: s.Duplicates, Retransmits: s.Retransmits, Redelegations: s.Redelegations, Pulls: s.Pulls, Lazy: s.Lazy, Missed: s.Missed,
	}
}

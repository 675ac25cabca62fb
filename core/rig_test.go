package core

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/rumor"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// hashKeys stands in for Ed25519: a signature is a hash of key and message, and
// an ID is the head of its key.
type hashKeys struct{ public [wire.PublicKeySize]byte }

func (k hashKeys) Sign(message []byte) (s [wire.SignatureSize]byte) {
	sum := sha256.Sum256(append(k.public[:], message...))
	copy(s[:], sum[:])
	return s
}

func (hashKeys) Verify(id member.NodeID, public *[wire.PublicKeySize]byte, message []byte, s *[wire.SignatureSize]byte) bool {
	return member.NodeID(public[:member.NodeIDSize]) == id && hashKeys{*public}.Sign(message) == *s
}

// person is a node by its number.
type person struct {
	keys hashKeys
	id   member.NodeID
	name member.Name
	addr netip.AddrPort
}

func newPerson(n int) person {
	p := person{name: member.Name(fmt.Sprintf("node%d", n))}
	binary.BigEndian.PutUint32(p.keys.public[:], 0xaaaa0000+uint32(n))
	copy(p.id[:], p.keys.public[:])
	p.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 7946)
	return p
}

func (p person) peer(lane Lane) Peer { return Peer{ID: p.id, Addr: p.addr, Lane: lane} }

var noCluster [16]byte

func (p person) record(c member.Claim) *wire.Record {
	r := &wire.Record{
		ID: p.id, PublicKey: p.keys.public, Protocol: wire.ProtocolVersion, Name: p.name, Addrs: []netip.AddrPort{p.addr}, Claim: c,
	}
	r.Signature = p.keys.Sign(r.AppendSigned([]byte(effect.DomainRecord + string(noCluster[:]))))
	return r
}

func (p person) entry(g wire.Generation, v wire.Version, key, value string) wire.Entry {
	e := wire.Entry{Version: v, Key: []byte(key), Value: []byte(value), Tombstone: value == ""}
	e.Signature = p.keys.Sign(e.AppendSigned([]byte(effect.DomainFact+string(noCluster[:])), p.id, g))
	return e
}

func (p person) config(seed uint64) Config {
	return Config{
		ID: p.id, PublicKey: p.keys.public, Name: p.name, Epoch: 1, Addrs: []netip.AddrPort{p.addr},
		Timing: LAN(), Keys: p.keys, Rand: rand.New(rand.NewPCG(seed, 1)),
	}
}

func newMachine(t testing.TB, n int) *Machine {
	m, err := New(0, newPerson(n).config(uint64(n)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pair is two machines on a perfect wire.
type pair struct {
	machines [2]*Machine
	now      Time
	in       Receive
	payload  []byte
	steps    int
}

func newPair(t testing.TB) *pair {
	p := &pair{machines: [2]*Machine{newMachine(t, 0), newMachine(t, 1)}}
	p.step(1, &Join{Addrs: []netip.AddrPort{newPerson(0).addr}})
	return p
}

// step delivers what a step causes until nobody says anything. Each packet of
// an idle pair causes at most one other.
func (p *pair) step(to int, in Input) {
	out := p.machines[to].Step(p.now, in)
	p.steps++
	switch len(out.Packets) {
	case 0:
	case 1:
		p.carry(to, &out.Packets[0])
	default: // copied, since the answers come between
		packets := slices.Clone(out.Packets)
		for i := range packets {
			packets[i].Payload = slices.Clone(packets[i].Payload)
		}
		for i := range packets {
			p.carry(to, &packets[i])
		}
	}
}

func (p *pair) carry(from int, packet *Packet) {
	sender := p.machines[from]
	p.payload = append(p.payload[:0], packet.Payload...)
	p.in = Receive{From: Peer{ID: sender.cfg.ID, Addr: sender.cfg.Addrs[0], Lane: packet.Lane}, Payload: p.payload}
	p.step(1-from, &p.in)
}

// tick runs the machine whose deadline is next.
func (p *pair) tick() {
	next := 0
	if p.machines[1].Deadline() < p.machines[0].Deadline() {
		next = 1
	}
	p.now = max(p.now, p.machines[next].Deadline())
	p.step(next, Tick{})
}

// checkInvariants holds a machine and its last output against what they must be.
func checkInvariants(t interface {
	Helper()
	Fatalf(string, ...any)
}, m *Machine, out *Output,
) {
	t.Helper()
	live := 0
	var root uint64
	for i := range m.Len() {
		v := m.Member(i)
		if found, ok := m.Lookup(v.ID); !ok || found.Claim != v.Claim || (i == 0) != (v.ID == m.cfg.ID) {
			t.Fatalf("member %d is %v, found %v", i, v.Claim, found.Claim)
		}
		if !v.Claim.State.Gone() {
			live++
		}
		// Facts of nobody would keep the root apart from everybody else's.
		g, version := m.store.Stamp(v.ID)
		root ^= wire.HashClaim(v.ID, v.Claim) ^ wire.HashFacts(v.ID, g, version)
	}
	if live != m.Live() || root != m.Root() {
		t.Fatalf("%d live of %d counted; root %x, recomputed %x", m.Live(), live, m.Root(), root)
	}
	if m.Len() > m.cfg.MembersMax || m.Hot() > rumor.Capacity || len(m.drops) != int(dropEnd) {
		t.Fatalf("%d members, %d hot rumors", m.Len(), m.Hot())
	}
	for i := range out.Packets {
		checkPacket(t, m, &out.Packets[i])
	}
}

func checkPacket(t interface {
	Helper()
	Fatalf(string, ...any)
}, m *Machine, p *Packet,
) {
	t.Helper()
	limit := wire.FrameMax
	if p.Lane == Datagram {
		limit = m.cfg.PayloadMax
	}
	if len(p.Payload) == 0 || len(p.Payload) > limit {
		t.Fatalf("a %s of %d bytes, limit %d", p.Lane, len(p.Payload), limit)
	}
	count := 0
	for rest := p.Payload; len(rest) > 0; count++ {
		typ, _, after, err := wire.Next(rest)
		if err != nil || !typ.Known() {
			t.Fatalf("sent what nobody can read: %v %v", typ, err)
		}
		rest = after
	}
	if count > wire.MessagesMax && p.Lane == Datagram {
		t.Fatalf("%d messages in a datagram", count)
	}
}

// alive is the claim of a first life.
var alive = member.Claim{Epoch: 1, State: member.Alive}

// payload encodes messages back to back.
func payload(messages ...wire.Message) (b []byte) {
	for _, m := range messages {
		b = wire.Append(b, m)
	}
	return b
}

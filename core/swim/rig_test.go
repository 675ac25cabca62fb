package swim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
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
	return [member.NodeIDSize]byte(public[:member.NodeIDSize]) == id && hashKeys{*public}.Sign(message) == *s
}

// person is a node that the tests speak for.
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

// record is what a person says of itself, signed.
func (p person) record(state member.State, epoch member.Epoch, incarnation member.Incarnation) *wire.Record {
	r := &wire.Record{
		ID: p.id, PublicKey: p.keys.public, Protocol: wire.ProtocolVersion, Name: p.name, Addrs: []netip.AddrPort{p.addr},
		Claim: member.Claim{Epoch: epoch, Incarnation: incarnation, State: state},
	}
	r.Signature = p.keys.Sign(r.AppendSigned([]byte(effect.DomainRecord + string(make([]byte, 16)))))
	return r
}

func (p person) peer() effect.Peer { return effect.Peer{ID: p.id, Addr: p.addr} }

// rig is one machine, node 0, among persons 1, 2, 3 … for whom the test speaks.
type rig struct {
	testing.TB
	*Machine
	out  effect.Out
	now  member.Time
	root wire.Root
}

func newRig(t testing.TB, people int, adjust ...func(*Config)) *rig {
	r := &rig{TB: t, now: member.Time(time.Hour)}
	self := newPerson(0)
	cfg := Config{
		ID: self.id, PublicKey: self.keys.public, Name: self.name, Epoch: 1, Addrs: []netip.AddrPort{self.addr},
		Timing: LAN(), MembersMax: 1000, Keys: self.keys, Rand: rand.New(rand.NewPCG(1, 2)), Out: &r.out,
		Root: func() wire.Root { return r.root },
	}
	for _, f := range adjust {
		f(&cfg)
	}
	r.Machine = New(r.now, cfg)
	for i := range people {
		r.hear(newPerson(i+1).record(member.Alive, 1, 0))
	}
	r.clear()
	return r
}

func seeded(seed uint64) func(*Config) {
	return func(c *Config) { c.Rand = rand.New(rand.NewPCG(seed, 0)) }
}

func (r *rig) hear(rec *wire.Record) {
	r.OnRecord(r.now, effect.Peer{ID: rec.ID}, rec, rec.AppendBody(nil))
}

// accuse has person via pass on what by says of person subject.
func (r *rig) accuse(via, subject, by int, c member.Claim) {
	r.OnAccuse(r.now, newPerson(via).peer(), &wire.Accuse{Subject: newPerson(subject).id, Claim: c, Accuser: newPerson(by).id})
}

// suspectBy makes person n a suspect of its first life.
func (r *rig) suspectBy(n, by int) { r.accuse(by, n, by, claim(member.Suspect, 1, 0)) }

// kill lets a suspicion of person n run out.
func (r *rig) kill(n, by int) {
	r.suspectBy(n, by)
	e := r.entry(n)
	e.suspicion.deadline = r.now
	r.tickSuspects(r.now)
	if e.claim.State != member.Dead {
		r.Fatalf("person %d is %v", n, e.claim)
	}
}

func claim(s member.State, e member.Epoch, i member.Incarnation) member.Claim {
	return member.Claim{Epoch: e, Incarnation: i, State: s}
}

func (r *rig) entry(n int) *entry { return r.table.index[newPerson(n).id] }

func (r *rig) wantClaim(n int, want member.Claim) {
	r.Helper()
	if e := r.entry(n); e == nil || e.claim != want {
		r.Fatalf("person %d is held %v, want %v", n, e, want)
	}
}

func (r *rig) wantDrops(d Drop, want uint64) {
	r.Helper()
	if got := r.Drops(d); got != want {
		r.Errorf("drops[%d] = %d, want %d", d, got, want)
	}
}

func (r *rig) clear() { r.out.Reset() }

// pass lets time pass and ticks once at its end.
func (r *rig) pass(d time.Duration) {
	r.now = r.now.Add(d)
	r.clear()
	r.Tick(r.now)
}

// said is what the machine asked to be sent since the last clear, one line a
// packet: "3 datagram: ping | record …" with persons by number.
func (r *rig) said() []string {
	var lines []string
	for i := range r.out.Sends {
		s := &r.out.Sends[i]
		var words []string
		for rest := r.out.Payload(s); len(rest) > 0; {
			t, body, after, err := wire.Next(rest)
			if err != nil {
				r.Fatal(err)
			}
			rest = after
			words = append(words, r.describe(t, body))
		}
		lines = append(lines, fmt.Sprintf("%d %s: %s", number(s.To), s.Lane, strings.Join(words, " | ")))
	}
	return lines
}

func number(id member.NodeID) int { return int(binary.BigEndian.Uint16(id[2:])) }

// describe leaves out what no test here depends on: sequence numbers, addresses.
func (r *rig) describe(t wire.Type, body []byte) string {
	var err error
	defer func() {
		if err != nil {
			r.Fatal(err)
		}
	}()
	switch t {
	case wire.TypeRecord:
		var m wire.Record
		err = m.Decode(body)
		return fmt.Sprintf("record %d %s", number(m.ID), m.Claim)
	case wire.TypeAccuse:
		var m wire.Accuse
		err = m.Decode(body)
		return fmt.Sprintf("accuse %d %s", number(m.Subject), m.Claim)
	case wire.TypePingReq:
		var m wire.PingReq
		err = m.Decode(body)
		return fmt.Sprintf("ping-req %d %s", number(m.Target), m.Budget)
	case wire.TypeWant:
		var m wire.Want
		err = m.Decode(body)
		return fmt.Sprintf("want %d", number(m.ID))
	case wire.TypeAck:
		var m wire.Ack
		err = m.Decode(body)
		if m.Relayed {
			return "ack relayed"
		}
	}
	return t.String()
}

func (r *rig) wantSaid(want ...string) {
	r.Helper()
	if got := r.said(); !slices.Equal(got, want) {
		r.Errorf("said\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// events lists the kinds of the events since the last clear.
func (r *rig) events() (kinds []effect.Kind) {
	for _, e := range r.out.Events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (r *rig) wantEvents(want ...effect.Kind) {
	r.Helper()
	if got := r.events(); !slices.Equal(got, want) {
		r.Errorf("events %v, want %v", got, want)
	}
}

// startProbe runs to the next probe and returns the number of its target.
func (r *rig) startProbe() int {
	r.Helper()
	r.clear()
	r.now = max(r.now, r.nextProbe)
	r.tickProbe(r.now)
	if r.probe.stage != direct || r.probe.sent != r.now {
		r.Fatalf("no probe began: %+v", r.probe)
	}
	return number(r.probe.target.id)
}

// answer acks the probe under way.
func (r *rig) answer() {
	target := newPerson(number(r.probe.target.id))
	r.OnAck(r.now, target.peer(), &wire.Ack{Seq: r.probe.seq})
}

// checkInvariants holds the table against what it must be.
func checkInvariants(t interface {
	Helper()
	Fatalf(string, ...any)
}, m *Machine,
) {
	t.Helper()
	var suspects, gone, live int
	var hash uint64
	for i, e := range m.table.entries {
		if m.table.index[e.id] != e {
			t.Fatalf("entry %d is not in the index", i)
		}
		if (i == 0) != (e == m.self) {
			t.Fatalf("this node is not entry 0")
		}
		hash ^= wire.HashClaim(e.id, e.claim)
		var signed wire.Record
		if err := signed.Decode(e.body); err != nil || !signed.Claim.SameLife(e.claim) || signed.Name != e.name {
			t.Fatalf("entry %d: claim %v, signed %v %v", i, e.claim, signed.Claim, err)
		}
		if e.claim.State == member.Suspect {
			suspects++
			if !slices.Contains(m.suspects, e) || len(e.suspicion.accusers) == 0 || e.suspicion.deadline < e.suspicion.started {
				t.Fatalf("suspect %d has no suspicion: %+v", i, e.suspicion)
			}
		}
		if e.claim.State.Gone() != slices.Contains(m.table.gone, e) {
			t.Fatalf("entry %d is %v, in the list of the gone: %v", i, e.claim, !e.claim.State.Gone())
		}
		if e.claim.State.Gone() {
			gone++
		} else {
			live++
		}
		if e.claim.State == member.Alive && e.suspicion.deadline != 0 {
			t.Fatalf("alive entry %d has a suspicion", i)
		}
	}
	if len(m.table.index) != len(m.table.entries) || len(m.suspects) != suspects || len(m.table.gone) != gone || m.table.live != live {
		t.Fatalf("%d entries, %d indexed; suspects %d of %d, gone %d of %d, live %d of %d",
			len(m.table.entries), len(m.table.index), len(m.suspects), suspects, len(m.table.gone), gone, m.table.live, live)
	}
	if m.table.hash != hash {
		t.Fatalf("hash %x, recomputed %x", m.table.hash, hash)
	}
	checkNames(t, m)
	if len(m.table.entries) > m.cfg.MembersMax || len(m.relays) > relaysMax {
		t.Fatalf("%d members of %d, %d relays", len(m.table.entries), m.cfg.MembersMax, len(m.relays))
	}
	if m.health < 0 || m.health > m.cfg.Timing.HealthMax || m.ringNext > len(m.ring) {
		t.Fatalf("health %d, ring %d of %d", m.health, m.ringNext, len(m.ring))
	}
}

// checkNames holds that of the live with one name exactly one is no rival, and
// that it is the holder.
func checkNames(t interface {
	Helper()
	Fatalf(string, ...any)
}, m *Machine,
) {
	t.Helper()
	for _, e := range m.table.entries {
		if e.claim.State.Gone() {
			continue
		}
		if holder := m.table.names[e.name]; (holder == e) == e.rival || holder == nil || holder.claim.State.Gone() {
			t.Fatalf("%s: %v is rival %v, holder %v", e.name, e.claim, e.rival, holder)
		}
	}
}

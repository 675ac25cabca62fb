// Package swim is who is here: a failure detector and membership list of the
// SWIM family (Das, Gupta, Motivala, DSN 2002) with Lifeguard's local health,
// nacks and dynamic suspicion (Dadgar, Phillips, Currey, DSN 2018).
//
// It departs from the papers where the field has shown the need, and
// docs/divergence.md says why: what a node says of itself is signed, an
// accusation counts only for the life it was made in, a death that comes as a
// surprise is a suspicion first, the dead are retried for as long as they are
// remembered, and a goodbye is acknowledged.
//
// A reader should begin with conversations: testdata/*.txt in core.
package swim

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/hearsay-gossip/hearsay/core/draw"
	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// Config is what a Machine is made of. All fields are required unless they say
// otherwise.
type Config struct {
	ID        member.NodeID
	PublicKey [wire.PublicKeySize]byte
	Name      member.Name
	Epoch     member.Epoch
	Cluster   [16]byte // bound into every signature
	Addrs     []netip.AddrPort
	Anchor    [wire.AnchorSize]byte // published with the record
	Timing    Timing
	// MembersMax bounds the table, the gone included.
	MembersMax int
	Keys       effect.Keys
	Rand       *rand.Rand
	// Out receives all effects.
	Out *effect.Out
	// Root returns the root to put into pings and acks.
	Root func() wire.Root
}

// Machine is one node's view of the membership. Not for concurrent use; every
// method that takes the time may write effects to Config.Out.
type Machine struct {
	cfg     Config
	table   table
	self    *entry
	leaving leaving

	probe     probe
	ring      []*entry // the shuffled order of probes (SWIM section 4.3)
	ringNext  int
	drawPass  uint32
	nextProbe member.Time
	joining   bool
	health    int // local health: 0 is well, Timing.HealthMax is poor
	seq       wire.Seq

	suspects []*entry
	relays   []relay
	heal     heal

	// hearsay is an accusation of a member that is not known yet, kept until
	// the record that follows it in the same payload.
	hearsay wire.Accuse

	scratch []byte // signed bytes of a record
	drops   [dropEnd]uint64

	// Reused messages: what is passed as a wire.Message must not be allocated.
	ping    wire.Ping
	ack     wire.Ack
	pingReq wire.PingReq
	nack    wire.Nack
	accuse  wire.Accuse
	want    wire.Want
	leave   wire.Leave
	goodbye wire.LeaveAck
}

// New returns a machine that knows only itself, alive, and spreads that.
func New(now member.Time, cfg Config) *Machine {
	m := &Machine{cfg: cfg, seq: wire.Seq(cfg.Rand.Uint32())}
	m.self = &entry{
		id: cfg.ID, publicKey: cfg.PublicKey, name: cfg.Name, addrs: cfg.Addrs, anchor: cfg.Anchor, since: now,
		claim: member.Claim{Epoch: cfg.Epoch, State: member.Alive},
	}
	m.table.insert(m.self)
	m.claimName(m.self)
	m.publishSelf()
	m.nextProbe = now.Add(draw.Within(cfg.Rand, cfg.Timing.ProbePeriod))
	m.heal.next = now.Add(draw.Within(cfg.Rand, cfg.Timing.HealPeriod))
	return m
}

// publishSelf signs and spreads this node's record as it now stands.
func (m *Machine) publishSelf() {
	rec := wire.Record{
		ID: m.self.id, PublicKey: m.self.publicKey, Protocol: wire.ProtocolVersion,
		Claim: m.self.claim, Name: m.self.name, Addrs: m.self.addrs, Anchor: m.self.anchor,
	}
	rec.Signature = m.cfg.Keys.Sign(rec.AppendSigned(m.signedPrefix()))
	m.self.body = rec.AppendBody(nil)
	m.table.rehash(m.self)
	m.cfg.Out.SpreadBody(membership(m.self.id), wire.TypeRecord, m.self.body)
}

// signedPrefix returns the scratch buffer holding what goes before the signed
// part of a record: its domain and the cluster.
func (m *Machine) signedPrefix() []byte {
	m.scratch = append(append(m.scratch[:0], effect.DomainRecord...), m.cfg.Cluster[:]...)
	return m.scratch
}

// Hash returns the membership's share of the root.
func (m *Machine) Hash() uint64 { return m.table.hash }

// Live returns how many members are not gone, this node included while it has
// not left.
func (m *Machine) Live() int { return m.table.live }

// Health returns the local health score: 0 is well.
func (m *Machine) Health() int { return m.health }

// period is the probe period, stretched by poor local health (Lifeguard
// section IV-A).
func (m *Machine) period() time.Duration {
	return m.cfg.Timing.ProbePeriod * time.Duration(m.health+1)
}

// timeout is the wait for a direct ack, stretched like the period.
func (m *Machine) timeout() time.Duration {
	return m.cfg.Timing.ProbeTimeout * time.Duration(m.health+1)
}

func (m *Machine) nextSeq() wire.Seq {
	m.seq++
	return m.seq
}

// adjustHealth moves the local health score within its bounds (Lifeguard
// section IV-A).
func (m *Machine) adjustHealth(by int) {
	health := min(max(m.health+by, 0), m.cfg.Timing.HealthMax)
	if health == m.health {
		return
	}
	m.health = health
	m.cfg.Out.Report(effect.Event{Kind: effect.HealthChanged, Count: health})
}

// Tick does all that has come due.
func (m *Machine) Tick(now member.Time) {
	if m.leaving.active {
		m.tickLeaving(now)
		return
	}
	m.tickProbe(now)
	m.tickSuspects(now)
	m.tickRelays(now)
	m.tickHeal(now)
}

// Deadline returns when Tick has something to do; it is always some time.
func (m *Machine) Deadline() member.Time {
	if m.leaving.active {
		return m.leaving.next
	}
	t := m.nextProbe
	if m.probe.waiting() { // the next one waits for it
		t = m.probe.next
	}
	t = min(t, m.heal.next)
	for _, e := range m.suspects {
		t = min(t, e.suspicion.deadline)
	}
	for i := range m.relays {
		t = min(t, m.relays[i].next)
	}
	return t
}

// OnPause tells the machine that it was not run for a while (a suspended
// machine, a stopped process): silence in that time says nothing about others.
func (m *Machine) OnPause(now member.Time, gap time.Duration) {
	m.cfg.Out.Report(effect.Event{Kind: effect.Paused, Elapsed: gap})
	m.probe = probe{}
	m.nextProbe = now.Add(draw.Within(m.cfg.Rand, m.cfg.Timing.ProbeTimeout))
	m.heal.next = max(m.heal.next, now)
	m.relays = m.relays[:0]
	for _, e := range m.suspects {
		e.suspicion.started = e.suspicion.started.Add(gap)
		// An answer that came in meanwhile may still be unread.
		e.suspicion.deadline = max(e.suspicion.deadline.Add(gap), now.Add(m.cfg.Timing.ProbeTimeout))
	}
}

// Drop says why a membership message was not believed.
type Drop uint8

// The reasons.
const (
	// DropSignature: a record whose signature does not verify.
	DropSignature Drop = iota
	// DropUnknownSubject: an accusation of a member not in the table.
	DropUnknownSubject
	// DropUnproven: an accusation in a life that its subject never signed.
	DropUnproven
	// DropNotMember: a message from a sender that is held gone.
	DropNotMember
	// DropMembersMax: a record that does not fit the member table.
	DropMembersMax
	// DropRelays: a ping-req beyond what this node relays at once.
	DropRelays
	dropEnd
)

// Drops returns how many messages were not believed, for a reason.
func (m *Machine) Drops(d Drop) uint64 { return m.drops[d] }

func membership(id member.NodeID) effect.RumorKey {
	return effect.RumorKey{Kind: effect.Membership, Subject: id}
}

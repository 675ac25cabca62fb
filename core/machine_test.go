package core

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

func TestConfigReturnsAllProblems(t *testing.T) {
	cfg := Config{
		Name: "not a name", Epoch: store.EpochMax + 1, MembersMax: -1, PayloadMax: payloadMin - 1,
		Addrs: []netip.AddrPort{{}, netip.MustParseAddrPort("0.0.0.0:1"), netip.MustParseAddrPort("127.0.0.1:0")},
	}
	cfg.Timing.Fanout = 17
	_, err := New(0, cfg)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"probe period", "suspicion multiplier", "gossip interval", "fanout", "sync interval", "name:", "node id", "epoch",
		"invalid AddrPort cannot", "0.0.0.0:1 cannot", "127.0.0.1:0 cannot", "keys and random generator", "members max -1", "payload max 999",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing about %q in:\n%v", want, err)
		}
	}
	if _, err := New(0, Config{Timing: LAN()}); err == nil || !strings.Contains(err.Error(), "0 addresses") {
		t.Errorf("no addresses: %v", err)
	}
	for name, timing := range map[string]Timing{"LAN": LAN(), "WAN": WAN(), "Local": Local()} {
		cfg := newPerson(1).config(1)
		cfg.Timing = timing
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	m := newMachine(t, 1)
	if m.cfg.MembersMax != MembersMaxDefault || m.cfg.PayloadMax != PayloadMaxDefault {
		t.Errorf("%d members, %d bytes", m.cfg.MembersMax, m.cfg.PayloadMax)
	}
}

// All that one step could say at a time at which nothing is due is nothing.
func TestASpuriousTickIsHarmless(t *testing.T) {
	p := newPair(t)
	for range 200 {
		p.tick()
		for i, m := range p.machines {
			root, deadline, live, hot := m.Root(), m.Deadline(), m.Live(), m.Hot()
			if deadline <= p.now {
				m.Step(p.now, Tick{}) // the packets came after its tick
				root, deadline, live, hot = m.Root(), m.Deadline(), m.Live(), m.Hot()
			}
			if deadline <= p.now {
				t.Fatalf("machine %d wants to be called at %v, at %v", i, deadline, p.now)
			}
			for _, in := range []Input{Tick{}, Tick{}, &Receive{From: newPerson(1 - i).peer(Datagram)}, &Seeds{}, &Unreachable{}} {
				out := m.Step(p.now, in)
				if _, ok := in.(*Receive); !ok && (len(out.Packets)+len(out.Events) != 0 || m.Deadline() != deadline) {
					t.Fatalf("%T: %d packets, %d events, deadline %v, was %v", in, len(out.Packets), len(out.Events), m.Deadline(), deadline)
				}
				if m.Root() != root || m.Live() != live || m.Hot() != hot {
					t.Fatalf("%T changed the machine", in)
				}
			}
		}
	}
}

// trace runs five machines through a join, writes and a crash on a lossy wire,
// and returns a hash over all outputs.
func trace(t *testing.T, seed uint64) uint64 {
	machines := make([]*Machine, 5)
	byAddr := map[netip.AddrPort]int{}
	for i := range machines {
		m, err := New(0, newPerson(i).config(seed+uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		machines[i] = m
		byAddr[newPerson(i).addr] = i
	}
	type parcel struct {
		from, to int
		lane     Lane
		payload  []byte
	}
	var wires []parcel
	loss := rand.New(rand.NewPCG(seed, 99))
	hash := fnv.New64a()
	now := Time(0)
	step := func(i int, in Input) {
		if machines[i] == nil {
			return
		}
		out := machines[i].Step(now, in)
		checkInvariants(t, machines[i], out)
		for _, p := range out.Packets {
			fmt.Fprintf(hash, "%d %d %x %v %x\n", now, i, p.To, p.Lane, p.Payload)
			wires = append(wires, parcel{i, byAddr[p.Addr], p.Lane, append([]byte(nil), p.Payload...)})
		}
		for j := range out.Events {
			fmt.Fprintln(hash, i, out.Events[j].Describe())
		}
		fmt.Fprintln(hash, machines[i].Root(), machines[i].Deadline())
	}
	for i := 1; i < 5; i++ {
		step(i, &Join{Addrs: []netip.AddrPort{newPerson(0).addr}})
	}
	for round := range 3000 {
		for len(wires) > 0 {
			p := wires[0]
			wires = wires[1:]
			if p.lane == Stream || loss.IntN(10) > 0 {
				step(p.to, &Receive{From: newPerson(p.from).peer(p.lane), Payload: p.payload})
			}
		}
		next, at := -1, Time(0)
		for i, m := range machines {
			if m != nil && (next < 0 || m.Deadline() < at) {
				next, at = i, m.Deadline()
			}
		}
		now = max(now, at)
		step(next, Tick{})
		switch {
		case round%100 == 50:
			step(round%5, &Put{Key: fmt.Sprint("k", round%300), Value: fmt.Append(nil, round)})
		case round == 1000:
			machines[4] = nil
		case round == 2000:
			step(3, &Leave{})
		}
	}
	return hash.Sum64()
}

func TestTheSameRandomSeedGivesTheSameOutputs(t *testing.T) {
	first, second, other := trace(t, 1), trace(t, 1), trace(t, 2)
	if first != second {
		t.Errorf("two runs of one seed: %x and %x", first, second)
	}
	if first == other {
		t.Error("two seeds give one run: the test sees nothing")
	}
}

// A former life of this node has told the cluster of a later epoch. The node
// moves on, and what it publishes must move with it, or it is void.
func TestFactsMoveWithTheEpoch(t *testing.T) {
	p := newPair(t)
	p.step(0, &Put{Key: "k", Value: []byte("v")})
	for range 100 {
		p.tick()
	}
	former := newPerson(0).record(member.Claim{Epoch: 7, Incarnation: 3, State: member.Alive})
	p.step(0, &Receive{From: newPerson(1).peer(Datagram), Payload: payload(former)})
	if got := p.machines[0].Member(0).Claim.Epoch; got != 8 {
		t.Fatalf("epoch %d", got)
	}
	p.step(0, &Put{Key: "l", Value: []byte("w")})
	for range 100 {
		p.tick()
	}
	for _, key := range []string{"k", "l"} {
		if v, ok := p.machines[1].Fact(newPerson(0).id, key); !ok {
			t.Errorf("%s = %q, %v", key, v, ok)
		}
	}
	if p.machines[0].Root() != p.machines[1].Root() {
		t.Error("the roots differ")
	}
}

func TestEachDropHasAReason(t *testing.T) {
	m := newMachine(t, 0)
	stranger, friend := newPerson(2), newPerson(1)
	receive := func(lane Lane, b []byte) { m.Step(1, &Receive{From: friend.peer(lane), Payload: b}) }
	receive(Datagram, payload(friend.record(alive)))
	pings := payload(&wire.Ping{})
	for range wire.MessagesMax {
		pings = append(pings, payload(&wire.Nack{})...)
	}
	forged := stranger.record(alive)
	forged.Signature[0]++
	for _, b := range [][]byte{
		{0xff},
		{byte(wire.TypePing), 0},
		{0x7f, 0}, // of a later version
		pings,
		payload(&wire.Advert{Owner: stranger.id, Generation: store.FirstGeneration(1), Version: 1}),
		payload(&wire.Advert{Owner: friend.id, Generation: 1, Version: 1}),
		payload(forged),
		payload(&wire.Accuse{Subject: stranger.id, Claim: member.Claim{State: member.Suspect}}),
		payload(&wire.Accuse{Subject: friend.id, Claim: member.Claim{Epoch: 2, State: member.Dead}}),
	} {
		receive(Datagram, b)
	}
	receive(Stream, pings) // the bound is for datagrams
	want := map[string]uint64{
		"malformed": 2, "unknown_type": 1, "too_many_messages": 1, "unknown_owner": 1, "void_generation": 1,
		"sig_fail": 1, "unknown_subject": 1, "unproven": 1,
	}
	m.Drops(func(reason string, count uint64) {
		if count != want[reason] {
			t.Errorf("%s: %d, want %d", reason, count, want[reason])
		}
		delete(want, reason)
	})
	if len(want) != 0 {
		t.Errorf("no such reasons: %v", want)
	}
}

func TestAPauseIsNoticed(t *testing.T) {
	p := newPair(t)
	for range 50 {
		p.tick()
	}
	m := p.machines[0]
	late := m.Deadline().Add(m.pauseMin())
	out := m.Step(late, Tick{})
	for i := range out.Events {
		if out.Events[i].Kind == effect.Paused {
			t.Error("a busy second is a pause")
		}
	}
	late = m.Deadline().Add(time.Hour)
	out = m.Step(late, &Receive{From: newPerson(1).peer(Datagram)})
	if len(out.Events) != 1 || out.Events[0].Kind != effect.Paused || out.Events[0].Elapsed != time.Hour {
		t.Errorf("events %v", out.Events)
	}
}

// Rumors go where nobody listens, so a node alone keeps none.
func TestALonelyNodeHasNothingHot(t *testing.T) {
	m := newMachine(t, 0)
	m.Step(1, &Put{Key: "k", Value: []byte("v")})
	for range 10 {
		if out := m.Step(m.Deadline(), Tick{}); len(out.Packets) != 0 {
			t.Errorf("%d packets", len(out.Packets))
		}
	}
	if m.Hot() != 0 {
		t.Errorf("%d hot", m.Hot())
	}
}

// Three contacts in a row that have our root make what is in it no news; an
// accusation is not in it.
func TestAgreementEndsRumors(t *testing.T) {
	m := newMachine(t, 0)
	friend := newPerson(1)
	suspect := member.Claim{Epoch: 1, State: member.Suspect}
	m.Step(1, &Receive{From: friend.peer(Datagram), Payload: payload(friend.record(alive), newPerson(2).record(alive))})
	m.Step(2, &Receive{From: friend.peer(Datagram), Payload: payload(&wire.Accuse{Subject: newPerson(2).id, Claim: suspect, Accuser: friend.id})})
	ping := func(root uint64) {
		m.Step(3, &Receive{From: friend.peer(Datagram), Payload: payload(&wire.Ping{Root: wire.Root(root)})})
	}
	for range agreement - 1 {
		ping(m.Root())
	}
	ping(m.Root() + 1) // not in a row
	for range agreement - 1 {
		ping(m.Root())
	}
	if m.Hot() != 3 {
		t.Fatalf("%d hot, want two records and an accusation", m.Hot())
	}
	ping(m.Root())
	if m.Hot() != 1 {
		t.Errorf("%d hot, want the accusation", m.Hot())
	}
}

// A disk was rolled back, and the former life never had to refute: both lives
// have one claim, and only the signed facts tell them apart.
func TestFactsOfAForgottenLifeAreNoticed(t *testing.T) {
	p := newPair(t)
	for _, key := range []string{"a", "b", "c"} {
		p.step(0, &Put{Key: key, Value: []byte("former")})
	}
	for range 50 {
		p.tick()
	}
	p.machines[0] = newMachine(t, 0)
	p.machines[0].swimDeadline = p.now // it starts now
	p.step(0, &Join{Addrs: []netip.AddrPort{newPerson(1).addr}})
	p.step(0, &Put{Key: "a", Value: []byte("new")})
	for range 100 {
		p.tick()
	}
	facts := map[string]string{}
	p.machines[1].EachFact(newPerson(0).id, func(key string, value []byte) { facts[key] = string(value) })
	if len(facts) != 1 || facts["a"] != "new" {
		t.Errorf("facts of both lives: %v", facts)
	}
	if c := p.machines[0].Member(0).Claim; c.Epoch != 2 {
		t.Errorf("still %v", c)
	}
	if p.machines[0].Root() != p.machines[1].Root() {
		t.Error("the roots differ")
	}
}

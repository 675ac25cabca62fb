package core

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/core/store"
	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// crowd returns a machine that knows a member of each state, 1 alive, 2
// suspect, 3 dead, 4 left, with room for two more.
func crowd(t testing.TB) *Machine {
	cfg := newPerson(0).config(1)
	cfg.MembersMax = 7
	m, err := New(0, cfg)
	if err != nil {
		t.Fatal(err)
	}
	say := func(now Time, from int, messages ...wire.Message) {
		checkInvariants(t, m, m.Step(now, &Receive{From: newPerson(from).peer(Datagram), Payload: payload(messages...)}))
	}
	for n := 1; n <= 4; n++ {
		say(1, n, newPerson(n).record(alive))
	}
	gone := alive
	gone.State = member.Suspect
	say(2, 1, &wire.Accuse{Subject: newPerson(3).id, Claim: gone, Accuser: newPerson(1).id})
	now := Time(2)
	for v, _ := m.Lookup(newPerson(3).id); v.Claim.State != member.Dead; v, _ = m.Lookup(newPerson(3).id) {
		now = m.Deadline()
		for _, n := range []int{1, 2, 4} { // these live
			say(now, n, newPerson(n).record(alive))
		}
		m.Step(now, Tick{})
	}
	left := member.Claim{Epoch: 1, Incarnation: 1, State: member.Left}
	say(now, 4, newPerson(4).record(left))
	say(now, 1, &wire.Accuse{Subject: newPerson(2).id, Claim: gone, Accuser: newPerson(1).id})
	say(now, 1, &wire.Fact{Owner: newPerson(1).id, Generation: store.FirstGeneration(1), Entry: newPerson(1).entry(store.FirstGeneration(1), 1, "k", "v")})
	for n, want := range []member.State{member.Alive, member.Alive, member.Suspect, member.Dead, member.Left} {
		if v, _ := m.Lookup(newPerson(n).id); v.Claim.State != want {
			t.Fatalf("person %d is %v", n, v.Claim)
		}
	}
	return m
}

// FuzzMachine gives any bytes as payload, from itself, a member of each state
// and a stranger, on both lanes. Whatever they are, the machine stays sound, says
// nothing that others could not read, and holds no more than it may.
func FuzzMachine(f *testing.F) {
	p := newPerson(1)
	g := store.FirstGeneration(1)
	d := wire.Digest{}
	d.SetHashes(make([]byte, 16))
	e := wire.StartEntries(2, nil)
	e.Cover(0)
	dead := member.Claim{Epoch: 1, State: member.Dead}
	e.SetStamps(wire.AppendStamp(nil, &wire.Stamp{ID: p.id, Claim: dead, Generation: g, Version: 5}))
	for _, seed := range [][]byte{
		nil,
		{0},
		{0xff, 0xff, 0xff},
		payload(&wire.Ping{Seq: 1}, &wire.Ack{Seq: 1}, &wire.Nack{Seq: 1}),
		payload(&wire.PingReq{Target: p.id, Addr: p.addr, Budget: time.Second}),
		payload(p.record(alive), newPerson(9).record(alive)),
		payload(&wire.Accuse{Subject: p.id, Claim: dead}, &wire.Accuse{Subject: newPerson(0).id, Claim: dead}),
		payload(&wire.Fact{Owner: p.id, Generation: g, Entry: p.entry(g, 2, "l", "w")}, &wire.Advert{Owner: p.id, Generation: g, Version: 9}),
		payload(&d), payload(&e), payload(&wire.Want{ID: p.id, Record: true, Facts: true}),
		payload(&wire.Join{Seq: 1}, &wire.JoinAck{Seq: 1}, &wire.Leave{ID: p.id}, &wire.LeaveAck{}),
	} {
		for from := range 6 {
			f.Add(seed, from, from%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, from int, stream bool) {
		if len(b) > wire.FrameMax {
			return
		}
		m := crowd(t)
		lane := Datagram
		if stream {
			lane = Stream
		}
		in := &Receive{From: newPerson(((from % 6) + 6) % 6).peer(lane), Payload: b}
		before := slices.Clone(b)
		now := m.swimDeadline
		checkInvariants(t, m, m.Step(now, in))
		checkInvariants(t, m, m.Step(now, in)) // again
		for range 5 {
			now = max(now, m.Deadline())
			checkInvariants(t, m, m.Step(now, Tick{}))
		}
		if !slices.Equal(b, before) {
			t.Error("the payload was written to")
		}
	})
}

// TestHostilePayloadsAllocateInProportion is the promise for every payload: at
// most 4 bytes allocated for each of it, and 64 KiB, beyond what it is given to
// keep. None of these is kept.
func TestHostilePayloadsAllocateInProportion(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	repeat := func(n int, m wire.Message) []byte { return slices.Repeat(payload(m), n) }
	forged := newPerson(9).record(alive)
	forged.Signature[0]++
	fact := &wire.Fact{Owner: newPerson(1).id, Generation: store.FirstGeneration(1), Entry: newPerson(1).entry(1, 2, "k", "v")}
	for name, b := range map[string][]byte{
		"zeros":            make([]byte, 4096),
		"unknown types":    slices.Repeat([]byte{0x7f, 1, 0}, 1000),
		"forged records":   repeat(1000, forged),
		"forged facts":     repeat(1000, fact),
		"unproven":         repeat(1, &wire.Accuse{Subject: newPerson(1).id, Claim: member.Claim{Epoch: 9, State: member.Dead}}),
		"unknown subjects": repeat(1000, &wire.Accuse{Subject: newPerson(9).id, Claim: member.Claim{Epoch: 9, State: member.Suspect}}),
		"nacks":            repeat(1000, &wire.Nack{}),
		"acks":             repeat(1000, &wire.Ack{}),
		"unknown owners":   repeat(1000, &wire.Advert{Owner: newPerson(9).id, Generation: 1 << 40, Version: 1}),
	} {
		m := crowd(t)
		in := &Receive{From: newPerson(1).peer(Stream), Payload: b}
		now := m.Deadline() - 1
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m.Step(now, in)
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(4*len(b)+64<<10); got > limit {
			t.Errorf("%s: %d bytes allocated for %d, limit %d", name, got, len(b), limit)
		}
	}
}

// anySpeech draws messages that are well formed and, where they must be,
// signed, about a handful of persons in a handful of lives.
func anySpeech(t *rapid.T, m *Machine) wire.Message {
	one := newPerson(rapid.IntRange(0, 7).Draw(t, "of"))
	other := newPerson(rapid.IntRange(0, 7).Draw(t, "by"))
	claim := member.Claim{
		Epoch:       member.Epoch(rapid.SampledFrom([]uint64{1, 1, 1, 2, uint64(store.EpochMax), ^uint64(0)}).Draw(t, "epoch")),
		Incarnation: member.Incarnation(rapid.SampledFrom([]uint64{0, 0, 1, 2, ^uint64(0)}).Draw(t, "incarnation")),
	}
	seq := m.seq + wire.Seq(rapid.IntRange(-1, 1).Draw(t, "seq"))
	g := store.FirstGeneration(member.Epoch(rapid.IntRange(1, 2).Draw(t, "life"))) + wire.Generation(rapid.IntRange(0, 2).Draw(t, "generation"))
	v := wire.Version(rapid.IntRange(1, 6).Draw(t, "version"))
	age := rapid.SampledFrom([]time.Duration{0, time.Minute, 100 * time.Hour}).Draw(t, "age")
	key, value := fmt.Sprint(v%3), rapid.SampledFrom([]string{"", "v", string(make([]byte, 1000))}).Draw(t, "value")
	root := rapid.SampledFrom([]wire.Root{0, m.root()}).Draw(t, "root")
	switch rapid.IntRange(1, 22).Draw(t, "type") {
	case 17, 18, 19, 20, 21, 22:
		return anyEventSpeech(t, one.id, claim.Epoch)
	case 1:
		return &wire.Ping{Seq: seq, Root: root}
	case 2:
		return &wire.Ack{Seq: seq, Root: root, Relayed: rapid.Bool().Draw(t, "relayed")}
	case 3:
		return &wire.PingReq{Seq: seq, Target: one.id, Addr: one.addr, Budget: age}
	case 4:
		return &wire.Nack{Seq: seq}
	case 5:
		claim.State = rapid.SampledFrom([]member.State{member.Alive, member.Alive, member.Left}).Draw(t, "state")
		if rapid.IntRange(0, 3).Draw(t, "twin") == 0 {
			one.name = other.name
		}
		return one.record(claim)
	case 6, 7:
		claim.State = rapid.SampledFrom([]member.State{member.Suspect, member.Dead, member.Left}).Draw(t, "state")
		return &wire.Accuse{Subject: one.id, Claim: claim, Accuser: other.id, Age: age}
	case 8:
		return &wire.Fact{Owner: one.id, Generation: g, Entry: one.entry(g, v, key, value)}
	case 9:
		return &wire.Advert{Owner: one.id, Generation: g, Version: v}
	case 10:
		d := &wire.Delta{Owner: one.id, Generation: g, From: v - 1, To: v + 1, Latest: v + wire.Version(rapid.IntRange(1, 2).Draw(t, "left"))}
		first, second := one.entry(g, v, key, value), one.entry(g, v+1, key+"x", value)
		d.SetEntries(second.Append(first.Append(nil)))
		return d
	case 11:
		d := &wire.Digest{}
		d.SetHashes(make([]byte, 8<<rapid.IntRange(0, 4).Draw(t, "buckets")))
		return d
	case 12:
		e := wire.StartEntries(1, nil)
		if rapid.Bool().Draw(t, "covers") {
			e.Cover(0)
		}
		claim.State = rapid.SampledFrom([]member.State{member.Alive, member.Dead, member.Left}).Draw(t, "state")
		e.SetStamps(wire.AppendStamp(nil, &wire.Stamp{ID: one.id, Claim: claim, Age: age, Generation: g, Version: v}))
		return &e
	case 13:
		return &wire.Want{ID: one.id, Record: true, Facts: true, Generation: g, From: v}
	case 14:
		return &wire.Join{Seq: seq}
	case 15:
		return &wire.JoinAck{Seq: seq, Status: rapid.SampledFrom([]wire.JoinStatus{wire.JoinAccepted, wire.JoinFull}).Draw(t, "status")}
	}
	if rapid.Bool().Draw(t, "ack") {
		return &wire.LeaveAck{Seq: seq}
	}
	return &wire.Leave{Seq: seq, ID: one.id}
}

// anyEventSpeech draws messages about a few events of one origin.
func anyEventSpeech(t *rapid.T, origin member.NodeID, epoch member.Epoch) wire.Message {
	seq := rapid.Uint64Range(1, 9).Draw(t, "event")
	number := wire.Number(rapid.IntRange(0, 3).Draw(t, "number"))
	lane := wire.Lane(rapid.IntRange(0, 2).Draw(t, "lane"))
	run := wire.Run{After: seq, To: seq + rapid.SampledFrom([]uint64{1, 3, 1 << 40}).Draw(t, "length")}
	switch rapid.IntRange(0, 7).Draw(t, "about events") {
	case 0, 1, 2:
		c := wire.Content{
			Ordered: rapid.Bool().Draw(t, "ordered"), Query: rapid.Bool().Draw(t, "query"), Topic: []byte("t"), Timeout: time.Second,
			Payload: make([]byte, rapid.SampledFrom([]int{0, 100, 3000}).Draw(t, "size")),
		}
		c.SetFilter(&wire.Filter{})
		r := &wire.Relay{EventID: wire.EventID{Origin: origin, Epoch: epoch, Seq: seq}, Number: number, Hops: 1, Body: c.Append(nil)}
		if r.Delegate = rapid.Bool().Draw(t, "delegate"); !r.Delegate {
			r.Repair, r.Number = rapid.Bool().Draw(t, "repair"), 0
		}
		if rapid.Bool().Draw(t, "chunked") {
			r.Chunked, r.Size = true, rapid.SampledFrom([]int{len(r.Body), wire.ChunkSize + 1}).Draw(t, "of")
			r.Chunk = wire.Chunks(r.Size) - 1
			r.Body = make([]byte, r.Size-r.Chunk*wire.ChunkSize)
		}
		return r
	case 3:
		a := &wire.RelayAck{Lane: lane}
		a.SetRuns(wire.AppendAckRun(nil, wire.AckRun{First: number, Length: 1 << 16, Kind: wire.AckCounted}))
		return a
	case 4:
		r := &wire.Report{Number: number}
		r.SetRuns(wire.AppendReportRun(nil, wire.ReportRun{Lane: lane, First: number, Length: 1 << 16, Reached: 9}))
		return r
	case 5:
		h := &wire.Heard{Ask: rapid.Bool().Draw(t, "ask"), Baseline: rapid.Bool().Draw(t, "baseline")}
		e := &wire.HeardEntry{Origin: origin, Epoch: epoch, Floor: seq / 2, Base: seq - 1}
		e.Above = wire.NewRuns(wire.AppendRun(nil, e.Base, run), e.Base)
		h.SetEntries(wire.AppendHeardEntry(nil, e, 1))
		return h
	case 6:
		return &wire.Pull{Origin: origin, Epoch: epoch, Runs: wire.NewRuns(wire.AppendRun(nil, 0, run), 0)}
	}
	if rapid.Bool().Draw(t, "root") {
		return &wire.HeardRoot{Root: seq}
	}
	return &wire.Answer{Lane: lane, Number: number, Epoch: epoch, Seq: seq, Index: seq, Payload: []byte{}}
}

// speak is one history of a machine: valid messages in any order from anybody,
// commands, and time.
func speak(t *rapid.T, tb testing.TB) {
	m := crowd(tb)
	now := m.swimDeadline
	step := func(t *rapid.T, in Input) { checkInvariants(t, m, m.Step(now, in)) }
	t.Repeat(map[string]func(*rapid.T){
		"receive": func(t *rapid.T) {
			var b []byte
			for range rapid.IntRange(1, 4).Draw(t, "messages") {
				b = wire.Append(b, anySpeech(t, m))
			}
			lane := rapid.SampledFrom([]Lane{Datagram, Stream}).Draw(t, "lane")
			step(t, &Receive{From: newPerson(rapid.IntRange(0, 7).Draw(t, "from")).peer(lane), Payload: b})
		},
		"tick": func(t *rapid.T) {
			now = max(now, m.Deadline())
			step(t, Tick{})
			if m.Deadline() <= now {
				t.Fatalf("called at %v, wants to be called at %v", now, m.Deadline())
			}
		},
		"wait": func(t *rapid.T) {
			now = now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, 40 * time.Hour}).Draw(t, "for"))
			step(t, Tick{})
		},
		"write": func(t *rapid.T) {
			key := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "key"))
			if rapid.Bool().Draw(t, "delete") {
				step(t, &Delete{Key: key})
				return
			}
			step(t, &Put{Key: key, Value: make([]byte, rapid.SampledFrom([]int{0, 100, 2000, wire.ValueMax}).Draw(t, "size"))})
		},
		"event": func(t *rapid.T) {
			size := rapid.SampledFrom([]int{0, 100, 3000, 100_000}).Draw(t, "size")
			if rapid.Bool().Draw(t, "ask") {
				step(t, &Ask{Topic: "t", Payload: make([]byte, size), Timeout: time.Second, WantAck: true})
				return
			}
			step(t, &Publish{Topic: "t", Payload: make([]byte, size), Ordered: rapid.Bool().Draw(t, "in order")})
		},
		"command": func(t *rapid.T) {
			addr := newPerson(rapid.IntRange(0, 9).Draw(t, "whose")).addr
			switch rapid.IntRange(0, 8).Draw(t, "command") {
			case 0:
				step(t, &Leave{})
			case 1, 2:
				step(t, &Retire{ID: newPerson(rapid.IntRange(0, 7).Draw(t, "whom")).id})
			case 3, 4:
				step(t, &Join{Addrs: []netip.AddrPort{addr}})
			case 5, 6:
				step(t, &Unreachable{Addr: addr})
			default:
				step(t, &Seeds{Addrs: []netip.AddrPort{addr}})
			}
		},
	})
}

func TestAnyConversationKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { speak(rt, t) })
}

func FuzzMachineMessages(f *testing.F) {
	f.Add([]byte{})
	for i := range 8 {
		f.Add(slices.Repeat([]byte{byte(i * 31), 0, byte(i), 7, 0, 0, 0, 1}, 200))
	}
	f.Fuzz(func(t *testing.T, b []byte) { rapid.MakeFuzz(func(rt *rapid.T) { speak(rt, t) })(t, b) })
}

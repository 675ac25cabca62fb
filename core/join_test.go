package core

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/core/effect"
	"github.com/hearsay-gossip/hearsay/wire"
)

// kinds lists the events of a step that are about joins.
func kinds(out *Output) (all []string) {
	for _, e := range out.Events {
		switch e.Kind {
		case effect.JoinDone, effect.JoinFailed, effect.JoinRefused:
			all = append(all, fmt.Sprint(e.Kind, " ", e.Addr.Addr()))
		}
	}
	return all
}

func TestEachJoinHasOneEnd(t *testing.T) {
	m := newMachine(t, 0)
	var addrs []netip.AddrPort
	for n := 1; n <= 4; n++ {
		addrs = append(addrs, newPerson(n).addr)
	}
	out := m.Step(1, &Join{Addrs: addrs})
	if len(out.Packets) < 4 {
		t.Fatalf("%d packets", len(out.Packets))
	}
	first := m.seq - 3
	answer := func(n int, seq wire.Seq, status wire.JoinStatus) []string {
		b := payload(newPerson(n).record(alive), &wire.JoinAck{Seq: seq, Status: status})
		return kinds(m.Step(2, &Receive{From: newPerson(n).peer(Stream), Payload: b}))
	}
	for _, tt := range []struct{ got, want []string }{
		{answer(1, first, wire.JoinAccepted), []string{"join-done 10.0.0.1"}},
		{answer(1, first, wire.JoinAccepted), nil}, // said twice
		{answer(2, first+1, wire.JoinFull), []string{"join-refused 10.0.0.2"}},
		{answer(2, first+9, wire.JoinAccepted), nil}, // never asked
		{kinds(m.Step(3, &Unreachable{Addr: addrs[2]})), []string{"join-failed 10.0.0.3"}},
		{kinds(m.Step(3, &Unreachable{Addr: addrs[2]})), nil},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%v, want %v", tt.got, tt.want)
		}
	}
	var ended []string
	now := Time(3)
	for now < Time(1).Add(joinTimeout) {
		if len(ended) != 0 {
			t.Fatalf("%v after %v", ended, now.Sub(1))
		}
		now = max(now, min(m.Deadline(), Time(1).Add(joinTimeout)))
		ended = kinds(m.Step(now, Tick{}))
	}
	if !slices.Equal(ended, []string{"join-failed 10.0.0.4"}) || now.Sub(1) != 10*time.Second {
		t.Errorf("%v after %v", ended, now.Sub(1))
	}
}

func TestAFullTableRefusesAJoiner(t *testing.T) {
	cfg := newPerson(0).config(1)
	cfg.MembersMax = 2
	m, err := New(0, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []wire.JoinStatus{wire.JoinAccepted, wire.JoinFull} {
		n := i + 1
		out := m.Step(1, &Receive{From: newPerson(n).peer(Stream), Payload: payload(newPerson(n).record(alive), &wire.Join{Seq: 5})})
		if got := joinStatus(t, out, newPerson(n)); got != want {
			t.Errorf("joiner %d: status %d, want %d", n, got, want)
		}
	}
}

func joinStatus(t *testing.T, out *Output, joiner person) wire.JoinStatus {
	t.Helper()
	for _, p := range out.Packets {
		if p.To != joiner.id {
			continue
		}
		for rest := p.Payload; len(rest) > 0; {
			typ, body, after, err := wire.Next(rest)
			if err != nil {
				t.Fatal(err)
			}
			rest = after
			var ack wire.JoinAck
			if typ == wire.TypeJoinAck && ack.Decode(body) == nil && ack.Seq == 5 {
				return ack.Status
			}
		}
	}
	t.Fatal("no answer to the join")
	return 0
}

// A whole view goes in frames that leave room for other work, and every one of
// them is within what a stream carries.
func TestALargeViewGoesInFrames(t *testing.T) {
	m := newMachine(t, 0)
	big := make([]byte, wire.ValueMax)
	for i := range 20 {
		m.Step(1, &Put{Key: fmt.Sprint(i), Value: big})
	}
	for n := 1; n <= 600; n++ {
		m.Step(1, &Receive{From: newPerson(1).peer(Stream), Payload: payload(newPerson(n).record(alive))})
	}
	out := m.Step(1, &Receive{From: newPerson(1).peer(Stream), Payload: payload(&wire.Join{Seq: 5})})
	checkInvariants(t, m, out)
	total := 0
	for _, p := range out.Packets {
		if total += len(p.Payload); len(p.Payload) > wire.FrameTarget+wire.ValueMax+1024 {
			t.Errorf("a frame of %d bytes", len(p.Payload))
		}
	}
	if total < 20*wire.ValueMax+600*130 || len(out.Packets) < 20 {
		t.Errorf("%d bytes in %d frames", total, len(out.Packets))
	}
	if got := joinStatus(t, out, newPerson(1)); got != wire.JoinAccepted {
		t.Errorf("status %d", got)
	}
}

package wire_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// later is a message of a type that this version does not know.
type later struct{ body []byte }

func (later) Type() wire.Type              { return 0x7f }
func (m later) AppendBody(b []byte) []byte { return append(b, m.body...) }
func (later) Describe() string             { return "later" }

func TestEnvelopeLengths(t *testing.T) {
	for _, tt := range []struct {
		body   int
		header string
	}{
		{0, "7f 00"},
		{1, "7f 01"},
		{127, "7f 7f"},
		{128, "7f 80 01"},
		{16383, "7f ff 7f"},
		{16384, "7f 80 80 01"},
		{wire.FrameMax, "7f 80 80 40"},
	} {
		m := later{bytes.Repeat([]byte{0x11, 0x22, 0x33}, tt.body/3+1)[:tt.body]}
		want := append(append([]byte("kept"), unhex(tt.header)...), m.body...)
		got := wire.Append([]byte("kept"), m)
		if !bytes.Equal(got, want) {
			t.Errorf("body of %d: Append writes % x …, want %s and the body", tt.body, got[4:min(12, len(got))], tt.header)
		}
		if size := wire.Size(tt.body); size != len(want)-4 {
			t.Errorf("Size(%d) = %d, want %d", tt.body, size, len(want)-4)
		}
		typ, body, rest, err := wire.Next(append(want[4:], "rest"...))
		if err != nil || typ != 0x7f || !bytes.Equal(body, m.body) || string(rest) != "rest" {
			t.Errorf("body of %d: Next = %d, %d bytes, %q, %v", tt.body, typ, len(body), rest, err)
		}
	}
}

func TestAppendBodyWritesWhatAppendDoes(t *testing.T) {
	for _, g := range goldens() {
		got := wire.AppendBody([]byte("kept"), g.message.Type(), g.body())
		if want := append([]byte("kept"), g.bytes()...); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", g.name, got, want)
		}
	}
}

func TestEnvelopeOutOfRangeIsRefused(t *testing.T) {
	for _, tt := range []struct {
		why, payload, what string
		offset             int
	}{
		{"nothing", "", "type", 0},
		{"no length", "01", "length", 1},
		{"length without an end", "01 80", "length", 1},
		{"length longer than need be", "01 80 00", "length", 1},
		{"length of FrameMax + 1", "01 81 80 40", "length", 4},
		{"length of 2^64-1", "01 " + repeat("ff", 9) + "01", "length", 11},
		{"length over 64 bits", "01 " + repeat("ff", 9) + "02", "length", 1},
		{"no body", "01 01", "body", 2},
		{"body cut short", "01 03 aa bb", "body", 2},
	} {
		_, _, _, err := wire.Next(unhex(tt.payload))
		var refusal *wire.DecodeError
		if !errors.As(err, &refusal) || refusal.What != tt.what || refusal.Offset != tt.offset {
			t.Errorf("%s: %v, want %s at %d", tt.why, err, tt.what, tt.offset)
		}
	}
	tooLong := wire.Append(nil, later{make([]byte, wire.FrameMax+1)})
	if _, _, _, err := wire.Next(tooLong); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("body of FrameMax + 1: %v, want ErrMalformed", err)
	}
}

func TestUnknownTypesAreSkipped(t *testing.T) {
	ping, ack := goldenNamed(t, "ping"), goldenNamed(t, "ack")
	payload := bytes.Join([][]byte{
		unhex("00 00"), ping.bytes(), unhex("71 03 aa bb cc"), unhex("ff 00"), ack.bytes(), wire.Append(nil, later{make([]byte, 300)}),
	}, nil)
	var types []wire.Type
	var known []string
	for len(payload) > 0 {
		typ, body, rest, err := wire.Next(payload)
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, typ)
		if typ.Known() {
			m := blank(typ)
			if err := m.Decode(body); err != nil {
				t.Fatal(err)
			}
			known = append(known, m.Describe())
		}
		payload = rest
	}
	if want := []wire.Type{0, 1, 0x71, 0xff, 2, 0x7f}; !bytes.Equal(numbers(types), numbers(want)) {
		t.Errorf("types %d, want %d", types, want)
	}
	if len(known) != 2 || known[0] != "ping seq=16909060" || known[1] != "ack seq=16909060" {
		t.Errorf("known messages: %q", known)
	}
}

// docs/protocol.md states these sizes: how many of each fit into a datagram is
// what a reader of it wants to know.
func TestSmallestBodies(t *testing.T) {
	entry := wire.Entry{Version: 1, Key: []byte("k")}
	loopback := netip.MustParseAddrPort("127.0.0.1:1")
	for _, tt := range []struct {
		message decoder
		size    int
	}{
		{&wire.PingReq{Addr: loopback}, 28},
		{&wire.Record{Claim: member.Claim{State: member.Alive}, Name: "n", Addrs: []netip.AddrPort{loopback}}, 142},
		{&wire.Accuse{Claim: member.Claim{State: member.Suspect}}, 36},
		{&wire.Fact{Entry: entry}, 87},
		{&wire.Advert{}, 18},
		{deltaOf(wire.Delta{}), 20},
		{digestOf(make([]byte, 8)), 9},
		{entriesOf(1, nil), 2},
		{&wire.Want{Record: true}, 17},
		{&wire.Relay{EventID: wire.EventID{Seq: 1}, Body: []byte{0, 1, 't'}}, 28},
		{relayAckOf(wire.LaneSmall, wire.AckRun{Length: 1}), 6},
		{reportOf(0, wire.ReportRun{Length: 1}), 10},
		{heardOf(wire.Heard{}, heardItem{}), 21},
		{&wire.Pull{Runs: runsOf(0, wire.Run{To: 1})}, 20},
		{&wire.Answer{Seq: 1}, 8},
	} {
		body := tt.message.AppendBody(nil)
		if len(body) != tt.size {
			t.Errorf("%s: %d bytes, want %d", tt.message.Type(), len(body), tt.size)
		}
		checkCanonical(t, tt.message.Type(), body)
	}
}

func numbers(types []wire.Type) []byte {
	b := make([]byte, len(types))
	for i, t := range types {
		b[i] = byte(t)
	}
	return b
}

// The numbers are on the wire: none may ever move.
func TestTypeNumbers(t *testing.T) {
	names := map[int]string{
		1: "ping", 2: "ack", 3: "ping-req", 4: "nack", 5: "record", 6: "accuse",
		7: "fact", 8: "advert", 9: "delta", 10: "digest", 11: "entries", 12: "want",
		13: "join", 14: "join-ack", 15: "leave", 16: "leave-ack",
		17: "relay", 18: "relay-ack", 19: "report", 20: "heard", 21: "pull", 22: "answer", 23: "heard-root",
	}
	for n := range 256 {
		typ := wire.Type(n)
		want, known := names[n]
		if !known {
			want = "unknown"
		}
		if typ.String() != want || typ.Known() != known {
			t.Errorf("type %d is %q, known %t, want %q", n, typ, typ.Known(), want)
		}
	}
}

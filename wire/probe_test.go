package wire_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// The values in all goldens: bytes that count up, from a start of their own.
var (
	alice = member.NodeID(ascending(0xa0, member.NodeIDSize))
	bob   = member.NodeID(ascending(0xb0, member.NodeIDSize))
)

const (
	goldenSeq  = wire.Seq(0x01020304)
	goldenRoot = wire.Root(0x1112131415161718)
)

func ascending(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

var probeGoldens = []golden{
	{
		name:     "ping",
		message:  &wire.Ping{Seq: goldenSeq, Root: goldenRoot},
		size:     14,
		describe: "ping seq=16909060",
		text: `
			01                      ; type
			0c                      ; length, uvarint
			01 02 03 04             ; seq
			11 12 13 14 15 16 17 18 ; root`,
	},
	{
		name:     "ack",
		message:  &wire.Ack{Seq: goldenSeq, Root: goldenRoot},
		size:     15,
		describe: "ack seq=16909060",
		text: `
			02                      ; type
			0d                      ; length, uvarint
			01 02 03 04             ; seq
			11 12 13 14 15 16 17 18 ; root
			00                      ; relayed`,
	},
	{
		name:     "ack, relayed",
		message:  &wire.Ack{Seq: goldenSeq, Root: goldenRoot, Relayed: true},
		size:     15,
		describe: "ack seq=16909060 relayed",
		text: `
			02                      ; type
			0d                      ; length, uvarint
			01 02 03 04             ; seq
			11 12 13 14 15 16 17 18 ; root
			01                      ; relayed`,
	},
	{
		name: "ping-req",
		message: &wire.PingReq{
			Seq: goldenSeq, Target: alice,
			Addr: netip.MustParseAddrPort("192.0.2.7:7890"), Budget: 450 * time.Millisecond,
		},
		size:     31,
		describe: "ping-req seq=16909060 target=a0a1a2a3 budget=450ms",
		text: `
			03          ; type
			1d          ; length, uvarint
			01 02 03 04 ; seq
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; target
			04          ; family
			c0 00 02 07 ; address
			1e d2       ; port
			c2 03       ; budget in ms, uvarint`,
	},
	{
		name: "ping-req, IPv6",
		message: &wire.PingReq{
			Seq: goldenSeq, Target: alice,
			Addr: netip.MustParseAddrPort("[2001:db8::9]:7890"), Budget: 450 * time.Millisecond,
		},
		size:     43,
		describe: "ping-req seq=16909060 target=a0a1a2a3 budget=450ms",
		text: `
			03          ; type
			29          ; length, uvarint
			01 02 03 04 ; seq
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; target
			06          ; family
			20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 ; address
			1e d2       ; port
			c2 03       ; budget in ms, uvarint`,
	},
	{
		name:     "nack",
		message:  &wire.Nack{Seq: goldenSeq},
		size:     6,
		describe: "nack seq=16909060",
		text: `
			04          ; type
			04          ; length, uvarint
			01 02 03 04 ; seq`,
	},
}

func TestProbeGoldens(t *testing.T) { checkGoldens(t, probeGoldens) }

func TestProbeLimits(t *testing.T) {
	const address, budget = "ping-req address", "budget in ms"
	checkVariants(t, []variant{
		{"flag 2", "ack", []string{"relayed", "02"}, "ack relayed"},
		{"flag 255", "ack", []string{"relayed", "ff"}, "ack relayed"},
		{"family 0", "ping-req", []string{"family", "00"}, address},
		{"family 5", "ping-req", []string{"family", "05"}, address},
		{"family 7", "ping-req", []string{"family", "07"}, address},
		{"family 6 over four bytes", "ping-req", []string{"family", "06"}, address},
		{"family 4 over sixteen bytes", "ping-req, IPv6", []string{"family", "04"}, "end"},
		{"IPv4 in IPv6", "ping-req, IPv6", []string{"address", repeat("00", 10) + "ff ff c0 00 02 07"}, address},
		{"all zero", "ping-req, IPv6", []string{"address", repeat("00", 16), "port", "00 00"}, ""},
		{"no budget", "ping-req", []string{budget, "00"}, ""},
		{"a minute", "ping-req", []string{budget, "e0 d4 03"}, ""},
		{"a minute and 1 ms", "ping-req", []string{budget, "e1 d4 03"}, "ping-req budget"},
		{"2^64-1 ms", "ping-req", []string{budget, repeat("ff", 9) + "01"}, "ping-req budget"},
	})
}

func TestPingReqBudgetIsKeptWithinItsLimits(t *testing.T) {
	for budget, want := range map[time.Duration]time.Duration{
		-time.Second:                          0,
		999 * time.Microsecond:                0,
		time.Millisecond + time.Millisecond/2: time.Millisecond,
		time.Minute:                           time.Minute,
		time.Minute + time.Millisecond:        time.Minute,
		time.Duration(1<<63 - 1):              time.Minute,
		-time.Duration(1<<63-1) - 1:           0,
	} {
		sent := wire.PingReq{Addr: netip.MustParseAddrPort("127.0.0.1:1"), Budget: budget}
		var got wire.PingReq
		if err := got.Decode(sent.AppendBody(nil)); err != nil || got.Budget != want {
			t.Errorf("budget %v arrives as %v, %v, want %v", budget, got.Budget, err, want)
		}
	}
}

func TestOneAddressHasOneEncoding(t *testing.T) {
	for _, same := range [][2]string{
		{"[::ffff:192.0.2.7]:7890", "192.0.2.7:7890"},
		{"[fe80::1%eth0]:7890", "[fe80::1]:7890"}, // a zone means nothing elsewhere
	} {
		a := wire.PingReq{Addr: netip.MustParseAddrPort(same[0])}
		b := wire.PingReq{Addr: netip.MustParseAddrPort(same[1])}
		if got, want := a.AppendBody(nil), b.AppendBody(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, but %s: % x", same[0], got, same[1], want)
		}
	}
}

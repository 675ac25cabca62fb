package wire_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

var recordGoldens = []golden{
	{
		name: "record",
		message: &wire.Record{
			ID:        alice,
			PublicKey: [32]byte(ascending(0xc0, 32)),
			Protocol:  1,
			Claim:     member.Claim{State: member.Alive, Epoch: 4660, Incarnation: 5},
			Name:      "node-a",
			Addrs: []netip.AddrPort{
				netip.MustParseAddrPort("192.0.2.7:7890"), netip.MustParseAddrPort("[2001:db8::9]:7890"),
			},
			Anchor:    [16]byte(ascending(0x80, 16)),
			Signature: [64]byte(ascending(0x40, 64)),
		},
		size:     170,
		describe: "record a0a1a2a3 alive 4660.5 name=node-a addr=192.0.2.7:7890,[2001:db8::9]:7890",
		text: `
			05                ; type
			a7 01             ; length, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; id
			c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 ca cb cc cd ce cf ; public key
			d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 da db dc dd de df
			01                ; protocol
			01                ; state
			b4 24             ; epoch, uvarint
			05                ; incarnation, uvarint
			06                ; name length, uvarint
			6e 6f 64 65 2d 61 ; name
			02                ; address count, uvarint
			04                ; family 1
			c0 00 02 07       ; address 1
			1e d2             ; port 1
			06                ; family 2
			20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 ; address 2
			1e d2             ; port 2
			80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f ; anchor
			40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f ; signature
			50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f
			60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f
			70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f`,
	},
	{
		name: "record, left",
		message: &wire.Record{
			ID:        bob,
			PublicKey: [32]byte(ascending(0xd0, 32)),
			Protocol:  1,
			Claim:     member.Claim{State: member.Left, Epoch: 4660, Incarnation: 6},
			Name:      "b",
			Addrs:     []netip.AddrPort{netip.MustParseAddrPort("192.0.2.8:7890")},
			Anchor:    [16]byte(ascending(0x90, 16)),
			Signature: [64]byte(ascending(0x00, 64)),
		},
		size:     146,
		describe: "record b0b1b2b3 left 4660.6 name=b addr=192.0.2.8:7890",
		text: `
			05          ; type
			8f 01       ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; id
			d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 da db dc dd de df ; public key
			e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 ea eb ec ed ee ef
			01          ; protocol
			04          ; state
			b4 24       ; epoch, uvarint
			06          ; incarnation, uvarint
			01          ; name length, uvarint
			62          ; name
			01          ; address count, uvarint
			04          ; family 1
			c0 00 02 08 ; address 1
			1e d2       ; port 1
			90 91 92 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f ; anchor
			00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ; signature
			10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
			20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f
			30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f`,
	},
	{
		name: "accuse",
		message: &wire.Accuse{
			Subject: bob,
			Claim:   member.Claim{State: member.Suspect, Epoch: 4660, Incarnation: 5},
			Accuser: alice,
		},
		size:     39,
		describe: "accuse b0b1b2b3 suspect 4660.5 by a0a1a2a3",
		text: `
			06    ; type
			25    ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; subject
			02    ; state
			b4 24 ; epoch, uvarint
			05    ; incarnation, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; accuser
			00    ; age in s, uvarint`,
	},
	{
		name: "accuse, dead",
		message: &wire.Accuse{
			Subject: bob,
			Claim:   member.Claim{State: member.Dead, Epoch: 4660, Incarnation: 5},
			Accuser: alice,
			Age:     300 * time.Second,
		},
		size:     40,
		describe: "accuse b0b1b2b3 dead 4660.5 by a0a1a2a3 age=5m0s",
		text: `
			06    ; type
			26    ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; subject
			03    ; state
			b4 24 ; epoch, uvarint
			05    ; incarnation, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; accuser
			ac 02 ; age in s, uvarint`,
	},
}

func TestRecordGoldens(t *testing.T) { checkGoldens(t, recordGoldens) }

func TestRecordStates(t *testing.T) {
	checkVariants(t, []variant{
		{"of itself: left", "record", []string{"state", "04"}, ""},
		{"of itself: suspect", "record", []string{"state", "02"}, "record claim"},
		{"of itself: dead", "record", []string{"state", "03"}, "record claim"},
		{"state 0", "record", []string{"state", "00"}, "record claim"},
		{"state 5", "record", []string{"state", "05"}, "record claim"},
		{"of another: dead", "accuse", []string{"state", "03"}, ""},
		{"of another: left", "accuse", []string{"state", "04"}, ""},
		{"of another: alive", "accuse", []string{"state", "01"}, "accuse claim"},
		{"state 0", "accuse", []string{"state", "00"}, "accuse claim"},
		{"state 255", "accuse", []string{"state", "ff"}, "accuse claim"},
	})
}

func TestRecordLimits(t *testing.T) {
	const name, addresses = "record name", "record addresses"
	top := repeat("ff", 9) + "01"
	more := repeat("04 7f 00 00 01 1e d2", 6) + "04" // six addresses, and the family of the next
	checkVariants(t, []variant{
		{"epoch and incarnation at the top", "record", []string{"epoch", top, "incarnation", top}, ""},
		{"of a later protocol", "record", []string{"protocol", "ff"}, ""},
		{"without a name", "record", []string{"name length", "00", "name", ""}, name},
		{"name of 128", "record", []string{"name length", "80 01", "name", repeat("61", 128)}, ""},
		{"name of 129", "record", []string{"name length", "81 01", "name", repeat("61", 129)}, name},
		{"name of 2^64-1", "record", []string{"name length", top}, name},
		{"space in the name", "record", []string{"name", "6e 6f 64 65 20 61"}, name},
		{"zero byte in the name", "record", []string{"name", "6e 6f 64 65 00 61"}, name},
		{"UTF-8 in the name", "record", []string{"name", "6e 6f 64 65 c3 a4"}, name},
		{"without an address", "record, left", []string{"address count", "00", "family 1", "", "address 1", "", "port 1", ""}, addresses},
		{"8 addresses", "record", []string{"address count", "08", "family 1", more}, ""},
		{"9 addresses", "record", []string{"address count", "09", "family 1", "04 7f 00 00 01 1e d2" + more}, addresses},
		{"2^64-1 addresses", "record", []string{"address count", top}, addresses},
		{"family 5", "record", []string{"family 1", "05"}, "record address"},
		{"IPv4 in IPv6", "record", []string{"address 2", repeat("00", 10) + "ff ff c0 00 02 07"}, "record address"},
	})
}

func TestAccuseLimits(t *testing.T) {
	top := repeat("ff", 9) + "01"
	checkVariants(t, []variant{
		{"epoch and incarnation at the top", "accuse", []string{"epoch", top, "incarnation", top}, ""},
		{"366 days ago", "accuse", []string{"age in s", "80 8a 8a 0f"}, ""},
		{"a second more", "accuse", []string{"age in s", "81 8a 8a 0f"}, "accuse age"},
		{"2^64-1 s ago", "accuse", []string{"age in s", top}, "accuse age"},
	})
}

func TestAgesAreKeptWithinTheirLimits(t *testing.T) {
	const year = 366 * 24 * time.Hour
	for age, want := range map[time.Duration]time.Duration{
		-time.Second:                0,
		999 * time.Millisecond:      0,
		1999 * time.Millisecond:     time.Second,
		year:                        year,
		year + time.Second:          year,
		time.Duration(1<<63 - 1):    year,
		-time.Duration(1<<63-1) - 1: 0,
	} {
		sent := wire.Accuse{Claim: member.Claim{State: member.Dead}, Age: age}
		var got wire.Accuse
		if err := got.Decode(sent.AppendBody(nil)); err != nil || got.Age != want {
			t.Errorf("age %v arrives as %v, %v, want %v", age, got.Age, err, want)
		}
		stamp := wire.Stamp{Claim: sent.Claim, Age: age}
		if got := onlyStamp(t, wire.AppendStamp(nil, &stamp)).Age; got != want {
			t.Errorf("age %v in a stamp arrives as %v, want %v", age, got, want)
		}
	}
}

// A passer-on verifies the bytes that it received, the author signs the bytes
// that it will send: they are the same.
func TestSignatureCoversAllOfARecordButItself(t *testing.T) {
	for _, name := range []string{"record", "record, left"} {
		g := goldenNamed(t, name)
		body := g.body()
		want := body[:len(body)-64]
		if got := wire.SignedPart(body); !bytes.Equal(got, want) {
			t.Errorf("%s: SignedPart = % x, want % x", name, got, want)
		}
		if got := g.message.(*wire.Record).AppendSigned([]byte("kept")); !bytes.Equal(got, append([]byte("kept"), want...)) {
			t.Errorf("%s: AppendSigned = % x, want \"kept\" and % x", name, got, want)
		}
	}
}

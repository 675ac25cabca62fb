package wire_test

import (
	"bytes"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

// Two entries: one that says something, and one that says it no longer.
var (
	rolePrimary = wire.Entry{
		Version: 7, Key: []byte("role"), Value: []byte("primary"), Signature: [64]byte(ascending(0x40, 64)),
	}
	zoneDeleted = wire.Entry{
		Version: 9, Tombstone: true, Key: []byte("zone"), Value: []byte{}, Signature: [64]byte(ascending(0x00, 64)),
	}
)

func deltaOf(d wire.Delta, entries ...wire.Entry) *wire.Delta {
	encoded := []byte{}
	for i := range entries {
		encoded = entries[i].Append(encoded)
	}
	d.SetEntries(encoded)
	return &d
}

var factGoldens = []golden{
	{
		name:     "fact",
		message:  &wire.Fact{Owner: alice, Generation: 300, Hops: 2, Entry: rolePrimary},
		size:     100,
		describe: `fact a0a1a2a3/300 role@7="primary" hops=2`,
		text: `
			07                   ; type
			62                   ; length, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; owner
			ac 02                ; generation, uvarint
			02                   ; hops
			07                   ; version, uvarint
			00                   ; tombstone
			04                   ; key length, uvarint
			72 6f 6c 65          ; key
			07                   ; value length, uvarint
			70 72 69 6d 61 72 79 ; value
			40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f ; signature
			50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f
			60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f
			70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f`,
	},
	{
		name:     "fact, tombstone",
		message:  &wire.Fact{Owner: alice, Generation: 300, Hops: 2, Entry: zoneDeleted},
		size:     93,
		describe: `fact a0a1a2a3/300 zone@9 deleted hops=2`,
		text: `
			07          ; type
			5b          ; length, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; owner
			ac 02       ; generation, uvarint
			02          ; hops
			09          ; version, uvarint
			01          ; tombstone
			04          ; key length, uvarint
			7a 6f 6e 65 ; key
			00          ; value length, uvarint
			00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ; signature
			10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
			20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f
			30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f`,
	},
	{
		name:     "advert",
		message:  &wire.Advert{Owner: alice, Generation: 300, Version: 10500},
		size:     22,
		describe: "advert a0a1a2a3/300@10500",
		text: `
			08    ; type
			14    ; length, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; owner
			ac 02 ; generation, uvarint
			84 52 ; version, uvarint`,
	},
	{
		name: "delta",
		message: deltaOf(wire.Delta{Owner: alice, Generation: 300, From: 4, To: 10, Latest: 12},
			rolePrimary, zoneDeleted),
		size:     175,
		describe: `delta a0a1a2a3/300 (4,10] of 12 role@7="primary" zone@9 deleted`,
		ends:     []int{21, 21 + 79},
		text: `
			09                   ; type
			ac 01                ; length, uvarint
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; owner
			ac 02                ; generation, uvarint
			04                   ; from, uvarint
			0a                   ; to, uvarint
			0c                   ; latest, uvarint
			07                   ; version 1, uvarint
			00                   ; tombstone 1
			04                   ; key length 1, uvarint
			72 6f 6c 65          ; key 1
			07                   ; value length 1, uvarint
			70 72 69 6d 61 72 79 ; value 1
			40 41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f ; signature 1
			50 51 52 53 54 55 56 57 58 59 5a 5b 5c 5d 5e 5f
			60 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e 6f
			70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f
			09                   ; version 2, uvarint
			01                   ; tombstone 2
			04                   ; key length 2, uvarint
			7a 6f 6e 65          ; key 2
			00                   ; value length 2, uvarint
			00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f ; signature 2
			10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f
			20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f
			30 31 32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f`,
	},
}

func TestFactGoldens(t *testing.T) { checkGoldens(t, factGoldens) }

func TestEntryLimits(t *testing.T) {
	const version, key, value = "entry version", "entry key", "entry value"
	top := repeat("ff", 9) + "01"
	checkVariants(t, []variant{
		{"version 0", "fact", []string{"version", "00"}, version},
		{"version and generation at the top", "fact", []string{"version", top, "generation", top, "hops", "ff"}, ""},
		{"tombstone 2", "fact, tombstone", []string{"tombstone", "02"}, "entry tombstone"},
		{"tombstone with a value", "fact", []string{"tombstone", "01"}, value},
		{"empty value that is none", "fact, tombstone", []string{"tombstone", "00"}, ""},
		{"no key", "fact", []string{"key length", "00", "key", ""}, key},
		{"key of 1", "fact", []string{"key length", "01", "key", "00"}, ""},
		{"key of 256", "fact", []string{"key length", "80 02", "key", repeat("6b", 256)}, ""},
		{"key of 257", "fact", []string{"key length", "81 02", "key", repeat("6b", 257)}, key},
		{"key of 2^64-1", "fact", []string{"key length", top}, key},
		{"value of 64 KiB", "fact", []string{"value length", "80 80 04", "value", repeat("76", 64<<10)}, ""},
		{"value of 64 KiB and 1", "fact", []string{"value length", "81 80 04", "value", repeat("76", 64<<10+1)}, value},
		{"value of 2^64-1", "fact", []string{"value length", top}, value},
		{"value longer than the body", "fact", []string{"value length", "48"}, value},
	})
}

func TestAdvertLimits(t *testing.T) {
	top := repeat("ff", 9) + "01"
	checkVariants(t, []variant{
		{"all zero", "advert", []string{"generation", "00", "version", "00"}, ""},
		{"at the top", "advert", []string{"generation", top, "version", top}, ""},
	})
}

func TestDeltaRangeAndOrder(t *testing.T) {
	const span, order = "delta range", "delta order"
	top := repeat("ff", 9) + "01"
	checkVariants(t, []variant{
		{"nothing left", "delta", []string{"latest", "0a"}, ""},
		{"ends before it starts", "delta", []string{"from", "0b"}, span},
		{"ends after the latest", "delta", []string{"latest", "09"}, span},
		{"range at the top", "delta", []string{"to", top, "latest", top}, ""},
		{"first entry right above from", "delta", []string{"from", "06"}, ""},
		{"first entry at from", "delta", []string{"from", "07"}, order},
		{"last entry at to", "delta", []string{"version 2", "0a"}, ""},
		{"last entry above to", "delta", []string{"version 2", "0b"}, order},
		{"two entries of one version", "delta", []string{"version 2", "07"}, order},
		{"descending", "delta", []string{"version 1", "0a"}, order},
		{"version 0", "delta", []string{"version 1", "00"}, "entry version"},
		{"second entry broken", "delta", []string{"tombstone 2", "02"}, "entry tombstone"},
	})
	empty := deltaOf(wire.Delta{Owner: alice, Generation: 1, From: 3, To: 3, Latest: 3})
	checkCanonical(t, wire.TypeDelta, empty.AppendBody(nil))
}

func TestDeltaIsWalkedInOrderOnce(t *testing.T) {
	g := goldenNamed(t, "delta")
	var d wire.Delta
	if err := d.Decode(g.body()); err != nil {
		t.Fatal(err)
	}
	var e wire.Entry
	for _, want := range []wire.Entry{rolePrimary, zoneDeleted} {
		if !d.Next(&e) || e.Version != want.Version || e.Tombstone != want.Tombstone || e.Signature != want.Signature ||
			!bytes.Equal(e.Key, want.Key) || !bytes.Equal(e.Value, want.Value) {
			t.Errorf("walked %+v, want %+v", e, want)
		}
	}
	for range 2 {
		if d.Next(&e) {
			t.Errorf("walked %+v after the end", e)
		}
	}
}

func TestWalkOfADeltaEndsAtDamage(t *testing.T) {
	encoded := append(rolePrimary.Append(nil), 0) // version 0, and what looks like an entry
	encoded = zoneDeleted.Append(encoded)
	var d wire.Delta
	d.SetEntries(encoded)
	var e wire.Entry
	if !d.Next(&e) || d.Next(&e) || d.Next(&e) {
		t.Error("want the whole entry, then the end")
	}
}

// The owner signs what identifies the write: moved to another owner,
// generation or version, the signature does not hold.
func TestSignatureCoversOwnerGenerationAndContent(t *testing.T) {
	want := unhex(`
		a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af
		ac 02
		07 00 04 72 6f 6c 65 07 70 72 69 6d 61 72 79`)
	if got := rolePrimary.AppendSigned(nil, alice, 300); !bytes.Equal(got, want) {
		t.Errorf("signed % x, want % x", got, want)
	}
}

func TestDecodedEntriesAliasTheBody(t *testing.T) {
	g := goldenNamed(t, "fact")
	body := g.body()
	var m wire.Fact
	if err := m.Decode(body); err != nil {
		t.Fatal(err)
	}
	body[bytes.Index(body, []byte("role"))] = 'm'
	if string(m.Entry.Key) != "mole" {
		t.Errorf("key %q does not alias the body", m.Entry.Key)
	}
	if _ = append(m.Entry.Key, "XX"...); !bytes.Contains(body, []byte("primary")) {
		t.Error("appending to the key overwrote the value")
	}
}

func TestKeysCannotForgeLinesOfATrace(t *testing.T) {
	for key, want := range map[string]string{
		"a/b.c-d_é":     `fact a0a1a2a3/1 a/b.c-d_é@1="" hops=0`,
		"x\nping seq=1": `fact a0a1a2a3/1 "x\nping seq=1"@1="" hops=0`,
		"x hops=9":      `fact a0a1a2a3/1 "x hops=9"@1="" hops=0`,
		"\x1b[2J":       `fact a0a1a2a3/1 "\x1b[2J"@1="" hops=0`,
		"\xff":          `fact a0a1a2a3/1 "\xff"@1="" hops=0`,
	} {
		m := wire.Fact{Owner: alice, Generation: 1, Entry: wire.Entry{Version: 1, Key: []byte(key)}}
		if got := m.Describe(); got != want {
			t.Errorf("Describe() = %s, want %s", got, want)
		}
	}
}

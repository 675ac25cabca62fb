package wire_test

import (
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

func digestOf(hashes []byte) *wire.Digest {
	m := new(wire.Digest)
	m.SetHashes(hashes)
	return m
}

func entriesOf(buckets int, covered []int, stamps ...wire.Stamp) *wire.Entries {
	m := wire.StartEntries(buckets, nil)
	for _, i := range covered {
		m.Cover(i)
	}
	encoded := []byte{}
	for i := range stamps {
		encoded = wire.AppendStamp(encoded, &stamps[i])
	}
	m.SetStamps(encoded)
	return &m
}

var (
	aliceAlive = wire.Stamp{
		ID: alice, Claim: member.Claim{State: member.Alive, Epoch: 4660, Incarnation: 5}, Generation: 300, Version: 7,
	}
	bobDead = wire.Stamp{
		ID: bob, Claim: member.Claim{State: member.Dead, Epoch: 4660, Incarnation: 5},
		Age: 90 * time.Second, Generation: 300,
	}
)

var syncGoldens = []golden{
	{
		name:     "digest",
		message:  digestOf(ascending(0x80, 32)),
		size:     35,
		describe: "digest buckets=4",
		text: `
			0a                      ; type
			21                      ; length, uvarint
			02                      ; log2 of buckets
			80 81 82 83 84 85 86 87 ; hash 0
			88 89 8a 8b 8c 8d 8e 8f ; hash 1
			90 91 92 93 94 95 96 97 ; hash 2
			98 99 9a 9b 9c 9d 9e 9f ; hash 3`,
	},
	{
		name:     "entries",
		message:  entriesOf(16, []int{1, 10}, aliceAlive, bobDead),
		size:     52,
		describe: "entries buckets=2/16 a0a1a2a3:alive 4660.5/300@7 b0b1b2b3:dead 4660.5/300@0",
		ends:     []int{3, 3 + 23},
		text: `
			0b    ; type
			32    ; length, uvarint
			04    ; log2 of buckets
			02 04 ; bitmap
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; id 1
			01    ; state 1
			b4 24 ; epoch 1, uvarint
			05    ; incarnation 1, uvarint
			ac 02 ; generation 1, uvarint
			07    ; version 1, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; id 2
			03    ; state 2
			b4 24 ; epoch 2, uvarint
			05    ; incarnation 2, uvarint
			5a    ; age in s 2, uvarint
			ac 02 ; generation 2, uvarint
			00    ; version 2, uvarint`,
	},
	{
		name:     "want",
		message:  &wire.Want{ID: bob, Record: true, Facts: true, Generation: 300, From: 7},
		size:     22,
		describe: "want b0b1b2b3 record facts above 300@7",
		text: `
			0c    ; type
			14    ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; id
			03    ; flags
			ac 02 ; generation, uvarint
			07    ; from, uvarint`,
	},
	{
		name:     "want, record only",
		message:  &wire.Want{ID: bob, Record: true},
		size:     19,
		describe: "want b0b1b2b3 record",
		text: `
			0c    ; type
			11    ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; id
			01    ; flags`,
	},
}

func TestSyncGoldens(t *testing.T) { checkGoldens(t, syncGoldens) }

func TestDigestLimits(t *testing.T) {
	const shift = "log2 of buckets"
	hashes := func(n int) []string { return []string{"hash 0", repeat("11", 8*n-24)} }
	checkVariants(t, []variant{
		{"one bucket", "digest", []string{shift, "00", "hash 0", "", "hash 1", "", "hash 2", ""}, ""},
		{"8 buckets", "digest", append(hashes(8), shift, "03"), ""},
		{"one hash too few", "digest", append(hashes(7), shift, "03"), "digest hashes"},
		{"one hash too many", "digest", append(hashes(9), shift, "03"), "end"},
		{"16,384 buckets", "digest", append(hashes(1<<14), shift, "0e"), ""},
		{"32,768 buckets", "digest", append(hashes(1<<15), shift, "0f"), "digest buckets"},
		{"2^255 buckets", "digest", []string{shift, "ff"}, "digest buckets"},
	})
}

func TestEntriesLimits(t *testing.T) {
	const shift, buckets, bitmap = "log2 of buckets", "entries buckets", "entries bitmap"
	top := repeat("ff", 9) + "01"
	checkVariants(t, []variant{
		{"none of one bucket", "entries", []string{shift, "00", "bitmap", "00"}, ""},
		{"one of one bucket", "entries", []string{shift, "00", "bitmap", "01"}, ""},
		{"two of one bucket", "entries", []string{shift, "00", "bitmap", "02"}, bitmap},
		{"four of four", "entries", []string{shift, "02", "bitmap", "0f"}, ""},
		{"the fifth of four", "entries", []string{shift, "02", "bitmap", "10"}, bitmap},
		{"eight of eight", "entries", []string{shift, "03", "bitmap", "ff"}, ""},
		{"all of 16,384", "entries", []string{shift, "0e", "bitmap", repeat("ff", 2048)}, ""},
		{"all of 32,768", "entries", []string{shift, "0f", "bitmap", repeat("ff", 4096)}, buckets},
		{"bitmap longer than the body", "entries", []string{shift, "0e"}, bitmap},
		{"state 0", "entries", []string{"state 1", "00"}, "stamp claim"},
		{"state 5", "entries", []string{"state 2", "05"}, "stamp claim"},
		{"suspect has no age", "entries", []string{"state 2", "02", "age in s 2", ""}, ""},
		{"left has an age", "entries", []string{"state 1", "04", "generation 1", "00 ac 02"}, ""},
		{"366 days ago", "entries", []string{"age in s 2", "80 8a 8a 0f"}, ""},
		{"a second more", "entries", []string{"age in s 2", "81 8a 8a 0f"}, "stamp age"},
		{"all at the top", "entries", []string{"epoch 1", top, "incarnation 1", top, "generation 1", top, "version 1", top}, ""},
	})
}

func TestWantFlags(t *testing.T) {
	top := repeat("ff", 9) + "01"
	checkVariants(t, []variant{
		{"nothing", "want, record only", []string{"flags", "00"}, "want flags"},
		{"facts", "want", []string{"flags", "02"}, ""},
		{"all facts", "want", []string{"flags", "02", "generation", "00", "from", "00"}, ""},
		{"facts at the top", "want", []string{"generation", top, "from", top}, ""},
		{"facts, not from where", "want, record only", []string{"flags", "02"}, "want generation"},
		{"a record, from somewhere", "want", []string{"flags", "01"}, "end"},
		{"flag of a later version", "want", []string{"flags", "04"}, "want flags"},
		{"all flags", "want", []string{"flags", "ff"}, "want flags"},
	})
}

func TestDigestHashes(t *testing.T) {
	m := digestOf(ascending(0x80, 32))
	for i, want := range []uint64{0x8081828384858687, 0x88898a8b8c8d8e8f, 0x9091929394959697, 0x98999a9b9c9d9e9f} {
		if got := m.Hash(i); got != want {
			t.Errorf("Hash(%d) = %#x, want %#x", i, got, want)
		}
	}
	if m.Buckets() != 4 {
		t.Errorf("Buckets() = %d, want 4", m.Buckets())
	}
}

func TestEntriesCoverWhatIsMarked(t *testing.T) {
	scratch := unhex(repeat("ff", 8)) // of an exchange before
	m := wire.StartEntries(32, scratch)
	for i := range 32 {
		if m.Covers(i) {
			t.Errorf("bucket %d is covered from the start", i)
		}
	}
	for _, i := range []int{0, 7, 8, 31} {
		m.Cover(i)
	}
	var got wire.Entries
	if err := got.Decode(m.AppendBody(nil)); err != nil {
		t.Fatal(err)
	}
	for i := range 32 {
		if want := i == 0 || i == 7 || i == 8 || i == 31; got.Covers(i) != want {
			t.Errorf("Covers(%d) = %t", i, got.Covers(i))
		}
	}
	if got.Buckets() != 32 {
		t.Errorf("Buckets() = %d, want 32", got.Buckets())
	}
}

func TestEntriesAreWalkedInOrderOnce(t *testing.T) {
	m := entriesOf(16, nil, bobDead, aliceAlive)
	s := wire.Stamp{Age: time.Hour} // of a walk before
	for _, want := range []wire.Stamp{bobDead, aliceAlive} {
		if !m.Next(&s) || s != want {
			t.Errorf("walked %+v, want %+v", s, want)
		}
	}
	for range 2 {
		if m.Next(&s) {
			t.Errorf("walked %+v after the end", s)
		}
	}
}

func TestWalkOfEntriesEndsAtDamage(t *testing.T) {
	var m wire.Entries
	encoded := append(wire.AppendStamp(nil, &aliceAlive), alice[:]...) // an ID, and state 0xb0
	m.SetStamps(wire.AppendStamp(encoded, &bobDead))
	var s wire.Stamp
	if !m.Next(&s) || m.Next(&s) || m.Next(&s) {
		t.Error("want the whole stamp, then the end")
	}
}

// onlyStamp decodes the one stamp in encoded.
func onlyStamp(t *testing.T, encoded []byte) wire.Stamp {
	t.Helper()
	m := wire.StartEntries(1, nil)
	m.SetStamps(encoded)
	var got wire.Entries
	if err := got.Decode(m.AppendBody(nil)); err != nil {
		t.Fatal(err)
	}
	var s wire.Stamp
	if !got.Next(&s) || got.Next(new(wire.Stamp)) {
		t.Fatal("want one stamp")
	}
	return s
}

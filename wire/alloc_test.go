package wire_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

// sink keeps results alive, so that the compiler cannot take the work away.
var sink []byte

func TestReusedStructsEncodeWithoutAllocating(t *testing.T) {
	for _, g := range goldens() {
		buffer := make([]byte, 0, wire.DatagramMax)
		if n := testing.AllocsPerRun(100, func() { sink = wire.Append(buffer, g.message) }); n != 0 {
			t.Errorf("%s: %v allocations", g.name, n)
		}
	}
}

func TestReusedStructsDecodeWithoutAllocating(t *testing.T) {
	for _, g := range goldens() {
		payload, m := g.bytes(), blank(g.message.Type())
		decode := func() {
			_, body, _, err := wire.Next(payload)
			if err == nil {
				err = m.Decode(body)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		decode() // a record allocates its name and addresses once
		if n := testing.AllocsPerRun(100, decode); n != 0 {
			t.Errorf("%s: %v allocations", g.name, n)
		}
	}
}

func TestWalksDoNotAllocate(t *testing.T) {
	delta, entries := goldenNamed(t, "delta").message.(*wire.Delta), goldenNamed(t, "entries").message.(*wire.Entries)
	var e wire.Entry
	var s wire.Stamp
	walked := 0
	n := testing.AllocsPerRun(100, func() {
		walked = 0
		for d := *delta; d.Next(&e); {
			walked++
		}
		for m := *entries; m.Next(&s); {
			walked++
		}
	})
	if n != 0 || walked != 4 {
		t.Errorf("%v allocations over %d elements, want 0 over 4", n, walked)
	}
}

// TestHostileInputAllocatesInProportion is the promise for every byte string:
// at most 4 bytes allocated a byte of input, and 64 KiB.
func TestHostileInputAllocatesInProportion(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	check := func(name string, input []byte, decode func()) {
		if got, limit := allocated(decode), uint64(4*len(input)+64<<10); got > limit {
			t.Errorf("%s: %d bytes of input, %d allocated, limit %d", name, len(input), got, limit)
		}
	}
	for typ := wire.TypePing; typ.Known(); typ++ {
		for path, body := range corpus(t, target(typ)) {
			check(path, body, func() { _ = blank(typ).Decode(body) }) // whether it decodes is the fuzz target's affair
		}
	}
	payloads := hostilePayloads()
	for path, payload := range corpus(t, "FuzzPayload") {
		payloads[path] = payload
	}
	for name, payload := range payloads {
		check(name, payload, func() {
			_, _ = walk(payload, map[wire.Type]decoder{}, func(wire.Type, []byte, decoder) {})
		})
	}
}

// allocated returns how many bytes f allocates, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// hostilePayloads are frames of 1 MiB, each the worst for one decoder: what
// allocates does so as often as the bytes allow, and what checks its input
// finds the fault in the last byte.
func hostilePayloads() map[string][]byte {
	all := map[string][]byte{
		"a frame of empty messages":    bytes.Repeat([]byte{0xff, 0}, wire.FrameMax/2),
		"a frame of empty pings":       bytes.Repeat([]byte{byte(wire.TypePing), 0}, wire.FrameMax/2),
		"a digest that is cut":         append(unhex("0a 81 80 08 0e"), make([]byte, 8<<14-1)...),
		"a digest of 1 MiB of hashes":  append(unhex("0a fc ff 3f 0f"), make([]byte, 1<<20-5)...),
		"records of new names":         frameOf(recordOf(0, 128, 1), recordOf(1, 128, 1)),
		"records of short new names":   frameOf(recordOf(0, 2, 1), recordOf(1, 2, 1)),
		"records of 8 addresses":       frameOf(recordOf(0, 9, 8), recordOf(1, 9, 1)),
		"a delta of tiny entries":      wire.Append(nil, largeDelta(0)),
		"a delta broken in its last":   wire.Append(nil, largeDelta(1)),
		"entries of all buckets":       wire.Append(nil, largeEntries(0)),
		"entries broken in their last": wire.Append(nil, largeEntries(1)),
	}
	for _, g := range goldens() {
		all["a frame of "+g.name] = frameOf(g.bytes())
	}
	return all
}

// frameOf repeats the messages to the size of a frame.
func frameOf(messages ...[]byte) []byte {
	once := bytes.Join(messages, nil)
	return bytes.Repeat(once, wire.FrameMax/len(once))
}

func recordOf(n, nameLen, addrs int) []byte {
	m := wire.Record{Claim: member.Claim{State: member.Alive}, Name: member.Name(fmt.Sprintf("%0*d", nameLen, n))}
	for range addrs {
		m.Addrs = append(m.Addrs, netip.MustParseAddrPort("127.0.0.1:1"))
	}
	return wire.Append(nil, &m)
}

// largeDelta fills a frame with the smallest entries; extra zero bytes follow.
func largeDelta(extra int) *wire.Delta {
	d := &wire.Delta{To: 1 << 20, Latest: 1 << 20}
	var encoded []byte
	for v := wire.Version(1); len(encoded) < wire.FrameMax-200; v++ {
		e := wire.Entry{Version: v, Key: []byte("k")}
		encoded = e.Append(encoded)
	}
	d.SetEntries(append(encoded, make([]byte, extra)...))
	return d
}

// largeEntries fills a frame with stamps; extra zero bytes follow.
func largeEntries(extra int) *wire.Entries {
	m := wire.StartEntries(wire.BucketsMax, nil)
	s := wire.Stamp{Claim: member.Claim{State: member.Alive}}
	var encoded []byte
	for len(encoded) < wire.FrameMax-4096 {
		encoded = wire.AppendStamp(encoded, &s)
	}
	m.SetStamps(append(encoded, make([]byte, extra)...))
	return &m
}

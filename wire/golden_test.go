package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

// Both rewrite what is generated from the goldens: the examples in
// docs/protocol.md and the seeds in testdata/fuzz.
var (
	update  = flag.Bool("update", false, "rewrite docs/protocol.md and testdata/fuzz from the goldens")
	rewrite = flag.Bool("rewrite", false, "the same as -update, under the name that make golden uses")
)

func updating() bool { return *update || *rewrite }

// decoder is a message that can read its body too, as all of them can.
type decoder interface {
	wire.Message
	Decode(body []byte) error
}

// blank returns a new message of a known type.
func blank(t wire.Type) decoder {
	switch t {
	case wire.TypePing:
		return new(wire.Ping)
	case wire.TypeAck:
		return new(wire.Ack)
	case wire.TypePingReq:
		return new(wire.PingReq)
	case wire.TypeNack:
		return new(wire.Nack)
	case wire.TypeRecord:
		return new(wire.Record)
	case wire.TypeAccuse:
		return new(wire.Accuse)
	case wire.TypeFact:
		return new(wire.Fact)
	case wire.TypeAdvert:
		return new(wire.Advert)
	case wire.TypeDelta:
		return new(wire.Delta)
	case wire.TypeDigest:
		return new(wire.Digest)
	case wire.TypeEntries:
		return new(wire.Entries)
	case wire.TypeWant:
		return new(wire.Want)
	case wire.TypeJoin:
		return new(wire.Join)
	case wire.TypeJoinAck:
		return new(wire.JoinAck)
	case wire.TypeLeave:
		return new(wire.Leave)
	case wire.TypeLeaveAck:
		return new(wire.LeaveAck)
	case wire.TypeRelay:
		return new(wire.Relay)
	case wire.TypeRelayAck:
		return new(wire.RelayAck)
	case wire.TypeReport:
		return new(wire.Report)
	case wire.TypeHeard:
		return new(wire.Heard)
	case wire.TypePull:
		return new(wire.Pull)
	case wire.TypeAnswer:
		return new(wire.Answer)
	case wire.TypeHeardRoot:
		return new(wire.HeardRoot)
	}
	panic(fmt.Sprintf("no message of type %d", t))
}

// golden is one message beside its bytes, written by hand.
type golden struct {
	name    string
	message decoder
	// text is the message with its envelope: a field a line, spaced hex, its
	// name after a semicolon. A line without a name continues the field above
	// it. A name may end in ", uvarint".
	text     string
	size     int // with its envelope
	describe string
	// ends are the lengths at which a body that was cut is whole again: lists
	// have no count, so one may end after any of its elements.
	ends []int
	// open: the last field has no length of its own; more bytes belong to it.
	open bool
}

// goldens returns all goldens, in the order of the types.
func goldens() []golden {
	return slices.Concat(probeGoldens, recordGoldens, factGoldens, syncGoldens, joinGoldens, eventGoldens)
}

func goldenNamed(tb testing.TB, name string) golden {
	tb.Helper()
	for _, g := range goldens() {
		if g.name == name {
			return g
		}
	}
	tb.Fatalf("no golden %q", name)
	panic("unreachable")
}

type field struct {
	name    string
	uvarint bool
	bytes   []byte
}

// unhex reads spaced hex.
func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(fmt.Sprintf("%q: %v", text, err))
	}
	return b
}

// fields parses the text. The first two are the type and the length.
func (g golden) fields() []field {
	var all []field
	for line := range strings.Lines(strings.TrimSpace(g.text)) {
		text, name, named := strings.Cut(line, ";")
		if !named {
			last := &all[len(all)-1]
			last.bytes = append(last.bytes, unhex(text)...)
			continue
		}
		name, uvarint := strings.CutSuffix(strings.TrimSpace(name), ", uvarint")
		all = append(all, field{name, uvarint, unhex(text)})
	}
	return all
}

func (g golden) bytes() []byte { return join(g.fields()) }

func (g golden) body() []byte { return join(g.fields()[2:]) }

func join(fields []field) []byte {
	var b []byte
	for _, f := range fields {
		b = append(b, f.bytes...)
	}
	return b
}

// edited returns the body with some fields replaced: name, spaced hex, name …
func (g golden) edited(tb testing.TB, edits ...string) []byte {
	tb.Helper()
	fields := g.fields()[2:]
	for i := 0; i < len(edits); i += 2 {
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == edits[i] })
		if at < 0 {
			tb.Fatalf("golden %q has no field %q", g.name, edits[i])
		}
		fields[at].bytes = unhex(edits[i+1])
	}
	return join(fields)
}

// repeat is spaced hex, n times.
func repeat(text string, n int) string { return strings.Repeat(text+" ", n) }

func checkGoldens(t *testing.T, all []golden) {
	for _, g := range all {
		t.Run(g.name, func(t *testing.T) {
			t.Run("encodes to it", func(t *testing.T) { checkEncoding(t, g) })
			t.Run("decodes from it", func(t *testing.T) { checkDecoding(t, g) })
			t.Run("cut", func(t *testing.T) { checkTruncations(t, g) })
			t.Run("extended", func(t *testing.T) { checkExtensions(t, g) })
			t.Run("varints", func(t *testing.T) { checkVarints(t, g) })
			t.Run("one byte changed", func(t *testing.T) { checkMutations(t, g) })
		})
	}
}

func checkEncoding(t *testing.T, g golden) {
	want := g.bytes()
	if got := wire.Append(nil, g.message); !bytes.Equal(got, want) {
		t.Errorf("encoded\n% x, want\n% x", got, want)
	}
	if len(want) != g.size || wire.Size(len(g.body())) != g.size {
		t.Errorf("%d bytes, Size says %d, want %d", len(want), wire.Size(len(g.body())), g.size)
	}
	if got := g.message.Describe(); got != g.describe {
		t.Errorf("Describe() = %s, want %s", got, g.describe)
	}
}

// checkDecoding decodes into a new struct, and into one that holds each other
// golden of the type: nothing of those may remain.
func checkDecoding(t *testing.T, g golden) {
	typ, body, rest, err := wire.Next(g.bytes())
	if err != nil || typ != g.message.Type() || len(rest) != 0 {
		t.Fatalf("Next = %s, …, %d left over, %v", typ, len(rest), err)
	}
	if !bytes.Equal(body, g.body()) {
		t.Fatalf("body % x, want % x", body, g.body())
	}
	used := []decoder{blank(typ)}
	for _, other := range goldens() {
		if other.message.Type() == typ {
			m := blank(typ)
			if err := m.Decode(other.body()); err != nil {
				t.Fatal(err)
			}
			used = append(used, m)
		}
	}
	for _, m := range used {
		before := m.Describe()
		if err := m.Decode(body); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(m, g.message) {
			t.Errorf("decoded over %q: %+v, want %+v", before, m, g.message)
		}
		if got := m.AppendBody(nil); !bytes.Equal(got, body) {
			t.Errorf("encoded again\n% x, want\n% x", got, body)
		}
	}
}

func checkTruncations(t *testing.T, g golden) {
	whole, body := g.bytes(), g.body()
	for n := range len(whole) {
		_, _, _, err := wire.Next(whole[:n])
		checkRefused(t, err, n)
	}
	for n := range len(body) {
		if slices.Contains(g.ends, n) {
			checkCanonical(t, g.message.Type(), body[:n])
			continue
		}
		checkRefused(t, blank(g.message.Type()).Decode(body[:n]), n)
	}
}

func checkExtensions(t *testing.T, g golden) {
	body := g.body()
	for c := range 256 {
		longer := append(slices.Clip(body), byte(c))
		if g.open {
			checkCanonical(t, g.message.Type(), longer)
			continue
		}
		checkRefused(t, blank(g.message.Type()).Decode(longer), len(longer))
	}
}

// checkVarints writes each varint in ways that no encoder does.
func checkVarints(t *testing.T, g golden) {
	for i, f := range g.fields() {
		if !f.uvarint {
			continue
		}
		last := len(f.bytes) - 1
		padded := slices.Concat(f.bytes[:last], []byte{f.bytes[last] | 0x80, 0})
		for why, replacement := range map[string][]byte{
			"longer than need be": padded,
			"padded twice":        slices.Concat(padded[:len(padded)-1], unhex("80 00")),
			"over 64 bits":        unhex(repeat("ff", 9) + "02"),
			"without an end":      unhex(repeat("80", 11)),
		} {
			fields := g.fields()
			fields[i].bytes = replacement
			var err error
			if i == 1 { // the envelope's
				_, _, _, err = wire.Next(join(fields))
			} else {
				err = blank(g.message.Type()).Decode(join(fields[2:]))
			}
			if err == nil {
				t.Errorf("%s: accepted a varint %s: % x", f.name, why, replacement)
				continue
			}
			checkRefused(t, err, len(join(fields)))
		}
	}
}

// checkMutations gives every byte of the body every value: whatever still
// decodes is the one encoding of what it decoded to.
func checkMutations(t *testing.T, g golden) {
	body := g.body()
	for i, original := range body {
		for c := range 256 {
			body[i] = byte(c)
			m := blank(g.message.Type())
			if err := m.Decode(body); err != nil {
				checkRefused(t, err, len(body))
			} else if got := m.AppendBody(nil); !bytes.Equal(got, body) {
				t.Fatalf("% x decodes, encoded again it is % x", body, got)
			}
		}
		body[i] = original
	}
}

// checkRefused fails unless err is a DecodeError about some byte of the input.
func checkRefused(t *testing.T, err error, size int) {
	t.Helper()
	var refusal *wire.DecodeError
	if !errors.As(err, &refusal) || !errors.Is(err, wire.ErrMalformed) {
		t.Fatalf("%d bytes: error %v, want a DecodeError", size, err)
	}
	if refusal.What == "" || refusal.Offset < 0 || refusal.Offset > size {
		t.Fatalf("%d bytes: refused %q at %d", size, refusal.What, refusal.Offset)
	}
}

// checkCanonical fails unless the body decodes and is encoded the same again.
func checkCanonical(t *testing.T, typ wire.Type, body []byte) {
	t.Helper()
	m := blank(typ)
	if err := m.Decode(body); err != nil {
		t.Fatalf("%s: %v", typ, err)
	}
	if got := m.AppendBody(nil); !bytes.Equal(got, body) {
		t.Fatalf("%s\n% x, encoded again\n% x", typ, body, got)
	}
}

// variant is a golden with some fields replaced.
type variant struct {
	why     string
	golden  string
	edits   []string // field name, spaced hex, field name …
	refused string   // what the DecodeError names; empty: it must be accepted
}

func checkVariants(t *testing.T, all []variant) {
	for _, v := range all {
		t.Run(v.golden+" "+v.why, func(t *testing.T) {
			g := goldenNamed(t, v.golden)
			body := g.edited(t, v.edits...)
			if v.refused == "" {
				checkCanonical(t, g.message.Type(), body)
				return
			}
			err := blank(g.message.Type()).Decode(body)
			checkRefused(t, err, len(body))
			if refusal := (*wire.DecodeError)(nil); errors.As(err, &refusal) && refusal.What != v.refused {
				t.Errorf("refused %q, want %q", refusal.What, v.refused)
			}
		})
	}
}

func TestEveryTypeHasAGolden(t *testing.T) {
	for typ := wire.Type(0); typ < 255; typ++ {
		has := slices.ContainsFunc(goldens(), func(g golden) bool { return g.message.Type() == typ })
		if has != typ.Known() {
			t.Errorf("type %d: known %t, golden %t", typ, typ.Known(), has)
		}
	}
}

package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/wire"
)

// The seeds of each target are in testdata/fuzz, beside the crashers found.
// TestFuzzSeeds keeps the seeds in step with the goldens.

func FuzzPing(f *testing.F)     { fuzzBody(f, wire.TypePing) }
func FuzzAck(f *testing.F)      { fuzzBody(f, wire.TypeAck) }
func FuzzPingReq(f *testing.F)  { fuzzBody(f, wire.TypePingReq) }
func FuzzNack(f *testing.F)     { fuzzBody(f, wire.TypeNack) }
func FuzzRecord(f *testing.F)   { fuzzBody(f, wire.TypeRecord) }
func FuzzAccuse(f *testing.F)   { fuzzBody(f, wire.TypeAccuse) }
func FuzzFact(f *testing.F)     { fuzzBody(f, wire.TypeFact) }
func FuzzAdvert(f *testing.F)   { fuzzBody(f, wire.TypeAdvert) }
func FuzzDelta(f *testing.F)    { fuzzBody(f, wire.TypeDelta) }
func FuzzDigest(f *testing.F)   { fuzzBody(f, wire.TypeDigest) }
func FuzzEntries(f *testing.F)  { fuzzBody(f, wire.TypeEntries) }
func FuzzWant(f *testing.F)     { fuzzBody(f, wire.TypeWant) }
func FuzzJoin(f *testing.F)     { fuzzBody(f, wire.TypeJoin) }
func FuzzJoinAck(f *testing.F)  { fuzzBody(f, wire.TypeJoinAck) }
func FuzzLeave(f *testing.F)    { fuzzBody(f, wire.TypeLeave) }
func FuzzLeaveAck(f *testing.F) { fuzzBody(f, wire.TypeLeaveAck) }
func FuzzRelay(f *testing.F)    { fuzzBody(f, wire.TypeRelay) }
func FuzzRelayAck(f *testing.F) { fuzzBody(f, wire.TypeRelayAck) }
func FuzzReport(f *testing.F)   { fuzzBody(f, wire.TypeReport) }
func FuzzHeard(f *testing.F)    { fuzzBody(f, wire.TypeHeard) }
func FuzzPull(f *testing.F)     { fuzzBody(f, wire.TypePull) }
func FuzzAnswer(f *testing.F)   { fuzzBody(f, wire.TypeAnswer) }

func FuzzHeardRoot(f *testing.F) { fuzzBody(f, wire.TypeHeardRoot) }

// target returns the name of the fuzz target of a type's body.
func target(typ wire.Type) string {
	return fmt.Sprintf("Fuzz%s", strings.TrimPrefix(fmt.Sprintf("%T", blank(typ)), "*wire."))
}

// fuzzBody: whatever decodes is the one encoding of what it decoded to, is
// described in one line, and leaves the input alone; what does not decode is
// refused at one of its bytes.
func fuzzBody(f *testing.F, typ wire.Type) {
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		m := blank(typ)
		if err := m.Decode(body); err != nil {
			checkRefused(t, err, len(body))
			return
		}
		checkDecoded(t, m, body)
		if !bytes.Equal(before, body) {
			t.Fatalf("% x became % x", before, body)
		}
	})
}

func checkDecoded(t *testing.T, m decoder, body []byte) {
	t.Helper()
	if again := m.AppendBody(nil); !bytes.Equal(again, body) {
		t.Fatalf("%s\n% x, encoded again\n% x", m.Type(), body, again)
	}
	if line := m.Describe(); strings.ContainsAny(line, "\n\r\x1b") || !strings.HasPrefix(line, m.Type().String()+" ") {
		t.Fatalf("Describe() = %q", line)
	}
	switch m := m.(type) {
	case *wire.Delta:
		walkDelta(t, *m)
	case *wire.Entries:
		walkEntries(t, *m)
	case *wire.RelayAck:
		walkAcks(t, *m)
	case *wire.Report:
		walkReports(t, *m)
	case *wire.Heard:
		walkHeard(t, *m)
	case *wire.Pull:
		if rebuilt, n := walkRuns(m.Runs, 0); !bytes.HasSuffix(body, rebuilt) || n == 0 || n > wire.RunsMax {
			t.Fatalf("pull % x, its %d runs % x", body, n, rebuilt)
		}
	case *wire.Relay:
		if !m.Chunked {
			walkContent(t, m.Body)
		} else if len(m.Body) == 0 || len(m.Body) > wire.ChunkSize || m.Chunk >= wire.Chunks(m.Size) {
			t.Fatalf("chunk %d of %d bytes with %d", m.Chunk, m.Size, len(m.Body))
		}
	}
}

// walkDelta: what Next yields, encoded, is what the delta holds.
func walkDelta(t *testing.T, d wire.Delta) {
	t.Helper()
	whole := d.AppendBody(nil)
	rebuilt := []byte{}
	for e := (wire.Entry{}); d.Next(&e); {
		rebuilt = e.Append(rebuilt)
	}
	d.SetEntries(rebuilt)
	if again := d.AppendBody(nil); !bytes.Equal(again, whole) {
		t.Fatalf("delta % x, of its entries % x", whole, again)
	}
}

// walkEntries: what Next yields, encoded, is what the message holds.
func walkEntries(t *testing.T, m wire.Entries) {
	t.Helper()
	whole := m.AppendBody(nil)
	rebuilt := []byte{}
	for s := (wire.Stamp{}); m.Next(&s); {
		rebuilt = wire.AppendStamp(rebuilt, &s)
	}
	m.SetStamps(rebuilt)
	if again := m.AppendBody(nil); !bytes.Equal(again, whole) {
		t.Fatalf("entries % x, of their stamps % x", whole, again)
	}
}

func walkAcks(t *testing.T, m wire.RelayAck) {
	t.Helper()
	whole := m.AppendBody(nil)
	rebuilt := []byte{}
	for run := (wire.AckRun{}); m.Next(&run); {
		if run.Length < 1 || run.Length > 1<<16 {
			t.Fatalf("a run of %d", run.Length)
		}
		rebuilt = wire.AppendAckRun(rebuilt, run)
	}
	m.SetRuns(rebuilt)
	if again := m.AppendBody(nil); !bytes.Equal(again, whole) {
		t.Fatalf("relay-ack % x, of its runs % x", whole, again)
	}
}

func walkReports(t *testing.T, m wire.Report) {
	t.Helper()
	whole := m.AppendBody(nil)
	rebuilt := []byte{}
	for run := (wire.ReportRun{}); m.Next(&run); {
		rebuilt = wire.AppendReportRun(rebuilt, run)
	}
	m.SetRuns(rebuilt)
	if again := m.AppendBody(nil); !bytes.Equal(again, whole) {
		t.Fatalf("report % x, of its runs % x", whole, again)
	}
}

func walkHeard(t *testing.T, m wire.Heard) {
	t.Helper()
	whole := m.AppendBody(nil)
	rebuilt := []byte{}
	for e := (wire.HeardEntry{}); m.Next(&e); {
		runs, n := walkRuns(e.Above, e.Base)
		again := e
		again.Above = wire.NewRuns(runs, e.Base)
		rebuilt = wire.AppendHeardEntry(rebuilt, &again, n)
		if e.Base < e.Floor || n > wire.RunsMax {
			t.Fatalf("base %d, floor %d, %d runs", e.Base, e.Floor, n)
		}
	}
	m.SetEntries(rebuilt)
	if again := m.AppendBody(nil); !bytes.Equal(again, whole) {
		t.Fatalf("heard % x, of its entries % x", whole, again)
	}
}

// walkRuns encodes the runs of a list again.
func walkRuns(l wire.Runs, after uint64) (rebuilt []byte, n int) {
	for run := (wire.Run{}); l.Next(&run); n++ {
		rebuilt = wire.AppendRun(rebuilt, after, run)
		after = run.To
	}
	return rebuilt, n
}

// walkContent: what Decode reads, with its filter taken apart, is encoded the
// same again.
func walkContent(t *testing.T, body []byte) {
	t.Helper()
	var c wire.Content
	if err := c.Decode(body); err != nil {
		t.Fatal(err)
	}
	if f := c.Filter(); c.Query || c.Filtered() {
		if !f.Valid() {
			t.Fatalf("filter %s", f.String())
		}
		c.SetFilter(&f)
	}
	if again := c.Append(nil); !bytes.Equal(again, body) {
		t.Fatalf("content % x, encoded again % x", body, again)
	}
}

// walk decodes a payload as a receiver does: message by message into reused
// structs, types of later versions skipped, to the end or the first that is
// malformed. It returns what was left then.
func walk(payload []byte, reused map[wire.Type]decoder, visit func(wire.Type, []byte, decoder)) (left []byte, err error) {
	for len(payload) > 0 {
		typ, body, rest, err := wire.Next(payload)
		if err != nil {
			return payload, err
		}
		if !typ.Known() {
			visit(typ, body, nil)
		} else {
			if reused[typ] == nil {
				reused[typ] = blank(typ)
			}
			if err := reused[typ].Decode(body); err != nil {
				return payload, err
			}
			visit(typ, body, reused[typ])
		}
		payload = rest
	}
	return nil, nil
}

// FuzzPayload: the messages walked, encoded again, are the payload up to the
// first that is malformed.
func FuzzPayload(f *testing.F) {
	f.Fuzz(func(t *testing.T, payload []byte) {
		var again []byte
		left, err := walk(payload, map[wire.Type]decoder{}, func(typ wire.Type, body []byte, m decoder) {
			if m == nil {
				again = append(binary.AppendUvarint(append(again, byte(typ)), uint64(len(body))), body...)
				return
			}
			checkDecoded(t, m, body)
			again = wire.Append(again, m)
		})
		if err != nil {
			checkRefused(t, err, len(left))
		}
		if whole := payload[:len(payload)-len(left)]; !bytes.Equal(again, whole) {
			t.Fatalf("% x, encoded again % x", whole, again)
		}
	})
}

// FuzzFrameHeader: a length that is accepted is in range and is encoded the
// same again.
func FuzzFrameHeader(f *testing.F) {
	f.Fuzz(func(t *testing.T, header []byte) {
		n, err := wire.FrameLength(header)
		if err != nil {
			if !errors.Is(err, wire.ErrFrame) || n != 0 {
				t.Fatalf("FrameLength(% x) = %d, %v", header, n, err)
			}
			return
		}
		if n < 1 || n > wire.FrameMax {
			t.Fatalf("FrameLength(% x) = %d", header, n)
		}
		if again := wire.AppendFrameHeader(nil, n); !bytes.Equal(again, header[:wire.FrameHeaderSize]) {
			t.Fatalf("% x, encoded again % x", header, again)
		}
	})
}

type seed struct{ target, name, bytes string }

// seeds returns what every target starts from: the goldens, and inputs made to
// overrun a decoder.
func seeds() []seed {
	var all []seed
	payload := ""
	for _, g := range goldens() {
		name := target(g.message.Type())
		all = append(all, seed{name, "golden-" + slug(g.name), string(g.body())})
		for i, f := range g.fields()[2:] {
			if f.uvarint && !strings.HasSuffix(f.name, "2") {
				fields := g.fields()[2:]
				fields[i].bytes = unhex(repeat("ff", 9) + "01")
				all = append(all, seed{name, "huge-" + slug(g.name+" "+f.name), string(join(fields))})
			}
		}
		payload += string(g.bytes())
	}
	for typ := wire.TypePing; typ.Known(); typ++ {
		all = append(all,
			seed{target(typ), "hostile-empty", ""},
			seed{target(typ), "hostile-zeros", strings.Repeat("\x00", 200)},
			seed{target(typ), "hostile-ones", strings.Repeat("\xff", 200)},
		)
	}
	empties := ""
	for typ := range 256 {
		empties += string([]byte{byte(255 - typ), 0}) // unknown types first, they are skipped
	}
	return append(all,
		seed{"FuzzPayload", "golden-all", payload},
		seed{"FuzzPayload", "golden-cut", payload[:len(payload)-1]},
		seed{"FuzzPayload", "hostile-empties", empties},
		seed{"FuzzPayload", "hostile-huge", "\x05" + strings.Repeat("\xff", 9) + "\x01"},
		seed{"FuzzPayload", "hostile-ones", strings.Repeat("\xff", 200)},
		seed{"FuzzPayload", "hostile-frame-max", "\x0b\x80\x80\x40\x0e"},
		seed{"FuzzFrameHeader", "golden-target", "\x00\x01\x00\x00"},
		seed{"FuzzFrameHeader", "golden-max", "\x00\x10\x00\x00"},
		seed{"FuzzFrameHeader", "hostile-above", "\x00\x10\x00\x01"},
		seed{"FuzzFrameHeader", "hostile-zero", "\x00\x00\x00\x00"},
		seed{"FuzzFrameHeader", "hostile-ones", "\xff\xff\xff\xff"},
		seed{"FuzzFrameHeader", "hostile-cut", "\x00\x00\x01"},
	)
}

// slug makes a file name of a golden's or field's.
func slug(name string) string {
	return strings.ToLower(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == ',' }), "-"))
}

const corpusDir = "testdata/fuzz"

// TestFuzzSeeds compares the seeds in the tree with the goldens; -update writes
// them. Crashers, which have no prefix, are left alone.
func TestFuzzSeeds(t *testing.T) {
	want := map[string]string{}
	for _, s := range seeds() {
		want[filepath.Join(corpusDir, s.target, s.name)] = "go test fuzz v1\n[]byte(" + strconv.Quote(s.bytes) + ")\n"
	}
	for _, prefix := range []string{"golden", "huge", "hostile"} {
		stored, err := filepath.Glob(filepath.Join(corpusDir, "*", prefix+"-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range stored {
			if want[path] != "" {
				continue
			}
			if !updating() {
				t.Errorf("%s: no such seed any more: run go test ./wire -update", path)
			} else if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, text := range want {
		if updating() {
			writeFile(t, path, text)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s is not the golden: run go test ./wire -update (%v)", path, err)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// corpus reads all stored inputs of a target, crashers included.
func corpus(tb testing.TB, target string) map[string][]byte {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join(corpusDir, target, "*"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("%s: no corpus: %v", target, err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		_, value, found := strings.Cut(string(text), "[]byte(")
		quoted, closed := strings.CutSuffix(value, ")\n")
		input, err := strconv.Unquote(quoted)
		if !found || !closed || err != nil {
			tb.Fatalf("%s: not a corpus file: %v", path, err)
		}
		all[path] = []byte(input)
	}
	return all
}

// Each type has a target and each target has seeds, neither more nor less.
func TestEveryFuzzTargetHasSeeds(t *testing.T) {
	source, err := os.ReadFile("fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for typ := wire.TypePing; typ.Known(); typ++ {
		targets = append(targets, target(typ))
	}
	targets = append(targets, "FuzzPayload", "FuzzFrameHeader")
	for _, name := range targets {
		if !bytes.Contains(source, []byte("\nfunc "+name+"(f *testing.F)")) {
			t.Errorf("no fuzz target %s", name)
		}
		if len(corpus(t, name)) < 3 {
			t.Errorf("%s: fewer than 3 seeds", name)
		}
	}
	stored, err := os.ReadDir(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range stored {
		if !slices.Contains(targets, dir.Name()) {
			t.Errorf("%s: seeds without a target", dir.Name())
		}
	}
}

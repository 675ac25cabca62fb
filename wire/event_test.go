package wire_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearsay-gossip/hearsay/member"
	"github.com/hearsay-gossip/hearsay/wire"
)

func contentOf(c wire.Content, f *wire.Filter) []byte {
	if f != nil {
		c.SetFilter(f)
	}
	return c.Append(nil)
}

func relayAckOf(lane wire.Lane, runs ...wire.AckRun) *wire.RelayAck {
	m := &wire.RelayAck{Lane: lane}
	encoded := []byte{}
	for _, run := range runs {
		encoded = wire.AppendAckRun(encoded, run)
	}
	m.SetRuns(encoded)
	return m
}

func reportOf(n wire.Number, runs ...wire.ReportRun) *wire.Report {
	m := &wire.Report{Number: n}
	encoded := []byte{}
	for _, run := range runs {
		encoded = wire.AppendReportRun(encoded, run)
	}
	m.SetRuns(encoded)
	return m
}

func runsOf(after uint64, runs ...wire.Run) wire.Runs {
	var encoded []byte
	last := after
	for _, run := range runs {
		encoded = wire.AppendRun(encoded, last, run)
		last = run.To
	}
	return wire.NewRuns(encoded, after)
}

type heardItem struct {
	wire.HeardEntry
	above []wire.Run
}

func heardOf(m wire.Heard, items ...heardItem) *wire.Heard {
	encoded := []byte{}
	for _, item := range items {
		item.Above = runsOf(item.Base, item.above...)
		encoded = wire.AppendHeardEntry(encoded, &item.HeardEntry, len(item.above))
	}
	m.SetEntries(encoded)
	return &m
}

const aNumber = wire.Number(0x01020304)

var anEvent = wire.EventID{Origin: alice, Epoch: 4660, Seq: 300}

var eventGoldens = []golden{
	{
		name: "relay",
		message: &wire.Relay{
			EventID: anEvent, Number: aNumber, Hops: 1, Age: 100 * time.Millisecond, Delegate: true,
			Span: wire.Span{After: 0x8081828384858687, To: 0x9091929394959697},
			Body: contentOf(wire.Content{Ordered: true, Topic: []byte("deploy"), Payload: []byte("go")}, nil),
		},
		size:     55,
		describe: `relay a0a1a2a3/4660.300 number=16909060 hops=1 span=80818283..90919293 "deploy" "go" ordered`,
		ends:     []int{51, 52},
		open:     true,
		text: `
			11                      ; type
			35                      ; length, uvarint
			01                      ; flags
			01 02 03 04             ; number
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; origin
			b4 24                   ; epoch, uvarint
			ac 02                   ; seq, uvarint
			01                      ; hops
			64                      ; age in ms, uvarint
			80 81 82 83 84 85 86 87 ; span, after
			90 91 92 93 94 95 96 97 ; span, to
			01                      ; content flags
			06                      ; topic length
			64 65 70 6c 6f 79       ; topic
			67 6f                   ; payload`,
	},
	{
		name: "relay, chunk",
		message: &wire.Relay{
			EventID: anEvent, Number: aNumber, Hops: 2, Chunked: true, Chunk: 1, Size: wire.ChunkSize + 3, Body: []byte("abc"),
		},
		size:     36,
		describe: "relay a0a1a2a3/4660.300 number=16909060 hops=2 chunk=1/2",
		text: `
			11          ; type
			22          ; length, uvarint
			02          ; flags
			01 02 03 04 ; number
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; origin
			b4 24       ; epoch, uvarint
			ac 02       ; seq, uvarint
			02          ; hops
			00          ; age in ms, uvarint
			01          ; chunk, uvarint
			83 80 02    ; size, uvarint
			61 62 63    ; bytes of the content`,
	},
	{
		name: "relay, repair of a query",
		message: &wire.Relay{
			EventID: wire.EventID{Origin: alice, Epoch: 4660, Seq: 7}, Repair: true, Hops: 1,
			Body: contentOf(
				wire.Content{Query: true, WantAck: true, Topic: []byte("hi"), Timeout: 5 * time.Second, Payload: []byte("?")},
				&wire.Filter{Names: []string{"web*"}, Tags: []wire.Tag{{Key: "tier", Value: "*"}}, Zone: "eu"}),
		},
		size: 48,
		describe: `relay a0a1a2a3/4660.7 repair hops=1 "hi" "?" query timeout=5s` +
			` for names=["web*"] tags=[{"tier" "*"}] zone="eu" want-ack`,
		ends: []int{45},
		open: true,
		text: `
			11          ; type
			2e          ; length, uvarint
			04          ; flags
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; origin
			b4 24       ; epoch, uvarint
			07          ; seq, uvarint
			01          ; hops
			00          ; age in ms, uvarint
			06          ; content flags
			02          ; topic length
			68 69       ; topic
			88 27       ; timeout in ms, uvarint
			01          ; names
			04          ; name length
			77 65 62 2a ; name
			01          ; tags
			04          ; key length
			74 69 65 72 ; key
			01          ; value length
			2a          ; value
			02          ; zone length
			65 75       ; zone
			3f          ; payload`,
	},
	{
		name: "relay-ack",
		message: relayAckOf(wire.LaneSmall,
			wire.AckRun{First: aNumber, Length: 64, Kind: wire.AckCounted}, wire.AckRun{First: aNumber + 252, Length: 1, Kind: wire.AckDuplicate}),
		size:     14,
		describe: "relay-ack small number=16909060×64 counted number=16909312 duplicate",
		ends:     []int{1, 7},
		text: `
			12          ; type
			0c          ; length, uvarint
			01          ; lane
			01 02 03 04 ; first number 1
			81 02       ; length × 4 + kind 1, uvarint
			01 02 04 00 ; first number 2
			06          ; length × 4 + kind 2, uvarint`,
	},
	{
		name:     "report",
		message:  reportOf(0x0a0b0c0d, wire.ReportRun{Lane: wire.LaneSmall, First: aNumber, Length: 64, Reached: 31}),
		size:     13,
		describe: "report number=168496141 small number=16909060×64+31",
		ends:     []int{4},
		text: `
			13          ; type
			0b          ; length, uvarint
			0a 0b 0c 0d ; number
			01 02 03 04 ; first number
			81 02       ; length × 4 + lane, uvarint
			1f          ; reached, uvarint`,
	},
	{
		name: "heard",
		message: heardOf(wire.Heard{Ask: true},
			heardItem{
				wire.HeardEntry{Origin: alice, Epoch: 4660, Floor: 10, Base: 15},
				[]wire.Run{{After: 16, To: 18}, {After: 21, To: 22}},
			},
			heardItem{wire.HeardEntry{Origin: bob, Epoch: 1, Base: 300}, nil}),
		size:     49,
		describe: "heard of ask a0a1a2a3/4660:10-15 17-18 22 b0b1b2b3/1:0-300",
		ends:     []int{1, 26},
		text: `
			14    ; type
			2f    ; length, uvarint
			02    ; flags
			a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af ; origin 1
			b4 24 ; epoch 1, uvarint
			0a    ; floor 1, uvarint
			05    ; base less floor 1, uvarint
			02    ; runs 1, uvarint
			01    ; gap before run 1.1, uvarint
			02    ; length of run 1.1, uvarint
			03    ; gap before run 1.2, uvarint
			01    ; length of run 1.2, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; origin 2
			01    ; epoch 2, uvarint
			00    ; floor 2, uvarint
			ac 02 ; base less floor 2, uvarint
			00    ; runs 2, uvarint`,
	},
	{
		name:     "pull",
		message:  &wire.Pull{Origin: bob, Epoch: 4660, Runs: runsOf(0, wire.Run{After: 10, To: 12}, wire.Run{After: 17, To: 18})},
		size:     25,
		describe: "pull b0b1b2b3/4660 11-12 18",
		ends:     []int{21},
		text: `
			15    ; type
			17    ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; origin
			b4 24 ; epoch, uvarint
			00    ; chunks
			0a    ; gap before run 1, uvarint
			02    ; length of run 1, uvarint
			05    ; gap before run 2, uvarint
			01    ; length of run 2, uvarint`,
	},
	{
		name:     "pull, chunks",
		message:  &wire.Pull{Origin: bob, Epoch: 4660, Chunks: true, Seq: 300, Runs: runsOf(0, wire.Run{To: 8})},
		size:     25,
		describe: "pull b0b1b2b3/4660.300 chunks 1-8",
		text: `
			15    ; type
			17    ; length, uvarint
			b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 ba bb bc bd be bf ; origin
			b4 24 ; epoch, uvarint
			01    ; chunks
			ac 02 ; seq, uvarint
			00    ; gap before the run, uvarint
			08    ; length of the run, uvarint`,
	},
	{
		name:     "answer",
		message:  &wire.Answer{Lane: wire.LaneSmall, Number: aNumber, Epoch: 4660, Seq: 7, Index: 2, Payload: []byte("yes")},
		size:     14,
		describe: `answer number=16909060 4660.7 #2 "yes"`,
		ends:     []int{9, 10, 11},
		open:     true,
		text: `
			16          ; type
			0c          ; length, uvarint
			01          ; lane
			01 02 03 04 ; number
			b4 24       ; epoch, uvarint
			07          ; seq, uvarint
			02          ; index, uvarint
			79 65 73    ; payload`,
	},
	{
		name:     "answer, asked",
		message:  &wire.Answer{Lane: wire.LaneSmall, Number: aNumber, Epoch: 4660, Seq: 7},
		size:     11,
		describe: "answer number=16909060 4660.7 asked",
		text: `
			16          ; type
			09          ; length, uvarint
			01          ; lane
			01 02 03 04 ; number
			b4 24       ; epoch, uvarint
			07          ; seq, uvarint
			00          ; index, uvarint`,
	},
	{
		name:     "heard-root",
		message:  &wire.HeardRoot{Root: 0x8081828384858687},
		size:     10,
		describe: "heard-root 8081828384858687",
		text: `
			17                      ; type
			08                      ; length, uvarint
			80 81 82 83 84 85 86 87 ; root`,
	},
}

func TestEventGoldens(t *testing.T) { checkGoldens(t, eventGoldens) }

func TestRelayLimits(t *testing.T) {
	const flags, size, body = "flags", "size", "bytes of the content"
	checkVariants(t, []variant{
		{"repair for a span", "relay", []string{flags, "05"}, "relay flags"},
		{"flag of a later version", "relay", []string{flags, "08"}, "relay flags"},
		{"number 0 of an event", "relay", []string{"seq", "00"}, "relay event"},
		{"the highest event", "relay", []string{"seq", "80 80 80 80 80 80 80 80 01"}, ""},
		{"one higher", "relay", []string{"seq", "81 80 80 80 80 80 80 80 01"}, "relay event"},
		{"an hour old", "relay", []string{"age in ms", "80 dd db 01"}, ""},
		{"a millisecond more", "relay", []string{"age in ms", "81 dd db 01"}, "relay age"},
		{"no topic", "relay", []string{"topic length", "00", "topic", ""}, "content topic"},
		{"topic of 128", "relay", []string{"topic length", "80", "topic", repeat("61", 128)}, ""},
		{"topic of 129", "relay", []string{"topic length", "81", "topic", repeat("61", 129)}, "content topic"},
		{"flag of a later content", "relay", []string{"content flags", "10"}, "content flags"},
		{"an ack wanted of no query", "relay", []string{"content flags", "04"}, "content flags"},
		{"a filter for all", "relay", []string{"content flags", "08", "payload", "00 00 00 67 6f"}, "content filter"},
		{"a filter for some", "relay", []string{"content flags", "08", "payload", "00 00 02 65 75 67 6f"}, ""},
		{"a query with two filters", "relay, repair of a query", []string{"content flags", "0e"}, "content flags"},
		{"last chunk too short", "relay, chunk", []string{size, "84 80 02"}, "relay chunk"},
		{"last chunk too long", "relay, chunk", []string{size, "82 80 02"}, "end"},
		{"chunk behind the last", "relay, chunk", []string{"chunk", "02"}, "relay chunk"},
		{"no content", "relay, chunk", []string{"chunk", "00", size, "00", body, ""}, "relay chunk"},
		{"a full chunk", "relay, chunk", []string{"chunk", "00", body, repeat("61", wire.ChunkSize)}, ""},
		{"the largest content", "relay, chunk", []string{size, "80 80 81 20", body, repeat("61", wire.ChunkSize)}, ""},
		{"one larger", "relay, chunk", []string{size, "81 80 81 20", body, repeat("61", wire.ChunkSize)}, "relay size"},
		{"17 names", "relay, repair of a query", []string{"names", "11", "name length", repeat("00", 17), "name", ""}, "content filter"},
		{"16 names", "relay, repair of a query", []string{"names", "10", "name length", repeat("00", 16), "name", ""}, ""},
		{"zone of 129", "relay, repair of a query", []string{"zone length", "81", "zone", repeat("61", 129)}, "content filter"},
		{"an hour", "relay, repair of a query", []string{"timeout in ms", "80 dd db 01"}, ""},
		{"a millisecond too long", "relay, repair of a query", []string{"timeout in ms", "81 dd db 01"}, "content timeout"},
	})
}

func TestRunLimits(t *testing.T) {
	const run = "length × 4 + kind 2"
	checkVariants(t, []variant{
		{"of lane 3", "relay-ack", []string{"lane", "03"}, "relay-ack lane"},
		{"an empty run", "relay-ack", []string{run, "02"}, "relay-ack run"},
		{"of kind 3", "relay-ack", []string{run, "07"}, "relay-ack run"},
		{"65,536 numbers", "relay-ack", []string{run, "80 80 10"}, ""},
		{"one more", "relay-ack", []string{run, "84 80 10"}, "relay-ack run"},
		{"257 runs", "relay-ack", []string{"first number 2", repeat("00 00 00 01 04", 255) + "00 00 00 02"}, "relay-ack runs"},
		{"256 runs", "relay-ack", []string{"first number 2", repeat("00 00 00 01 04", 254) + "00 00 00 02"}, ""},
		{"an empty run", "report", []string{"length × 4 + lane", "01"}, "report run"},
		{"of lane 3", "report", []string{"length × 4 + lane", "07"}, "report run"},
		{"a million members", "report", []string{"reached", "80 80 40"}, ""},
		{"one more", "report", []string{"reached", "81 80 40"}, "report run"},
		{"flag of a later version", "heard", []string{"flags", "04"}, "heard flags"},
		{"runs that touch", "heard", []string{"gap before run 1.2", "00"}, "heard runs"},
		{"a run that touches the base", "heard", []string{"gap before run 1.1", "00"}, "heard runs"},
		{"fewer runs than told", "heard", []string{"runs 2", "01"}, "heard runs"},
		{"257 runs told", "heard", []string{"runs 2", "81 02"}, "heard runs"},
		{"a base too high", "heard", []string{"base less floor 2", "81 80 80 80 80 80 80 80 01"}, "heard base"},
		{"no runs", "pull", []string{
			"gap before run 1", "", "length of run 1", "", "gap before run 2", "", "length of run 2", "",
		}, "pull runs"},
		{"runs that touch", "pull", []string{"gap before run 2", "00"}, "pull runs"},
		{"an empty run", "pull", []string{"length of run 2", "00"}, "pull runs"},
		{"257 runs", "pull", []string{"gap before run 2", repeat("01 01", 255) + "01"}, "end"},
		{"chunks of event 0", "pull, chunks", []string{"seq", "00"}, "pull seq"},
		{"of query 0", "answer", []string{"seq", "00"}, "answer seq"},
		{"of lane 3", "answer", []string{"lane", "03"}, "answer lane"},
	})
}

func TestChunksOfASize(t *testing.T) {
	for size, want := range map[int]int{0: 0, 1: 1, wire.ChunkSize: 1, wire.ChunkSize + 1: 2, wire.ContentMax: 2049} {
		if got := wire.Chunks(size); got != want {
			t.Errorf("Chunks(%d) = %d, want %d", size, got, want)
		}
	}
}

// Bits at or below the base, and where the bitmap starts, are an accident of how
// a node came to it.
func TestHeardHashesWhatWasHeardAndNothingElse(t *testing.T) {
	want := wire.HashHeard(alice, 1, 66, 64, []uint64{1<<5 | 1<<9, 1})
	for name, got := range map[string]uint64{
		"bits up to the base": wire.HashHeard(alice, 1, 66, 64, []uint64{1<<5 | 1<<9 | 7, 1}),
		"a word before":       wire.HashHeard(alice, 1, 66, 0, []uint64{1 << 63, 1<<5 | 1<<9, 1}),
		"a word behind":       wire.HashHeard(alice, 1, 66, 64, []uint64{1<<5 | 1<<9, 1, 0, 0}),
	} {
		if got != want {
			t.Errorf("%s: %016x, want %016x", name, got, want)
		}
	}
	for name, got := range map[string]uint64{
		"another origin": wire.HashHeard(bob, 1, 66, 64, []uint64{1<<5 | 1<<9, 1}),
		"another epoch":  wire.HashHeard(alice, 2, 66, 64, []uint64{1<<5 | 1<<9, 1}),
		"another base":   wire.HashHeard(alice, 1, 67, 64, []uint64{1<<5 | 1<<9, 1}),
		"one more":       wire.HashHeard(alice, 1, 66, 64, []uint64{1<<5 | 1<<9 | 1<<10, 1}),
		"moved by 64":    wire.HashHeard(alice, 1, 66, 128, []uint64{1<<5 | 1<<9, 1}),
	} {
		if got == want {
			t.Errorf("%s: the same %016x", name, got)
		}
	}
}

var (
	anyNumber = rapid.Map(rapid.Uint32(), func(n uint32) wire.Number { return wire.Number(n) })
	anyLane   = rapid.SampledFrom([]wire.Lane{wire.LaneControl, wire.LaneSmall, wire.LaneBulk})
	anyText   = rapid.StringN(0, -1, wire.FilterTextMax)
)

var anyEventID = rapid.Custom(func(t *rapid.T) wire.EventID {
	return wire.EventID{
		Origin: anyID.Draw(t, "origin"), Epoch: member.Epoch(rapid.Uint64().Draw(t, "epoch")),
		Seq: rapid.Uint64Range(1, wire.EventSeqMax).Draw(t, "seq"),
	}
})

var anyFilter = rapid.Custom(func(t *rapid.T) wire.Filter {
	f := wire.Filter{Names: rapid.SliceOfN(anyText, 0, 4).Draw(t, "names"), Zone: anyText.Draw(t, "zone")}
	for range rapid.IntRange(0, 4).Draw(t, "tags") {
		f.Tags = append(f.Tags, wire.Tag{Key: anyText.Draw(t, "key"), Value: anyText.Draw(t, "value")})
	}
	return f
})

var anyContent = rapid.Custom(func(t *rapid.T) []byte {
	c := wire.Content{
		Ordered: rapid.Bool().Draw(t, "ordered"), Query: rapid.Bool().Draw(t, "query"),
		Topic:   rapid.SliceOfN(rapid.Byte(), 1, wire.TopicMax).Draw(t, "topic"),
		Payload: rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "payload"),
	}
	if c.Query {
		c.WantAck = rapid.Bool().Draw(t, "ack wanted")
		c.Timeout = anyDuration(time.Millisecond, wire.QueryTimeoutMax).Draw(t, "timeout")
	}
	f := anyFilter.Draw(t, "filter")
	c.SetFilter(&f)
	return c.Append(nil)
})

func anyRelay(t *rapid.T) decoder {
	m := &wire.Relay{
		EventID: anyEventID.Draw(t, "event"), Hops: rapid.Byte().Draw(t, "hops"),
		Age: anyDuration(time.Millisecond, 3_600_000).Draw(t, "age"), Repair: rapid.Bool().Draw(t, "repair"),
	}
	if !m.Repair {
		m.Number = anyNumber.Draw(t, "number")
		if m.Delegate = rapid.Bool().Draw(t, "delegate"); m.Delegate {
			m.Span = wire.Span{After: rapid.Uint64().Draw(t, "after"), To: rapid.Uint64().Draw(t, "to")}
		}
	}
	if m.Chunked = rapid.Bool().Draw(t, "chunked"); !m.Chunked {
		m.Body = anyContent.Draw(t, "content")
		return m
	}
	m.Size = rapid.IntRange(1, wire.ContentMax).Draw(t, "size")
	m.Chunk = rapid.IntRange(0, wire.Chunks(m.Size)-1).Draw(t, "chunk")
	m.Body = make([]byte, min(wire.ChunkSize, m.Size-m.Chunk*wire.ChunkSize))
	return m
}

func anyRelayAck(t *rapid.T) decoder {
	return relayAckOf(anyLane.Draw(t, "lane"), rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.AckRun {
		return wire.AckRun{
			First: anyNumber.Draw(t, "first"), Length: rapid.IntRange(1, 1<<16).Draw(t, "length"),
			Kind: rapid.SampledFrom([]wire.AckKind{wire.AckTaken, wire.AckCounted, wire.AckDuplicate}).Draw(t, "kind"),
		}
	}), 0, 8).Draw(t, "runs")...)
}

func anyReport(t *rapid.T) decoder {
	return reportOf(anyNumber.Draw(t, "number"), rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.ReportRun {
		return wire.ReportRun{
			First: anyNumber.Draw(t, "first"), Length: rapid.IntRange(1, 1<<16).Draw(t, "length"),
			Lane: anyLane.Draw(t, "lane"), Reached: rapid.IntRange(0, 1<<20).Draw(t, "reached"),
		}
	}), 0, 8).Draw(t, "runs")...)
}

// anyRuns generates runs above a number, with gaps between them.
func anyRuns(t *rapid.T, after uint64, least int, first uint64) []wire.Run {
	var runs []wire.Run
	for i := range rapid.IntRange(least, 6).Draw(t, "runs") {
		gap := rapid.Uint64Range(1, 1<<50).Draw(t, "gap")
		if i == 0 {
			gap = max(gap-1, first)
		}
		run := wire.Run{After: after + gap}
		run.To = run.After + rapid.Uint64Range(1, 1<<50).Draw(t, "length")
		runs = append(runs, run)
		after = run.To
	}
	return runs
}

func anyHeard(t *rapid.T) decoder {
	m := wire.Heard{Baseline: rapid.Bool().Draw(t, "baseline"), Ask: rapid.Bool().Draw(t, "ask")}
	return heardOf(m, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) heardItem {
		e := wire.HeardEntry{Origin: anyID.Draw(t, "origin"), Epoch: member.Epoch(rapid.Uint64().Draw(t, "epoch"))}
		e.Floor = rapid.Uint64Range(0, 1<<50).Draw(t, "floor")
		e.Base = e.Floor + rapid.Uint64Range(0, 1<<50).Draw(t, "base")
		return heardItem{e, anyRuns(t, e.Base, 0, 1)}
	}), 0, 5).Draw(t, "entries")...)
}

func anyPull(t *rapid.T) decoder {
	m := &wire.Pull{Origin: anyID.Draw(t, "origin"), Epoch: member.Epoch(rapid.Uint64().Draw(t, "epoch"))}
	if m.Chunks = rapid.Bool().Draw(t, "chunks"); m.Chunks {
		m.Seq = rapid.Uint64Range(1, wire.EventSeqMax).Draw(t, "seq")
	}
	m.Runs = runsOf(0, anyRuns(t, 0, 1, 0)...)
	return m
}

func anyAnswer(t *rapid.T) decoder {
	m := &wire.Answer{
		Lane: anyLane.Draw(t, "lane"), Number: anyNumber.Draw(t, "number"), Epoch: member.Epoch(rapid.Uint64().Draw(t, "epoch")),
		Seq: rapid.Uint64Range(1, wire.EventSeqMax).Draw(t, "seq"), Index: rapid.Uint64().Draw(t, "index"),
	}
	if m.Index > 0 {
		m.Payload = rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "payload")
	}
	return m
}

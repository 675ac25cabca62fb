package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/hearsay-gossip/hearsay/member"
)

// Run is the sequence numbers in (After, To].
type Run struct{ After, To uint64 }

// Runs is an ascending list of runs with gaps between them, encoded.
type Runs struct {
	encoded []byte
	after   uint64 // end of the run before
}

// AppendRun appends a run that comes after another, which ended at after; 0 for
// the first.
func AppendRun(b []byte, after uint64, run Run) []byte {
	b = binary.AppendUvarint(b, run.After-after)
	return binary.AppendUvarint(b, run.To-run.After)
}

func (r *reader) run(after uint64, what string) Run {
	gap, length := r.uvarint(what), r.uvarint(what)
	if r.err == nil && (length == 0 || gap > EventSeqMax || length > EventSeqMax || after+gap+length > EventSeqMax) {
		r.fail(what)
	}
	return Run{after + gap, after + gap + length}
}

// runs checks up to count runs and returns them encoded. Only the first may
// follow what is before it without a gap, and only if first says so.
func (r *reader) runs(count int, after uint64, adjoins bool, what string) Runs {
	all := Runs{after: after}
	start := r.off
	for n := 0; n < count && r.err == nil && r.off < len(r.b); n++ {
		run := r.run(after, what)
		if r.err == nil && run.After == after && (n > 0 || !adjoins) {
			r.fail(what)
		}
		after = run.To
	}
	if r.err == nil && r.off > start {
		all.encoded = r.b[start:r.off:r.off]
	}
	return all
}

// Next takes the first run off the list; false when none is left.
func (l *Runs) Next(run *Run) bool {
	if len(l.encoded) == 0 {
		return false
	}
	r := reader{b: l.encoded}
	*run = r.run(l.after, "run")
	l.encoded, l.after = l.encoded[r.off:], run.To
	if r.err != nil {
		l.encoded = nil
	}
	return r.err == nil
}

// NewRuns returns the list of what [AppendRun] has encoded, the first run of
// which was appended after the given number.
func NewRuns(encoded []byte, after uint64) Runs { return Runs{encoded: encoded, after: after} }

func (l Runs) describe() (s string) {
	for run := (Run{}); l.Next(&run); {
		if run.To == run.After+1 {
			s += fmt.Sprintf(" %d", run.To)
		} else {
			s += fmt.Sprintf(" %d-%d", run.After+1, run.To)
		}
	}
	return s
}

// HeardEntry says what the sender has of one origin: every event up to Base, as
// far as there ever will be, and those in Above. It keeps nothing up to Floor.
type HeardEntry struct {
	Origin member.NodeID
	Epoch  member.Epoch
	Floor  uint64
	Base   uint64 // >= Floor
	Above  Runs   // at most RunsMax
}

// AppendHeardEntry appends an entry in the form that [Heard.SetEntries] takes,
// with count runs above its base.
func AppendHeardEntry(b []byte, e *HeardEntry, count int) []byte {
	b = append(b, e.Origin[:]...)
	b = binary.AppendUvarint(b, uint64(e.Epoch))
	b = binary.AppendUvarint(b, e.Floor)
	b = binary.AppendUvarint(b, e.Base-e.Floor)
	b = binary.AppendUvarint(b, uint64(count))
	return append(b, e.Above.encoded...)
}

func (r *reader) heardEntry(e *HeardEntry) {
	e.Origin = r.id("heard origin")
	e.Epoch = member.Epoch(r.uvarint("heard epoch"))
	span := r.run0("heard base")
	e.Floor, e.Base = span.After, span.To
	count := r.length(RunsMax, "heard runs")
	start := r.off
	e.Above = r.runs(count, e.Base, false, "heard runs")
	if r.err != nil {
		return
	}
	// The list must be as long as it says.
	walk, n := e.Above, 0
	for run := (Run{}); walk.Next(&run); {
		n++
	}
	if n != count {
		r.off = start
		r.fail("heard runs")
	}
}

// run0 reads a run that may be empty.
func (r *reader) run0(what string) Run {
	gap, length := r.uvarint(what), r.uvarint(what)
	if r.err == nil && (gap > EventSeqMax || length > EventSeqMax || gap+length > EventSeqMax) {
		r.fail(what)
	}
	return Run{gap, gap + length}
}

// Heard tells what events its sender has, so that the receiver may pull what it
// lacks.
type Heard struct {
	// Baseline: sent to a joiner, for whom all of it is the past.
	Baseline bool
	// Ask: the sender wants to know what the receiver has.
	Ask     bool
	entries []byte
}

const (
	heardBaseline = 1 << iota
	heardAsk
)

// Type implements [Message].
func (*Heard) Type() Type { return TypeHeard }

// SetEntries gives the message its encoded entries ([AppendHeardEntry]).
func (m *Heard) SetEntries(encoded []byte) { m.entries = encoded }

// AppendBody implements [Message].
func (m *Heard) AppendBody(b []byte) []byte {
	b = append(b, flag(m.Baseline)*heardBaseline|flag(m.Ask)*heardAsk)
	return append(b, m.entries...)
}

// Decode reads a body, which the message then aliases, and checks every entry of
// it; the error is a [*DecodeError]. [Heard.Next] walks them.
func (m *Heard) Decode(body []byte) error {
	r := reader{b: body}
	flags := r.u8("heard flags")
	if flags > heardBaseline|heardAsk {
		r.fail("heard flags")
	}
	m.Baseline, m.Ask = flags&heardBaseline != 0, flags&heardAsk != 0
	start := r.off
	var e HeardEntry
	for r.err == nil && r.off < len(r.b) {
		r.heardEntry(&e)
	}
	if r.err == nil {
		m.entries = body[start:]
	}
	return r.err
}

// Next takes the first entry off the message; false when none is left.
func (m *Heard) Next(e *HeardEntry) bool {
	if len(m.entries) == 0 {
		return false
	}
	r := reader{b: m.entries}
	r.heardEntry(e)
	m.entries = m.entries[r.off:]
	if r.err != nil {
		m.entries = nil
	}
	return r.err == nil
}

// Describe implements [Message].
func (m *Heard) Describe() string {
	s := "heard of"
	if m.Baseline {
		s = "heard baseline"
	}
	if m.Ask {
		s += " ask"
	}
	walk := *m
	for e := (HeardEntry{}); walk.Next(&e); {
		s += fmt.Sprintf(" %s/%d:%d-%d", e.Origin.Short(), e.Epoch, e.Floor, e.Base) + e.Above.describe()
	}
	return s
}

// HeardRoot goes with pings and acks while there is something to repair: the
// hash of all events that the sender has.
type HeardRoot struct{ Root uint64 }

// Type implements [Message].
func (*HeardRoot) Type() Type { return TypeHeardRoot }

// AppendBody implements [Message].
func (m *HeardRoot) AppendBody(b []byte) []byte { return binary.BigEndian.AppendUint64(b, m.Root) }

// Decode reads a body; the error is a [*DecodeError].
func (m *HeardRoot) Decode(body []byte) error {
	r := reader{b: body}
	m.Root = r.u64("heard-root")
	return r.done()
}

// Describe implements [Message].
func (m *HeardRoot) Describe() string { return fmt.Sprintf("heard-root %016x", m.Root) }

// HashHeard returns what one origin adds to the [HeardRoot], by exclusive or:
// all events up to base, and those in a bitmap whose first word holds the 64
// sequence numbers from first on, which is a multiple of 64. Bits up to base do
// not count.
func HashHeard(origin member.NodeID, epoch member.Epoch, base, first uint64, above []uint64) uint64 {
	h := mix(hashID(origin) ^ 0x6865617264) // "heard": apart from claims and facts
	h = mix(h ^ uint64(epoch))
	h = mix(h ^ base)
	for i, word := range above {
		at := first + uint64(i)*64
		switch {
		case at+63 <= base:
			word = 0
		case at <= base:
			word &^= 1<<(base-at+1) - 1
		}
		if word != 0 {
			h = mix(mix(h^at) ^ word)
		}
	}
	return h
}

// Pull asks for events of one origin that the receiver has, or for chunks of one
// of them.
type Pull struct {
	Origin member.NodeID
	Epoch  member.Epoch
	// Chunks: Runs are of chunks of event Seq, counted from 1. Else of events.
	Chunks bool
	Seq    uint64
	Runs   Runs // at least one, at most RunsMax
}

// Type implements [Message].
func (*Pull) Type() Type { return TypePull }

// AppendBody implements [Message].
func (m *Pull) AppendBody(b []byte) []byte {
	b = append(b, m.Origin[:]...)
	b = binary.AppendUvarint(b, uint64(m.Epoch))
	b = append(b, flag(m.Chunks))
	if m.Chunks {
		b = binary.AppendUvarint(b, m.Seq)
	}
	return append(b, m.Runs.encoded...)
}

// Decode reads a body, which the message then aliases; the error is a
// [*DecodeError].
func (m *Pull) Decode(body []byte) error {
	r := reader{b: body}
	m.Origin = r.id("pull origin")
	m.Epoch = member.Epoch(r.uvarint("pull epoch"))
	m.Chunks = r.flag("pull chunks")
	m.Seq = 0
	if m.Chunks {
		if m.Seq = r.uvarint("pull seq"); r.err == nil && (m.Seq == 0 || m.Seq > EventSeqMax) {
			r.fail("pull seq")
		}
	}
	m.Runs = r.runs(RunsMax, 0, true, "pull runs")
	if r.err == nil && len(m.Runs.encoded) == 0 {
		r.fail("pull runs")
	}
	return r.done()
}

// Describe implements [Message].
func (m *Pull) Describe() string {
	s := fmt.Sprintf("pull %s/%d", m.Origin.Short(), m.Epoch)
	if m.Chunks {
		s += fmt.Sprintf(".%d chunks", m.Seq)
	}
	return s + m.Runs.describe()
}

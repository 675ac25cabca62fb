package wire

import (
	"encoding/binary"
	"fmt"
)

// AckKind says what became of something that was handed on.
type AckKind uint8

// The kinds of ack.
const (
	// AckTaken: it was new, and is only part of an event.
	AckTaken AckKind = iota
	// AckCounted: the receiver has the event, and this is the one time that it
	// says so: acks of this kind count members.
	AckCounted
	// AckDuplicate: the receiver had it already, and has been counted or will be.
	AckDuplicate
	ackKindEnd
)

// AckRun acknowledges Length numbers from First on.
type AckRun struct {
	First  Number
	Length int
	Kind   AckKind
}

// RelayAck acknowledges what came on a link with a number.
type RelayAck struct {
	Bulk bool // the lane whose numbers these are
	runs []byte
}

// Type implements [Message].
func (*RelayAck) Type() Type { return TypeRelayAck }

// SetRuns gives the message its encoded runs ([AppendAckRun]).
func (m *RelayAck) SetRuns(encoded []byte) { m.runs = encoded }

// AppendAckRun appends one run in the form that [RelayAck.SetRuns] takes.
func AppendAckRun(b []byte, run AckRun) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(run.First))
	return binary.AppendUvarint(b, uint64(run.Length)*4+uint64(run.Kind))
}

func (r *reader) ackRun(run *AckRun) {
	run.First = Number(r.u32("relay-ack run"))
	v := r.length(4*numbersMax+3, "relay-ack run")
	run.Length, run.Kind = v/4, AckKind(v%4)
	if r.err == nil && (run.Length == 0 || run.Kind >= ackKindEnd) {
		r.fail("relay-ack run")
	}
}

// numbersMax bounds the numbers in a run: more than a link has open.
const numbersMax = 1 << 16

// AppendBody implements [Message].
func (m *RelayAck) AppendBody(b []byte) []byte { return append(append(b, flag(m.Bulk)), m.runs...) }

// Decode reads a body, which the message then aliases, and checks every run of
// it; the error is a [*DecodeError]. [RelayAck.Next] walks them.
func (m *RelayAck) Decode(body []byte) error {
	r := reader{b: body}
	m.Bulk = r.flag("relay-ack lane")
	start := r.off
	var run AckRun
	for n := 0; r.err == nil && r.off < len(r.b); n++ {
		if r.ackRun(&run); n == RunsMax {
			r.fail("relay-ack runs")
		}
	}
	if r.err == nil {
		m.runs = body[start:]
	}
	return r.err
}

// Next takes the first run off the message; false when none is left.
func (m *RelayAck) Next(run *AckRun) bool {
	if len(m.runs) == 0 {
		return false
	}
	r := reader{b: m.runs}
	r.ackRun(run)
	m.runs = m.runs[r.off:]
	if r.err != nil { // not what Decode has checked: stop rather than stall
		m.runs = nil
	}
	return r.err == nil
}

var ackKindNames = [...]string{AckTaken: "", AckCounted: "+1", AckDuplicate: " dup"}

// Describe implements [Message].
func (m *RelayAck) Describe() string {
	s := "relay-ack " + laneName(m.Bulk)
	walk := *m
	for run := (AckRun{}); walk.Next(&run); {
		s += fmt.Sprintf(" number=%d", run.First)
		if run.Length > 1 {
			s += fmt.Sprintf("×%d", run.Length)
		}
		s += ackKindNames[run.Kind]
	}
	return s
}

func laneName(bulk bool) string {
	if bulk {
		return "bulk"
	}
	return "small"
}

// ReportRun says that each of Length relays, numbered from First on in the small
// or bulk lane, has reached so many members beyond what acks said.
type ReportRun struct {
	Bulk    bool
	First   Number
	Length  int
	Reached int
}

// Report tells who handed on spans how many members were reached in them. It
// bears a number of its own, and is repeated until acknowledged.
type Report struct {
	Number Number
	runs   []byte
}

// Type implements [Message].
func (*Report) Type() Type { return TypeReport }

// SetRuns gives the message its encoded runs ([AppendReportRun]).
func (m *Report) SetRuns(encoded []byte) { m.runs = encoded }

// AppendReportRun appends one run in the form that [Report.SetRuns] takes.
func AppendReportRun(b []byte, run ReportRun) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(run.First))
	b = binary.AppendUvarint(b, uint64(run.Length)*2+uint64(flag(run.Bulk)))
	return binary.AppendUvarint(b, uint64(run.Reached))
}

// reachedMax bounds the members of a span: more than a cluster may have.
const reachedMax = 1 << 20

func (r *reader) reportRun(run *ReportRun) {
	run.First = Number(r.u32("report run"))
	v := r.length(2*numbersMax+1, "report run")
	run.Length, run.Bulk = v/2, v%2 == 1
	run.Reached = r.length(reachedMax, "report run")
	if r.err == nil && run.Length == 0 {
		r.fail("report run")
	}
}

// AppendBody implements [Message].
func (m *Report) AppendBody(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(m.Number)), m.runs...)
}

// Decode reads a body, which the message then aliases, and checks every run of
// it; the error is a [*DecodeError]. [Report.Next] walks them.
func (m *Report) Decode(body []byte) error {
	r := reader{b: body}
	m.Number = Number(r.u32("report number"))
	start := r.off
	var run ReportRun
	for n := 0; r.err == nil && r.off < len(r.b); n++ {
		if r.reportRun(&run); n == RunsMax {
			r.fail("report runs")
		}
	}
	if r.err == nil {
		m.runs = body[start:]
	}
	return r.err
}

// Next takes the first run off the message; false when none is left.
func (m *Report) Next(run *ReportRun) bool {
	if len(m.runs) == 0 {
		return false
	}
	r := reader{b: m.runs}
	r.reportRun(run)
	m.runs = m.runs[r.off:]
	if r.err != nil {
		m.runs = nil
	}
	return r.err == nil
}

// Describe implements [Message].
func (m *Report) Describe() string {
	s := fmt.Sprintf("report number=%d", m.Number)
	walk := *m
	for run := (ReportRun{}); walk.Next(&run); {
		s += fmt.Sprintf(" %s number=%d", laneName(run.Bulk), run.First)
		if run.Length > 1 {
			s += fmt.Sprintf("×%d", run.Length)
		}
		s += fmt.Sprintf("+%d", run.Reached)
	}
	return s
}

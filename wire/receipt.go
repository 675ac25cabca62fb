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

// Lane tells apart what must not wait for each other on one link; each numbers
// what it carries by itself.
type Lane uint8

// The lanes.
const (
	LaneControl Lane = iota // reports
	LaneSmall               // relays of whole contents, and answers, in datagrams
	LaneBulk                // chunks and large answers, on streams
	LaneEnd
)

var laneNames = [...]string{LaneControl: "control", LaneSmall: "small", LaneBulk: "bulk"}

// String returns the lane's name.
func (l Lane) String() string {
	if l >= LaneEnd {
		return "unknown"
	}
	return laneNames[l]
}

func (r *reader) lane(what string) Lane {
	l := Lane(r.u8(what))
	if r.err == nil && l >= LaneEnd {
		r.off--
		r.fail(what)
	}
	return l
}

// RelayAck acknowledges what came on a link with a number.
type RelayAck struct {
	Lane Lane
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
func (m *RelayAck) AppendBody(b []byte) []byte { return append(append(b, byte(m.Lane)), m.runs...) }

// Decode reads a body, which the message then aliases, and checks every run of
// it; the error is a [*DecodeError]. [RelayAck.Next] walks them.
func (m *RelayAck) Decode(body []byte) error {
	r := reader{b: body}
	m.Lane = r.lane("relay-ack lane")
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

var ackKindNames = [...]string{AckTaken: "", AckCounted: " counted", AckDuplicate: " duplicate"}

// Describe implements [Message].
func (m *RelayAck) Describe() string {
	s := "relay-ack " + m.Lane.String()
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

// ReportRun says that each of Length relays, numbered from First on in a lane,
// has reached so many members besides the one that acknowledged it.
type ReportRun struct {
	Lane    Lane
	First   Number
	Length  int
	Reached int
}

// Report tells who handed on spans how many members were reached in them. It
// bears a number of the control lane, and is repeated until acknowledged.
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
	b = binary.AppendUvarint(b, uint64(run.Length)*4+uint64(run.Lane))
	return binary.AppendUvarint(b, uint64(run.Reached))
}

// reachedMax bounds the members of a span: more than a cluster may have.
const reachedMax = 1 << 20

func (r *reader) reportRun(run *ReportRun) {
	run.First = Number(r.u32("report run"))
	v := r.length(4*numbersMax+3, "report run")
	run.Length, run.Lane = v/4, Lane(v%4)
	run.Reached = r.length(reachedMax, "report run")
	if r.err == nil && (run.Length == 0 || run.Lane >= LaneEnd) {
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
		s += fmt.Sprintf(" %s number=%d", run.Lane, run.First)
		if run.Length > 1 {
			s += fmt.Sprintf("×%d", run.Length)
		}
		s += fmt.Sprintf("+%d", run.Reached)
	}
	return s
}

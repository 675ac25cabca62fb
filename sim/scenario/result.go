package scenario

import (
	"fmt"
	"math"
	"time"

	"github.com/hearsay-gossip/hearsay/sim"
)

// Result is how one run went. Times are since time 0 of the script.
type Result struct {
	Scenario string
	Nodes    int
	Seed     uint64
	// Formed is how long the cluster had run before time 0; JoinTime is how long
	// it took until all views were right, 0 if the script begins with nobody.
	Formed, JoinTime time.Duration
	Length           time.Duration
	// Converged reports whether all views are right at the end. ConvergeTime is
	// how long it took after the truth last changed until they were and stayed.
	Converged    bool
	ConvergeTime time.Duration
	Detections   []Detection
	// FalsePositives counts verdicts by one node on another that ran and that it
	// was connected to, directly or through others; CutVerdicts those on running
	// nodes behind a cut.
	FalsePositives, CutVerdicts       int
	Suspicions, Refutations, Verdicts int // by one node on another, all
	Traffic                           Traffic
	Windows                           []Traffic  // since each mark
	Writes                            *Spread    // nil if there were none
	Events                            *Broadcast // nil if there were none
	Expectations                      []Expectation
	Log                               []Entry
	Checks                            []Checks
	Hash                              uint64 // of all that happened
	Timeline                          *Timeline
}

// Detection is how the others found out that a node had stopped answering.
type Detection struct {
	Node       int           // from 0
	At         time.Duration // when it stopped
	First, All time.Duration // after At: the first verdict, and when nobody held it alive; negative: did not happen
	Over       bool          // it answered again before all had found out
}

// DetectFirst returns, in seconds, how long it took until somebody had found out,
// and DetectAll until all had: of several stops the slowest. They are NaN if
// one that is still down was not found out, or none was.
func (res *Result) DetectFirst() float64 {
	return slowest(res.Detections, func(d Detection) time.Duration { return d.First })
}

// DetectAll is described at DetectFirst.
func (res *Result) DetectAll() float64 {
	return slowest(res.Detections, func(d Detection) time.Duration { return d.All })
}

func slowest(all []Detection, took func(Detection) time.Duration) float64 {
	most := math.NaN()
	for _, d := range all {
		switch t := took(d); {
		case t >= 0:
			if !(most >= t.Seconds()) {
				most = t.Seconds()
			}
		case !d.Over:
			return math.NaN()
		}
	}
	return most
}

// Converge returns the time of convergence in seconds, NaN without it.
func (res *Result) Converge() float64 {
	if !res.Converged {
		return math.NaN()
	}
	return res.ConvergeTime.Seconds()
}

// Expectation is one that the script had.
type Expectation struct {
	Text       string
	At, Waited time.Duration // when it was decided, and after how long
	OK         bool
	Seen       string // what was the case instead
}

// String says what was expected, and what was seen if it was not met.
func (x Expectation) String() string {
	s := fmt.Sprintf("expect %s at %.3f s", x.Text, x.At.Seconds())
	if !x.OK {
		s += ": " + x.Seen
	}
	return s
}

// Entry is one thing that the script did.
type Entry struct {
	At   time.Duration
	Text string
}

// Checks is how often an invariant was checked.
type Checks struct {
	Invariant string
	Count     uint64
}

// Traffic is what all nodes sent in some time. Payloads are counted before they
// are sealed and without the headers of UDP and IP.
type Traffic struct {
	Name        string // of the mark
	Length      time.Duration
	NodeSeconds float64 // the sum of the times that nodes ran
	Packets     uint64  // datagrams
	Frames      uint64  // on streams
	Bytes       uint64  // of both
	Lost        uint64  // of both: on a lossy or cut link, or at a node that is down or overrun
}

// PacketsPerNode returns packets and frames per node and second.
func (t Traffic) PacketsPerNode() float64 { return float64(t.Packets+t.Frames) / t.NodeSeconds }

// BytesPerNode returns payload bytes per node and second.
func (t Traffic) BytesPerNode() float64 { return float64(t.Bytes) / t.NodeSeconds }

// traffic keeps the time that nodes ran beside the counts of the cluster.
type traffic struct {
	cluster  *sim.Cluster
	up       int
	at       time.Duration
	nodeTime time.Duration
	marks    []point
}

// point is a moment between two windows.
type point struct {
	name     string
	at       time.Duration
	nodeTime time.Duration
	stats    sim.Stats
}

func newTraffic(cluster *sim.Cluster) *traffic { return &traffic{cluster: cluster} }

// running notes that a node starts or stops.
func (t *traffic) running(now time.Duration, by int) {
	t.nodeTime += time.Duration(t.up) * (now - t.at)
	t.at = now
	t.up += by
}

func (t *traffic) now() point {
	now := t.cluster.Now()
	t.running(now, 0)
	return point{at: now, nodeTime: t.nodeTime, stats: t.cluster.Stats()}
}

func (t *traffic) mark(name string) {
	p := t.now()
	p.name = name
	t.marks = append(t.marks, p)
}

func (t *traffic) since(p *point) Traffic {
	now := t.now()
	return between(p, &now)
}

func between(from, to *point) Traffic {
	return Traffic{
		Name: from.name, Length: to.at - from.at, NodeSeconds: (to.nodeTime - from.nodeTime).Seconds(),
		Packets: to.stats.Packets - from.stats.Packets,
		Frames:  to.stats.Frames - from.stats.Frames,
		Bytes:   to.stats.Bytes + to.stats.FrameBytes - from.stats.Bytes - from.stats.FrameBytes,
		Lost:    to.stats.Lost - from.stats.Lost,
	}
}

// windows returns the traffic from each mark to the next, or to now.
func (t *traffic) windows() []Traffic {
	var all []Traffic
	for i := range t.marks {
		next := t.now()
		if i+1 < len(t.marks) {
			next = t.marks[i+1]
		}
		all = append(all, between(&t.marks[i], &next))
	}
	return all
}

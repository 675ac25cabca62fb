package bakeoff

import (
	"slices"
	"time"
)

// Outcome is what the runs of one cell showed, or one run. Times are of single
// events over the nodes that ran all the time; where there are several events,
// the median of theirs.
type Outcome struct {
	Strategy string
	Runs     int
	Events   int
	Live     int // nodes that ran all the time, in the first run
	// T50, T99 and T100 are when half, 99 % and all live nodes had an event; far
	// if the median event did not reach so many.
	T50, T99, T100 time.Duration
	// Worst is the latest delivery of all that happened.
	Worst time.Duration
	// Incomplete is the share of events that missed a live node to the end.
	Incomplete float64
	// At07 and At5 are the shares of pairs of event and live node that were
	// served 0.7 s and 5 s after publication; AtEnd when the run ended.
	At07, At5, AtEnd float64
	// Copies, Control, ControlBytes, Packets are for each live node and event:
	// payloads sent, other messages, all bytes but those of payloads, datagrams.
	Copies, Control, ControlBytes, Packets float64
	// Egress is what the node sent that sent most, in bytes an event.
	Egress float64
	// Hop is that of the last delivery, the most of all events.
	Hop int
	// Pulled is the share of deliveries that had to be asked for; Repair the
	// median of how long after publication they came, RepairMost the most.
	Pulled             float64
	Repair, RepairMost time.Duration
	// Counts are for each event.
	Redelegations, Grafts, Prunes, Retransmits, Duplicates, Lazy float64
	// Reached is what receipts said in the end, against the truth: the sum of
	// what they said too much, and too little, in nodes an event; Receipts the
	// share of events whose receipt was done, ReceiptAt the median of when.
	Over, Under, Receipts float64
	ReceiptAt             time.Duration
	// Twice, Disorder, Refused, Overrun count what must not be, events refused
	// and packets lost to full sockets.
	Twice, Disorder, Refused, Overrun int
	// Sent are payload and control bytes for each live node and event; the sum is
	// the traffic.
	PayloadBytes float64
}

// sample is one run's measurements, before they are put together with others.
type sample struct {
	live                     int
	t50, t99, t100, pulled   []time.Duration
	receiptAt                []time.Duration
	worst                    time.Duration
	incomplete, pairs, hop   int
	at07, at5, atEnd         int
	over, under, done        int
	egress                   float64
	counts                   Counts
	copies, payload, control int
	bytes, packets           int
	twice, disorder          int
	refused, overrun, events int
}

// sample sums up a run.
func (w *world) sample() *sample {
	t := &w.tally
	s := &sample{
		live: t.live(), events: len(t.events), copies: t.copies, payload: t.payload, control: t.control, bytes: t.bytes, packets: t.packets,
		twice: t.twice, disorder: t.disorder, refused: t.refused, overrun: t.overrun, counts: w.counts(),
	}
	s.counts.add(t.start, ^uint64(0))
	for i := range t.events {
		s.addEvent(t, &t.events[i])
	}
	for i := range w.nodes {
		s.egress = max(s.egress, float64(w.nodes[i].egress)/float64(max(1, s.events)))
	}
	return s
}

func (s *sample) addEvent(t *tally, e *published) {
	times := t.times(e)
	n := len(times)
	s.t50 = append(s.t50, times[(n+1)/2-1])
	s.t99 = append(s.t99, times[(99*n+99)/100-1])
	s.t100 = append(s.t100, times[n-1])
	within := func(d time.Duration) int {
		k, _ := slices.BinarySearch(times, d+1)
		return k
	}
	s.pairs += n
	s.at07 += within(700 * time.Millisecond)
	s.at5 += within(5 * time.Second)
	got := within(time.Duration(far) - 1)
	s.atEnd += got
	if got < n {
		s.incomplete++
	}
	s.worst = max(s.worst, times[got-1])
	s.hop = max(s.hop, e.hop)
	s.pulled = append(s.pulled, e.pulled...)
	if e.done {
		s.done++
		s.receiptAt = append(s.receiptAt, e.doneAt)
	}
	s.compare(e)
}

// compare holds the receipt of an event against who has it.
func (s *sample) compare(e *published) {
	truth := 0
	for _, got := range e.got {
		if got != missing {
			truth++
		}
	}
	s.over += max(0, e.reached-truth)
	s.under += max(0, truth-e.reached)
}

// median returns the middle one; 0 of none.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[(len(d)-1)/2]
}

// join puts the runs of a cell together.
func join(strategy string, runs []*sample) Outcome {
	o := Outcome{Strategy: strategy, Runs: len(runs), Live: runs[0].live}
	var all sample
	var egress float64
	for _, s := range runs {
		all.events += s.events
		all.pairs += s.pairs
		all.t50, all.t99, all.t100 = append(all.t50, s.t50...), append(all.t99, s.t99...), append(all.t100, s.t100...)
		all.pulled, all.receiptAt = append(all.pulled, s.pulled...), append(all.receiptAt, s.receiptAt...)
		all.at07, all.at5, all.atEnd = all.at07+s.at07, all.at5+s.at5, all.atEnd+s.atEnd
		all.over, all.under, all.done = all.over+s.over, all.under+s.under, all.done+s.done
		all.copies, all.payload, all.control = all.copies+s.copies, all.payload+s.payload, all.control+s.control
		all.bytes, all.packets = all.bytes+s.bytes, all.packets+s.packets
		all.incomplete += s.incomplete
		all.counts.add(s.counts, 1)
		all.worst, all.hop, egress = max(all.worst, s.worst), max(all.hop, s.hop), egress+s.egress
		o.Twice, o.Disorder = o.Twice+s.twice, o.Disorder+s.disorder
		o.Refused, o.Overrun = o.Refused+s.refused, o.Overrun+s.overrun
	}
	o.fill(&all)
	o.Egress = egress / float64(len(runs))
	return o
}

// fill derives the figures from the sums.
func (o *Outcome) fill(s *sample) {
	pairs, events := float64(max(1, s.pairs)), float64(max(1, s.events))
	o.Events, o.Hop, o.Worst = s.events, s.hop, s.worst
	o.T50, o.T99, o.T100 = median(s.t50), median(s.t99), median(s.t100)
	o.Incomplete = float64(s.incomplete) / events
	o.At07, o.At5, o.AtEnd = float64(s.at07)/pairs, float64(s.at5)/pairs, float64(s.atEnd)/pairs
	o.Copies, o.Control, o.Packets = float64(s.copies)/pairs, float64(s.control)/pairs, float64(s.packets)/pairs
	o.ControlBytes, o.PayloadBytes = float64(s.bytes-s.payload)/pairs, float64(s.payload)/pairs
	o.Pulled, o.Repair = float64(len(s.pulled))/pairs, median(s.pulled)
	if len(s.pulled) > 0 {
		o.RepairMost = slices.Max(s.pulled)
	}
	c := &s.counts
	o.Redelegations, o.Grafts, o.Prunes = float64(c.Redelegations)/events, float64(c.Grafts)/events, float64(c.Prunes)/events
	o.Retransmits, o.Duplicates, o.Lazy = float64(c.Retransmits)/events, float64(c.Duplicates)/events, float64(c.Lazy)/events
	o.Over, o.Under, o.Receipts = float64(s.over)/events, float64(s.under)/events, float64(s.done)/events
	o.ReceiptAt = median(s.receiptAt)
}

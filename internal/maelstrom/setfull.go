package maelstrom

import (
	"encoding/json"
	"slices"
	"time"
)

// Set is what became of the elements of a broadcast or a g-set: the set-full
// checker of Jepsen.
type Set struct {
	Attempted    int
	Acknowledged int
	// Stable elements were in each read from some moment on.
	Stable int
	// Lost were known and absent from a read that began after that and after the
	// last read that had them.
	Lost []int
	// Missing were known and absent from some final read. The rule for lost ones
	// asks the last read alone, so that a node may go without.
	Missing []int
	// NeverRead are neither: no read could have shown them, or none did.
	NeverRead []int
	// Stale are stable ones that some read lacked after they were known.
	Stale []int
	// Duplicated appear twice in one read. Unexpected were added by nobody.
	Duplicated []int
	Unexpected []int
	// Latency is how long after it was known the last read began that lacked a
	// stable element; whole milliseconds.
	Latency Quantiles
}

// element is what reads said of one.
type element struct {
	add         *Op
	known       int // index at which it was known, 0 for never
	knownAt     time.Duration
	lastPresent *Op
	lastAbsent  *Op
	missing     bool // from a final read
}

// know takes what is the earliest to prove that an element was added.
func (e *element) know(op *Op) {
	if e.known == 0 || op.completion < e.known {
		e.known, e.knownAt = op.completion, op.Completed
	}
}

// invocation of a read, 0 for none.
func invocation(op *Op) int {
	if op == nil {
		return 0
	}
	return op.invocation
}

func (e *element) stable() bool { return invocation(e.lastPresent) > invocation(e.lastAbsent) }

func (e *element) lost() bool {
	absent := invocation(e.lastAbsent)
	return e.known > 0 && absent > e.known && absent > invocation(e.lastPresent)
}

// latency of a stable element.
func (e *element) latency() time.Duration {
	if e.lastAbsent == nil {
		return 0
	}
	return max(0, e.lastAbsent.Invoked-e.knownAt).Truncate(time.Millisecond)
}

// checkSet judges the adds and reads of a history. A read says something of the
// elements whose add was invoked before the read ended.
func checkSet(ops []*Op, add, key string, result *Result) {
	s := &setFull{result: result, set: &Set{}, elements: make(map[int]*element)}
	result.Set = s.set
	s.adds(ops, add)
	reads := slices.DeleteFunc(slices.Clone(ops), func(op *Op) bool { return op.Type != "read" || op.Outcome != OK })
	slices.SortFunc(reads, func(a, b *Op) int { return a.completion - b.completion })
	for _, read := range reads {
		s.read(read, key)
	}
	s.judge()
}

type setFull struct {
	result   *Result
	set      *Set
	elements map[int]*element
	added    []*element // in the order of invocation
}

func (s *setFull) adds(ops []*Op, add string) {
	for _, op := range ops {
		if op.Type != add {
			continue
		}
		s.set.Attempted++
		e := &element{add: op}
		s.added = append(s.added, e)
		s.elements[op.Element] = e
		if op.Outcome == OK {
			s.set.Acknowledged++
			e.know(op)
		}
	}
}

// read takes one in: each element that it could have seen is present or absent.
func (s *setFull) read(read *Op, key string) {
	var values []int
	if err := json.Unmarshal(read.Reply[key], &values); err != nil {
		s.result.problem("read of %s: %v", read.Node, err)
		return
	}
	present := make(map[int]bool, len(values))
	for _, v := range values {
		if present[v] {
			s.set.Duplicated = insert(s.set.Duplicated, v)
		}
		present[v] = true
		if s.elements[v] == nil {
			s.set.Unexpected = insert(s.set.Unexpected, v)
		}
	}
	for _, e := range s.added {
		if e.add.invocation > read.completion {
			break
		}
		last := &e.lastAbsent
		if present[e.add.Element] {
			e.know(read)
			last = &e.lastPresent
		} else if read.Final {
			e.missing = true
		}
		if invocation(*last) < read.invocation {
			*last = read
		}
	}
}

func (s *setFull) judge() {
	var latencies []time.Duration
	for _, e := range s.added {
		if e.missing && e.known > 0 {
			s.set.Missing = insert(s.set.Missing, e.add.Element)
		}
		switch {
		case e.stable():
			s.set.Stable++
			latencies = append(latencies, e.latency())
			if e.latency() > 0 {
				s.set.Stale = insert(s.set.Stale, e.add.Element)
			}
		case e.lost():
			s.set.Lost = insert(s.set.Lost, e.add.Element)
		default:
			s.set.NeverRead = insert(s.set.NeverRead, e.add.Element)
		}
	}
	s.set.Latency = quantiles(latencies)
	for _, fault := range []struct {
		elements []int
		what     string
	}{
		{s.set.Lost, "lost"}, {s.set.Missing, "missing at the end"}, {s.set.Duplicated, "twice in one read"}, {s.set.Unexpected, "added by nobody"},
	} {
		if len(fault.elements) > 0 {
			s.result.problem("%d elements %s: %v", len(fault.elements), fault.what, fault.elements)
		}
	}
	if s.set.Stable == 0 {
		s.result.Unknown = true
	}
}

// insert keeps a sorted set.
func insert(set []int, v int) []int {
	at, found := slices.BinarySearch(set, v)
	if found {
		return set
	}
	return slices.Insert(set, at, v)
}

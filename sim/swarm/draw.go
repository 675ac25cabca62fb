package swarm

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// Limits bound what is drawn.
type Limits struct {
	Nodes   int           // at most; 0: as the seed says, up to NodesMax
	Horizon time.Duration // at most; 0: half an hour
}

const (
	horizonMin = 2 * time.Minute
	horizonMax = 30 * time.Minute
	// downMax keeps every crash shorter than what is left of the shortest run.
	downMax = time.Minute
)

// drawing is a schedule in the making.
type drawing struct {
	dice
	s    *Schedule
	next int // id of the next fault
}

// Draw returns the schedule of a seed: always the same under the same limits.
func Draw(seed Seed, limits Limits) *Schedule {
	d := &drawing{dice: newDice(seed, "schedule"), s: &Schedule{Seed: seed}, next: 1}
	d.cluster(limits)
	sunny := d.percent(5)
	d.configuration(sunny)
	d.workload()
	if !sunny {
		d.faults()
		d.leftovers()
	}
	(&drawing{dice: newDice(seed, "messages"), s: d.s}).talk(sunny)
	return d.s
}

// cluster draws the number of nodes, evenly by its logarithm, and the horizon.
func (d *drawing) cluster(limits Limits) {
	n := 2 << d.below(5)
	n += d.below(n)
	n = min(n, 50)
	if d.percent(4) {
		n = 100
	}
	if limits.Nodes > 0 && n > limits.Nodes {
		n = 2 + d.below(max(limits.Nodes-1, 1))
	}
	d.s.Nodes = min(n, NodesMax)
	d.s.Seeds = 1 + d.below(min(n, 3))
	longest := cmp.Or(limits.Horizon, horizonMax)
	horizon := d.scale(min(horizonMin, longest), longest)
	if n > 50 { // as much work as others
		horizon = min(horizon, Duration(5*time.Minute))
	}
	d.s.Horizon = Duration(time.Duration(horizon).Round(time.Second))
}

func (d *drawing) configuration(sunny bool) {
	s := d.s
	s.Preset = []string{"LAN", "LAN", "LAN", "WAN", "Local"}[d.below(5)]
	s.Network = Network{Latency: d.between(100*time.Microsecond, time.Millisecond), Jitter: d.between(0, time.Millisecond)}
	if s.Preset == "WAN" {
		s.Network = Network{Latency: d.between(0, 30*time.Millisecond), Jitter: d.between(10*time.Millisecond, 100*time.Millisecond)}
	}
	s.Spread = []Duration{0, d.between(0, time.Second), d.between(0, 20*time.Second)}[d.below(3)]
	if sunny {
		return
	}
	if d.percent(30) {
		s.Network.Loss = d.share(0, 0.3)
	}
	if d.percent(30) {
		s.Network.Duplicate = d.share(0, 0.2)
	}
	if d.percent(50) {
		for _, b := range sites {
			if d.percent(25) && (b.name != tightMembers || d.percent(50)) {
				s.Buggify = append(s.Buggify, b.name)
			}
		}
	}
}

// The acts of a workload.
const (
	put    = "put"
	remove = "delete"
	retire = "retire"
)

// valueMax keeps all facts of an owner within one frame, which package check
// counts on; some are too large for a datagram.
const valueMax = 2000

func (d *drawing) workload() {
	s := d.s
	count := d.below(40)
	for range count {
		w := Write{At: d.at(), Node: d.node(), Do: put, Key: string(rune('a' + d.below(8)))}
		switch {
		case d.percent(25):
			w.Do = remove
		case d.percent(8):
			w.Do, w.Key, w.About = retire, "", d.node()
		case d.percent(20):
			w.Len = d.below(valueMax)
		default:
			w.Len = d.below(64)
		}
		s.Workload = append(s.Workload, w)
	}
	if d.percent(6) { // enough deletions for a new generation
		at, node := d.at(), d.node()
		for range 80 {
			s.Workload = append(s.Workload,
				Write{At: at, Node: node, Do: put, Key: "z", Len: 8},
				Write{At: at + 1, Node: node, Do: remove, Key: "z"})
			at += Duration(100 * time.Millisecond)
		}
	}
	if d.percent(6) { // many keys, then many deletions
		at, node := d.at(), d.node()
		for k := range 70 {
			s.Workload = append(s.Workload, Write{At: at, Node: node, Do: put, Key: key2(k), Len: 4})
		}
		at = max(at, d.at())
		for k := range 70 {
			s.Workload = append(s.Workload, Write{At: at + Duration(k), Node: node, Do: remove, Key: key2(k)})
		}
	}
	slices.SortStableFunc(s.Workload, func(a, b Write) int { return cmp.Compare(a.At, b.At) })
}

func key2(k int) string { return string([]byte{'k', '0' + byte(k/10), '0' + byte(k%10)}) }

func (d *drawing) at() Duration     { return d.between(0, time.Duration(d.s.Horizon)) }
func (d *drawing) node() int        { return 1 + d.below(d.s.Nodes) }
func (d *drawing) half() []int      { return d.some(1+d.below(max(d.s.Nodes-1, 1)), d.s.Nodes) }
func (d *drawing) few() []int       { return d.some(1+d.below(max(d.s.Nodes/10, 1)), d.s.Nodes) }
func (d *drawing) length() Duration { return d.scale(time.Second, 4*time.Minute) }

// family is a kind of trouble. Each is on with probability a half.
type family func(*drawing)

var families = []family{
	(*drawing).losses, (*drawing).delays, (*drawing).duplicates, (*drawing).replays, (*drawing).damages,
	(*drawing).clogs, (*drawing).swizzle, (*drawing).partitions, (*drawing).oneWay, (*drawing).halfDead,
	(*drawing).blocked, (*drawing).crashes, (*drawing).pauses, (*drawing).slowNodes, (*drawing).rebirths,
	(*drawing).moves, (*drawing).leaves, (*drawing).massRestart, (*drawing).clocks,
}

// lasting are the families that restart nobody: who forgets its seeds must not
// forget everybody else as well.
var lasting = []family{
	(*drawing).losses, (*drawing).delays, (*drawing).duplicates, (*drawing).clogs, (*drawing).partitions,
	(*drawing).oneWay, (*drawing).halfDead, (*drawing).blocked, (*drawing).pauses, (*drawing).slowNodes, (*drawing).clocks,
}

func (d *drawing) faults() {
	drawn := families
	if d.s.Seedless = d.percent(10); d.s.Seedless {
		drawn = lasting
	}
	for _, f := range drawn {
		if d.percent(50) {
			f(d)
		}
	}
	slices.SortStableFunc(d.s.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// some calls draw a few times: more often in longer runs.
func (d *drawing) times(draw func()) {
	minutes := int(time.Duration(d.s.Horizon) / time.Minute)
	for range 1 + d.below(2+bits.Len(uint(minutes))) {
		draw()
	}
}

func (d *drawing) add(f Fault) {
	f.ID = d.next
	d.next++
	d.s.Faults = append(d.s.Faults, f)
}

func (d *drawing) losses() {
	d.times(func() {
		d.add(Fault{At: d.at(), Op: Loss, Share: d.share(0, 0.3), For: d.length()})
	})
	d.times(func() {
		d.add(Fault{At: d.at(), Op: Loss, From: d.few(), To: d.few(), Share: d.share(0, 1), For: d.length()})
	})
}

func (d *drawing) delays() {
	d.times(func() {
		d.add(Fault{At: d.at(), Op: Slowness, From: d.half(), Delay: d.scale(time.Millisecond, 500*time.Millisecond), For: d.length()})
	})
	if d.percent(50) {
		d.add(Fault{At: d.at(), Op: Tail, Share: 0.001, Delay: Duration(2 * time.Second), For: d.length()})
	}
}

func (d *drawing) duplicates() {
	d.times(func() {
		d.add(Fault{At: d.at(), Op: Duplicate, Share: d.share(0, 0.2), Delay: d.scale(time.Millisecond, time.Second), For: d.length()})
	})
}

func (d *drawing) replays() {
	d.add(Fault{At: d.at(), Op: Replay, Share: d.share(0, 0.05), Delay: d.scale(time.Second, 10*time.Minute), For: d.length()})
}

func (d *drawing) damages() {
	d.add(Fault{At: d.at(), Op: Damage, Share: d.share(0, 0.01), For: d.length()})
}

// clog is 10·e^(−10U) s in the swarms of FoundationDB: evenly by its logarithm.
func (d *drawing) clog() Duration { return d.scale(time.Millisecond, 10*time.Second) }

func (d *drawing) clogs() {
	d.times(func() {
		node := []int{d.node()}
		if d.percent(50) {
			d.add(Fault{At: d.at(), Op: Clog, From: node, For: d.clog()})
			return
		}
		d.add(Fault{At: d.at(), Op: Clog, From: node, To: []int{d.node()}, For: d.clog()})
	})
}

// swizzle clogs half of the nodes one after another and lets them go in another
// order.
func (d *drawing) swizzle() {
	if d.percent(40) {
		return
	}
	at := d.at()
	for i, n := range d.some(max(d.s.Nodes/2, 1), d.s.Nodes) {
		begin := at + Duration(i)*Duration(300*time.Millisecond)
		d.add(Fault{At: begin, Op: Clog, From: []int{n}, For: d.between(time.Second, 15*time.Second)})
	}
}

// cut stops what goes from some to others; both ways most of the time.
func (d *drawing) cut(at, length Duration, a, b []int) {
	d.add(Fault{At: at, Op: Cut, From: a, To: b, For: length})
	if d.percent(80) {
		d.add(Fault{At: at, Op: Cut, From: b, To: a, For: length})
	}
}

// rest returns the nodes that are not among some.
func (d *drawing) rest(some []int) []int {
	var rest []int
	for i := 1; i <= d.s.Nodes; i++ {
		if !slices.Contains(some, i) {
			rest = append(rest, i)
		}
	}
	return rest
}

func (d *drawing) partitions() {
	d.times(func() {
		at, length := d.at(), d.length()
		switch d.below(5) {
		case 0: // one node
			one := []int{d.node()}
			d.cut(at, length, one, d.rest(one))
		case 1: // two sides
			side := d.half()
			d.cut(at, length, side, d.rest(side))
		case 2: // halves
			side := d.some(d.s.Nodes/2, d.s.Nodes)
			d.cut(at, length, side, d.rest(side))
		case 3: // a bridge: two sides that one node still reaches
			bridge := d.node()
			side := slices.DeleteFunc(d.half(), func(n int) bool { return n == bridge })
			other := slices.DeleteFunc(d.rest(side), func(n int) bool { return n == bridge })
			d.cut(at, length, side, other)
		case 4: // three sides
			a := d.half()
			b := slices.DeleteFunc(d.rest(a), func(int) bool { return d.percent(50) })
			c := d.rest(slices.Concat(a, b))
			d.cut(at, length, a, b)
			d.cut(at, length, b, c)
			d.cut(at, length, a, c)
		}
	})
	// A side without nodes would mean all of them.
	d.s.Faults = slices.DeleteFunc(d.s.Faults, func(f Fault) bool { return f.Op == Cut && (len(f.From) == 0 || len(f.To) == 0) })
}

func (d *drawing) oneWay() {
	if d.percent(70) {
		return
	}
	one := []int{d.node()}
	f := Fault{At: d.at(), Op: Cut, From: one, To: d.rest(one), For: d.length()}
	if d.percent(50) {
		f.From, f.To = f.To, f.From
	}
	if len(f.From) > 0 && len(f.To) > 0 {
		d.add(f)
	}
}

// halfDead makes a node lose most of what it sends or gets: it accuses others
// all the time.
func (d *drawing) halfDead() {
	if d.percent(50) {
		return
	}
	f := Fault{At: d.at(), Op: Loss, Share: d.share(0.5, 0.95), For: d.scale(10*time.Second, 10*time.Minute)}
	if one := []int{d.node()}; d.percent(50) {
		f.From = one
	} else {
		f.To = one
	}
	d.add(f)
}

func (d *drawing) blocked() {
	sizes := []int{576, 1200, 1280, 1400}
	d.times(func() {
		f := Fault{At: d.at(), From: d.few(), To: d.half(), For: d.length()}
		switch d.below(3) {
		case 0:
			f.Op, f.Size = Hole, sizes[d.below(len(sizes))]
		case 1:
			f.Op = NoUDP
		default:
			f.Op = NoTCP
		}
		d.add(f)
	})
}

func (d *drawing) crashes() {
	for range 1 + d.below(max(d.s.Nodes/2, 2)) {
		d.add(Fault{At: d.at(), Op: Crash, Node: d.node(), For: d.scale(100*time.Millisecond, downMax)})
	}
}

func (d *drawing) pauses() {
	d.times(func() {
		at, length := d.at(), d.scale(100*time.Millisecond, 2*time.Minute)
		for _, n := range d.some(1+d.below(max(d.s.Nodes/4, 1)), d.s.Nodes) {
			d.add(Fault{At: at, Op: Pause, Node: n, For: length})
		}
	})
}

func (d *drawing) slowNodes() {
	for _, n := range d.some(1+d.below(max(d.s.Nodes/4, 1)), d.s.Nodes) {
		d.add(Fault{At: d.at(), Op: Slow, Node: n, Delay: d.scale(time.Millisecond, time.Second), For: d.length()})
	}
}

// rebirths restart nodes whose disk is not what it was.
func (d *drawing) rebirths() {
	d.times(func() {
		f := Fault{At: d.at(), Op: Wipe, Node: d.node(), For: d.scale(100*time.Millisecond, downMax)}
		if d.percent(20) {
			f.Op, f.Count = Rollback, 1+d.below(3)
		}
		d.add(f)
	})
}

func (d *drawing) moves() {
	if d.percent(50) {
		d.add(Fault{At: d.at(), Op: Move, Node: d.node(), For: d.scale(100*time.Millisecond, downMax)})
	}
}

func (d *drawing) leaves() {
	d.times(func() {
		f := Fault{At: d.at(), Op: Leave, Node: d.node(), Delay: d.between(2*time.Second, 5*time.Second)}
		if d.percent(30) { // crashes in its goodbye
			f.Delay = d.scale(time.Millisecond, time.Second)
		}
		if d.percent(20) { // leaves while it joins
			f.At = d.between(0, time.Duration(d.s.Spread)+time.Second)
		}
		f.For = f.Delay + d.scale(100*time.Millisecond, downMax)
		d.add(f)
	})
}

// massRestart restarts many nodes at once, all of them, or one after another.
func (d *drawing) massRestart() {
	if d.percent(75) {
		return
	}
	n := d.s.Nodes
	at, down := d.at(), d.scale(100*time.Millisecond, 10*time.Second)
	chosen := d.some(max(n*(30+d.below(71))/100, 1), n)
	rolling := d.percent(40)
	for i, node := range chosen {
		begin := at + d.between(0, 10*time.Second)
		if rolling {
			begin = at + Duration(i)*Duration(2*time.Second)
		}
		d.add(Fault{At: begin, Op: Crash, Node: node, For: down})
	}
}

func (d *drawing) clocks() {
	d.times(func() {
		switch d.below(3) {
		case 0:
			d.add(Fault{At: d.at(), Op: Drift, Node: d.node(), Count: d.below(1001) - 500, For: d.length()})
		case 1:
			d.add(Fault{At: d.at(), Op: Jump, Node: d.node(), Delay: d.scale(time.Second, 365*24*time.Hour)})
		default:
			d.add(Fault{At: d.at(), Op: Suspend, Node: d.node(), For: d.scale(100*time.Millisecond, 2*time.Minute)})
		}
	})
}

// leftoverModes are what may become of nodes outside the core.
var leftoverModes = []string{"crashed", "cut", "paused", "deaf", "mute"}

// leftovers draws who is left out of the core of the liveness phase: nobody in
// half of the runs. The core keeps a seed, since a node that restarts would have
// nobody to ask.
func (d *drawing) leftovers() {
	if d.s.Nodes < 2 || d.percent(50) {
		return
	}
	for _, n := range d.some(1+d.below(d.s.Nodes-1), d.s.Nodes) {
		if n == 1 {
			continue
		}
		d.s.Leftovers = append(d.s.Leftovers, Leftover{Node: n, As: leftoverModes[d.below(len(leftoverModes))]})
	}
}

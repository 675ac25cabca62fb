package swarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Schedule says everything about a run. Nodes are numbered from 1.
type Schedule struct {
	Seed    Seed     `json:"seed"`
	Cause   string   `json:"cause,omitempty"`  // of a regression: why it failed, in a sentence
	Commit  string   `json:"commit,omitempty"` // of the build that drew it
	Nodes   int      `json:"nodes"`
	Horizon Duration `json:"horizon"` // of the safety phase
	Preset  string   `json:"preset"`  // LAN, WAN or Local
	Network Network  `json:"network"`
	Spread  Duration `json:"spread,omitempty"` // nodes start within it
	Seeds   int      `json:"seeds"`            // nodes 1.. are those that others join through
	// Seedless nodes forget their seeds once they know them: only the dead
	// that they remember lead over a partition.
	Seedless bool     `json:"seedless,omitempty"`
	Buggify  []string `json:"buggify,omitempty"`
	Workload []Write  `json:"workload,omitempty"`
	Faults   []Fault  `json:"faults,omitempty"`
	// Leftovers are the nodes that the liveness phase does without.
	Leftovers []Leftover `json:"leftovers,omitempty"`
	// Found is what the run violated when the file was written.
	Found *Found `json:"found,omitempty"`
}

// Network is how packets fare without any fault.
type Network struct {
	Latency   Duration `json:"latency"`
	Jitter    Duration `json:"jitter,omitempty"`
	Loss      float64  `json:"loss,omitempty"`
	Duplicate float64  `json:"duplicate,omitempty"`
}

// wrong returns what is out of range.
func (n Network) wrong() []error {
	var errs []error
	for _, d := range []struct {
		name  string
		value Duration
	}{{"latency", n.Latency}, {"jitter", n.Jitter}} {
		if d.value < 0 || time.Duration(d.value) > time.Minute {
			errs = append(errs, fmt.Errorf("network %s %v, want 0s to 1m", d.name, d.value))
		}
	}
	for _, p := range []struct {
		name  string
		value float64
	}{{"loss", n.Loss}, {"duplicate", n.Duplicate}} {
		if !(p.value >= 0 && p.value <= 1) {
			errs = append(errs, fmt.Errorf("network %s %v, want 0 to 1", p.name, p.value))
		}
	}
	return errs
}

// Write is one act of an application.
type Write struct {
	At    Duration `json:"at"`
	Node  int      `json:"node"`
	Do    string   `json:"do"` // put, delete, retire, send or ask
	Key   string   `json:"key,omitempty"`
	Len   int      `json:"len,omitempty"`   // of the value or payload
	About int      `json:"about,omitempty"` // who is retired, if dead
	Count int      `json:"count,omitempty"` // of the messages sent at once; 0: 1
	// Ordered messages come after all earlier ones of their node.
	Ordered bool `json:"ordered,omitempty"`
}

// Fault is one thing that goes wrong. What the fields mean depends on Op; see
// the table of ops.
type Fault struct {
	ID    int      `json:"id"`
	At    Duration `json:"at"`
	Op    Op       `json:"op"`
	Node  int      `json:"node,omitempty"`
	From  []int    `json:"from,omitempty"` // links from these; none: from all
	To    []int    `json:"to,omitempty"`   // to these; none: to all
	For   Duration `json:"for,omitempty"`
	Share float64  `json:"share,omitempty"`
	Delay Duration `json:"delay,omitempty"`
	Size  int      `json:"size,omitempty"`
	Count int      `json:"count,omitempty"`
}

// Leftover is a node outside the core of the liveness phase.
type Leftover struct {
	Node int    `json:"node"`
	As   string `json:"as"` // crashed, cut, paused, deaf or mute
}

// Found is a violation that a schedule led to.
type Found struct {
	Invariant string   `json:"invariant"`
	At        Duration `json:"at"`
	Node      int      `json:"node"`
	What      string   `json:"what"`
}

// Op is a kind of fault.
type Op string

// The ops, with the ids of the fault catalogue in docs/testing.md.
const (
	Loss      Op = "loss"      // N1, N14: a share of datagrams on links
	Slowness  Op = "slowness"  // N2: delay with an exponential tail on links
	Tail      Op = "tail"      // N2: a share of packets is late by up to delay
	Duplicate Op = "duplicate" // N3: a share of datagrams comes twice
	Replay    Op = "replay"    // N3: a share comes again, up to delay later
	Damage    Op = "damage"    // N5: a share arrives with a flipped bit or cut short; plaintext only
	Clog      Op = "clog"      // N6, N7: links hold everything back until the end
	Cut       Op = "cut"       // N8, N9: links lose everything, one way
	Hole      Op = "hole"      // N10: links lose datagrams above size
	NoUDP     Op = "no-udp"    // N11: links carry streams only
	NoTCP     Op = "no-tcp"    // N11: links carry datagrams only
	Crash     Op = "crash"     // P1, P6: down for a time, then a new epoch
	Pause     Op = "pause"     // P2: frozen
	Slow      Op = "slow"      // P3: each input takes delay
	Wipe      Op = "wipe"      // P4: down, then a new identity of the same name and address
	Rollback  Op = "rollback"  // P4: down, then in an epoch of count starts before
	Move      Op = "move"      // P5: down, then at another address
	Leave     Op = "leave"     // P7: says goodbye, ends after delay, and is back after for
	Drift     Op = "drift"     // P8: the clock runs fast by count millionths
	Jump      Op = "jump"      // P8: the clock leaps ahead by delay
	Suspend   Op = "suspend"   // P8: frozen together with its clock
)

// onLinks are the ops that say what becomes of packets.
var onLinks = []Op{Loss, Slowness, Tail, Duplicate, Replay, Damage, Clog, Cut, Hole, NoUDP, NoTCP}

// onNodes are the ops that happen to one node.
var onNodes = []Op{Crash, Pause, Slow, Wipe, Rollback, Move, Leave, Drift, Jump, Suspend}

// NodesMax bounds a schedule: 300 nodes are 11 s of CPU time for three virtual
// minutes, and the cost grows with their square.
const NodesMax = 300

// Encode returns the text of a schedule, as Parse reads it.
func (s *Schedule) Encode() []byte {
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		panic(err) // numbers and strings always encode
	}
	return append(text, '\n')
}

// Validate returns all that is wrong with a schedule, joined.
func (s *Schedule) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: %w", ErrSchedule, fmt.Errorf(format, args...)))
	}
	if s.Nodes < 1 || s.Nodes > NodesMax {
		wrong("%d nodes, want 1 to %d", s.Nodes, NodesMax)
	}
	if s.Seeds < 1 || s.Seeds > s.Nodes {
		wrong("%d seeds among %d nodes", s.Seeds, s.Nodes)
	}
	if s.Horizon < 0 || time.Duration(s.Horizon) > 24*time.Hour {
		wrong("horizon %v, want up to 24 h", s.Horizon)
	}
	if _, ok := presets[s.Preset]; !ok {
		wrong("no preset %q, want LAN, WAN or Local", s.Preset)
	}
	for _, err := range s.Network.wrong() {
		wrong("%w", err)
	}
	if s.Spread < 0 || time.Duration(s.Spread) > 24*time.Hour {
		wrong("spread %v, want up to 24 h", s.Spread)
	}
	for _, name := range s.Buggify {
		if !slices.ContainsFunc(slices.Concat(sites, talkSites), func(b site) bool { return b.name == name }) {
			wrong("no site %q", name)
		}
	}
	node := func(what string, n int) {
		if n < 1 || n > s.Nodes {
			wrong("%s: no node %d", what, n)
		}
	}
	for i := range s.Faults {
		f := &s.Faults[i]
		what := fmt.Sprintf("fault %d", f.ID)
		switch {
		case slices.Contains(onNodes, f.Op):
			node(what, f.Node)
		case slices.Contains(onLinks, f.Op):
			for _, n := range slices.Concat(f.From, f.To) {
				node(what, n)
			}
		default:
			wrong("%s: no op %q", what, f.Op)
		}
		if f.At < 0 || f.For < 0 || f.Delay < 0 || f.Share < 0 || f.Share > 1 || f.Count < -1_000_000 || f.Count > 1_000_000 {
			wrong("%s: out of range", what)
		}
	}
	for i, w := range s.Workload {
		what := fmt.Sprintf("act %d", i+1)
		node(what, w.Node)
		switch w.Do {
		case put, remove, send, ask:
		case retire:
			node(what, w.About)
		default:
			wrong("%s: cannot %q", what, w.Do)
		}
		if w.At < 0 || w.Len < 0 || w.Len > w.lenMax() || len(w.Key) > 256 || w.Count < 0 || w.Count > burstMax {
			wrong("%s: out of range", what)
		}
	}
	for _, l := range s.Leftovers {
		node("leftover", l.Node)
		if !slices.Contains(leftoverModes, l.As) {
			wrong("leftover %d: cannot be %q", l.Node, l.As)
		}
	}
	if len(s.Leftovers) >= s.Nodes && s.Nodes > 0 {
		wrong("nobody is left for the liveness phase")
	}
	return errors.Join(errs...)
}

// Size is how much a schedule holds: what shrinking makes smaller.
func (s *Schedule) Size() int { return len(s.Faults) + len(s.Workload) + len(s.Leftovers) }

package netlab

import (
	"container/heap"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"
)

// maxFlights bounds the frames under way in a TAP switch, about 25 MB of full
// frames. A lab of 50 hosts that gossip at 1,000 packets a second each over
// 100 ms links keeps 5,000 in flight.
const maxFlights = 16_384

// Path is what befalls frames on the way from one host to another. The zero
// Path delivers each frame once and at once.
type Path struct {
	Delay     time.Duration // every frame takes at least this long
	Jitter    time.Duration // plus a uniform draw from [0, Jitter]; frames may overtake each other
	Loss      int           // percent of frames lost
	Duplicate int           // percent of frames delivered twice, each copy with its own jitter
}

// Validate reports every field out of range.
func (p Path) Validate() error {
	var errs []error
	if p.Delay < 0 {
		errs = append(errs, fmt.Errorf("netlab: path delay %v is negative", p.Delay))
	}
	if p.Jitter < 0 {
		errs = append(errs, fmt.Errorf("netlab: path jitter %v is negative", p.Jitter))
	}
	errs = append(errs, checkPercent("path loss", p.Loss), checkPercent("path duplicate", p.Duplicate))
	return errors.Join(errs...)
}

func checkPercent(subject string, percent int) error {
	if percent < 0 || percent > 100 {
		return fmt.Errorf("netlab: %s %d %% is outside 0 to 100", subject, percent)
	}
	return nil
}

// lane is one ordered pair of hosts in the TAP switch.
type lane struct {
	path Path
	cut  bool

	// Kernels send multicast reports after random waits of their own. Frames to
	// groups have a generator of their own, lest they shift the luck of others.
	unicast, group *rand.Rand
}

// fate draws what happens to the next frame: the delays of its zero, one or
// two copies. Every frame costs five draws, whatever the settings, so that the
// k-th frame of a lane meets the same luck in every run with the same seed.
func (l *lane) fate(random *rand.Rand, labLoss int) []time.Duration {
	lab, own, twice := below(random, 100), below(random, 100), below(random, 100)
	first, second := l.jitter(random), l.jitter(random)
	if l.cut || lab < uint64(labLoss) || own < uint64(l.path.Loss) {
		return nil
	}
	if twice < uint64(l.path.Duplicate) {
		return []time.Duration{l.path.Delay + first, l.path.Delay + second}
	}
	return []time.Duration{l.path.Delay + first}
}

func (l *lane) jitter(random *rand.Rand) time.Duration {
	return time.Duration(below(random, uint64(l.path.Jitter)+1))
}

// below returns a number in [0, n) from exactly one draw. Rejection sampling
// would be free of bias and would cost a number of draws that depends on n;
// the bias here is below n in 2^64.
func below(random *rand.Rand, n uint64) uint64 {
	high, _ := bits.Mul64(random.Uint64(), n)
	return high
}

// flight is one copy of a frame on its way.
type flight struct {
	due      time.Time
	sequence uint64 // breaks ties: equal delays keep the order of sending
	from, to int
	frame    []byte // shared by the copies of a frame; nobody writes to it
}

// flights is a heap, earliest first.
type flights []flight

func (f flights) Len() int      { return len(f) }
func (f flights) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *flights) Push(x any)   { *f = append(*f, x.(flight)) }

func (f flights) Less(i, j int) bool {
	if !f[i].due.Equal(f[j].due) {
		return f[i].due.Before(f[j].due)
	}
	return f[i].sequence < f[j].sequence
}

func (f *flights) Pop() any {
	last := len(*f) - 1
	x := (*f)[last]
	(*f)[last] = flight{} // let the frame go
	*f = (*f)[:last]
	return x
}

// hub is the TAP switch without its devices, clock and goroutines: frames go
// in with the time, and come out when they are due. It is not safe for
// concurrent use.
type hub struct {
	lanes    [][]lane // [from][to]
	loss     int      // percent, on every lane, besides the lane's own
	under    flights
	sequence uint64
	overflow uint64 // copies dropped because maxFlights were under way
}

func newHub(n int, seed uint64, path Path) *hub {
	// One parent generator seeds the lanes: neighbouring seeds of a PCG would
	// give neighbouring states.
	parent := rand.NewPCG(seed, 0)
	child := func() *rand.Rand { return rand.New(rand.NewPCG(parent.Uint64(), parent.Uint64())) }
	h := &hub{lanes: make([][]lane, n)}
	for from := range n {
		h.lanes[from] = make([]lane, n)
		for to := range n {
			h.lanes[from][to] = lane{path: path, unicast: child(), group: child()}
		}
	}
	return h
}

// accept takes a frame that a host sent. It keeps frame, which the caller must
// not change afterwards. Frames for strangers and runts go nowhere.
func (h *hub) accept(now time.Time, from int, frame []byte) {
	const destination = 6 // bytes of the frame's first field (IEEE 802.3 §3.2)
	if len(frame) < destination {
		return
	}
	if group := frame[0]&1 == 1; group {
		for to := range h.lanes {
			h.send(now, from, to, frame, h.lanes[from][to].group)
		}
		return
	}
	if to, ok := hostOf(frame[:destination], len(h.lanes)); ok {
		h.send(now, from, to, frame, h.lanes[from][to].unicast)
	}
}

func (h *hub) send(now time.Time, from, to int, frame []byte, random *rand.Rand) {
	if from == to {
		return
	}
	for _, delay := range h.lanes[from][to].fate(random, h.loss) {
		if len(h.under) == maxFlights {
			h.overflow++
			continue
		}
		h.sequence++
		heap.Push(&h.under, flight{now.Add(delay), h.sequence, from, to, frame})
	}
}

// deadline returns when the next frame is due; false if none is under way.
func (h *hub) deadline() (time.Time, bool) {
	if len(h.under) == 0 {
		return time.Time{}, false
	}
	return h.under[0].due, true
}

// deliver removes and returns one frame that is due. A cut loses the frames
// that are under way when they would arrive, as a broken cable does.
func (h *hub) deliver(now time.Time) (to int, frame []byte, ok bool) {
	for len(h.under) > 0 && !h.under[0].due.After(now) {
		f := heap.Pop(&h.under).(flight)
		if !h.lanes[f.from][f.to].cut {
			return f.to, f.frame, true
		}
	}
	return 0, nil, false
}

func (h *hub) cut(pairs []pair) {
	for _, p := range pairs {
		h.lanes[p.from][p.to].cut = true
	}
}

func (h *hub) heal() {
	for from := range h.lanes {
		for to := range h.lanes[from] {
			h.lanes[from][to].cut = false
		}
	}
}

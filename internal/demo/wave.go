package demo

import "time"

const (
	// waveWait is how long a wave waits for the last arrival before it is shown:
	// one anti-entropy round of stragglers.
	waveWait = 700 * time.Millisecond
	// waveLength is how long the arrivals are shown, whatever they took: that
	// is, a hundred times slower or so.
	waveLength = 2 * time.Second
	// waveStay is how long it stays when all are lit.
	waveStay = 4 * time.Second
)

// wave is the way of one fact over the cluster, shown in slow motion: the eye
// cannot follow what is over in ten milliseconds.
type wave struct {
	fact     fact
	value    string
	writer   string
	began    time.Time
	shown    time.Time // when the showing began; zero: not yet
	span     time.Duration
	arrivals map[int]arrival
}

// observe takes the arrivals so far, of running nodes.
func (w *wave) observe(now time.Time, arrivals map[int]arrival, running int) {
	if w.arrivals == nil {
		w.arrivals = make(map[int]arrival)
	}
	for i, a := range arrivals {
		w.arrivals[i] = a
	}
	if !w.shown.IsZero() || len(w.arrivals) < running && now.Sub(w.began) < waveWait {
		return
	}
	w.shown, w.span = now, time.Millisecond
	for _, a := range w.arrivals {
		w.span = max(w.span, a.at.Sub(w.began))
	}
}

// lit reports over how many hops the fact has reached a node by the time shown.
func (w *wave) lit(now time.Time, node int) (hops int, ok bool) {
	a, reached := w.arrivals[node]
	if !reached || w.shown.IsZero() {
		return 0, false
	}
	// what arrives after the span, across a cut that healed, is shown at once
	after := min(max(a.at.Sub(w.began), 0), w.span)
	return a.hops, now.Sub(w.shown) >= time.Duration(float64(waveLength)*float64(after)/float64(w.span))
}

// over reports whether the wave has been shown for long enough.
func (w *wave) over(now time.Time) bool {
	return !w.shown.IsZero() && now.Sub(w.shown) > waveLength+waveStay
}

// slowdown is how many times slower than it was the wave is shown.
func (w *wave) slowdown() int { return max(int(waveLength/w.span), 1) }

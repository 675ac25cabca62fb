package simcmd

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hearsay-gossip/hearsay/internal/picture"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// timeAxis places times on a picture whose width is 1. What happens in a run is
// bursts of seconds with minutes between them in which nothing changes and nobody
// is wrong; those are folded to a narrow break, and the stretches between get room
// by the square root of their length, so that a short one can be read beside a
// long one.
type timeAxis struct {
	unit      time.Duration
	name      string    // of the unit
	stretches []stretch // in order; folds between them
}

// stretch is a time that is shown, and where.
type stretch struct {
	from, to    time.Duration
	left, right float64
}

const (
	// foldWidth is that of a break.
	foldWidth = .02
	// foldShare of what is shown is how long a quiet time must be to be folded.
	foldShare = .15
	// stretchesMax bounds the breaks: beyond, a picture is all breaks.
	stretchesMax = 7
	// stretchMin is the least width of a stretch: room for a label of an axis.
	stretchMin = .07
	// margin is what a stretch shows before and after its burst, of its length.
	margin = .12
)

// quiet is a time in which nothing happened and nobody was wrong.
type quiet struct{ from, to time.Duration }

func (q quiet) length() time.Duration { return q.to - q.from }

// newTimeAxis folds the quiet times of a run that is shown up to length.
func newTimeAxis(r *scenario.Result, length time.Duration) *timeAxis {
	a := &timeAxis{}
	var folds []quiet
	for len(folds)+1 < stretchesMax {
		shown := length
		for _, f := range folds {
			shown -= f.length()
		}
		longest := quiet{}
		for _, q := range quietTimes(r, length) {
			if !slices.Contains(folds, q) && q.length() > longest.length() {
				longest = q
			}
		}
		if float64(longest.length()) < foldShare*float64(shown) {
			break
		}
		folds = append(folds, longest)
	}
	slices.SortFunc(folds, func(a, b quiet) int { return int(a.from - b.from) })
	a.cut(folds, length)
	a.spread()
	visible := time.Duration(0)
	for _, s := range a.stretches {
		visible += s.to - s.from
	}
	a.unit, a.name = unitOf(visible)
	return a
}

// quietTimes are the times between moments at which something happened, while
// nobody was wrong or in doubt.
func quietTimes(r *scenario.Result, length time.Duration) []quiet {
	type moment struct {
		at    time.Duration
		wrong int // nodes more that are wrong from then on
	}
	moments := []moment{{at: length}}
	last := make([]bool, r.Timeline.Nodes)
	for _, c := range r.Timeline.Changes {
		wrong, m := isWrong(c.Status), moment{at: max(c.At, 0)}
		if wrong != last[c.Node] {
			m.wrong = -1
			if wrong {
				m.wrong = 1
			}
		}
		last[c.Node] = wrong
		moments = append(moments, m)
	}
	for _, m := range r.Timeline.Learnt {
		moments = append(moments, moment{at: m.At})
	}
	for _, e := range r.Log {
		moments = append(moments, moment{at: max(e.At, 0)})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return int(a.at - b.at) })
	var all []quiet
	wrong, before := 0, time.Duration(0)
	for _, m := range moments {
		if m.at > length {
			break
		}
		if wrong == 0 && m.at > before {
			all = append(all, quiet{before, m.at})
		}
		wrong, before = wrong+m.wrong, m.at
	}
	return all
}

func isWrong(s scenario.Status) bool {
	return s == scenario.Doubting || s == scenario.Behind || s == scenario.Mistaken
}

// cut makes the stretches that the folds leave, each with a margin taken from the
// folds beside it.
func (a *timeAxis) cut(folds []quiet, length time.Duration) {
	bounds := []time.Duration{0}
	for _, f := range folds {
		bounds = append(bounds, f.from, f.to)
	}
	bounds = append(bounds, length)
	longest := time.Duration(0)
	for i := 0; i < len(bounds); i += 2 {
		longest = max(longest, bounds[i+1]-bounds[i])
	}
	for i := 0; i < len(bounds); i += 2 {
		s := stretch{from: bounds[i], to: bounds[i+1]}
		wide := time.Duration(margin * max(float64(s.to-s.from), float64(longest)/20))
		if i > 0 {
			s.from -= min(wide, (bounds[i]-bounds[i-1])/3)
		}
		if i+2 < len(bounds) {
			s.to += min(wide, (bounds[i+2]-bounds[i+1])/3)
		}
		if i > 0 && i+2 == len(bounds) && bounds[i] == bounds[i+1] {
			return // nothing happens after the last burst
		}
		a.stretches = append(a.stretches, s)
	}
}

// spread shares the width among the stretches.
func (a *timeAxis) spread() {
	room := 1 - foldWidth*float64(len(a.stretches)-1)
	total, left := 0.0, 0.0
	for _, s := range a.stretches {
		total += math.Sqrt(float64(s.to - s.from))
	}
	least := stretchMin * float64(len(a.stretches))
	for i := range a.stretches {
		s := &a.stretches[i]
		width := stretchMin*room + (1-least)*room*math.Sqrt(float64(s.to-s.from))/max(total, 1)
		s.left, s.right = left, left+width
		left = s.right + foldWidth
	}
}

// place is where a time stands.
func (a *timeAxis) place(at time.Duration) float64 {
	before := stretch{}
	for _, s := range a.stretches {
		switch {
		case at < s.from: // in the fold before it
			return before.right + (s.left-before.right)*share(at, before.to, s.from)
		case at <= s.to:
			return s.left + (s.right-s.left)*share(at, s.from, s.to)
		}
		before = s
	}
	return 1
}

// share is where a time stands between two others, from 0 to 1.
func share(at, from, to time.Duration) float64 {
	if to <= from {
		return 0
	}
	return float64(at-from) / float64(to-from)
}

// Ticks implements [plot.Ticker]: round times in each stretch, as many as there
// is room for.
func (a *timeAxis) Ticks(float64, float64) []plot.Tick {
	const labels = 12 // over the whole width
	var ticks []plot.Tick
	for _, s := range a.stretches {
		from, to := float64(s.from)/float64(a.unit), float64(s.to)/float64(a.unit)
		most := max(int(labels*(s.right-s.left)), 1)
		round := picture.Steps{Most: most}.Ticks(from, to)
		for ; len(round) == 0 && most < labels; most++ { // narrow, and no round time in it
			round = picture.Steps{Most: most}.Ticks(from, to)
		}
		for _, t := range round {
			at := s.left + (s.right-s.left)*(t.Value-from)/max(to-from, 1e-12)
			ticks = append(ticks, plot.Tick{Value: at, Label: t.Label})
		}
	}
	return ticks
}

// label names the axis.
func (a *timeAxis) label() string {
	if len(a.stretches) == 1 {
		return "time (" + a.name + ")"
	}
	return fmt.Sprintf("time (%s); in the breaks nothing happens, and scales differ between them", a.name)
}

// Plot implements [plot.Plotter]: it draws the breaks.
func (a *timeAxis) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	top := toY(.5) // of the first node; above stand labels
	edge := draw.LineStyle{Color: color.Gray{110}, Width: .7}
	for i := 1; i < len(a.stretches); i++ {
		left, right := toX(a.stretches[i-1].right), toX(a.stretches[i].left)
		inset := (right - left) * .2
		left, right = left+inset, right-inset
		const tooth = 5
		var leftEdge, rightEdge []vg.Point
		for y, out := c.Min.Y-6, true; y < top+tooth; y, out = y+tooth, !out {
			dx := vg.Length(0)
			if out {
				dx = 2.5
			}
			leftEdge = append(leftEdge, vg.Point{X: left + dx, Y: min(y, top)})
			rightEdge = append(rightEdge, vg.Point{X: right + dx, Y: min(y, top)})
		}
		c.StrokeLines(edge, leftEdge, rightEdge)
		around := slices.Clone(rightEdge)
		slices.Reverse(around)
		c.FillPolygon(color.White, append(slices.Clone(leftEdge), around...))
		c.StrokeLines(edge, leftEdge, rightEdge)
	}
}

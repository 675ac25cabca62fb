package simcmd

import (
	"fmt"
	"image/color"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hearsay-gossip/hearsay/internal/picture"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// shade is what a cell of the picture shows: a status, or that a node is right
// and knows of the one event or write that there is.
type shade uint8

const informed shade = 1

// shadeOf leaves room for informed: the graver, the larger.
func shadeOf(s scenario.Status) shade { return 2 * shade(s) }

const shades = 2 * scenario.Statuses

// tints are the colors: pale for what is as it should be.
var tints = [shades]color.Color{
	2 * scenario.Right:    color.RGBA{222, 239, 229, 255},
	informed:              color.RGBA{176, 208, 236, 255},
	2 * scenario.Doubting: color.RGBA{240, 208, 80, 255},
	2 * scenario.Behind:   color.RGBA{230, 140, 30, 255},
	2 * scenario.Mistaken: color.RGBA{200, 50, 40, 255},
	2 * scenario.Frozen:   color.RGBA{150, 130, 190, 255},
	2 * scenario.Down:     color.RGBA{90, 90, 90, 255},
}

// meanings are those of the colors, in the order of the legend.
var meanings = [shades]string{
	2 * scenario.Right:    "right about all others",
	informed:              "and knows of it",
	2 * scenario.Doubting: "suspects somebody",
	2 * scenario.Behind:   "misses that one is gone",
	2 * scenario.Mistaken: "lacks one that runs",
	2 * scenario.Frozen:   "is frozen",
	2 * scenario.Down:     "is down",
}

var learntTint = color.RGBA{0, 90, 180, 255}

// The picture is a raster, so that its size does not grow with the run.
const (
	rowsMax    = 200 // beyond, a row is several nodes and shows the gravest
	columns    = 600 // finer than the eye asks for; an SVG grows with it
	labelsMax  = 8   // rows of labels of the script's lines; others get none
	labelChars = 34
)

// draw draws who was right about whom, and when.
func (c *Cluster) draw(r *scenario.Result) error {
	title := c.title()
	if c.Seeds > 1 {
		title = strings.Replace(title, fmt.Sprintf("random seeds %d to %d", c.Seed, c.Seed+uint64(c.Seeds)-1), fmt.Sprintf("random seed %d", c.Seed), 1)
	}
	p, legend := picture.New("Who was right about whom, and when", title)
	axis := newTimeAxis(r, shown(r))
	p.X.Label.Text, p.X.Tick.Marker = axis.label(), axis
	p.Y.Label.Text, p.Y.Tick.Marker = "node", nodeTicks{r.Nodes}
	p.X.Padding, p.Y.Padding = 0, 0
	strip := newStrip(r, axis)
	p.Add(strip)
	lines := newLines(r.Log, axis)
	p.X.Min, p.X.Max = 0, 1
	p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}} // node 1 on top
	// The labels of the script's lines stand in a band above the nodes.
	band := bandMax * float64(lines.rows()) / labelsMax
	p.Y.Min, p.Y.Max = .5-float64(r.Nodes)*band/(1-band), float64(r.Nodes)+.5
	for s, used := range strip.used {
		if used {
			legend.Add(meanings[s], swatch{tints[s]})
		}
	}
	if err := addLearnt(p, legend, r, axis); err != nil {
		return err
	}
	p.Add(axis, lines)
	return picture.Save(c.Plot, p, legend)
}

// nodeTicks marks whole nodes, and none in the band of labels.
type nodeTicks struct{ nodes int }

// Ticks implements [plot.Ticker].
func (n nodeTicks) Ticks(float64, float64) []plot.Tick {
	if n.nodes <= 12 {
		var all []plot.Tick
		for i := 1; i <= n.nodes; i++ {
			all = append(all, plot.Tick{Value: float64(i), Label: fmt.Sprint(i)})
		}
		return all
	}
	return slices.DeleteFunc(picture.Steps{}.Ticks(0, float64(n.nodes)), func(t plot.Tick) bool { return t.Value < 1 })
}

// shown is how much of a run is drawn: not a long end in which nothing happens.
func shown(r *scenario.Result) time.Duration {
	var last time.Duration
	if n := len(r.Timeline.Changes); n > 0 {
		last = max(last, r.Timeline.Changes[n-1].At)
	}
	for _, m := range r.Timeline.Learnt {
		last = max(last, m.At)
	}
	for _, e := range r.Log {
		if !isMet(e) {
			last = max(last, e.At)
		}
	}
	if last = last * 5 / 4; last > 0 {
		return min(last, r.Length)
	}
	return max(r.Length, time.Millisecond)
}

// isMet reports whether an entry says no more than that all went as expected,
// which the picture shows by itself.
func isMet(e scenario.Entry) bool { return strings.HasPrefix(e.Text, "as expected") }

// unitOf chooses the unit of an axis of time.
func unitOf(d time.Duration) (time.Duration, string) {
	switch {
	case d < 2*time.Second:
		return time.Millisecond, "ms"
	case d > 3*time.Hour:
		return time.Hour, "h"
	case d > 10*time.Minute:
		return time.Minute, "min"
	}
	return time.Second, "s"
}

// addLearnt marks when each node came to know a payload.
func addLearnt(p *plot.Plot, legend *plot.Legend, r *scenario.Result, axis *timeAxis) error {
	t := r.Timeline
	if len(t.Learnt) == 0 {
		return nil
	}
	var points plotter.XYs
	type cell struct{ column, node int }
	marked := make(map[cell]bool)
	for _, m := range t.Learnt {
		x := axis.place(m.At)
		if c := (cell{int(x * columns), m.Node}); !marked[c] { // a second mark would hide behind the first
			marked[c] = true
			points = append(points, plotter.XY{X: x, Y: float64(m.Node + 1)})
		}
	}
	marks, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	marks.Color, marks.Shape = learntTint, draw.CircleGlyph{}
	marks.Radius = max(1.2, min(2.6, vg.Length(130)/vg.Length(t.Nodes)))
	p.Add(marks)
	legend.Add("learns of "+subject(r), marks)
	return nil
}

// payloads is how many events and writes there were.
func payloads(r *scenario.Result) (count int) {
	if r.Events != nil {
		count += r.Events.Count
	}
	if r.Writes != nil {
		count += r.Writes.Count
	}
	return count
}

// subject is what nodes learn of.
func subject(r *scenario.Result) string {
	switch {
	case r.Events == nil:
		return "a write"
	case r.Writes == nil:
		return "an event"
	}
	return "an event or write"
}

// swatch is a color in the legend.
type swatch struct{ color.Color }

// Thumbnail implements [plot.Thumbnailer].
func (s swatch) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.Color, []vg.Point{c.Min, {X: c.Min.X, Y: c.Max.Y}, c.Max, {X: c.Max.X, Y: c.Min.Y}})
}

// strip is the raster: for each row and column the gravest shade in it.
type strip struct {
	nodes, rows int
	cells       [][]shade
	used        [shades]bool
}

func newStrip(r *scenario.Result, axis *timeAxis) *strip {
	t := r.Timeline
	s := &strip{nodes: t.Nodes, rows: min(t.Nodes, rowsMax)}
	s.cells = make([][]shade, s.rows)
	for i := range s.cells {
		s.cells[i] = make([]shade, columns)
	}
	learnt := make([]int, t.Nodes) // the column from which a node is informed
	for i := range learnt {
		learnt[i] = columns
	}
	column := func(at time.Duration) int {
		return min(max(int(axis.place(at)*columns), 0), columns-1)
	}
	if payloads(r) == 1 {
		for _, m := range t.Learnt {
			learnt[m.Node] = column(m.At)
		}
	}
	now, from := make([]scenario.Status, t.Nodes), make([]int, t.Nodes)
	for i := range now {
		now[i] = scenario.Down
	}
	for _, change := range t.Changes {
		i := change.Node
		if change.At >= 0 {
			s.fill(i, from[i], column(change.At), now[i], learnt[i])
			from[i] = column(change.At)
		}
		now[i] = change.Status
	}
	for i := range now {
		s.fill(i, from[i], columns-1, now[i], learnt[i])
	}
	return s
}

// fill draws a status in all columns that it touches.
func (s *strip) fill(node, from, to int, status scenario.Status, learnt int) {
	row := s.cells[node*s.rows/s.nodes]
	for x := from; x <= to; x++ {
		tone := shadeOf(status)
		if status == scenario.Right && x >= learnt {
			tone = informed
		}
		row[x] = max(row[x], tone)
		s.used[tone] = true
	}
}

// Plot implements [plot.Plotter]: equal neighbors are drawn as one rectangle.
func (s *strip) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for first := 0; first < s.rows; {
		next := first + 1
		for next < s.rows && slices.Equal(s.cells[next], s.cells[first]) {
			next++
		}
		// Rows share the nodes as fill does.
		top, bottom := toY(s.edge(first)), toY(s.edge(next))
		for x := 0; x < columns; {
			end := x + 1
			for end < columns && s.cells[first][end] == s.cells[first][x] {
				end++
			}
			left, right := toX(float64(x)/columns), toX(float64(end)/columns)
			// A little larger: else the white behind shines through the seams.
			const seam = .4
			c.FillPolygon(tints[s.cells[first][x]], []vg.Point{
				{X: left, Y: bottom - seam}, {X: left, Y: top}, {X: right + seam, Y: top}, {X: right + seam, Y: bottom - seam},
			})
			x = end
		}
		first = next
	}
}

// edge is the upper edge of a row on the axis of nodes.
func (s *strip) edge(row int) float64 {
	return .5 + float64((row*s.nodes+s.rows-1)/s.rows)
}

// bandMax is the share of the height that the labels take at most.
const bandMax = .26

// linesApart is how far verticals that say the same stand apart at least, as a
// share of the width: those of a flood would be a wall.
const linesApart = .02

// lines are the script's, as labeled verticals.
type lines struct {
	at    []float64
	texts []string
}

func newLines(log []scenario.Entry, axis *timeAxis) *lines {
	l, said := &lines{}, make(map[string]bool)
	for _, e := range log {
		if isMet(e) || e.At < 0 {
			continue
		}
		text := e.Text
		place := axis.place(e.At)
		if said[text] { // a line without a label, and none beside another
			if place < l.at[len(l.at)-1]+linesApart {
				continue
			}
			text = ""
		}
		said[e.Text] = true
		if r := []rune(text); len(r) > labelChars {
			text = string(r[:labelChars-1]) + "…"
		}
		l.at, l.texts = append(l.at, place), append(l.texts, text)
	}
	return l
}

// rows is how many rows of labels there may be.
func (l *lines) rows() int {
	n := 0
	for _, text := range l.texts {
		if text != "" {
			n++
		}
	}
	return min(n+1, labelsMax) // and a little air
}

// Plot implements [plot.Plotter].
func (l *lines) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	style := draw.LineStyle{Color: color.Gray{70}, Width: .6, Dashes: []vg.Length{3, 3}}
	label := p.X.Tick.Label
	label.Font.Size = 9
	label.XAlign, label.YAlign = draw.XLeft, draw.YTop
	label.Color = color.Gray{30}
	bottom := toY(.5) // of the band
	rows := max(l.rows(), 1)
	height := (c.Max.Y - bottom) / vg.Length(rows)
	taken := make([]vg.Length, rows) // up to where
	for i, at := range l.at {
		x := toX(at)
		c.StrokeLine2(style, x, c.Min.Y, x, bottom)
		if l.texts[i] == "" {
			continue
		}
		width := label.Width(l.texts[i]) + 8
		start := min(x+2, c.Max.X-width)
		for row := range taken {
			if start < taken[row] {
				continue
			}
			top := c.Max.Y - vg.Length(row)*height
			c.StrokeLine2(style, x, bottom, x, top-2)
			c.FillText(label, vg.Point{X: start, Y: top - 2}, l.texts[i])
			taken[row] = start + width
			break
		}
	}
}

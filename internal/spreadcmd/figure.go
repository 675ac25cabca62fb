package spreadcmd

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hearsay-gossip/hearsay/internal/picture"
)

// figure is a plot before it is drawn: measured points and theory lines in
// pairs of one color, and what the axes mean.
type figure struct {
	title, subtitle string
	x, y            axis
	series          []series
}

type axis struct {
	label    string
	log      bool
	min, max float64
}

// series is one protocol: points as simulated, a line as expected.
type series struct {
	name      string
	simulated plotter.XYs
	theory    plotter.XYs
}

var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{},
}

// plot draws a figure to the file asked for, if any.
func (o Output) plot(draw func() *figure) error {
	if o.Plot == "" {
		return nil
	}
	p, legend, err := draw().build()
	if err != nil {
		return fmt.Errorf("plot %s: %w", o.Plot, err)
	}
	return picture.Save(o.Plot, p, legend)
}

// build makes the plot and its legend.
func (f *figure) build() (*plot.Plot, *plot.Legend, error) {
	p := plot.New()
	p.Title.Text = f.title + "\n" + f.subtitle
	p.Title.TextStyle.Font.Size = 13
	p.Title.Padding = 8
	f.x.apply(&p.X)
	f.y.apply(&p.Y)
	p.Add(plotter.NewGrid())
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.Padding = 3
	legend.TextStyle.Font.Size = 11
	for i, s := range f.series {
		if err := f.add(p, &legend, i, s); err != nil {
			return nil, nil, err
		}
	}
	if key, err := f.lineKey(); err == nil {
		legend.Add("theory", key)
	}
	f.x.limit(&p.X)
	f.frame()
	f.y.limit(&p.Y)
	return p, &legend, nil
}

// frame fits the y axis to the points, unless its range is given: from zero, or
// in whole decades, with room at the top for the marks.
func (f *figure) frame() {
	if f.y.max > f.y.min {
		return
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range f.series {
		for _, pt := range f.visible(slices.Concat(s.simulated, s.theory)) {
			low, high = min(low, pt.Y), max(high, pt.Y)
		}
	}
	f.y.max = 1.05 * high
	if f.y.log {
		f.y.min, f.y.max = math.Pow(10, math.Floor(low)), 1.5*math.Pow(10, high)
	}
}

// lineKey is the legend's sample of a theory line.
func (f *figure) lineKey() (*plotter.Line, error) {
	line, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}})
	if err != nil {
		return nil, err
	}
	styleTheory(line, color.Gray{90})
	return line, nil
}

func styleTheory(line *plotter.Line, c color.Color) {
	line.Color = c
	line.Width = 1.4
	line.Dashes = []vg.Length{5, 3}
}

// add draws one series, leaving out what an axis cannot show.
func (f *figure) add(p *plot.Plot, legend *plot.Legend, i int, s series) error {
	tint := picture.Palette[i%len(picture.Palette)]
	if points := f.visible(s.theory); len(points) > 0 {
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		styleTheory(line, tint)
		p.Add(line)
	}
	points := f.visible(s.simulated)
	if len(points) == 0 {
		legend.Add(s.name + " (none)")
		return nil
	}
	marks, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	// Smaller and smaller, so that equal values do not hide one another.
	radius := vg.Length(max(4.4-.25*float64(i), 2))
	marks.Color, marks.Radius, marks.Shape = tint, radius, shapes[i%len(shapes)]
	p.Add(marks)
	legend.Add(s.name, marks)
	return nil
}

// visible places points on the axes, without those that do not exist or that a
// logarithm cannot show.
func (f *figure) visible(points plotter.XYs) plotter.XYs {
	var kept plotter.XYs
	for _, pt := range points {
		pt.X, pt.Y = f.x.place(pt.X), f.y.place(pt.Y)
		if !math.IsNaN(pt.Y) && !math.IsInf(pt.Y, 0) {
			kept = append(kept, pt)
		}
	}
	return kept
}

// place is where a value stands on the axis. Logarithms are taken here, not by
// the plot's scale, which makes room for an axis label in the wrong place then.
func (a axis) place(value float64) float64 {
	if a.log {
		return math.Log10(value)
	}
	return value
}

func (a axis) apply(to *plot.Axis) {
	to.Label.Text = a.label
	to.Label.TextStyle.Font.Size = 12
	to.Label.Padding = 6
	to.Tick.Label.Font.Size = 10.5
	to.Tick.Marker = picture.Steps{}
	if a.log {
		to.Tick.Marker = picture.Decades{}
	}
}

// limit fixes the range, with the zero value left to the data.
func (a axis) limit(to *plot.Axis) {
	if a.max > a.min {
		to.Min, to.Max = a.place(a.min), a.place(a.max)
	}
}

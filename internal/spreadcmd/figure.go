package spreadcmd

import (
	"fmt"
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
	// spacing is the least distance of points along the axis, on a logarithmic
	// one in powers of ten: so much room have marks that are moved apart.
	spacing float64
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
	p, legend := picture.New(f.title, f.subtitle)
	legend.ThumbnailWidth = 30 // of which a mark leaves enough of a dashed line
	f.x.apply(&p.X)
	f.y.apply(&p.Y)
	p.Add(plotter.NewGrid())
	f.frame()
	marks, moved := f.marks()
	for i, s := range f.series {
		if err := f.add(p, legend, i, s, marks[i]); err != nil {
			return nil, nil, err
		}
	}
	legend.Add("")
	legend.Add("marks: simulated")
	if moved {
		legend.Add("(side by side where")
		legend.Add("they would coincide)")
	}
	legend.Add("lines: theory")
	f.x.limit(&p.X)
	f.y.limit(&p.Y)
	return p, legend, nil
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

// phases is how many lines that lie on one another are told apart: each draws
// where the others leave a gap.
const phases = 3

// styleTheory gives the i-th line its color, its place in the common rhythm of
// dashes, and a width by which what still coincides looks out on both sides.
func styleTheory(line *plotter.Line, i, of int) {
	line.Color = picture.Palette[i%len(picture.Palette)]
	line.Width = max(2.6-.55*vg.Length(i/phases), 1)
	const dash = 4
	if of > 1 {
		line.Dashes = []vg.Length{dash, dash * (phases - 1)}
		line.DashOffs = dash * vg.Length(i%phases)
	} else {
		line.Dashes, line.Width = []vg.Length{5, 3}, 1.4
	}
}

// add draws one series, leaving out what an axis cannot show.
func (f *figure) add(p *plot.Plot, legend *plot.Legend, i int, s series, points plotter.XYs) error {
	var thumbs []plot.Thumbnailer
	if points := f.visible(s.theory); len(points) > 0 {
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		styleTheory(line, i, len(f.series))
		p.Add(line)
		thumbs = append(thumbs, line)
	}
	if len(points) == 0 {
		legend.Add(s.name + " (none)")
		return nil
	}
	marks, err := plotter.NewScatter(points)
	if err != nil {
		return err
	}
	marks.Color, marks.Radius, marks.Shape = picture.Palette[i%len(picture.Palette)], markRadius, shapes[i%len(shapes)]
	p.Add(marks)
	legend.Add(s.name, append(thumbs, marks)...)
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

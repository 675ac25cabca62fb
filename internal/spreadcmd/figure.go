package spreadcmd

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
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

// Sizes of a figure: a screen's width; the legend stands beside the plot, where
// it hides no curve.
const (
	figureWidth  = 24 * vg.Centimeter
	figureHeight = 14 * vg.Centimeter
	legendWidth  = 5.2 * vg.Centimeter
	figureDPI    = 110
)

// palette is that of Okabe and Ito, which color-blind readers can tell apart,
// and two more.
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{230, 159, 0, 255},
	color.RGBA{110, 80, 40, 255}, color.RGBA{0, 0, 0, 255}, color.RGBA{128, 128, 128, 255},
	color.RGBA{110, 50, 160, 255},
}

var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{},
}

// plot draws a figure to the file asked for, if any.
func (o Output) plot(draw func() *figure) error {
	if o.Plot == "" {
		return nil
	}
	image, err := draw().render(strings.ToLower(filepath.Ext(o.Plot)))
	if err != nil {
		return fmt.Errorf("plot %s: %w", o.Plot, err)
	}
	file, err := os.Create(o.Plot)
	if err != nil {
		return err
	}
	_, err = image.WriteTo(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// render draws the figure as SVG or PNG.
func (f *figure) render(ext string) (io.WriterTo, error) {
	p, legend, err := f.build()
	if err != nil {
		return nil, err
	}
	var canvas vg.CanvasSizer
	var image io.WriterTo
	switch ext {
	case ".svg":
		c := vgsvg.New(figureWidth, figureHeight)
		canvas, image = c, c
	case ".png":
		c := vgimg.NewWith(vgimg.UseWH(figureWidth, figureHeight), vgimg.UseDPI(figureDPI))
		canvas, image = c, vgimg.PngCanvas{Canvas: c}
	default:
		return nil, fmt.Errorf("%w %q", ErrPlotFormat, ext)
	}
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	const margin = 8
	p.Draw(draw.Crop(whole, margin, -legendWidth, margin, -margin))
	legend.Draw(draw.Crop(whole, figureWidth-legendWidth+12, -margin, margin, -2*vg.Centimeter))
	return image, nil
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
	tint := palette[i%len(palette)]
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
	to.Tick.Marker = steps{}
	if a.log {
		to.Tick.Marker = decades{}
	}
}

// limit fixes the range, with the zero value left to the data.
func (a axis) limit(to *plot.Axis) {
	if a.max > a.min {
		to.Min, to.Max = a.place(a.min), a.place(a.max)
	}
}

// steps marks an axis in steps of 1, 2 or 5 times a power of ten, whole numbers
// where they are enough.
type steps struct{}

func (steps) Ticks(lo, hi float64) []plot.Tick {
	const most = 11
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/most)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(step*factor) <= most {
			step *= factor
			break
		}
	}
	var ticks []plot.Tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9; i++ {
		ticks = append(ticks, plot.Tick{Value: i * step, Label: fmt.Sprintf("%g", math.Round(i*step*1e9)/1e9+0)}) // +0: no minus sign
	}
	return ticks
}

// decades marks powers of ten on an axis of logarithms, with the steps between
// them unlabeled.
type decades struct{}

func (decades) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Floor(lo); e <= math.Ceil(hi); e++ {
		ticks = append(ticks, plot.Tick{Value: e, Label: decadeName(e)})
		for m := 2.0; m < 10; m++ {
			ticks = append(ticks, plot.Tick{Value: e + math.Log10(m)})
		}
	}
	// Room is made for every label, drawn or not.
	return slices.DeleteFunc(ticks, func(t plot.Tick) bool { return t.Value < lo || t.Value > hi })
}

// decadeName prints a power of ten as a plain number.
func decadeName(e float64) string {
	if e >= 0 {
		return grouped(int(math.Round(math.Pow(10, e))))
	}
	return fmt.Sprintf("%.*f", int(-e), math.Pow(10, e))
}

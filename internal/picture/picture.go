// Package picture draws plots to files as the simulator's commands do: one size,
// one palette, a legend beside the plot, SVG or PNG by the name of the file.
package picture

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/hearsay-gossip/hearsay/internal/argument"
)

// ErrFormat is returned for a file that is neither SVG nor PNG.
var ErrFormat = errors.New("unknown plot format")

// Check returns [ErrFormat], wrapped, unless the file that a flag names ends in
// .svg or .png, and [argument.ErrFile] if it cannot be written. No name is no
// mistake.
func Check(flag, file string) error {
	switch format(file) {
	case ".svg", ".png":
		return argument.File(flag, file)
	}
	if file == "" {
		return nil
	}
	return fmt.Errorf("--%s: %w %q: want a file name that ends in .svg or .png", flag, ErrFormat, file)
}

func format(file string) string { return strings.ToLower(filepath.Ext(file)) }

// Sizes of a picture: a screen's width; the legend stands beside the plot, where
// it hides no curve.
const (
	width       = 24 * vg.Centimeter
	height      = 14 * vg.Centimeter
	legendWidth = 5.2 * vg.Centimeter
	dpi         = 110
)

// PlotWidth and PlotHeight are about what axes and title leave to the plot, in
// points: enough to tell whether two marks cover one another.
const (
	PlotWidth  = 475.
	PlotHeight = 300.
)

// Palette is that of Okabe and Ito, which color-blind readers can tell apart,
// and two more.
var Palette = []color.Color{
	color.RGBA{0, 114, 178, 255},
	color.RGBA{213, 94, 0, 255},
	color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255},
	color.RGBA{86, 180, 233, 255},
	color.RGBA{230, 159, 0, 255},
	color.RGBA{110, 80, 40, 255},
	color.RGBA{0, 0, 0, 255},
	color.RGBA{128, 128, 128, 255},
	color.RGBA{110, 50, 160, 255},
}

// New returns an empty plot with its title above, and an empty legend.
func New(title, subtitle string) (*plot.Plot, *plot.Legend) {
	p := plot.New()
	p.Title.Text = title + "\n" + subtitle
	p.Title.TextStyle.Font.Size = 13
	p.Title.Padding = 8
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font.Size = 12
		axis.Label.Padding = 6
		axis.Tick.Label.Font.Size = 10.5
		axis.Tick.Marker = Steps{}
	}
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.Padding = 3.5

	legend.TextStyle.Font.Size = 11
	return p, &legend
}

// Save draws a plot and its legend to a file. The error names the file.
func Save(file string, p *plot.Plot, legend *plot.Legend) error {
	image, err := render(format(file), p, legend)
	if err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = image.WriteTo(out)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return err
}

// render draws as SVG or PNG.
func render(ext string, p *plot.Plot, legend *plot.Legend) (io.WriterTo, error) {
	var canvas vg.CanvasSizer
	var image io.WriterTo
	switch ext {
	case ".svg":
		c := vgsvg.New(width, height)
		canvas, image = c, c
	case ".png":
		c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
		canvas, image = c, vgimg.PngCanvas{Canvas: c}
	default:
		return nil, fmt.Errorf("%w %q", ErrFormat, ext)
	}
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	const margin = 8
	p.Draw(draw.Crop(whole, margin, -legendWidth, margin, -margin))
	legend.Draw(draw.Crop(whole, width-legendWidth+12, -margin, margin, -2*vg.Centimeter))
	return image, nil
}

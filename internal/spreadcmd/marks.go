package spreadcmd

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot/plotter"

	"github.com/hearsay-gossip/hearsay/internal/picture"
)

// Sizes of marks, in points.
const (
	markRadius = 3.1
	// markStep is the distance of marks that are moved apart: most of either shows.
	markStep = 1.3 * markRadius
)

// mark is a simulated point: where it stands on the axes, and of which series.
type mark struct {
	series, point int
	x, y          float64
}

// marks places the simulated points of each series. Where two would hide one
// another they stand side by side, around their place; all others stand at it. It
// reports whether any was moved.
func (f *figure) marks() (placed []plotter.XYs, moved bool) {
	columns := make(map[float64][]mark)
	for i, s := range f.series {
		points := f.visible(s.simulated)
		placed = append(placed, points)
		for j, pt := range points {
			columns[pt.X] = append(columns[pt.X], mark{i, j, pt.X, pt.Y})
		}
	}
	for _, column := range columns {
		for _, group := range f.coinciding(column) {
			step := min(markStep*f.x.perPoint(picture.PlotWidth), .4*f.x.spacing/float64(len(group)))
			for k, m := range group {
				placed[m.series][m.point].X += (float64(k) - float64(len(group)-1)/2) * step
			}
			moved = moved || len(group) > 1
		}
	}
	return placed, moved
}

// coinciding parts marks at one place of the x axis into groups, each in the order
// of the series: from one mark to the next above is less than a radius.
func (f *figure) coinciding(column []mark) [][]mark {
	near := markRadius * f.y.perPoint(picture.PlotHeight)
	slices.SortStableFunc(column, func(a, b mark) int { return cmp.Compare(a.y, b.y) })
	var groups [][]mark
	for i, m := range column {
		if i > 0 && m.y-column[i-1].y < near {
			groups[len(groups)-1] = append(groups[len(groups)-1], m)
		} else {
			groups = append(groups, []mark{m})
		}
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b mark) int { return a.series - b.series })
	}
	return groups
}

// perPoint is how much of the axis a point of its length is.
func (a axis) perPoint(length float64) float64 { return (a.place(a.max) - a.place(a.min)) / length }

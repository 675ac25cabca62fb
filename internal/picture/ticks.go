package picture

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// Steps marks an axis in steps of 1, 2 or 5 times a power of ten, whole numbers
// where they are enough.
type Steps struct {
	Most int // marks, about; 0: 11
}

// Ticks implements [plot.Ticker].
func (s Steps) Ticks(lo, hi float64) []plot.Tick {
	most := 11.
	if s.Most > 0 {
		most = float64(s.Most)
	}
	if !(hi > lo) {
		return nil
	}
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

// Decades marks powers of ten on an axis of logarithms, with the steps between
// them unlabeled.
type Decades struct{}

// Ticks implements [plot.Ticker].
func (Decades) Ticks(lo, hi float64) []plot.Tick {
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
		return tabular.Grouped(int(math.Round(math.Pow(10, e))))
	}
	return fmt.Sprintf("%.*f", int(-e), math.Pow(10, e))
}

package spreadcmd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
)

// Every kind of chart as PNG and SVG: of the right size, and with its title,
// axes and legend in the text of the SVG.
func TestChartsAreDrawn(t *testing.T) {
	dir := t.TempDir()
	cases := []struct {
		name, line string
		texts      []string
	}{
		{"coverage", "--nodes 200 --trials 20", []string{"Share of nodes informed per round", "round", "live nodes informed (%)", "push", "theory"}},
		{"compare", "compare --nodes 200 --trials 5", []string{"median-counter (3)", "digest", "200 nodes"}},
		{"rounds", "compare --nodes 200 --fanout 1 --trials 20 --protocols push,pull --chart rounds", []string{"Rounds until all nodes know", "nodes", "100", "pull"}},
		{"copies", "--nodes 200 --chart copies --trials 20", []string{"Payload copies sent per node", "copies per node and update"}},
		{"residue", "compare --nodes 200 --fanout 1 --chart residue --trials 20", []string{"Nodes never reached (residue)", "blind-coin"}},
	}
	for _, c := range cases {
		for _, ext := range []string{".svg", ".png"} {
			file := filepath.Join(dir, c.name+ext)
			if _, err := run(t.Context(), append(strings.Fields(c.line), "--plot", file)...); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if ext == ".svg" {
				checkSVG(t, c.name, data, c.texts)
			} else {
				checkPNG(t, c.name, data)
			}
		}
	}
}

func checkSVG(t *testing.T, name string, data []byte, texts []string) {
	t.Helper()
	var all []string
	decoder := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: not XML: %v", name, err)
		}
		if text, ok := token.(xml.CharData); ok {
			all = append(all, strings.TrimSpace(string(text)))
		}
	}
	drawn := strings.Join(all, "\n")
	for _, want := range texts {
		if !strings.Contains(drawn, want) {
			t.Errorf("%s: %q is not drawn; texts: %q", name, want, all)
		}
	}
}

func checkPNG(t *testing.T, name string, data []byte) {
	t.Helper()
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if config.Width < 1_000 || config.Height < 590 {
		t.Errorf("%s: %d by %d pixels", name, config.Width, config.Height)
	}
}

// Marks stand where they belong, but for those that would hide one another: these
// stand close together, around their place.
func TestOnlyCoincidingMarksAreMoved(t *testing.T) {
	at := func(y float64) plotter.XYs { return plotter.XYs{{X: 3, Y: y}, {X: 4, Y: 90 - y}} }
	f := &figure{
		x: axis{min: 0, max: 10, spacing: 1}, y: axis{min: 0, max: 100},
		series: []series{{simulated: at(20)}, {simulated: at(40)}, {simulated: at(20.5)}, {simulated: at(math.NaN())}},
	}
	placed, moved := f.marks()
	if !moved || len(placed[3]) != 0 {
		t.Errorf("moved %v, %v", moved, placed)
	}
	if placed[1][0].X != 3 || placed[1][1].X != 4 {
		t.Errorf("a mark that stands alone is at %v", placed[1])
	}
	for i, x := range []float64{3, 4} {
		left, right := placed[0][i].X, placed[2][i].X
		if width := right - left; width <= 0 || width > .1 || math.Abs(left+right-2*x) > 1e-9 || placed[0][i].Y != f.series[0].simulated[i].Y {
			t.Errorf("at %v the marks stand at %v and %v", x, left, right)
		}
	}
	f.series = f.series[:2]
	if _, moved := f.marks(); moved {
		t.Error("marks are moved that do not coincide")
	}
}

package spreadcmd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
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

func TestChartWithoutResidueIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.png")
	if _, err := run(t.Context(), "--nodes", "100", "--chart", "residue", "--plot", file); !errors.Is(err, ErrChart) {
		t.Errorf("error %v, want %v", err, ErrChart)
	}
}

func TestPlotThatCannotBeWrittenFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "missing", "x.png")
	if _, err := run(t.Context(), "--nodes", "100", "--trials", "5", "--plot", file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		labels string
	}{
		{-.5, 26.5, "0 5 10 15 20 25"}, {0, 1, "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"}, {-2, 104, "0 10 20 30 40 50 60 70 80 90 100"},
	} {
		var labels []string
		for _, tick := range (steps{}).Ticks(c.lo, c.hi) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.labels {
			t.Errorf("%g to %g: %q, want %q", c.lo, c.hi, got, c.labels)
		}
	}
	var labels []string
	for _, tick := range (decades{}).Ticks(-2, 5.08) {
		if tick.Label != "" {
			labels = append(labels, tick.Label)
		}
	}
	if got, want := strings.Join(labels, " "), "0.01 0.1 1 10 100 1,000 10,000 100,000"; got != want {
		t.Errorf("decades %q, want %q", got, want)
	}
}

// What trials add from many goroutines is counted, and when the work is over no
// goroutine of the bar stays behind.
func TestMeterCountsAndLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	m := startMeter(&out, "push", 100, 0)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { m.add(5) })
	}
	group.Wait()
	m.stop()
	if got := m.done.Load(); got != 50 {
		t.Errorf("counted %d, want 50", got)
	}
}

func TestMeterIsQuietInPipes(t *testing.T) {
	var out bytes.Buffer
	quiet := newMeter(&out, "push", 100)
	if quiet != nil {
		t.Fatal("a buffer is no terminal")
	}
	quiet.add(1)
	quiet.stop()
	if out.Len() != 0 {
		t.Errorf("wrote %q", out.String())
	}
}

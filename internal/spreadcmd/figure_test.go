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
	"testing"
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

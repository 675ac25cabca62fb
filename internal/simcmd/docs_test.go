package simcmd

import (
	"os"
	"strings"
	"testing"
)

func TestDocumentationNamesEveryFigure(t *testing.T) {
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range quantities {
		if !strings.Contains(string(page), "`"+q.field+"`") {
			t.Errorf("docs/simulator.md does not name %s", q.field)
		}
	}
}

package simcmd

import (
	"os"
	"strings"
	"testing"

	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

func TestDocumentationNamesEveryFigure(t *testing.T) {
	page, err := os.ReadFile("../../docs/simulator.md")
	if err != nil {
		t.Fatal(err)
	}
	both := []*scenario.Result{{Events: &scenario.Broadcast{}, Writes: &scenario.Spread{}}}
	for _, q := range applicable(both) {
		if strings.HasPrefix(q.field, writePrefix) {
			continue // described once, for the events
		}
		if !strings.Contains(string(page), "`"+q.field+"`") {
			t.Errorf("docs/simulator.md does not name %s", q.field)
		}
	}
}

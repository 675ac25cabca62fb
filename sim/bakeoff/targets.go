package bakeoff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// targets are the figures to reach at 1,000 nodes, and where they are found.
var targets = []struct {
	what, limit string
	cell        Cell
	figure      func(o *Outcome) string
}{
	{"t99, 50 ms links", "≤ 120 ms", Cell{Links: Far}, latest},
	{"t99, 0.5 ms links", "≤ 5 ms", Cell{Links: LAN}, latest},
	{"copies a node, 50 ms", "≤ 1.02", Cell{Links: Far}, copies},
	{"copies a node, 50 ms, 5 % loss, 5 % dead", "≤ 1.35", Cell{Links: Far, Loss: 0.05, Dead: 0.05}, copies},
	{"copies a node, 0.5 ms, 5 % loss, 5 % dead", "≤ 1.35", Cell{Links: LAN, Loss: 0.05, Dead: 0.05}, copies},
	{"served within 0.7 s, 50 ms, 5 % loss, 5 % dead", "≥ 99.9 %", Cell{Links: Far, Loss: 0.05, Dead: 0.05}, soon},
	{"served within 5 s, 50 ms, 5 % loss, 5 % dead", "100 %", Cell{Links: Far, Loss: 0.05, Dead: 0.05}, later},
}

func latest(o *Outcome) string { return milliseconds(o.T99) + " ms" }
func copies(o *Outcome) string { return tabular.Fixed(o.Copies, 3) }
func soon(o *Outcome) string   { return percent(o.At07) + " %" }
func later(o *Outcome) string  { return percent(o.At5) + " %" }

// Targets renders what was to be reached at 1,000 nodes beside what was.
func Targets(rows []Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| 1,000 nodes | target | %s |\n|---|--:|%s\n", strings.Join(Strategies(), " | "), strings.Repeat("--:|", len(Strategies())))
	for _, t := range targets {
		t.cell.Nodes, t.cell.Size = 1000, size
		fmt.Fprintf(&b, "| %s | %s |", t.what, t.limit)
		for _, strategy := range Strategies() {
			figure := tabular.Absent
			if k := slices.IndexFunc(rows, func(r Row) bool { return r.Key() == Key{t.cell, strategy} }); k >= 0 {
				figure = t.figure(&rows[k].Whole)
			}
			fmt.Fprintf(&b, " %s |", figure)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func targetCells() []Cell {
	var cells []Cell
	for _, t := range targets {
		t.cell.Nodes, t.cell.Size = 1000, size
		if !slices.Contains(cells, t.cell) {
			cells = append(cells, t.cell)
		}
	}
	return cells
}

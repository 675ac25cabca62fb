package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// report is what -json prints.
type report struct {
	Go         string   `json:"go"`
	OS         string   `json:"os"`
	Arch       string   `json:"arch"`
	Memberlist string   `json:"memberlist"` // version
	Seed       uint64   `json:"seed"`
	Table      []line   `json:"table"`
	Trials     []result `json:"trials"`
}

// line is one figure of one fault, side by side.
type line struct {
	Row    string `json:"row"`
	Label  string `json:"variant,omitempty"`
	Nodes  int    `json:"nodes"`
	Trials int    `json:"trials"`
	Name   string `json:"figure"`
	// Systems has a summary for each system that was measured.
	Systems map[string]summary `json:"systems"`
}

func newReport(p plan, results []result) report {
	return report{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Memberlist: benchcluster.Version("github.com/hashicorp/memberlist"),
		Seed:       p.seed, Table: lines(p, results), Trials: results,
	}
}

// lines puts the trials of both systems together.
func lines(p plan, results []result) []line {
	var list []line
	for _, r := range p.rows {
		s := p.size(r)
		for _, label := range r.labels() {
			for _, nodes := range s.nodes {
				figures := make(map[string][]figure)
				var all []figure
				for _, t := range results {
					if t.Row == r.name && t.Label == label && t.Nodes == nodes {
						figures[t.System] = append(figures[t.System], t.Figures...)
						all = append(all, t.Figures...)
					}
				}
				for _, f := range names(all) {
					l := line{Row: r.name, Label: label, Nodes: nodes, Trials: s.trials, Name: f.Name, Systems: make(map[string]summary)}
					for system, of := range figures {
						l.Systems[system] = summarize(f.Kind, f.Name, of)
					}
					list = append(list, l)
				}
			}
		}
	}
	return list
}

// legend explains cells.
const legend = `
Seconds: median / 99th percentile / largest of the trials (nearest rank: the
99th percentile of fewer than 100 is the largest). FP, leave events about nodes
without a fault, and other counts: the sum of all trials (smallest–largest
trial); FP−: at observers without a fault. Others: mean (smallest–largest).
`

// markdown is the table for people.
func markdown(p plan, results []result) string {
	var out strings.Builder
	cells := append([]string{"fault", "nodes", "trials", "figure"}, p.systems...)
	writeRow(&out, cells)
	writeRow(&out, []string{"---", "---:", "---:", "---", strings.Repeat("---: | ", len(p.systems)-1) + "---:"})
	previous := ""
	for _, l := range lines(p, results) {
		head := []string{strings.TrimSpace(l.Row + " " + l.Label), fmt.Sprint(l.Nodes), fmt.Sprint(l.Trials)}
		if id := strings.Join(head, " "); id == previous {
			head = []string{"", "", ""}
		} else {
			previous = id
		}
		cells := append(head, unit(l))
		for _, system := range p.systems {
			cells = append(cells, l.Systems[system].String())
		}
		writeRow(&out, cells)
	}
	out.WriteString(legend)
	return out.String()
}

// unit is the name of a figure, with its unit if it is a time.
func unit(l line) string {
	for _, s := range l.Systems {
		if s.Kind == seconds {
			return l.Name + ", s"
		}
	}
	return l.Name
}

func writeRow(out *strings.Builder, cells []string) {
	out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

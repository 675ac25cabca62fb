package main

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
)

// report is what -json prints.
type report struct {
	Go      string            `json:"go"`
	OS      string            `json:"os"`
	Arch    string            `json:"arch"`
	CPUs    int               `json:"cpus"`    // that one process may use at once
	Systems map[string]string `json:"systems"` // how each is configured
	Turns   []turn            `json:"turns"`   // what was asked for, in the order of results
	Results []result          `json:"results"`
	Medians []summary         `json:"medians"`
}

// write prints the results as p wants them.
func write(w io.Writer, p plan, results []result) error {
	if !p.json {
		return writeMarkdown(w, p.systems, summarize(results))
	}
	r := report{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0),
		Systems: make(map[string]string), Turns: p.turns(), Results: results, Medians: summarize(results),
	}
	for _, name := range p.systems {
		r.Systems[name] = systems[name].about
	}
	return tabular.WriteJSON(w, r)
}

// writeMarkdown prints a table for each workload, cluster and size, with a row
// for each system, and below all how the systems were configured. A cell is the
// median of the runs, with the lowest and highest in brackets where they differ.
func writeMarkdown(w io.Writer, names []string, summaries []summary) error {
	var out strings.Builder
	for len(summaries) > 0 {
		first := summaries[0]
		same := slices.IndexFunc(summaries, func(s summary) bool {
			return s.Workload != first.Workload || s.Nodes != first.Nodes || s.Size != first.Size
		})
		if same < 0 {
			same = len(summaries)
		}
		writeTable(&out, summaries[:same])
		if first.Workload == workRate {
			writeRates(&out, summaries[:same])
		}
		summaries = summaries[same:]
	}
	for _, name := range names {
		fmt.Fprintf(&out, "- %s: %s.\n", name, systems[name].about)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// writeTable prints the systems of one workload, cluster and size.
func writeTable(out *strings.Builder, rows []summary) {
	first := rows[0]
	fmt.Fprintf(out, "### %s: %d nodes, %d bytes\n\n", title(first.Workload), first.Nodes, first.Size)
	cells := []string{"system", "runs"}
	for _, m := range metricsOf(first.Workload) {
		cells = append(cells, m.head)
	}
	missed := "missed by a node"
	if first.Workload == workRate {
		missed += " while it keeps up"
	}
	cells = append(cells, missed)
	writeHead(out, cells)
	for _, s := range rows {
		cells := []string{s.System + " " + s.Version, s.runs()}
		for _, m := range metricsOf(s.Workload) {
			cells = append(cells, cell(s.Metrics[m.name], m.digits))
		}
		writeRow(out, append(cells, s.Outcome.String()))
	}
	out.WriteString("\n")
}

// writeRates prints what became of each rate that a system came to: the p99
// and, where it was less than offered, the rate it accepted; where there is any,
// the share of messages that some node missed.
func writeRates(out *strings.Builder, columns []summary) {
	head := []string{"offered, /s"}
	offered := make(map[int]bool)
	for _, s := range columns {
		head = append(head, s.System+" p99, ms")
		for _, r := range s.Rates {
			offered[r.Offered] = true
		}
	}
	writeHead(out, head)
	for _, rate := range slices.Sorted(maps.Keys(offered)) {
		cells := []string{tabular.Grouped(rate)}
		for _, s := range columns {
			cells = append(cells, s.at(rate))
		}
		writeRow(out, cells)
	}
	out.WriteString("\n")
}

// at is the cell of a rate.
func (s summary) at(rate int) string {
	i := slices.IndexFunc(s.Rates, func(r rateSummary) bool { return r.Offered == rate })
	if i < 0 {
		return tabular.Absent
	}
	r := s.Rates[i]
	text := cell(r.P99, 1)
	if accepted := float64(r.Achieved.Median); accepted < behind*float64(rate) {
		text += fmt.Sprintf(", took %s/s", tabular.Grouped(int(accepted)))
	}
	if r.Outcome.Refused > 0 {
		text += ", refused"
	}
	if r.Outcome.Missed > 0 {
		text += ", missed " + r.Outcome.missedShare()
	}
	return text
}

// runs is how many there were and, if they are fewer, how many converged.
func (s summary) runs() string {
	if s.Converged == s.Runs {
		return strconv.Itoa(s.Runs)
	}
	return fmt.Sprintf("%d of %d converged", s.Converged, s.Runs)
}

// String tells what became of broadcasts.
func (o outcome) String() string {
	text := fmt.Sprintf("%s of %s", tabular.Grouped(o.Missed), tabular.Grouped(o.Broadcasts))
	if o.Missed > 0 {
		text += " (" + o.missedShare() + ")"
	}
	for _, more := range []struct {
		name  string
		count int
	}{{"refused", o.Refused}, {"repeated", o.Repeated}, {"corrupt", o.Corrupt}} {
		if more.count > 0 {
			text += fmt.Sprintf(", %s %s", tabular.Grouped(more.count), more.name)
		}
	}
	return text
}

func (o outcome) missedShare() string {
	return tabular.Percent(per(float64(o.Missed), float64(o.Broadcasts)))
}

func title(workload string) string {
	switch workload {
	case workLatency:
		return "Single broadcasts"
	case workRate:
		return "One sender"
	case workLoss:
		return "Many broadcasts"
	}
	return workload
}

func cell(s spread, digits int) string {
	number := func(v tabular.Number) string { return tabular.Fixed(float64(v), digits) }
	low, high := number(s.Min), number(s.Max)
	if low == high {
		return number(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), low, high)
}

func writeHead(out *strings.Builder, cells []string) {
	writeRow(out, cells)
	rule := make([]string, len(cells))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = "---"
	writeRow(out, rule)
}

func writeRow(out *strings.Builder, cells []string) {
	out.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

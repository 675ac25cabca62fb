package simcmd

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/tabular"
	"github.com/hearsay-gossip/hearsay/sim/scenario"
)

// document is a JSON object whose fields are in order.
type document []field

type field struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (d document) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range d {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", f.name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// spreadOf is what a figure becomes over many seeds.
type spreadOf struct {
	Min tabular.Number `json:"min"`
	P50 tabular.Number `json:"p50"`
	P99 tabular.Number `json:"p99"`
	Max tabular.Number `json:"max"`
}

type expectation struct {
	Text   string         `json:"text"`
	At     tabular.Number `json:"at_s"`
	Waited tabular.Number `json:"waited_s"`
	Met    bool           `json:"met"`
	Seen   string         `json:"seen,omitempty"`
}

type detection struct {
	Node  int            `json:"node"`
	At    tabular.Number `json:"at_s"`
	First tabular.Number `json:"first_s"`
	All   tabular.Number `json:"all_s"`
}

type window struct {
	Name    string         `json:"name"`
	Length  tabular.Number `json:"duration_s"`
	Packets tabular.Number `json:"packets_per_node_s"`
	Bytes   tabular.Number `json:"bytes_per_node_s"`
}

// document is what --json prints. Over many seeds each figure is a spread, and
// converged means all of them.
func (c *Cluster) document(results []*scenario.Result) document {
	converged := true
	for _, r := range results {
		converged = converged && r.Converged
	}
	d := document{
		{"nodes", *c.Nodes},
		{"seed", c.Seed},
		{"seeds", c.Seeds},
		{"seeds_done", len(results)},
		{"scenario", c.script.Name},
	}
	d = append(append(d, c.setting.fields()...), field{"dead", tabular.Number(c.Dead)}, field{"converged", converged})
	for _, q := range applicable(results) {
		d = append(d, field{q.field, c.figure(&q, results)})
	}
	d = append(d, field{"node_hours", c.figure(&quantity{of: nodeHours}, results)})
	if c.Seeds == 1 {
		d = append(d, detail(results[0])...)
	}
	counts := document{}
	for i, k := range results[0].Checks {
		var sum uint64
		for _, r := range results {
			sum += r.Checks[i].Count
		}
		counts = append(counts, field{k.Invariant, sum})
	}
	return append(d, field{"checks", counts}, field{"trace_hash", hash(hashOf(results))})
}

func (c *Cluster) figure(q *quantity, results []*scenario.Result) any {
	if c.Seeds == 1 {
		return tabular.Number(q.of(results[0]))
	}
	v := q.over(results)
	return spreadOf{tabular.Number(v[0]), tabular.Number(quantile(v, .5)), tabular.Number(quantile(v, .99)), tabular.Number(v[len(v)-1])}
}

// detail is what one run alone can tell.
func detail(r *scenario.Result) document {
	expectations, detections, windows := []expectation{}, []detection{}, []window{}
	for _, x := range r.Expectations {
		expectations = append(expectations, expectation{x.Text, tabular.Seconds(x.At), tabular.Seconds(x.Waited), x.OK, x.Seen})
	}
	for _, x := range r.Detections {
		detections = append(detections, detection{x.Node + 1, tabular.Seconds(x.At), happened(x.First), happened(x.All)})
	}
	for _, x := range r.Windows {
		windows = append(windows, window{x.Name, tabular.Seconds(x.Length), tabular.Number(x.PacketsPerNode()), tabular.Number(x.BytesPerNode())})
	}
	return document{
		{"windows", windows},
		{"detections", detections},
		{"expectations", expectations},
	}
}

func happened(d time.Duration) tabular.Number {
	if d < 0 {
		return tabular.Number(math.NaN())
	}
	return tabular.Seconds(d)
}

// writeCSV writes a row for each seed.
func (c *Cluster) writeCSV(w io.Writer, results []*scenario.Result) error {
	columns := applicable(results)
	header := []string{"scenario", "nodes", "seed", "converged"}
	for _, q := range columns {
		header = append(header, q.field)
	}
	rows := [][]string{append(header, "trace_hash")}
	for _, r := range results {
		row := []string{r.Scenario, strconv.Itoa(r.Nodes), strconv.FormatUint(r.Seed, 10), strconv.FormatBool(r.Converged)}
		for _, q := range columns {
			row = append(row, tabular.Number(q.of(r)).String())
		}
		rows = append(rows, append(row, hash(r.Hash)))
	}
	return csv.NewWriter(w).WriteAll(rows)
}

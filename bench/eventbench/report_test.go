package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// results are those of two systems, one of which fails at much.
func results() []result {
	latency := func(system string, run int, t100 float64, missed int) result {
		return result{
			System: system, Version: "v1", Workload: workLatency, Nodes: 16, Size: 64, Run: run, Converged: true,
			Latency: &latencyResult{
				outcome: outcome{Broadcasts: 40, Missed: missed, MissedDeliveries: missed},
				T50:     1, T99: 2, T100: t100, T100P99: 9, CopiesPerNode: 1.004, PacketsPerNode: 2, BytesPerNode: 1234.4, CPUMicrosPerDelivery: 25,
			},
		}
	}
	whole := step{
		Offered: 1000, Achieved: 1000, outcome: outcome{Broadcasts: 5000}, P99: 3, CPUMicrosPerDelivery: 4.5, Processors: 0.5,
		CopiesPerNode: 1, KeepsUp: true, Whole: true,
	}
	slow := step{Offered: 2000, Achieved: 1200.5, outcome: outcome{Broadcasts: 9000, Missed: 90, Refused: 1}, Refusal: "full", P99: 10_000}
	lossy := step{Offered: 1000, Achieved: 1000, outcome: outcome{Broadcasts: 5000, Missed: 5}, P99: 30, KeepsUp: true}
	rate := func(system string, run int, steps ...step) result {
		return result{
			System: system, Version: "v1", Workload: workRate, Nodes: 16, Size: 64, Run: run, Converged: true, Rate: &rateResult{Steps: steps},
		}
	}
	return []result{
		latency("good", 1, 4, 0), latency("bad", 1, 400, 1), latency("good", 2, 5, 0),
		{System: "bad", Version: "v1", Workload: workLatency, Nodes: 16, Size: 64, Run: 2, Seconds: 120},
		rate("good", 1, whole, slow), rate("bad", 1, lossy, slow),
		{
			System: "good", Version: "v1", Workload: workLoss, Nodes: 8, Size: 64, Run: 1, Converged: true,
			Loss: &lossResult{Rate: 100, outcome: outcome{Broadcasts: 10_000, Repeated: 3}, P99: 2, Max: 8},
		},
	}
}

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	if err := write(&out, plan{}, results()); err != nil {
		t.Fatal(err)
	}
	want := `### Single broadcasts: 16 nodes, 64 bytes

| system | runs | to 50 %, ms | to 99 %, ms | to all, ms | to all, p99, ms | copies a node | datagrams a node | bytes a node | CPU a delivery, µs | missed by a node |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| good v1 | 2 | 1.0 | 2.0 | 4.5 (4.0–5.0) | 9.0 | 1.00 | 2.00 | 1234 | 25 | 0 of 80 |
| bad v1 | 1 of 2 converged | 1.0 | 2.0 | 400.0 | 9.0 | 1.00 | 2.00 | 1234 | 25 | 1 of 40 (2.50 %) |

### One sender: 16 nodes, 64 bytes

| system | runs | all arrives, /s | p99 there, ms | CPU a delivery there, µs | processors there | copies a node there | keeps up, /s | missed by a node while it keeps up |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| good v1 | 1 | 1000 | 3.0 | 4.5 | 0.50 | 1.00 | 1000 | 0 of 5,000 |
| bad v1 | 1 | 0 | – | – | – | – | 1000 | 5 of 5,000 (0.10 %) |

| offered, /s | good p99, ms | bad p99, ms |
| --- | ---: | ---: |
| 1,000 | 3.0 | 30.0, missed 0.10 % |
| 2,000 | 10000.0, took 1,200/s, refused, missed 1.00 % | 10000.0, took 1,200/s, refused, missed 1.00 % |

### Many broadcasts: 8 nodes, 64 bytes

| system | runs | rate, /s | p99, ms | longest, ms | missed by a node |
| --- | ---: | ---: | ---: | ---: | ---: |
| good v1 | 1 | 100 | 2.0 | 8.0 | 0 of 10,000, 3 repeated |

`
	if got := out.String(); got != want {
		t.Errorf("markdown\n%s\nwant\n%s", got, want)
	}
}

func TestMarkdownTellsHowSystemsAreConfigured(t *testing.T) {
	var out strings.Builder
	if err := write(&out, plan{systems: []string{"memberlist"}}, nil); err != nil {
		t.Fatal(err)
	}
	if want := "- memberlist: " + systems["memberlist"].about + ".\n"; out.String() != want {
		t.Errorf("markdown %q, want %q", out.String(), want)
	}
}

func TestJSONHasTurnsResultsAndMedians(t *testing.T) {
	p := parsed(t, "-json", "-systems=memberlist", "-workloads=loss")
	var out strings.Builder
	if err := write(&out, p, results()); err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != len(results()) || len(got.Turns) != len(p.turns()) || got.Systems["memberlist"] == "" || got.CPUs < 1 {
		t.Errorf("%d results, %d turns, %d systems, %d processors", len(got.Results), len(got.Turns), len(got.Systems), got.CPUs)
	}
	if m := got.Medians[0]; m.System != "good" || m.Runs != 2 || m.Metrics["t100_ms"] != (spread{4.5, 4, 5}) {
		t.Errorf("first medians %+v, want those of two runs of good", m)
	}
	// A figure that does not exist is null.
	if want := `"whole_p99_ms": {
          "median": null,`; !strings.Contains(out.String(), want) {
		t.Errorf("JSON lacks %s", want)
	}
}

func TestAResultSurvivesTheWayFromAChild(t *testing.T) {
	for _, want := range results() {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got result
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() || got.Converged != want.Converged {
			t.Errorf("result %v, want %v", got, want)
		}
		for _, m := range metricsOf(want.Workload) {
			if !want.Converged {
				continue
			}
			if a, b := m.value(got), m.value(want); a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
				t.Errorf("%s is %v, want %v", m.name, a, b)
			}
		}
	}
}

func TestProgressNamesWhatMatters(t *testing.T) {
	want := []string{
		"to half 1.0 ms, to all 4.0 ms, 0 of 40 missed",
		"to half 1.0 ms, to all 400.0 ms, 1 of 40 missed",
		"to half 1.0 ms, to all 5.0 ms, 0 of 40 missed",
		"not converged after 120.0 s",
		"whole at 1000/s, keeps up at 1000/s",
		"whole at 0/s, keeps up at 1000/s",
		"0 of 10000 missed",
	}
	for i, r := range results() {
		if got := r.String(); got != want[i] {
			t.Errorf("progress %q, want %q", got, want[i])
		}
	}
}

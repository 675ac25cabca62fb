package main

import (
	"strings"
	"testing"
)

func TestATableHasBothSideBySide(t *testing.T) {
	p := plan{rows: []row{mustRow(t, "crash"), mustRow(t, "freeze")}, systems: systems(), nodes: []int{8}, trials: 1}
	v, zero := 11.25, 0.0
	results := []result{
		{job: job{Row: "crash", Nodes: 8, System: sysMemberlist}, Figures: []figure{{seconds, "everybody knows", &v}, {count, "FP", &zero}}},
		{job: job{Row: "crash", Nodes: 8, System: sysHearsay}, Figures: []figure{{seconds, "everybody knows", nil}, {count, "FP", &v}}},
		{job: job{Row: "freeze", Label: "5s", Nodes: 8, System: sysHearsay}, Figures: []figure{{count, "FP", &zero}}},
	}
	want := `| fault | nodes | trials | figure | memberlist | hearsay |
| --- | ---: | ---: | --- | ---: | ---: |
| crash | 8 | 1 | everybody knows, s | 11.2 / 11.2 / 11.2 | never (1 of 1) |
|  |  |  | FP | 0 | 11 |
| freeze 5s | 8 | 1 | FP | – | 0 |
` + legend
	if got := markdown(p, results); got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
	if r := newReport(p, results); len(r.Table) != 3 || len(r.Trials) != 3 || !strings.HasPrefix(r.Go, "go") {
		t.Errorf("%+v", r)
	}
}

func mustRow(t *testing.T, name string) row {
	t.Helper()
	r, ok := rowOf(name)
	if !ok {
		t.Fatalf("no row %s", name)
	}
	return r
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

func TestLibrariesTakeTurns(t *testing.T) {
	got := turns(plan{libraries: []string{"a", "b"}, nodes: []int{8, 32}, runs: 2})
	want := []turn{
		{"a", 8}, {"b", 8}, {"a", 8}, {"b", 8},
		{"a", 32}, {"b", 32}, {"a", 32}, {"b", 32},
	}
	if !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}
}

func TestAChildIsAskedForTheSamePlan(t *testing.T) {
	p, err := parse([]string{
		"-library=memberlist", "-nodes=8,32", "-runs=2", "-sealed=false",
		"-patience=3m", "-poll=7ms", "-settle=2s", "-idle=4s",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	child, err := parse(turn{"memberlist", 32}.arguments(p), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !child.child || child.json || child.sealed {
		t.Errorf("child %t, json %t, sealed %t; want only a child", child.child, child.json, child.sealed)
	}
	if !slices.Equal(child.libraries, []string{"memberlist"}) || !slices.Equal(child.nodes, []int{32}) {
		t.Errorf("child measures %v with %v nodes, want memberlist with 32", child.libraries, child.nodes)
	}
	want := benchcluster.Options{
		Patience: 3 * time.Minute, Poll: 7 * time.Millisecond, Settle: 2 * time.Second, Idle: 4 * time.Second,
	}
	if child.options != want {
		t.Errorf("child options %+v, want %+v", child.options, want)
	}
}

func TestParseNamesEveryMistake(t *testing.T) {
	_, err := parse([]string{
		"-library=memberlist,nobody", "-nodes=8,x,1", "-runs=0", "-idle=0s", "-child", "rest",
	}, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{`"nobody"`, `"x"`, "1 nodes", "0 runs", "idle of 0s", "-child", `"rest"`} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not name %s", err, word)
		}
	}
}

func TestExitCodesTellUsageFromFailure(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"help", []string{"-h"}, exitDone},
		{"unknown flag", []string{"-nope"}, exitUsage},
		{"unknown library", []string{"-library=nobody"}, exitUsage},
		{"interrupted", []string{"-child", "-library=memberlist", "-nodes=2"}, exitFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			var out strings.Builder
			if got := run(ctx, c.args, &out, io.Discard); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
			if out.Len() > 0 {
				t.Errorf("standard output has %q, want nothing", out.String())
			}
		})
	}
}

func TestHelpIsNoMistake(t *testing.T) {
	var usage strings.Builder
	if _, err := parse([]string{"-help"}, &usage); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v, want %v", err, flag.ErrHelp)
	}
	for _, name := range []string{"-library", "-nodes", "-runs", "-json", "-sealed"} {
		if !strings.Contains(usage.String(), name) {
			t.Errorf("usage does not name %s", name)
		}
	}
}

func TestReportHasResultsAndMedians(t *testing.T) {
	results := []benchcluster.Result{{Library: "a", Nodes: 8, FullSeconds: 1}, {Library: "a", Nodes: 8, FullSeconds: 2}}
	var out strings.Builder
	if err := write(&out, plan{json: true}, results); err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Results, results) {
		t.Errorf("results %+v, want %+v", got.Results, results)
	}
	if len(got.Medians) != 1 || got.Medians[0].Metrics["full_s"].Median != 1.5 {
		t.Errorf("medians %+v, want one with full_s 1.5", got.Medians)
	}
	if got.CPUs < 1 || got.Go == "" {
		t.Errorf("report of %d processors with Go %q, want both known", got.CPUs, got.Go)
	}
}

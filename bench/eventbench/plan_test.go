package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func parsed(t *testing.T, args ...string) plan {
	t.Helper()
	p, err := parse(args, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSystemsTakeTurns(t *testing.T) {
	p := parsed(t, "-systems=memberlist,serf", "-workloads=rate,latency", "-runs=2", "-nodes=16,64", "-sizes=64,1024")
	var got []string
	for _, turn := range p.turns() {
		got = append(got, turn.System)
		if turn.Workload == workRate && turn.Nodes != 16 {
			t.Errorf("rate with %d nodes, want 16", turn.Nodes)
		}
	}
	// Two sizes of the rate, then two clusters of the latency, two runs each.
	want := slices.Repeat([]string{"memberlist", "serf"}, 8)
	if !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}
	last := p.turns()[len(want)-1]
	if last.Workload != workLatency || last.Nodes != 64 || last.Run != 2 || last.Size != 64 {
		t.Errorf("last turn %+v, want run 2 of latency with 64 nodes and bytes", last)
	}
}

func TestAllTurnsAreValid(t *testing.T) {
	for _, args := range [][]string{nil, {"-quick"}} {
		list := parsed(t, args...).turns()
		if len(list) == 0 {
			t.Errorf("%v: no turns", args)
		}
		for _, turn := range list {
			if err := turn.validate(); err != nil {
				t.Errorf("%v: %+v: %v", args, turn, err)
			}
		}
	}
}

func TestQuickYieldsToOtherFlags(t *testing.T) {
	p := parsed(t, "-broadcasts=33", "-quick")
	if p.latency.Broadcasts != 33 || p.latency.runs != quick.runs || p.rate.Hold != quick.hold {
		t.Errorf("%d broadcasts, %d runs, steps of %s; want 33 and the rest of -quick", p.latency.Broadcasts, p.latency.runs, p.rate.Hold)
	}
	if p := parsed(t); p.rate.Hold != full.hold {
		t.Errorf("steps of %s without -quick, want %s", p.rate.Hold, full.hold)
	}
}

func TestPeersLoseOfFewer(t *testing.T) {
	p := parsed(t, "-workloads=loss", "-loss-nodes=8", "-peer-loss-broadcasts=7", "-peer-loss-rate=3", "-loss-broadcasts=9", "-loss-rate=4", "-systems=hearsay,memberlist")
	ours, peer := p.turns()[0], p.turns()[1]
	if ours.Broadcasts != 9 || !slices.Equal(ours.Rates, []int{4}) {
		t.Errorf("hearsay broadcasts %d at %v/s, want 9 at 4", ours.Broadcasts, ours.Rates)
	}
	if peer.Broadcasts != 7 || !slices.Equal(peer.Rates, []int{3}) {
		t.Errorf("memberlist broadcasts %d at %v/s, want 7 at 3", peer.Broadcasts, peer.Rates)
	}
}

func TestAChildIsAskedForTheSameTurn(t *testing.T) {
	for _, want := range parsed(t, "-systems=memberlist", "-runs=1").turns() {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		p := parsed(t, "-child="+string(text))
		if p.child == nil || !reflect.DeepEqual(*p.child, want) {
			t.Errorf("child measures %+v, want %+v", p.child, want)
		}
	}
}

func TestParseNamesEveryMistake(t *testing.T) {
	_, err := parse([]string{
		"-systems=memberlist,nobody", "-workloads=latency,rate,sleep", "-nodes=16,x,1", "-runs=0", "-sizes=7", "-rates=10,5,0",
		"-idle=0s", "-hold=0s", "-timeout=0s", "-child={", "rest",
	}, io.Discard)
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{
		`"nobody"`, `"sleep"`, `"x" of -nodes`, "0 runs of latency", "0 runs of rate", "-child", `"rest"`,
	} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not name %s", err, word)
		}
	}
	for arg, word := range map[string]string{
		"-nodes=1": "1 nodes", "-sizes=7": "7 bytes", "-rates=10,5": "5/s follows 10/s", "-rates=0": "0/s", "-idle=0s": "idle for 0s",
		"-hold=0s": "hold for 0s", "-timeout=0s": "timeout of 0s", "-ready=0s": "ready within 0s", "-settle=-1s": "settle for -1s",
		"-broadcasts=0": "0 broadcasts", "-pause=-1s": "pause of -1s", "-drain=-1s": "drain for -1s", "-p99=0s": "p99 0s",
		"-peer-loss-broadcasts=0": "0 broadcasts", "-latency-size=x": `"x"`,
	} {
		if _, err := parse([]string{arg}, io.Discard); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: error %v does not name %q", arg, err, word)
		}
	}
}

func TestExitCodesTellUsageFromFailure(t *testing.T) {
	child, err := json.Marshal(turn{
		Workload: workLoss, System: "memberlist", Nodes: 2, Size: 64, Ready: time.Minute, Timeout: time.Second, Broadcasts: 1, Rates: []int{1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"help", []string{"-h"}, exitDone},
		{"unknown flag", []string{"-nope"}, exitUsage},
		{"unknown system", []string{"-systems=nobody"}, exitUsage},
		{"unknown system of a child", []string{`-child={"system":"nobody"}`}, exitUsage},
		{"interrupted", []string{"-child=" + string(child)}, exitFailed},
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
	for _, name := range []string{"-systems", "-workloads", "-nodes", "-sizes", "-runs", "-json", "-quick"} {
		if !strings.Contains(usage.String(), name) {
			t.Errorf("usage does not name %s", name)
		}
	}
}

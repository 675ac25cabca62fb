package main

import (
	"fmt"
	"slices"
	"time"
)

// row is one fault, and how often it is played to whom.
type row struct {
	name, about string
	script      func(*world, variant)
	variants    []variant
	// cycle: trials go through the variants, and are told together.
	cycle bool
	// frozen: only a [freezer] can play it.
	frozen bool
	// compress: memberlist compresses, as by default. It costs much processor
	// time and changes nothing but bytes.
	compress    bool
	full, quick size
}

// size is how large a row is by default. Trials are those of a variant, or all
// of a row that cycles.
type size struct {
	nodes  []int
	trials int
}

// variant is one strength of a fault. Each row takes what it needs.
type variant struct {
	label         string
	share         float64
	span, between time.Duration
	members       int
}

// rows are all there are, in the order of the table.
func rows() []row {
	return []row{
		{
			name: "crash", about: "one node loses its power", script: crash,
			full: size{[]int{32, 128, 512}, 30}, quick: size{[]int{32, 128}, 10},
		},
		{
			name: "cut", about: "two halves cannot reach each other for a while; full views after it", script: cut,
			variants: spans(10, 20, 30, 60, 120, 300),
			full:     size{[]int{64}, 30}, quick: size{[]int{64}, 2},
		},
		{
			name: "egress", about: "2 nodes lose a share of what they send, for 300 s", script: egress,
			variants: shares(80, 90),
			full:     size{[]int{128}, 30}, quick: size{[]int{128}, 3},
		},
		{
			name: "ingress", about: "2 nodes lose a share of what is sent to them, for 300 s", script: ingress,
			variants: shares(80),
			full:     size{[]int{128}, 30}, quick: size{[]int{128}, 2},
		},
		{
			name: "flipflop", about: "nothing reaches 2 nodes for 20 s, everything for 20 s, 7 times", script: flipFlop,
			full: size{[]int{200}, 30}, quick: size{[]int{128}, 2},
		},
		{
			name: "loss", about: "every link loses a share of packets, for 300 s", script: loss,
			variants: shares(10, 20, 30),
			full:     size{[]int{128}, 30}, quick: size{[]int{128}, 1},
		},
		{
			name: "interval", about: "Lifeguard: 4, 16 or 32 nodes held for 16 or 33 s, again and again", script: interval,
			variants: intervals(), cycle: true,
			full: size{[]int{128}, 36}, quick: size{[]int{128}, 12},
		},
		{
			name: "threshold", about: "Lifeguard: 16 nodes held once", script: threshold,
			variants: members(spans(5, 15, 30, 60), 16),
			full:     size{[]int{128}, 30}, quick: size{[]int{128}, 2},
		},
		{
			name: "freeze", about: "a quarter of the nodes stops altogether once, timers too", script: freeze,
			variants: spans(1, 5, 15, 60, 120), frozen: true,
			full: size{[]int{128}, 30}, quick: size{[]int{128}, 2},
		},
		{
			name: "restart", about: "every node restarts once within a minute", script: restart,
			full: size{[]int{128}, 30}, quick: size{[]int{128}, 2},
		},
		{
			name: "storm", about: "all join one node at once", script: storm,
			full: size{[]int{64}, 100}, quick: size{[]int{64}, 10},
		},
		{
			name: "trickle", about: "one joins every 5 ms", script: trickle,
			full: size{[]int{32, 64, 99, 128}, 50}, quick: size{[]int{64}, 6},
		},
		{
			name: "idle", about: "nothing happens for 300 s", script: idle, compress: true,
			full: size{[]int{32, 128, 512}, 5}, quick: size{[]int{128}, 1},
		},
	}
}

// rowNames lists all rows.
func rowNames() []string {
	var list []string
	for _, r := range rows() {
		list = append(list, r.name)
	}
	return list
}

// rowOf returns a row by its name.
func rowOf(name string) (row, bool) {
	list := rows()
	i := slices.IndexFunc(list, func(r row) bool { return r.name == name })
	if i < 0 {
		return row{}, false
	}
	return list[i], true
}

// labels returns what the variants of a row are told under: "" if there are none
// or all are told together.
func (r row) labels() []string {
	if r.cycle || len(r.variants) == 0 {
		return []string{""}
	}
	var list []string
	for _, v := range r.variants {
		list = append(list, v.label)
	}
	return list
}

// variant returns that of a trial, counted from 0.
func (r row) variant(label string, trial int) variant {
	if r.cycle {
		return r.variants[trial%len(r.variants)]
	}
	for _, v := range r.variants {
		if v.label == label {
			return v
		}
	}
	return variant{}
}

func spans(of ...int) []variant {
	var list []variant
	for _, s := range of {
		d := time.Duration(s) * time.Second
		list = append(list, variant{label: d.String(), span: d})
	}
	return list
}

func shares(of ...int) []variant {
	var list []variant
	for _, percent := range of {
		list = append(list, variant{label: fmt.Sprintf("%d %%", percent), share: float64(percent) / 100})
	}
	return list
}

func members(list []variant, k int) []variant {
	for i := range list {
		list[i].members = k
	}
	return list
}

// intervals are the twelve runs of the experiment: few and many members, holds of
// about once and twice the shortest suspicion, short and long relief.
func intervals() []variant {
	var list []variant
	for _, c := range []int{4, 16, 32} {
		for _, d := range []time.Duration{16_384 * time.Millisecond, 32_768 * time.Millisecond} {
			for _, i := range []time.Duration{64 * time.Millisecond, 1024 * time.Millisecond} {
				list = append(list, variant{members: c, span: d, between: i})
			}
		}
	}
	return list
}

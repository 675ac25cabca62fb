package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// plan is what the command line asks for.
type plan struct {
	rows     []row
	systems  []string
	nodes    []int // empty: those of each row
	trials   int   // 0: those of each row
	seed     uint64
	parallel int
	quick    bool
	json     bool
	child    *job // the one trial to make in this process; nil: all
}

// parse reads the command line and returns all its errors at once. What the
// flag package has to say goes to stderr.
func parse(args []string, stderr io.Writer) (plan, error) {
	var p plan
	var errs []error
	flags := flag.NewFlagSet("detector", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { usage(flags) }
	names := flags.String("rows", strings.Join(rowNames(), ","), "which faults, with commas")
	wanted := flags.String("systems", strings.Join(systems(), ","), "which columns, with commas")
	nodes := flags.String("nodes", "", "nodes of a cluster, with commas; empty: those of each row")
	flags.IntVar(&p.trials, "trials", 0, "trials of each variant of a row; 0: those of each row")
	flags.Uint64Var(&p.seed, "seed", 1, "random seed of the fault schedules")
	flags.IntVar(&p.parallel, "parallel", runtime.GOMAXPROCS(0), "trials at a time, each in a process of its own")
	flags.BoolVar(&p.quick, "quick", false, "fewer trials and smaller clusters")
	flags.BoolVar(&p.json, "json", false, "print every trial and the summaries as JSON instead of a table")
	child := flags.String("child", "", "make this one trial, as JSON, in this process and print its figures")
	if err := flags.Parse(args); err != nil {
		return plan{}, err
	}
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	for name := range strings.SplitSeq(*names, ",") {
		r, ok := rowOf(name)
		if !ok {
			errs = append(errs, fmt.Errorf("row %q is not there, these are: %s", name, strings.Join(rowNames(), ", ")))
		}
		p.rows = append(p.rows, r)
	}
	for name := range strings.SplitSeq(*wanted, ",") {
		if !slices.Contains(systems(), name) {
			errs = append(errs, fmt.Errorf("system %q is not there, these are: %s", name, strings.Join(systems(), ", ")))
		}
		p.systems = append(p.systems, name)
	}
	if *nodes != "" {
		for text := range strings.SplitSeq(*nodes, ",") {
			n, err := strconv.Atoi(text)
			if err != nil {
				errs = append(errs, fmt.Errorf("number %q of -nodes: %w", text, err))
			}
			p.nodes = append(p.nodes, n)
		}
	}
	if p.trials < 0 || p.parallel < 1 {
		errs = append(errs, fmt.Errorf("%d trials, %d at a time: need 0 or more, and 1 or more", p.trials, p.parallel))
	}
	if *child != "" {
		p.child = &job{}
		if err := json.Unmarshal([]byte(*child), p.child); err != nil {
			errs = append(errs, fmt.Errorf("parse -child: %w", err))
		}
	}
	if len(errs) == 0 {
		errs = append(errs, p.validate())
	}
	if err := errors.Join(errs...); err != nil {
		return plan{}, err
	}
	return p, nil
}

// usage lists flags and rows.
func usage(flags *flag.FlagSet) {
	out := flags.Output()
	fmt.Fprintln(out, "Usage: detector [flags]\n\nFlags:")
	flags.PrintDefaults()
	fmt.Fprintln(out, "\nRows:")
	for _, r := range rows() {
		fmt.Fprintf(out, "  %-10s %s\n", r.name, r.about)
	}
}

// validate returns what is wrong with the jobs of p, each error once.
func (p plan) validate() error {
	if p.child != nil {
		return p.child.validate()
	}
	var errs []error
	seen := make(map[string]bool)
	for _, j := range p.jobs() {
		if err := j.validate(); err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// size returns how large a row is to be.
func (p plan) size(r row) size {
	s := r.full
	if p.quick {
		s = r.quick
	}
	if len(p.nodes) > 0 {
		s.nodes = p.nodes
	}
	if p.trials > 0 {
		s.trials = p.trials
	}
	return s
}

// jobs lists all trials, in the order of the table.
func (p plan) jobs() []job {
	var list []job
	for _, r := range p.rows {
		s := p.size(r)
		for _, label := range r.labels() {
			for _, nodes := range s.nodes {
				for trial := range s.trials {
					for _, system := range p.systems {
						if r.frozen && system == sysMemberlist {
							continue
						}
						list = append(list, job{r.name, label, nodes, trial, p.seed, system})
					}
				}
			}
		}
	}
	return list
}

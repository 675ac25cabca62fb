package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// plan is what the command line asks for.
type plan struct {
	libraries []string // in the order of their turns
	nodes     []int
	runs      int
	sealed    bool
	json      bool
	child     bool                 // one measurement, in this process
	options   benchcluster.Options // its Nodes are filled in for each measurement
}

const (
	// A storm of 300 memberlist nodes on two cores needs up to a minute.
	defaultPatience = 2 * time.Minute
	// Looking costs one atomic load for each node, so a resolution of 5 ms is
	// cheap even with a thousand.
	defaultPoll = 5 * time.Millisecond
	// Rumors of a join die out after a few seconds; measured at once, the
	// idle phase would count their last retransmissions.
	defaultSettle = 10 * time.Second
	// Fifteen probe periods: enough to average over, short enough that nine
	// measurements end within ten minutes.
	defaultIdle = 15 * time.Second
)

// both names the two libraries the comparison was made for, in this order: the
// ratio of a table is that of the second to the first.
const both = "both"

func bothLibraries() []string { return []string{"memberlist", "hearsay"} }

// parse reads the command line and returns all its errors at once. What the
// flag package has to say goes to stderr.
func parse(args []string, stderr io.Writer) (plan, error) {
	var p plan
	flags := flag.NewFlagSet("clusterbench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("library", both, "what to measure: memberlist, hearsay, bare, several with commas, or both")
	nodes := flags.String("nodes", "8,32,100", "how many nodes a cluster has; several numbers with commas")
	flags.IntVar(&p.runs, "runs", 3, "measurements of each library with each number of nodes")
	flags.BoolVar(&p.json, "json", false, "print every result and the medians as JSON instead of a table")
	flags.BoolVar(&p.sealed, "sealed", true, "encrypt what nodes send each other")
	flags.BoolVar(&p.child, "child", false, "measure once, in this process, and print the result as JSON")
	flags.DurationVar(&p.options.Patience, "patience", defaultPatience, "longest wait for full views")
	flags.DurationVar(&p.options.Poll, "poll", defaultPoll, "how often to look for full views")
	flags.DurationVar(&p.options.Settle, "settle", defaultSettle, "time between full views and the idle phase")
	flags.DurationVar(&p.options.Idle, "idle", defaultIdle, "length of the idle phase")
	if err := flags.Parse(args); err != nil {
		return plan{}, err
	}

	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q", flags.Arg(0)))
	}
	var err error
	p.libraries, err = parseLibraries(*names)
	errs = append(errs, err)
	p.nodes, err = parseNodes(*nodes)
	errs = append(errs, err)
	if p.runs < 1 {
		errs = append(errs, fmt.Errorf("%d runs, need 1 or more", p.runs))
	}
	if p.child && (len(p.libraries) != 1 || len(p.nodes) != 1) {
		errs = append(errs, errors.New("-child takes one library and one number of nodes"))
	}
	for _, n := range p.nodes {
		o := p.options
		o.Nodes = n
		errs = append(errs, o.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return plan{}, err
	}
	return p, nil
}

func parseLibraries(list string) ([]string, error) {
	names := strings.Split(list, ",")
	if list == both {
		names = bothLibraries()
	}
	var errs []error
	for _, name := range names {
		if _, ok := libraries[name]; !ok {
			known := strings.Join(slices.Sorted(maps.Keys(libraries)), ", ")
			errs = append(errs, fmt.Errorf("library %q is not built in, these are: %s", name, known))
		}
	}
	return names, errors.Join(errs...)
}

func parseNodes(list string) ([]int, error) {
	var nodes []int
	var errs []error
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("number of nodes %q: %w", text, err))
			continue
		}
		nodes = append(nodes, n)
	}
	return nodes, errors.Join(errs...)
}

// Command run builds every mutant and runs the swarm on it until it is caught,
// on two processors some minutes for all of them. It fails if one survives
// that should not, or one is caught that should not.
//
//	go run ./sim/mutants/run [-runs 1000] [-nodes 30] [-table FILE] [name ...]
//	go run ./sim/mutants/run -build DIR name ...
//
// With -table, the rows replace those of the same mutants between the marks in a
// Markdown file. With -build, broken binaries are left in a directory, and not
// run: each has the commands swarm and replay of hearsay sim.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hearsay-gossip/hearsay/sim/mutants"
)

// limit is how long one victim may take: a mutant that loops is caught as well,
// but not by an invariant.
const limit = 10 * time.Minute

// survivors may not be caught in so many runs.
const survivors = 200

func main() {
	l := lab{}
	flag.IntVar(&l.runs, "runs", 1000, "runs until a mutant counts as a survivor")
	flag.IntVar(&l.nodes, "nodes", 30, "nodes of a run at most")
	flag.IntVar(&l.workers, "workers", 2, "mutants at once")
	flag.Uint64Var(&l.seed, "seed", 1, "random seed of the first run")
	table := flag.String("table", "", "Markdown file whose table is to be written")
	dir := flag.String("build", "", "directory for the binaries of the mutants named, which are built and not run")
	flag.Parse()
	var err error
	if *dir != "" {
		err = build(*dir, flag.Args())
	} else {
		err = l.run(flag.Args(), *table)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// lab builds and runs victims.
type lab struct {
	runs, nodes, workers int
	seed                 uint64
	root, scratch        string
}

// outcome is what became of one mutant.
type outcome struct {
	mutants.Mutant
	mutants.End
	err error
}

func (l *lab) run(names []string, table string) error {
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	if l.root, err = mutants.Root(); err != nil {
		return err
	}
	if l.scratch, err = os.MkdirTemp("", "mutants"); err != nil {
		return err
	}
	done := l.all(chosen)
	errs := []error{os.RemoveAll(l.scratch)}
	for i := range done {
		errs = append(errs, done[i].verdict())
	}
	if table != "" && errors.Join(errs...) == nil {
		all, err := mutants.All()
		if err != nil {
			return err
		}
		known := make([]string, len(all))
		for i := range all {
			known[i] = all[i].Name
		}
		errs = append(errs, write(table, done, known))
	}
	return errors.Join(errs...)
}

// build leaves the binaries of mutants in a directory, to be run by hand.
func build(dir string, names []string) error {
	if len(names) == 0 {
		return errors.New("-build needs the names of mutants")
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	root, err := mutants.Root()
	if err != nil {
		return err
	}
	for i := range chosen {
		binary, err := chosen[i].Build(root, dir)
		if err != nil {
			return err
		}
		fmt.Println(binary)
	}
	return nil
}

func choose(names []string) ([]mutants.Mutant, error) {
	all, err := mutants.All()
	if err != nil || len(names) == 0 {
		return all, err
	}
	var chosen []mutants.Mutant
	for _, name := range names {
		i := slices.IndexFunc(all, func(m mutants.Mutant) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no mutant %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// all runs mutants, some at once, and prints each as it ends.
func (l *lab) all(chosen []mutants.Mutant) []outcome {
	done := make([]outcome, len(chosen))
	var group sync.WaitGroup
	slots := make(chan struct{}, max(l.workers, 1))
	var print sync.Mutex
	for i := range chosen {
		slots <- struct{}{}
		group.Go(func() {
			o := l.one(chosen[i])
			done[i] = o
			print.Lock()
			fmt.Println(o.line())
			print.Unlock()
			<-slots
		})
	}
	group.Wait()
	return done
}

// one builds a mutant and runs it until it is caught.
func (l *lab) one(m mutants.Mutant) outcome {
	o := outcome{Mutant: m}
	binary, err := m.Build(l.root, l.scratch)
	if err != nil {
		o.err = err
		return o
	}
	runs := l.runs
	if m.Harmless {
		runs = survivors
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-seed", strconv.FormatUint(l.seed, 10), "-runs", strconv.Itoa(runs),
		"-nodes", strconv.Itoa(l.nodes), fmt.Sprintf("-twice=%v", m.Twice))
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err == nil {
		err = errors.Join(json.Unmarshal(text, &o.End), os.Remove(binary)) // 40 of them are large
	}
	if err != nil {
		o.err = fmt.Errorf("%s: %w\n%s", m.Name, err, said.String())
	}
	return o
}

// verdict is the error that an outcome amounts to.
func (o *outcome) verdict() error {
	switch caught := o.Invariant != ""; {
	case o.err != nil:
		return o.err
	case caught && o.Harmless:
		return fmt.Errorf("%s is harmless and was caught: %s seed %s: %s", o.Name, o.Invariant, o.Seed, o.End.What)
	case !caught && !o.Harmless:
		return fmt.Errorf("%s survived %d runs", o.Name, o.Runs)
	}
	return nil
}

func (o *outcome) line() string {
	if o.err != nil {
		return o.Name + ": " + o.err.Error()
	}
	return fmt.Sprintf("%-26s %-5s after %3d runs  %s  %s", o.Name, cmpOr(o.Invariant, "none"), o.Runs, o.Seed, o.End.What)
}

func cmpOr(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}

package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// The systems.
const (
	sysMemberlist = "memberlist"
	sysHearsay    = "hearsay"
)

// systems are both, in the order of the columns.
func systems() []string { return []string{sysMemberlist, sysHearsay} }

// job is one trial of one system: all that the process that makes it has to
// know. It travels there as JSON.
type job struct {
	Row    string `json:"row"`
	Label  string `json:"variant,omitempty"`
	Nodes  int    `json:"nodes"`
	Trial  int    `json:"trial"` // from 0
	Seed   uint64 `json:"seed"`
	System string `json:"system"`
}

// String names the trial, counted from 1.
func (j job) String() string {
	name := j.Row
	if j.Label != "" {
		name += " " + j.Label
	}
	return fmt.Sprintf("%s, %d nodes, %s, trial %d", name, j.Nodes, j.System, j.Trial+1)
}

// errJob is wrapped by every error about a trial that cannot be made as asked.
var errJob = errors.New("invalid trial")

// nodesMax bounds the tables of all pairs of nodes.
const nodesMax = 5000

// validate returns all that is wrong with j, joined.
func (j job) validate() error {
	var errs []error
	r, ok := rowOf(j.Row)
	if !ok {
		errs = append(errs, fmt.Errorf("%w: row %q is not there", errJob, j.Row))
	} else if r.frozen && j.System == sysMemberlist {
		errs = append(errs, fmt.Errorf("%w: memberlist cannot be frozen", errJob))
	}
	if j.System != sysMemberlist && j.System != sysHearsay {
		errs = append(errs, fmt.Errorf("%w: system %q is not there", errJob, j.System))
	}
	if j.Nodes < 4 || j.Nodes > nodesMax {
		errs = append(errs, fmt.Errorf("%w: %d nodes, need 4 to %d", errJob, j.Nodes, nodesMax))
	}
	return errors.Join(errs...)
}

// seed returns the random seed of a trial: the same for both systems.
func (j job) seed() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%s/%d/%d", j.Seed, j.Row, j.Label, j.Nodes, j.Trial)
	return h.Sum64()
}

// open makes the cluster of a job and the world around it.
func (j job) open() (*world, error) {
	seed := j.seed()
	network, events := newNetwork(seed, j.Nodes), newJournal(j.Nodes)
	random := rand.New(rand.NewPCG(seed, seed))
	if j.System == sysMemberlist {
		r, _ := rowOf(j.Row)
		return newWorld(newMemberlists(network, events, r.compress), network, events, random), nil
	}
	s, err := newSimulated(network, events)
	if err != nil {
		return nil, err
	}
	return newWorld(s, network, events, random), nil
}

// measure makes a trial. For memberlist it must be called within a bubble of
// testing/synctest.
func measure(j job) ([]figure, error) {
	if err := j.validate(); err != nil {
		return nil, err
	}
	w, err := j.open()
	if err != nil {
		return nil, err
	}
	r, _ := rowOf(j.Row)
	r.script(w, r.variant(j.Label, j.Trial))
	w.note(w.Close())
	return w.figures, errors.Join(w.errs...)
}

package main

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"runtime/debug"
	"testing"
	"testing/synctest"
)

// garbage is how much the heap of a child may grow between collections, in
// percent: its memory lasts for seconds, and rare collections make memberlist
// two to four times as fast.
const garbage = 800

// runChild makes the one trial this process is for and prints its figures.
// For memberlist it ends the process; see [inBubble].
func runChild(j job, stdout io.Writer) error {
	debug.SetGCPercent(garbage)
	if j.System != sysMemberlist {
		return printFigures(j, stdout)
	}
	inBubble(func(t *testing.T) {
		if err := printFigures(j, stdout); err != nil {
			t.Fatal(err)
		}
	})
	return nil
}

func printFigures(j job, stdout io.Writer) error {
	figures, err := measure(j)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(figures)
}

// inBubble calls f in the virtual time of testing/synctest and ends the process,
// with a code other than 0 if f failed. A bubble needs a test, and outside of
// "go test" only [testing.Main] makes one.
func inBubble(f func(t *testing.T)) {
	testing.Init()
	if err := flag.CommandLine.Parse(nil); err != nil { // of no arguments: cannot fail
		panic(err)
	}
	os.Stdout = os.Stderr // where the package says PASS
	matches := func(string, string) (bool, error) { return true, nil }
	testing.Main(matches, []testing.InternalTest{{
		Name: "detector",
		F:    func(t *testing.T) { synctest.Test(t, f) },
	}}, nil, nil)
}

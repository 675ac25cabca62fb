// Command clusterbench measures clusters of real nodes on loopback sockets,
// library against library: how long until everybody knows everybody, how many
// live nodes are called dead, and what an idle node costs.
//
// Each measurement runs in a process of its own, and libraries take turns, so
// that whatever else the machine does is shared fairly. Standard output gets a
// table of medians or, with -json, every result; standard error gets progress.
//
//	go run ./clusterbench -library memberlist -nodes 8,32 -runs 3
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/hearsay-gossip/hearsay/internal/benchcluster"
)

// library is one that can be measured. Each registers itself from the file
// that adapts it.
type library struct {
	module string                                 // path of its Go module, for the version
	open   func(sealed bool) benchcluster.Cluster // a cluster not yet started
}

// libraries by the name that -library takes. Filled by init functions only.
var libraries = make(map[string]library)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		fmt.Fprintln(stderr, "clusterbench:", err)
		return exitUsage
	}
	if p.child {
		err = runChild(ctx, p, stdout)
	} else {
		err = runTurns(ctx, p, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "clusterbench:", err)
		return exitFailed
	}
	return exitDone
}

// runChild makes the one measurement this process is for.
func runChild(ctx context.Context, p plan, stdout io.Writer) error {
	l := libraries[p.libraries[0]]
	o := p.options
	o.Nodes = p.nodes[0]
	if err := benchcluster.RaiseFiles(o.Nodes); err != nil {
		return err
	}
	r, err := benchcluster.Run(ctx, l.open(p.sealed), o)
	if err != nil {
		return err
	}
	r.Library = p.libraries[0]
	r.Version = runtime.Version()
	if l.module != "" {
		r.Version = benchcluster.Version(l.module)
	}
	r.Sealed = p.sealed
	return json.NewEncoder(stdout).Encode(r)
}

// report is what -json prints.
type report struct {
	Go      string                 `json:"go"`
	OS      string                 `json:"os"`
	Arch    string                 `json:"arch"`
	CPUs    int                    `json:"cpus"` // that one process may use at once
	Results []benchcluster.Result  `json:"results"`
	Medians []benchcluster.Summary `json:"medians"`
}

func newReport(results []benchcluster.Result) report {
	return report{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.GOMAXPROCS(0),
		Results: results, Medians: benchcluster.Summarize(results),
	}
}

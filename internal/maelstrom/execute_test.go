package maelstrom

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asNode has the test's own program be a node: "star", or "exit" to end at once.
const asNode = "MAELSTROM_TEST_NODE"

func TestMain(m *testing.M) {
	switch os.Getenv(asNode) {
	case "star":
		fmt.Fprintln(os.Stderr, "hello")
		node := &star{}
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			node.Line(0, in.Bytes())
			for _, line := range node.Output() {
				fmt.Printf("%s\n", line)
			}
		}
	case "exit":
	default:
		os.Exit(m.Run())
	}
}

func execute(t *testing.T, as string) (*Result, string) {
	t.Helper()
	t.Setenv(asNode, as)
	var log strings.Builder
	opts := Options{Workload: "unique-ids", Nodes: 3, Rate: 500, TimeLimit: 200 * ms, Seed: 1}
	r, err := Execute(t.Context(), opts, []string{os.Args[0]}, &log)
	if err != nil {
		t.Fatal(err)
	}
	return r, log.String()
}

func TestProgramsAreRun(t *testing.T) {
	r, log := execute(t, "star")
	if !r.Valid() || r.OK == 0 || r.OK != r.Requests {
		t.Errorf("%d of %d ok, problems %q", r.OK, r.Requests, r.Problems)
	}
	for i := range 3 {
		if want := fmt.Sprintf("n%d: hello\n", i); !strings.Contains(log, want) {
			t.Errorf("log is %q, without %q", log, want)
		}
	}
}

func TestAProgramThatEndsIsAProblem(t *testing.T) {
	r, _ := execute(t, "exit")
	if r.Valid() || !strings.HasSuffix(r.Problems[0], " ended") {
		t.Errorf("problems %q", r.Problems)
	}
}

func TestExecuteReportsWhatStopsIt(t *testing.T) {
	var notThere *os.PathError
	if _, err := Execute(t.Context(), Options{}, []string{"./no-such-program"}, os.Stderr); !errors.As(err, &notThere) {
		t.Errorf("no program: %v", err)
	}
	if _, err := Execute(t.Context(), Options{}, nil, os.Stderr); !errors.Is(err, ErrOptions) {
		t.Errorf("no command: %v", err)
	}
	t.Setenv(asNode, "star")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, exec.ErrNotFound)
	defer cancel()
	if _, err := Execute(ctx, Options{Workload: "echo"}, []string{os.Args[0]}, &strings.Builder{}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("context that ends: %v", err)
	}
}

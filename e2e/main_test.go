//go:build e2e && linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the program, runs the tests and looks for processes that they left.
func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "hearsay-e2e-")
	if err != nil {
		return complain(err)
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			code = complain(err)
		}
	}()
	binary = filepath.Join(dir, "hearsay")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "../cmd/hearsay")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return complain(fmt.Errorf("build: %w", err))
	}
	code = m.Run()
	left, err := strays()
	if err != nil {
		return complain(err)
	}
	if len(left) > 0 {
		return complain(fmt.Errorf("processes left behind: %v", left))
	}
	return code
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "e2e:", err)
	return 1
}

// strays lists the processes that run the program under test. Its path is that
// of this run alone.
func strays() (pids []int, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue // not a process
		}
		// A process may have ended since the listing.
		if path, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe")); err == nil &&
			strings.TrimSuffix(path, " (deleted)") == binary {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Supported returns nil if this process can run labs. Otherwise the error
// wraps [ErrUnsupported] and lists every reason found. The first call tries
// the real thing, in a namespace that it removes; later calls repeat its answer.
func Supported() error { return supported() }

var supported = sync.OnceValue(func() error {
	if err := probe(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return nil
})

// Requirer is the part of testing.TB that [Require] needs.
type Requirer interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Require skips the test if labs are unsupported here, and says so on standard
// error as well. Where the environment has CI=true it fails the test instead:
// a machine that is there to run it must not skip it.
func Require(t Requirer) {
	t.Helper()
	demand(t, Supported(), os.Getenv("CI") == "true")
}

func demand(t Requirer, unsupported error, ci bool) {
	t.Helper()
	switch {
	case unsupported == nil:
	case ci:
		t.Fatalf("CI must run this test: %v", unsupported)
	default:
		fmt.Fprintf(os.Stderr, "SKIPPED, NOT TESTED: %v\n", unsupported)
		t.Skipf("%v", unsupported)
	}
}

// tool finds a program of the system. PATH may lack the directories of
// administration programs, and su(1) without a dash keeps such a PATH for root.
func tool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", err
}

package snapshot_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/hearsay-gossip/hearsay/snapshot"
)

// childDir makes the test binary a second process on that directory.
const childDir = "HEARSAY_TEST_SNAPSHOT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child saves state after state and prints the number of each once it is
// acknowledged, until it is killed. It prints "locked" if it may not.
func child(dir string) int {
	s, records, _, err := snapshot.Open(snapshot.OS(), dir, identity)
	if errors.Is(err, snapshot.ErrLocked) {
		fmt.Println("locked")
		return 0
	}
	k, whole := number(records)
	for err == nil && whole {
		k++
		if err = s.Save(slices.Values(numbered(k))); err == nil {
			_, err = fmt.Println(k)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// start runs the child and returns it with its output, line by line.
func start(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestRealDirectoryRoundTripsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for k := uint64(1); k <= 4; k++ {
		s, records, report, err := snapshot.Open(snapshot.OS(), dir, identity)
		if err != nil {
			t.Fatal(err)
		}
		if found, whole := number(records); found != k-1 || !whole || len(report.Damaged) > 0 {
			t.Fatalf("life %d found state %d, report %+v", k, found, report)
		}
		mustSave(t, s, numbered(k))
		mustClose(t, s)
	}
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, _, _, err := snapshot.Open(snapshot.OS(), dir, identity)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cmd, out := start(t, dir)
	if !out.Scan() || out.Text() != "locked" {
		t.Errorf("the second process says %q, want locked", out.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// A process killed amid its writes gives up the lock and loses nothing that it
// was told is durable.
func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	var h history
	for life := range 10 {
		cmd, out := start(t, dir)
		for range 1 + 3*life {
			if !out.Scan() {
				t.Fatal("the child ended by itself")
			}
			k, err := strconv.ParseUint(out.Text(), 10, 64)
			if err != nil {
				t.Fatalf("the child says %q", out.Text())
			}
			h.acked = k
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() { // what it acknowledged before the kill reached it
			if k, err := strconv.ParseUint(out.Text(), 10, 64); err == nil {
				h.acked = max(h.acked, k)
			}
		}
		var killed *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &killed) {
			t.Fatalf("the child ended with %v", err)
		}
		s, records, report, err := snapshot.Open(snapshot.OS(), dir, identity)
		if err != nil {
			t.Fatal(err)
		}
		found, whole := number(records)
		if !whole || found < h.acked || found > h.acked+1 || len(report.Damaged) > 0 {
			t.Fatalf("life %d: found state %d, acknowledged %d, report %+v", life, found, h.acked, report)
		}
		mustClose(t, s)
	}
}

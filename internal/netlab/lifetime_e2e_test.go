//go:build e2e && linux

package netlab

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCloseLeavesNothingBehind(t *testing.T) {
	Require(t)
	before, own := outside(t), ownNamespaces(t)
	kinds(t, 3, func(t *testing.T, lab *Lab) {
		s := serve(t, lab.Host(0), lab.Host(0).Addr())
		conn := dial(t, lab.Host(1), s)
		conn.send(t, "in use")
		conn.receive(t)
		must(t, lab.Cut([]int{0}, []int{1}), lab.Loss(10))
		if during := outside(t); during != before {
			t.Errorf("a lab shows outside:\n%s\nwas:\n%s", during, before)
		}
		if made := len(ownNamespaces(t)) - len(own); made < 3 || made > 4 {
			t.Errorf("%d namespaces for 3 hosts and a switch", made)
		}

		must(t, lab.Close(), lab.Close())
		if after := outside(t); after != before {
			t.Errorf("left outside:\n%s\nwas:\n%s", after, before)
		}
		if left := ownNamespaces(t); !slices.Equal(left, own) {
			t.Errorf("left namespaces %q, had %q", left, own)
		}
		if err := s.cmd.Wait(); err == nil {
			t.Error("the server ended well, although killed")
		}
		if _, err := lab.Host(0).DialContext(t.Context(), "udp", s.at.String()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("dial from a closed lab: %v", err)
		}
	})
}

func TestCloseKillsGrandchildren(t *testing.T) {
	Require(t)
	lab := tapLab(t, 1, Path{})
	held, hold, err := os.Pipe()
	must(t, err)
	defer hold.Close() // keeps cat waiting for input
	out, in, err := os.Pipe()
	must(t, err)
	defer out.Close()
	// The shell names its child and ends.
	cmd := lab.Host(0).Command(t.Context(), "sh", "-c", "cat <&3 & echo $!")
	cmd.ExtraFiles = []*os.File{held}
	cmd.Stdout = in
	must(t, cmd.Run(), held.Close(), in.Close())
	lines := bufio.NewScanner(out)
	lines.Scan()
	pid, err := strconv.Atoi(lines.Text())
	must(t, err)

	var inode unix.Stat_t
	must(t, unix.Stat(lab.Host(0).ns.path(), &inode))
	if networkOf(pid) != inode.Ino {
		t.Fatalf("process %d is not in the host", pid)
	}
	must(t, lab.Close())
	if networkOf(pid) == inode.Ino {
		t.Errorf("process %d survives", pid)
	}
	// Nobody but cat holds the other end: this would block if it lived.
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("output %q, %v", lines.Text(), lines.Err())
	}
}

func TestLabsSideBySideDoNotMeet(t *testing.T) {
	kinds(t, 2, func(t *testing.T, left *Lab) {
		right, err := New(t, 2)
		must(t, err)
		for _, lab := range []*Lab{left, right} {
			if lab.Host(1).Addr() != hostAddr(1) {
				t.Fatalf("addresses differ, so the test shows nothing: %v", lab.Host(1).Addr())
			}
		}
		toLeft := serve(t, left.Host(1), left.Host(1).Addr())
		toRight := serve(t, right.Host(1), right.Host(1).Addr())
		fromLeft, fromRight := dial(t, left.Host(0), toLeft), dial(t, right.Host(0), toRight)

		must(t, left.CutBoth([]int{0}, []int{1}))
		fromRight.send(t, "right")
		if got := fromRight.receive(t); got != "right" {
			t.Errorf("echo %q", got)
		}
		must(t, left.Heal())
		fromLeft.send(t, "left")
		if got := fromLeft.receive(t); got != "left" {
			t.Errorf("echo %q", got)
		}
		if got := toLeft.next(t); got != "left" {
			t.Errorf("the left lab received %q first", got)
		}
		if got := toRight.next(t); got != "right" {
			t.Errorf("the right lab received %q first", got)
		}
		must(t, left.Close())
		fromRight.send(t, "alone")
		if got := fromRight.receive(t); got != "alone" {
			t.Errorf("echo %q after the other lab closed", got)
		}
	})
}

func TestLeftoversOfDeadOwnersAreRemoved(t *testing.T) {
	Require(t)
	// Labs of other packages may be swept at this moment, by their real owners.
	// So the dead process is played by this one, which nobody else takes for dead.
	crashed := namespace{labName{owner: os.Getpid(), random: rand.Uint32()}.host(0)}
	living := namespace{labName{owner: os.Getppid(), random: rand.Uint32()}.host(0)}
	foreign := namespace{"of-somebody-else-" + crashed.name}
	for _, ns := range []namespace{crashed, living, foreign} {
		must(t, ns.create())
		defer func() { must(t, ns.remove()) }()
	}
	host := newHost(crashed, 0, false, context.Background())
	orphan := host.Command(context.Background(), "cat")
	in, err := orphan.StdinPipe()
	must(t, err)
	defer in.Close()
	out, err := orphan.StdoutPipe()
	must(t, err)
	must(t, orphan.Start())
	// What it copies shows that it has entered the namespace.
	_, err = io.WriteString(in, "inside\n")
	must(t, err)
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "inside" {
		t.Fatalf("the orphan says %q, %v", lines.Text(), lines.Err())
	}

	others := func(pid int) bool { return pid != os.Getpid() }
	if removed := sweepUnless(others); !slices.Equal(removed, []string{crashed.name}) {
		t.Errorf("removed %q, want %q", removed, crashed.name)
	}
	if err := orphan.Wait(); err == nil {
		t.Error("the orphan ended well with its input open")
	}
	for ns, want := range map[namespace]bool{crashed: false, living: true, foreign: true} {
		if _, err := os.Stat(ns.path()); (err == nil) != want {
			t.Errorf("%s exists: %v, want %v", ns.name, err == nil, want)
		}
	}
	if again := sweepUnless(others); len(again) != 0 {
		t.Errorf("removed %q the second time", again)
	}
}

func TestLivingProcessesAreNotTakenForDead(t *testing.T) {
	const neverPid = 1<<22 + 1 // above the kernel's PID_MAX_LIMIT
	if !alive(os.Getpid()) || !alive(1) || alive(neverPid) {
		t.Errorf("alive: self %v, init %v, impossible %v", alive(os.Getpid()), alive(1), alive(neverPid))
	}
}

func TestSupportedLeavesNothingBehind(t *testing.T) {
	Require(t)
	before, own := outside(t), ownNamespaces(t)
	must(t, probe())
	if after := outside(t); after != before {
		t.Errorf("left outside:\n%s\nwas:\n%s", after, before)
	}
	if left := ownNamespaces(t); !slices.Equal(left, own) {
		t.Errorf("left namespaces %q, had %q", left, own)
	}
}
